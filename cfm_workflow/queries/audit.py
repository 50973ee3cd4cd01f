"""What administrators changed, the newest first. Never writes."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.errors import Invalid
from cfm_workflow.models import Event
from cfm_workflow.policy.event_types import EVENT_TYPES

SIZE: Final = 50
OF_MANY: Final = "customer"
"""There can be very many of these; they are shown when they are asked for."""


def nouns() -> list[str]:
    """What such changes are about."""
    return sorted({kind.partition(".")[0] for kind, meaning in EVENT_TYPES.items() if meaning.audit})


def page(session: Session, *, noun: str | None, before: int | None) -> tuple[list[dict[str, Any]], int | None]:
    """Changes to a noun (None: to all but customers) before a position (None: the newest), and the position from which
    the next page goes on.

    Raises:
        Invalid: there is no such noun.
    """
    kinds = [kind for kind, meaning in EVENT_TYPES.items() if meaning.audit and _is_wanted(kind, noun)]
    if not kinds:
        raise Invalid({"noun": ["must be one that has changes to show"]})
    rows = session.execute(newest(kinds, before)).all()
    shown = rows[:SIZE]
    bodies = select(Event.position, Event.body).where(Event.position.in_([row.position for row in shown]))
    entries = [_entry(orjson.loads(row.body)) for row in session.execute(bodies.order_by(Event.position.desc()))]
    return entries, shown[-1].position if len(rows) > SIZE else None


def _is_wanted(kind: str, noun: str | None) -> bool:
    about = kind.partition(".")[0]
    return about != OF_MANY if noun is None else about == noun


def newest(kinds: Collection[str], before: int | None) -> Any:
    """The statement of the newest positions of these types. It reads a short range of one index per type, however many
    events of other types there are."""
    parts = []
    for kind in kinds:
        query = select(Event.position).where(Event.type == kind)
        if before is not None:
            query = query.where(Event.position < before)
        parts.append(select(query.order_by(Event.position.desc()).limit(SIZE + 1).subquery().c.position))
    found = union_all(*parts).subquery()
    return select(found.c.position).order_by(found.c.position.desc()).limit(SIZE + 1)


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
