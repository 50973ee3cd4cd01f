"""What administrators changed, the newest first. Never writes."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.errors import Invalid
from cfm_workflow.models import Event
from cfm_workflow.models.events import AUDITED
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.queries.pages import Page, Sort, cut, find_place, in_order
from cfm_workflow.queries.people import user_by_ref

SORTS: Final = {"-at": Sort((Event.at, Event.position), descending=True)}
OF_MANY: Final = "customer"
"""There can be very many of these; they are shown when they are asked for."""


def nouns() -> list[str]:
    """What such changes are about."""
    return sorted({kind.partition(".")[0] for kind, meaning in EVENT_TYPES.items() if meaning.audit})


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of changes: to a `noun` (else to all but customers), by a `person` (id or address), from `since` on and
    before `until`.

    Raises:
        Invalid: there is no such noun or person, or a wrong cursor.
    """
    kinds = [kind for kind, meaning in EVENT_TYPES.items() if meaning.audit and _is_wanted(kind, wanted.get("noun"))]
    if not kinds:
        raise Invalid({"noun": ["must be one that has changes to show"]})
    place = find_place(wanted, SORTS)
    rows = session.execute(newest(kinds, _who(session, wanted), wanted), place.parameters).all()
    bodies = select(Event.position, Event.body).where(Event.position.in_([row.key_1 for row in rows[: place.size]]))
    said = {row.position: row.body for row in session.execute(bodies)}
    return cut(rows, place, present=lambda row: _entry(orjson.loads(said[row.key_1])), total=None)


def _who(session: Session, wanted: Mapping[str, Any]) -> int | None:
    if wanted.get("person") is None:
        return None
    person = user_by_ref(session, wanted["person"])
    if person is None:
        raise Invalid({"person": ["must be the id or e-mail address of a user"]})
    return person.id


def _is_wanted(kind: str, noun: str | None) -> bool:
    about = kind.partition(".")[0]
    return about != OF_MANY if noun is None else about == noun


def newest(kinds: Collection[str], actor_id: int | None, wanted: Mapping[str, Any]) -> Select[Any]:
    """The statement of the newest changes of these types, what is bound as `in_order` has it. It reads a short range of
    one index per type, however many events of other types, people and times there are."""
    after = bool(wanted.get("cursor"))
    query = select().select_from(Event).where(AUDITED)
    if actor_id is not None:
        query = query.where(Event.actor_id == actor_id)
    if wanted.get("since") is not None:
        query = query.where(Event.at >= wanted["since"])
    if wanted.get("until") is not None:
        query = query.where(Event.at < wanted["until"])
    sort = SORTS["-at"]
    parts = [select(in_order(query.where(Event.type == kind), sort, after=after).subquery()) for kind in kinds]
    found = union_all(*parts).subquery()
    return in_order(select(), Sort((found.c.key_0, found.c.key_1), descending=True), after=False)


def _entry(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event["data"]
    noun, _, verb = event["type"].partition(".")
    about = data.get(noun)
    return {
        "noun": noun,
        "verb": verb,
        "at": event["timestamp"],
        "actor": data["actor"],
        "subject": data["subject"],
        "name": _name(about) if isinstance(about, Mapping) else None,
        "changes": data.get("changes") or {},
    }


def _name(about: Mapping[str, Any]) -> str | None:
    return about.get("name") or about.get("key") or about.get("url") or about.get("email")
