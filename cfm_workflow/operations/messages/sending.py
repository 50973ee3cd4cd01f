"""A message before it is sent and afterwards: whether it may still leave, what it is made of, what became of it.

Between the two it is sent by others, with no transaction open. Nothing here composes, sends or commits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger, limits
from cfm_workflow.access import system
from cfm_workflow.ledger import Fact, postbag
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.models import DeadAddress, Feedback, Installation, Message, Share
from cfm_workflow.operations.messages import rows
from cfm_workflow.operations.messages.telling import look_again, told
from cfm_workflow.operations.messages.withdrawing import OF_AN_END
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.policy.reach import NOT_ASKED_FOR, refusal, without_address
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import reach

MAIL: Final = system("mail")
AUTOMATIC: Final = frozenset({"thank_you", "solved", "check", "unasked"})
CHECK_HOLDS: Final = timedelta(days=60)
UNSUBSCRIBE_HOLDS: Final = timedelta(days=5 * 365)
"""Unsubscribing has to work for as long as somebody may find the mail."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A signed link of a mail: its purpose, what it is about, and until when it holds."""

    purpose: str
    subject_id: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a mail is made of, but for its signed links. `previous` is the message it goes on from, if any."""

    message_id: int
    feedback_id: int
    address: str
    language: str
    subject: str
    body: str
    thread: str
    previous: int | None
    links: tuple[Linked, ...]
    shared_by: str | None
    is_automatic: bool
    installation: str


def prepare(session: Session, claimed: Claimed, *, now: datetime) -> Draft | str:
    """What is to be sent, or why it must not be: customers may have said no since it was written."""
    row = session.execute(messages_query.SELECT.where(Message.id == claimed.id)).one()
    if row.address is None:
        return "It was erased."
    share = None if row.share_id is None else session.get_one(Share, row.share_id)
    why = _untrue(session, row, share) or _refused(session, row, now)
    if why is not None:
        return why
    to_same = (
        Message.share_id.is_(None)
        if share is None
        else and_(Message.share_id.is_not(None), Message.address == row.address)
    )
    before = (
        select(Message.id)
        .where(Message.feedback_id == row.feedback_id, Message.id < row.id, Message.state == "sent", to_same)
        .where(Message.channel == "email", Message.kind != "contact")
    )
    return Draft(
        message_id=row.id,
        feedback_id=row.feedback_id,
        address=row.address,
        language=row.language,
        subject=row.subject,
        body=row.body,
        thread="conversation" if share is None else "sharing",
        previous=session.scalars(before.order_by(Message.id.desc()).limit(1)).one_or_none(),
        links=tuple(_links(row, share)),
        shared_by=row.creator_name if share is not None else None,
        is_automatic=row.kind in AUTOMATIC,
        installation=session.execute(select(Installation.created_at)).scalar_one().isoformat(),
    )


def _untrue(session: Session, row: Any, share: Share | None) -> str | None:
    """What is not so any more, though it could not be taken back: an attempt to send it was under way."""
    if share is not None:
        return None if share.revoked_at is None else "The item is not shared any more."
    status = select(Feedback.status).where(Feedback.id == row.feedback_id)
    if row.kind in OF_AN_END and session.scalars(status).one() not in ("resolved", "closed"):
        return "The item was opened again."
    return None


def _refused(session: Session, row: Any, now: datetime) -> str | None:
    if row.customer_id is None:
        if (unwanted := reach.excluded(session, [row.address]).get(row.address)) is not None:
            return f"This is a customer who is not to be contacted: {unwanted}"
        dead = session.get(DeadAddress, row.address)
        return None if dead is None else f"Nothing arrives at this address: {dead.reason}"
    standing = reach.standings(session, [row.customer_id])[row.customer_id]
    why = refusal(replace(standing, last_unasked=None), row.kind, now=now)  # this one is the last by now
    return None if why is None else why.reason


def _links(row: Any, share: Share | None) -> list[Linked]:
    found = []
    if share is not None:
        found.append(Linked("share", share.id, share.expires_at))
    if row.kind == "check":
        found.append(Linked("check", row.id, row.created_at + CHECK_HOLDS))
    if row.kind in NOT_ASKED_FOR:
        found.append(Linked("unsubscribe", row.customer_id, row.created_at + UNSUBSCRIBE_HOLDS))
    return found


def settle(session: Session, claimed: Claimed, answer: Answer, *, now: datetime) -> str | None:
    """Write down what became of a mail and tell it; the state as of `postbag.settle`.

    Of an address whose server says that nobody is there it is remembered.
    """
    feedback_id = session.scalars(select(Message.feedback_id).where(Message.id == claimed.id)).one()
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    state = postbag.settle(session, claimed, answer, now=now)
    if state is None or state == "queued":
        return state
    row = rows.read(session, [claimed.id])[claimed.id]
    if row.address is None:  # erased while it was being sent
        session.execute(update(Message).where(Message.id == row.id).values(answer=None))
        return state
    if answer.verdict is Verdict.GONE and session.get(DeadAddress, row.address) is None:
        session.add(DeadAddress(address=row.address, reason=(row.answer or "")[: limits.ANSWER_SUMMARY], at=now))
        session.flush()
    if state == "sent" and row.share_id is None:
        told(session, feedback_id, at=now)
    if state in ("kept", "failed") and row.kind == "solved":  # told as far as it goes, or it turns out who cannot be
        look_again(session, feedback_id, at=now)
    ledger.record(session, [_outcome(session, row, state)], now=now)
    return state


def _outcome(session: Session, row: Any, state: str) -> Fact:
    item = session.execute(feedback_query.SELECT.where(Feedback.id == row.feedback_id)).one()
    if state == "failed":
        reason = None if row.answer is None else without_address(row.answer, row.address)
        return rows.fact("message.failed", MAIL, row, item, reason=reason, told=rows.to_sender(row))
    return rows.fact("message.sent", MAIL, row, item)
