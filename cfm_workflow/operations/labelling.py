"""Labels put on feedback items and taken off: one item or a thousand is the same code.

Locked in this order: the items, then the labels, against a merger that would move what is not there yet.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import CfmError, Conflict, Invalid, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Feedback, Label, Labelling
from cfm_workflow.operations import labels as labels_operations
from cfm_workflow.policy.labels import fold
from cfm_workflow.queries import feedback as feedback_query

Labels = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Order:
    """Names of labels to put on and to take off. `may_make`: a name nobody has used yet makes a new label."""

    on: Sequence[str] = ()
    off: Sequence[str] = ()
    may_make: bool = False


@dataclass(slots=True)
class _Step:
    """What an order means for one item."""

    item: Any
    on: list[Label] = field(default_factory=list)
    off: list[Label] = field(default_factory=list)


def label_item(
    session: Session, caller: Caller, feedback_id: int, name: str, *, may_make: bool, now: datetime
) -> dict[str, Any]:
    """Put a label on an item, and return the item; twice changes nothing.

    Raises:
        NotFound, Forbidden, Invalid: it cannot be a name, or is not on the list; Conflict: the label is retired, or
        limits.LABELS_PER_ITEM are on it.
    """
    return _one(session, caller, feedback_id, Order(on=[name], may_make=may_make), now)


def unlabel_item(session: Session, caller: Caller, feedback_id: int, name: str, *, now: datetime) -> dict[str, Any]:
    """Take a label off an item, and return the item.

    Raises:
        NotFound: also when it is not on it; Forbidden.
    """
    return _one(session, caller, feedback_id, Order(off=[name]), now)


def _one(session: Session, caller: Caller, feedback_id: int, order: Order, now: datetime) -> dict[str, Any]:
    _lock_items(session, [feedback_id])
    item = feedback_query.find(session, caller, feedback_id)
    access.require(caller, "label.use")
    try:
        [result] = _carry_out(session, caller, {feedback_id: item}, order, now).values()
    except Invalid as refused:
        if not order.off:
            raise Invalid({"name": next(iter(refused.errors.values()))}) from None
        raise NotFound("label", order.off[0]) from None
    if isinstance(result, CfmError):
        raise result
    if order.off and not result:
        raise NotFound("label", order.off[0])
    return feedback_query.show(session, caller, feedback_query.find(session, caller, feedback_id))


def label_many(
    session: Session, caller: Caller, ids: Sequence[int], order: Order, *, now: datetime
) -> dict[int, CfmError | None]:
    """Put labels on up to limits.BULK items and take others off; by id None, or why nothing was done with that one.

    Raises:
        Forbidden, Invalid: there is no such label; Conflict: one to put on is retired.
    """
    access.require(caller, "label.use")
    _lock_items(session, ids)
    query = feedback_query.SELECT.where(Feedback.id.in_(list(ids)), feedback_query.may_see(caller))
    items = {row.id: row for row in session.execute(query)}
    done = _carry_out(session, caller, items, order, now)
    results: dict[int, CfmError | None] = {}
    for ident in ids:
        result = done.get(ident, NotFound("feedback item", ident))
        results[ident] = result if isinstance(result, CfmError) else None
    return results


def _lock_items(session: Session, ids: Sequence[int]) -> None:
    query = select(Feedback.id).where(Feedback.id.in_(list(ids))).order_by(Feedback.id)
    session.execute(query.with_for_update(key_share=True))


def _carry_out(
    session: Session, caller: Caller, items: Mapping[int, Any], order: Order, now: datetime
) -> dict[int, CfmError | bool]:
    """By id whether anything changed, or why it is refused; the items are locked."""
    labels, facts = _take_labels(session, caller, order, now)
    on, off = [labels[name] for name in order.on], [labels[name] for name in order.off]
    for label in on:
        if not label.active:
            raise Conflict(f"The label {label.name} is retired.")
    there = _there(session, items)
    results: dict[int, CfmError | bool] = {}
    steps = []
    for ident, item in items.items():
        step = _Step(item, _each(on, there[ident], is_there=False), _each(off, there[ident], is_there=True))
        results[ident] = bool(step.on or step.off)
        if step.on and len(there[ident]) + len(step.on) - len(step.off) > limits.LABELS_PER_ITEM:
            results[ident] = Conflict(f"At most {limits.LABELS_PER_ITEM} labels can be on one item.")
        elif step.on or step.off:
            steps.append(step)
    _write(session, caller, steps, now)
    ledger.record(session, [*facts, *_facts(session, caller, steps)], now=now)
    return results


def _each(labels: Sequence[Label], there: Collection[int], *, is_there: bool) -> list[Label]:
    """Those of them that are there, or are not, each once."""
    return list({label.id: label for label in labels if (label.id in there) is is_there}.values())


def _take_labels(session: Session, caller: Caller, order: Order, now: datetime) -> tuple[dict[str, Label], list[Fact]]:
    """The label of each name, locked against mergers, and what is told of those that were made."""
    folded = {name: _folded(name, "label") for name in order.on} | {
        name: _folded(name, "unlabel") for name in order.off
    }
    known = _lock_labels(session, set(folded.values()))
    facts: list[Fact] = []
    for field_name, names in (("label", order.on), ("unlabel", order.off)):
        for name in names:
            if folded[name] in known:
                continue
            if field_name == "unlabel" or not order.may_make:
                raise Invalid({field_name: [f"must be on the list of labels: there is no {name}"]})
            known[folded[name]], fact = labels_operations.make(session, caller, {"name": name}, now=now)
            facts.append(fact)
    return {name: known[each] for name, each in folded.items()}, facts


def _folded(name: str, field_name: str) -> str:
    try:
        return fold(name)
    except ValueError as problem:
        raise Invalid({field_name: [str(problem)]}) from None


def _lock_labels(session: Session, folded: Collection[str]) -> dict[str, Label]:
    """By folded name the label it means. One that is merged while we wait means its heir: that is locked next."""
    while True:
        heirs = select(Label.folded, func.coalesce(Label.into_id, Label.id).label("heir"))
        meant = {row.folded: row.heir for row in session.execute(heirs.where(Label.folded.in_(list(folded))))}
        query = select(Label).where(Label.id.in_(meant.values())).order_by(Label.id).with_for_update(read=True)
        labels = {label.id: label for label in session.scalars(query.execution_options(populate_existing=True))}
        if all(label.into_id is None for label in labels.values()):
            return {name: labels[heir] for name, heir in meant.items()}


def _there(session: Session, ids: Collection[int]) -> dict[int, set[int]]:
    """The labels on each item; what is left of merged ones counts as the heir's."""
    found: dict[int, set[int]] = {ident: set() for ident in ids}
    query = select(Labelling.feedback_id, func.coalesce(Label.into_id, Label.id)).join(
        Label, Label.id == Labelling.label_id
    )
    for feedback_id, label_id in session.execute(query.where(Labelling.feedback_id.in_(list(ids)))):
        found[feedback_id].add(label_id)
    return found


def _write(session: Session, caller: Caller, steps: Sequence[_Step], now: datetime) -> None:
    new = [
        {"feedback_id": step.item.id, "label_id": label.id, "received_at": step.item.received_at,
         "labelled_by": caller.id, "labelled_at": now}
        for step in steps for label in step.on
    ]  # fmt: skip
    if new:
        session.execute(insert(Labelling.__table__), new)  # type: ignore[arg-type]
    gone: dict[int, list[int]] = {}
    for step in steps:
        for label in step.off:
            gone.setdefault(label.id, []).append(step.item.id)
    for label_id, ids in gone.items():
        names = select(Label.id).where(or_(Label.id == label_id, Label.into_id == label_id))
        off = delete(Labelling).where(Labelling.feedback_id.in_(ids), Labelling.label_id.in_(names))
        session.execute(off.execution_options(synchronize_session=False))
    by_events = Counter({step.item.id: len(step.on) + len(step.off) for step in steps})
    for events in set(by_events.values()):
        ids = [ident for ident, count in by_events.items() if count == events]
        session.execute(update(Feedback).where(Feedback.id.in_(ids)).values(version=Feedback.version + events))


def _facts(session: Session, caller: Caller, steps: Sequence[_Step]) -> list[Fact]:
    """An event per item and label, each with a version of its own: by that the events of an item are put in order."""
    facts = []
    for step in steps:
        seen = feedback_query.brief(step.item)
        told = [("feedback.labelled", label) for label in step.on] + [
            ("feedback.unlabelled", label) for label in step.off
        ]
        for n, (event_type, label) in enumerate(told, 1):
            about = {
                "label": {"id": label.id, "name": label.name},
                "feedback": seen | {"version": step.item.version + n},
            }
            facts.append(Fact(event_type, step.item.id, about, caller, feedback_id=step.item.id))
    return facts
