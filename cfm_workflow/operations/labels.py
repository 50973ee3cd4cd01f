"""The labels there are: made, renamed, retired, merged into each other. What they are on: operations/labelling.py.

A merger says at once whose further name a label is from now on; its labellings, which may be very many, are moved in
batches afterwards, each one transaction. Whoever reads takes those that are left for the heir's.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Label, Labelling
from cfm_workflow.policy.labels import fold, tidy
from cfm_workflow.queries import labels as labels_query

BATCH: Final = 1_000


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new label.

    Raises:
        Forbidden, Invalid: the name cannot be one; Conflict: there is one of that name.
    """
    access.require(caller, "labels.manage")
    label, fact = make(session, caller, fields, now=now)
    ledger.record(session, [fact], now=now)
    return labels_query.view(label)


def make(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> tuple[Label, Fact]:
    """Store a new label, and what is to be told of it; errors as `create`, whoever makes it."""
    label = Label(
        **_names(fields["name"]),
        colour=fields.get("colour"),
        description=fields.get("description"),
        active=True,
        into_id=None,
        moving=False,
        version=1,
        created_by=caller.id,
        created_at=now,
    )
    _must_be_free(session, label.folded, None)
    session.add(label)
    session.flush()
    return label, Fact("label.created", label.id, {"label": labels_query.view(label)}, caller)


def change(
    session: Session, caller: Caller, label_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Rename a label or change how it looks; `active` false retires it. What was told of it before stays as it was.

    Raises:
        NotFound, Forbidden, Invalid, Conflict: it was merged, or there is one of the new name.
    """
    label = _take(session, caller, label_id)
    new = dict(fields) | (_names(fields["name"]) if "name" in fields else {})
    changes = ledger.changes(label, new)
    if "folded" in changes:
        _must_be_free(session, new["folded"], label_id)
    for name in changes:
        setattr(label, name, new[name])
    changes.pop("folded", None)
    if changes:
        _record(session, caller, "label.changed", label, {"changes": changes}, now)
    return labels_query.view(label)


def retire(session: Session, caller: Caller, label_id: int, *, now: datetime) -> None:
    """Offer a label no more; where it is, it stays. Twice changes nothing.

    Raises:
        NotFound, Forbidden, Conflict: it was merged.
    """
    label = _take(session, caller, label_id)
    if label.active:
        label.active = False
        _record(session, caller, "label.deleted", label, {}, now)


def _take(session: Session, caller: Caller, label_id: int) -> Label:
    label = labels_query.find(session, label_id, lock=True)
    access.require(caller, "labels.manage")
    if label.into_id is not None:
        raise Conflict(f"It was merged into label {label.into_id}.")
    return label


def _names(name: str) -> dict[str, str]:
    try:
        return {"name": tidy(name), "folded": fold(name)}
    except ValueError as problem:
        raise Invalid({"name": [str(problem)]}) from None


def _must_be_free(session: Session, folded: str, self: int | None) -> None:
    other = session.scalars(select(Label).where(Label.folded == folded, Label.id != (self or 0))).first()
    if other is not None:
        state = "" if other.active else " It was merged." if other.into_id else " It is retired."
        raise Conflict(f"Label {other.id} has this name already.{state}")


def _record(
    session: Session, caller: Caller, event_type: str, label: Label, about: Mapping[str, Any], now: datetime
) -> None:
    label.version += 1
    session.flush()
    seen = {**about, "label": labels_query.view(label)}
    ledger.record(session, [Fact(event_type, label.id, seen, caller)], now=now)


# -- merging -----------------------------------------------------------------------------------------------------------


def merge(session: Session, caller: Caller, label_id: int, into_id: int, *, now: datetime) -> dict[str, Any]:
    """Make one label of two: the name of `label_id` means `into_id` from now on. What happened before stays as told.

    Raises:
        NotFound, Forbidden, Invalid: there is no label to merge it into, or it is the same; Conflict: one of them was
        merged, or the other is retired.
    """
    labels_query.find(session, label_id)
    access.require(caller, "labels.manage")
    if into_id == label_id:
        raise Invalid({"into": ["must be another label"]})
    if into_id < label_id:  # by id, as everybody locks them
        heir, label = _heir(session, into_id), _take(session, caller, label_id)
    else:
        label, heir = _take(session, caller, label_id), _heir(session, into_id)
    label.into_id, label.moving, label.active = into_id, True, False
    session.flush()
    session.execute(update(Label).where(Label.into_id == label_id).values(into_id=into_id))
    _record(session, caller, "label.merged", label, {"into": {"id": heir.id, "name": heir.name}}, now)
    _move(session, label)
    return labels_query.view(heir)


def _heir(session: Session, label_id: int) -> Label:
    try:
        heir = labels_query.find(session, label_id, lock=True)
    except NotFound:
        raise Invalid({"into": ["must be the id of a label"]}) from None
    if heir.into_id is not None:
        raise Conflict(f"Label {label_id} was itself merged into label {heir.into_id}.")
    if not heir.active:
        raise Conflict(f"Label {label_id} is retired.")
    return heir


def go_on(session: Session) -> bool:
    """Move the next labellings of a label that was merged; False when there are none now, or others are at it."""
    unfinished = select(Label).where(Label.moving).order_by(Label.id).limit(1)
    label = session.scalars(unfinished.with_for_update(key_share=True, skip_locked=True)).one_or_none()
    if label is None:
        return False
    _move(session, label)
    return True


def is_left(session: Session) -> bool:
    """Whether there is anything to go on with."""
    return session.scalars(select(Label.id).where(Label.moving).limit(1)).first() is not None


def _move(session: Session, label: Label) -> None:
    """A batch of them. Of two on one item the older stays."""
    rows = _some(label.id).order_by(Labelling.feedback_id).limit(BATCH)
    mine = {row.feedback_id: row for row in session.execute(rows)}
    both = session.execute(_some(label.into_id).where(Labelling.feedback_id.in_(mine))).all()
    older = [
        {"item": row.feedback_id, "who": mine[row.feedback_id].labelled_by, "at": mine[row.feedback_id].labelled_at}
        for row in both
        if mine[row.feedback_id].labelled_at < row.labelled_at
    ]
    table = Labelling.__table__
    if older:
        made_older = update(table).where(  # type: ignore[arg-type]
            table.c.feedback_id == bindparam("item"), table.c.label_id == label.into_id
        )
        session.execute(made_older.values(labelled_by=bindparam("who"), labelled_at=bindparam("at")), older)
    doubled = {row.feedback_id for row in both}
    of_it = Labelling.label_id == label.id
    session.execute(delete(Labelling).where(of_it, Labelling.feedback_id.in_(doubled)))
    moved = update(Labelling).where(of_it, Labelling.feedback_id.in_(mine.keys() - doubled))
    session.execute(moved.values(label_id=label.into_id).execution_options(synchronize_session=False))
    label.moving = len(mine) == BATCH
    session.flush()


def _some(label_id: int | None) -> Any:
    columns = (Labelling.feedback_id, Labelling.labelled_by, Labelling.labelled_at)
    return select(*columns).where(Labelling.label_id == label_id)
