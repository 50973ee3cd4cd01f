"""What is undone or deleted in time is not told of: mails about it that have not left are taken back.

Nobody hears of the undoing either.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, and_, delete, exists, func, or_, select, text, tuple_, update
from sqlalchemy.orm import Session

from cfm_workflow.models import Delivery, Event, Notice
from cfm_workflow.policy.event_types import REMINDERS

if TYPE_CHECKING:
    from cfm_workflow.ledger.events import Fact

UNDONE: Final = "action.undone"
EDITS: Final = (
    "action.changed",
    "action.linked",
    "action.unlinked",
    "action.commented",
    "action.passed_over",
    "action.watched",
    "action.unwatched",
    "action.acknowledged",
    "action.raised",
    "action.extension_requested",
    "action.extension_granted",
    "action.extension_refused",
    "action.extension_withdrawn",
    *REMINDERS,
)
"""Events of an action that are no step and so cannot be what was undone."""
OPEN_AGAIN: Final = ("feedback.reopened", "action_group.reopened")
"""That an item or a group had ended was no news either, when it is open again by the undoing."""
DELETED: Final = "note.deleted"


def take_back(session: Session, facts: Sequence["Fact"], *, now: datetime) -> frozenset[tuple[int, int]]:
    """Cancel what was to be told of the steps that these facts undo, and of the notes that they delete.

    The answer says who had not heard of which action's step yet.
    """
    for fact in facts:
        if fact.type == DELETED:
            _forget_note(session, fact.subject_id, now)
    open_again = {fact.feedback_id for fact in facts if fact.type in OPEN_AGAIN}
    return frozenset(
        (account_id, fact.action_id)
        for fact in facts
        if fact.type == UNDONE and fact.action_id is not None
        for account_id in _take_back(session, fact.action_id, fact.sequence or 0, open_again, now)
    )


def _take_back(
    session: Session, action_id: int, sequence: int, open_again: Collection[int | None], now: datetime
) -> set[int]:
    step = session.execute(
        select(Event.position, Event.at)
        .where(Event.action_id == action_id, Event.sequence < sequence, Event.type.not_in(EDITS))
        .order_by(Event.sequence.desc())
        .limit(1)
    ).one_or_none()
    batch = None if step is None else session.scalars(_batch_of(step.position, step.at)).one()
    if batch is None:
        return set()
    mails = session.scalars(_WAITING.where(Delivery.position == batch))
    waiting = {account_id for account_id in mails if account_id is not None}
    if not waiting:
        return set()
    unsent = and_(Notice.account_id.in_(waiting), Notice.batch == batch)
    session.execute(delete(Notice).where(unsent, Notice.action_id == action_id))
    ended = select(Event.position).where(Event.position == Notice.position, Event.feedback_id.in_(open_again))
    session.execute(delete(Notice).where(unsent, Notice.action_id.is_(None), ended.exists()))
    _cancel_empty(session, and_(Delivery.account_id.in_(waiting), Delivery.position == batch), "undone in time", now)
    return waiting


def call_off(session: Session, *, now: datetime) -> None:
    """Nobody is mailed what is still waiting; it stays in the inboxes."""
    session.execute(update(Delivery).where(_UNSENT).values(state="cancelled", settled_at=now, answer="called off"))


def _forget_note(session: Session, note_id: int, now: datetime) -> None:
    told = select(Event.position).where(Event.subject_type == "note", Event.subject_id == note_id)
    about = Notice.position.in_(session.scalars(told).all())
    mails = session.execute(select(Notice.account_id, Notice.batch).where(about, Notice.batch.is_not(None))).all()
    keys = tuple_(Delivery.account_id, Delivery.position)
    waiting = select(Delivery.account_id, Delivery.position).where(_UNSENT, keys.in_([tuple(mail) for mail in mails]))
    unsent = [tuple(mail) for mail in session.execute(waiting.with_for_update())]
    session.execute(
        delete(Notice).where(about, or_(Notice.batch.is_(None), tuple_(Notice.account_id, Notice.batch).in_(unsent)))
    )
    _cancel_empty(session, keys.in_(unsent), "deleted in time", now)


def _cancel_empty(session: Session, mails: Any, why: str, now: datetime) -> None:
    """Cancel those of some mails in which nothing is left to be told."""
    empty = ~exists().where(Notice.account_id == Delivery.account_id, Notice.batch == Delivery.position)
    settled = {"state": "cancelled", "settled_at": now, "answer": why}
    session.execute(update(Delivery).where(mails, empty).values(settled))


_UNSENT: Final = and_(text("state = 'pending'"), Delivery.tries == 0, Delivery.account_id.is_not(None))
_WAITING: Final = select(Delivery.account_id).where(_UNSENT).with_for_update()


def _batch_of(position: int, at: datetime) -> Select[int | None]:
    """The mails of the transaction that wrote the event at `position`: they were made at the same instant as it."""
    same = and_(Delivery.created_at == at, Delivery.next_at >= at, Delivery.position.between(1, position))
    return select(func.max(Delivery.position)).where(_UNSENT, same)
