"""Feedback items as everybody sees them: one, lists by key, search. Never writes."""

from collections import namedtuple
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, bindparam, column, exists, func, literal_column, or_, select, table, text, true
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.access import Caller, allows, by_role
from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Action, ActionFeedback, Customer, Feedback, Labelling, Team
from cfm_workflow.policy.search import phrases
from cfm_workflow.queries import action_filters, callers, sealing
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page
from cfm_workflow.queries.relations import handled_items

_COLUMNS = tuple(c for c in Feedback.__table__.c if c.name != "search_text")
_CUSTOMER = (
    Customer.name.label("customer_name"),
    Customer.email.label("customer_email"),
    Customer.phone.label("customer_phone"),
    Customer.language.label("customer_language"),
)
SELECT = select(*_COLUMNS, *_CUSTOMER).outerjoin_from(Feedback, Customer, Customer.id == Feedback.customer_id)
_ONE = SELECT.where(Feedback.id == bindparam("id"))


def view(item: Any, *, contact: bool, labels: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An item in the words of the API; `contact` says whether the reader may see how to reach the customer."""
    return {
        "id": item.id,
        "source": item.source,
        "external_id": item.external_id,
        "channel": item.channel,
        "touchpoint": item.touchpoint,
        "text": item.text,
        "language": item.language,
        "metric": item.metric,
        "score": item.score,
        "attributes": item.attributes,
        "customer": _customer(item, contact),
        "status": item.status,
        "needs_decision": item.needs_decision,
        "labels": labels,
        "imported": item.imported,
        "received_at": item.received_at,
        "created_at": item.created_at,
        "resolved_at": item.resolved_at,
        "closed_at": item.closed_at,
        "confirmation": item.confirmation,
        "told_at": item.told_at,
        "heard_at": item.heard_at,
        "silent_at": item.silent_at,
        "follows": item.follows_id,
        "version": item.version,
    }


def _customer(item: Any, contact: bool) -> dict[str, Any] | None:
    if item.customer_id is None:
        return None
    return {
        "id": item.customer_id,
        "name": item.customer_name,
        "email": item.customer_email if contact else mask_email(item.customer_email),
        "phone": item.customer_phone if contact else mask_phone(item.customer_phone),
        "language": item.customer_language,
    }


def mask_email(address: str | None) -> str | None:
    """Enough to recognise an address one knows, not enough to write to it."""
    if address is None or "@" not in address:
        return address
    name, _, host = address.rpartition("@")
    return f"{name[:1]}***@{host[:1]}***"


def mask_phone(number: str | None) -> str | None:
    return None if number is None else f"***{number[-2:]}"


BRIEF: Final = (
    "id", "source", "external_id", "channel", "touchpoint", "text", "language", "metric", "score", "customer_id",
    "status", "needs_decision", "received_at", "created_at", "version",
)  # fmt: skip
"""The columns that `brief` shows."""
BriefRow = namedtuple("BriefRow", [*BRIEF, "customer_name"])  # type: ignore[misc]


def brief(item: Any) -> dict[str, Any]:
    """An item as it stands in an event: no labels, no attributes, text cut, the customer as id and name."""
    short = {
        "id": item.id,
        "source": item.source,
        "external_id": item.external_id,
        "channel": item.channel,
        "touchpoint": item.touchpoint,
        "text": item.text[: limits.EVENT_TEXT],
        "language": item.language,
        "metric": item.metric,
        "score": item.score,
        "customer": None if item.customer_id is None else {"id": item.customer_id, "name": item.customer_name},
        "status": item.status,
        "needs_decision": item.needs_decision,
        "received_at": item.received_at,
        "created_at": item.created_at,
        "version": item.version,
    }
    if len(item.text) > limits.EVENT_TEXT:
        short["text_truncated"] = True
    return short


def may_see(caller: Caller) -> Any:
    """An item with work of a restricted team is for those who have to do with that work, and who have work on it; so is
    what follows such an item."""
    if not caller.hidden_teams:
        return true()
    hidden = sealing.is_hidden(caller, Feedback.id)
    return or_(and_(~hidden, sealing.begins_seen(caller)), sealing.is_own(caller, Feedback))


def readers(session: Session, feedback_id: int, people: Collection[int]) -> set[int]:
    """Those of some active people who may see an item, as `may_see` says."""
    found: set[int] = set()
    undecided, place = set(people), feedback_id
    while undecided:
        here = and_(ActionFeedback.feedback_id == place, Action.id == ActionFeedback.action_id)
        item = session.execute(select(Feedback.recorded_by, Feedback.follows_id).where(Feedback.id == place)).one()
        of_restricted = select(Team.id).where(Team.restricted, exists().where(here, Action.team_id == Team.id))
        teams = set(session.scalars(of_restricted))
        if not teams and item.follows_id is None:
            return found | undecided
        work = select(Action.assignee_id, Action.on_behalf_of_id, Action.assigner_id).join(ActionFeedback, here)
        own = {ident for row in session.execute(work) for ident in row}
        own.add(item.recorded_by)
        mine = {ident for ident in undecided if ident in own}
        found |= mine
        undecided -= mine
        if teams:
            free = {who.id for who in callers.by_ids(session, undecided) if who.hidden_teams.isdisjoint(teams)}
            undecided &= free
        if item.follows_id is None:
            return found | undecided
        place = item.follows_id
    return found


def find(session: Session, caller: Caller, feedback_id: int) -> Any:
    """One visible item with its customer.

    Raises:
        NotFound: there is none, or the caller may not know of it.
    """
    query = _ONE if not caller.hidden_teams else _ONE.where(may_see(caller))
    row = plain(session, query, {"id": feedback_id}).one_or_none()
    if row is None:
        raise NotFound("feedback item", feedback_id)
    return row


def with_contact(session: Session, caller: Caller, items: Collection[Any]) -> frozenset[int]:
    """The ids of those items whose customer's address and phone the caller may see."""
    ids = [item.id for item in items if item.customer_id is not None]
    if not ids or allows(caller, "customer.contact", by_role(caller)):
        return frozenset(ids)
    if not allows(caller, "customer.contact", {"handler"}):
        return frozenset()
    return handled_items(session, caller, ids)


def show(session: Session, caller: Caller, item: Any) -> dict[str, Any]:
    """One item as this caller may see it."""
    labels = labels_query.of_items(session, [item.id])[item.id]
    return view(item, contact=item.id in with_contact(session, caller, [item]), labels=labels)


SORTS = {
    "-received_at": Sort((Feedback.received_at, Feedback.id), descending=True),
    "received_at": Sort((Feedback.received_at, Feedback.id)),
    "-created_at": Sort((Feedback.id,), descending=True),
    "created_at": Sort((Feedback.id,)),
}


def page(session: Session, caller: Caller, wanted: Mapping[str, Any]) -> Page:
    """One page of items. `wanted` holds the filters, `sort`, `limit`, `cursor` and `count` of the form."""
    found_by = conditions(wanted)
    if wanted.get("q"):
        found_by.append(_found(session, wanted["q"]))
    if caller.hidden_teams:
        found_by.append(may_see(caller))
    asked, counted, sorts = SELECT, select(Feedback.id), SORTS
    labelled = _by_labels(session, wanted)
    if labelled.first is not None:
        of_it = and_(Labelling.feedback_id == Feedback.id, Labelling.label_id == labelled.first)
        asked, counted, sorts = asked.join(Labelling, of_it), counted.join(Labelling, of_it), _SORTS_OF_LABEL
    found_by += labelled.conditions
    found = fetch_page(
        session,
        asked.where(*found_by),
        wanted,
        sorts,
        counted=counted.where(*found_by),
        present=lambda row: row,
    )
    reachable = with_contact(session, caller, found.items)
    labels = labels_query.of_items(session, [row.id for row in found.items])
    shown = [view(row, contact=row.id in reachable, labels=labels[row.id]) for row in found.items]
    return Page(shown, found.next_cursor, found.total)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """How a list goes by labels: through the labellings of the `first` one in their order, and by conditions."""

    first: int | None
    conditions: list[Any]


_SORTS_OF_LABEL = {
    "-received_at": Sort((Labelling.received_at, Labelling.feedback_id), descending=True),
    "received_at": Sort((Labelling.received_at, Labelling.feedback_id)),
    "-created_at": Sort((Labelling.feedback_id,), descending=True),
    "created_at": Sort((Labelling.feedback_id,)),
}
"""The orders of SORTS, in the indexes of one label."""


def _by_labels(session: Session, wanted: Mapping[str, Any]) -> _Labelled:
    meant = {
        name: labels_query.named(session, wanted[name], field=name)
        for name in ("label", "label_all", "label_none")
        if wanted.get(name)
    }
    required = [*meant.get("label_all", [])]
    if "label" in meant:
        required.append(frozenset[int]().union(*meant["label"]))
    ranked = [(ids, labels_query.are_few(session, ids)) for ids in required if len(required) > 1 or len(ids) > 1]
    ranked = sorted(ranked or [(ids, True) for ids in required], key=lambda each: not each[1])
    first = next((ident for ids, few in ranked[:1] if len(ids) == 1 for ident in ids), None)
    rest = ranked if first is None else ranked[1:]
    conditions = [labels_query.is_on(ids, few=few and first is None) for ids, few in rest]
    if "label_none" in meant:
        conditions.append(~labels_query.is_on(frozenset[int]().union(*meant["label_none"]), few=False))
    return _Labelled(first, conditions)


def conditions(wanted: Mapping[str, Any]) -> list[Any]:
    """What the filters of a form say of an item, all but `q`."""
    return [make(wanted[name]) for name, make in _FILTERS.items() if wanted.get(name) is not None]


_FILTERS: dict[str, Any] = {
    "channel": lambda v: Feedback.channel == v,
    "metric": lambda v: Feedback.metric == v,
    "score_min": lambda v: Feedback.score >= v,
    "score_max": lambda v: Feedback.score <= v,
    "status": lambda v: Feedback.status.in_(v),
    "needs_decision": lambda v: text("needs_decision") if v else ~Feedback.needs_decision,  # as in the index
    "silent": lambda v: Feedback.silent_at.is_not(None) if v else Feedback.silent_at.is_(None),
    "source": lambda v: Feedback.source == v,
    "external_id": lambda v: Feedback.external_id == v,
    "customer": lambda v: Feedback.customer_id == v,
    "received_from": lambda v: Feedback.received_at >= v,
    "received_to": lambda v: Feedback.received_at < v,
    "belongs_to": lambda v: _served_by(v),
    "scored": lambda v: Feedback.score.is_not(None) if v else Feedback.score.is_(None),
    "channel_given": lambda v: Feedback.channel.is_not(None) if v else Feedback.channel.is_(None),
}


def _served_by(teams: Collection[int]) -> Any:
    """Some work on it is that of one of these teams."""
    here = and_(ActionFeedback.feedback_id == Feedback.id, Action.id == ActionFeedback.action_id)
    theirs = action_filters.belongs_to(Action.team_id, Action.assignee_id, list(teams))
    return exists().where(here, theirs)


def _found(session: Session, question: str) -> Any:
    """Every word of the question, and every run of syllables inside a word, in any order."""
    wanted = list(phrases(question))
    if not wanted:
        return literal_column("1 = 0")
    if is_sqlite(session):
        index = table("feedback_search", column("rowid"), column("search_text"))
        match = " AND ".join('"' + " ".join(phrase) + '"' for phrase in wanted)
        found = select(index.c.rowid).where(literal_column("feedback_search").op("MATCH")(match))
        return Feedback.id.in_(found)
    indexed = func.to_tsvector(literal_column("'simple'"), Feedback.search_text)
    asked = [func.phraseto_tsquery(literal_column("'simple'"), " ".join(phrase)) for phrase in wanted]
    return and_(*(indexed.op("@@")(query) for query in asked))
