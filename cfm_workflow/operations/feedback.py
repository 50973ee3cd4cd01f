"""Feedback items: received (one or many, each stored once) and changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Feedback
from cfm_workflow.operations import customers
from cfm_workflow.operations.ids import take_ids
from cfm_workflow.operations.search import refresh_search
from cfm_workflow.policy.metrics import misfit
from cfm_workflow.policy.search import search_text
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.queries.named import named

DEFAULT_SOURCE: Final = "api"


@dataclass(frozen=True, slots=True)
class Received:
    """Where an item is now, and whether it was stored just now or had been before."""

    id: int
    is_new: bool


class _Row:
    """A row about to be stored, seen as the stored one will be."""

    __slots__ = ("__dict__",)

    def __init__(self, values: Mapping[str, Any], customer_name: str | None) -> None:
        self.__dict__.update(values, customer_name=customer_name)


def receive(
    session: Session, caller: Caller, rows: Sequence[Mapping[str, Any]], *, imported: bool, now: datetime
) -> list[Received]:
    """Store items, each identity (`source` with `external_id` or `fingerprint`) once; the answer is in the order given.

    A row holds the fields of an item; `customer` is `{"id"}` of a known one or what is known of them. The number of
    statements does not depend on the number of rows.

    Raises:
        Forbidden, Invalid: there is no customer of that id.
    """
    access.require(caller, "feedback.create")
    keys = [_identity(row) or (n,) for n, row in enumerate(rows)]
    stored = _stored(session, rows)
    new: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for key, row in zip(keys, rows, strict=True):
        if key not in stored:
            new.setdefault(key, row)
    ids = dict(zip(new, _store(session, caller, list(new.values()), imported=imported, now=now), strict=True))
    answers = []
    for key in keys:
        answers.append(Received(stored[key] if key in stored else ids[key], is_new=key in new))
        new.pop(key, None)
    return answers


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What makes two rows the same item; None for one that is always new."""
    for name in ("external_id", "fingerprint"):
        if row.get(name) is not None:
            return (row["source"], name, row[name])
    return None


def _stored(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], int]:
    found: dict[tuple[Any, ...], int] = {}
    identities = [identity for row in rows if (identity := _identity(row)) is not None]
    for name in {identity[1] for identity in identities}:
        column = Feedback.__table__.c[name]
        pairs = {(source, value) for source, kind, value in identities if kind == name}
        query = select(Feedback.source, column, Feedback.id)
        found.update({(source, name, value): ident for source, value, ident in named(session, query, column, pairs)})
    return found


def _store(
    session: Session, caller: Caller, rows: Sequence[Mapping[str, Any]], *, imported: bool, now: datetime
) -> list[int]:
    if not rows:
        return []
    people, facts = customers.settle(session, caller, [row.get("customer") for row in rows], rows, imported, now)
    ids = take_ids(session, Feedback, len(rows))
    values = []
    for ident, row, customer in zip(ids, rows, people, strict=True):
        stored = _values(ident, caller, row, customer, imported=imported, now=now)
        values.append(stored)
        about = {"feedback": feedback_query.brief(_Row(stored, None if customer is None else customer.name))}
        facts.append(Fact("feedback.received", ident, about, caller, feedback_id=ident, imported=imported))
    session.execute(_INSERT, values)
    ledger.record(session, facts, now=now)
    return ids


_INSERT: Final = insert(Feedback.__table__)  # type: ignore[arg-type]


def _values(
    ident: int, caller: Caller, row: Mapping[str, Any], customer: Any, *, imported: bool, now: datetime
) -> dict[str, Any]:
    return {
        "id": ident,
        "source": row["source"],
        "external_id": row.get("external_id"),
        "fingerprint": row.get("fingerprint"),
        "channel": row.get("channel"),
        "touchpoint": row.get("touchpoint"),
        "text": row["text"],
        "language": row.get("language"),
        "metric": row.get("metric"),
        "score": row.get("score"),
        "attributes": row.get("attributes") or {},
        "customer_id": None if customer is None else customer.id,
        "recorded_by": caller.id,
        "status": "new",
        "needs_decision": False,
        "received_at": row.get("received_at") or now,
        "created_at": now,
        "resolved_at": None,
        "settles_at": None,
        "closed_at": None,
        "confirmation": None,
        "told_at": None,
        "silent_at": None,
        "follows_id": row.get("follows_id"),
        "erased_at": None,
        "imported": imported,
        "search_text": search_text(row["text"], None if customer is None else customer.name, row.get("external_id")),
        "version": 1,
    }


def change(
    session: Session, caller: Caller, feedback_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change the fields of an item and return it as this caller may see it.

    Raises:
        NotFound, Forbidden, Conflict: it was erased; Invalid: metric and score would not go together.
    """
    item = _lock(session, caller, feedback_id)
    access.require(caller, "feedback.change", relations_query.to_item(session, caller, item._mapping))
    if item.erased_at is not None:
        raise Conflict("This item has been erased.")
    new = dict(fields)
    facts: list[Fact] = []
    if "customer" in new:
        [customer], facts = customers.settle(
            session, caller, [new.pop("customer")], [{"source": item.source}], False, now
        )
        new["customer_id"] = None if customer is None else customer.id
    changes = ledger.changes(item, new)
    if changes:
        merged = {**item._mapping, **new}
        if (wrong := misfit(merged["metric"], merged["score"])) is not None:
            raise Invalid({"score": [wrong]})
        values = {name: new[name] for name in changes} | {"version": item.version + 1}
        session.execute(update(Feedback).where(Feedback.id == feedback_id).values(**values))
        refresh_search(session, [feedback_id])
    after = feedback_query.find(session, caller, feedback_id)
    if changes:
        about = {"changes": changes, "feedback": feedback_query.brief(after)}
        facts.append(Fact("feedback.changed", feedback_id, about, caller, feedback_id=feedback_id))
    ledger.record(session, facts, now=now)
    return feedback_query.show(session, caller, after)


def _lock(session: Session, caller: Caller, feedback_id: int) -> Any:
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    return feedback_query.find(session, caller, feedback_id)
