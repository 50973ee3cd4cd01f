"""Messages that are to leave by mail, as workers see them: claim, renew, settle, give back; see `outbox`.

A message is a mail to one person, written once: it carries its own lease and the answer to its last attempt.
"""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, or_, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.ledger.outbox import LEASE, RECEIVERS, Claimed
from cfm_workflow.models import Message
from cfm_workflow.policy.deliveries import MAIL_RETRY_SECONDS, Answer, Verdict, next_gap

_QUEUED: Final = text("messages.state = 'queued'")  # literal, as in the partial index
_STATES: Final = {Verdict.DELIVERED: "sent", Verdict.KEPT: "kept"}


def due(session: Session, *, now: datetime) -> list[int]:
    """The messages that are to leave now, those that wait longest first."""
    query = select(Message.id).where(_is_due(now)).order_by(Message.leaves_at, Message.id)
    return list(session.scalars(query.limit(RECEIVERS)))


def _is_due(now: datetime) -> Any:
    return and_(_QUEUED, Message.leaves_at <= now, or_(Message.lease.is_(None), Message.lease_until < now))


def claim(session: Session, message_id: int, *, worker: str, now: datetime) -> list[Claimed]:
    """Take a message, unless it was taken back or somebody else has it."""
    row = session.execute(
        select(Message.id, Message.tries)
        .where(Message.id == message_id, _is_due(now))
        .with_for_update(skip_locked=True, key_share=True)
    ).one_or_none()
    if row is None:
        return []
    lease = f"{worker}.{secrets.token_hex(8)}"
    held = {"lease": lease, "lease_until": now + LEASE, "tries": row.tries + 1}
    session.execute(update(Message).where(Message.id == message_id).values(**held))
    return [Claimed(message_id, message_id, 0, row.tries + 1, lease)]


def renew(session: Session, ids: Collection[int], worker: str, *, now: datetime) -> None:
    """Keep these messages, which `worker` has in hand, for another while."""
    ours = select(Message.id).where(Message.id.in_(ids), _held_by(worker)).order_by(Message.id)
    kept = list(session.scalars(ours.with_for_update(skip_locked=True, key_share=True)))
    session.execute(update(Message).where(Message.id.in_(kept)).values(lease_until=now + LEASE))


def give_back_unsent(session: Session, claimed: Collection[Claimed]) -> None:
    """Let go of what was claimed and not begun: these attempts never were."""
    for each in claimed:
        session.execute(
            update(Message)
            .where(Message.id == each.id, Message.lease == each.lease)
            .values(lease=None, lease_until=None, tries=Message.tries - 1)
        )


def give_back_of_dead(session: Session, worker: str) -> int:
    """Free what a worker that is known to be dead held; how many messages that were."""
    freed = update(Message).where(_held_by(worker)).values(lease=None, lease_until=None)
    done: Any = session.execute(freed)
    return int(done.rowcount)


def _held_by(worker: str) -> Any:
    return and_(Message.lease.is_not(None), Message.lease > f"{worker}.", Message.lease < f"{worker}/")


def settle(session: Session, claimed: Claimed, answer: Answer, *, now: datetime) -> str | None:
    """Write down how an attempt went; the state it leaves the message in, None when the lease was lost meanwhile."""
    gap = next_gap(claimed.number, MAIL_RETRY_SECONDS) if answer.verdict is Verdict.LATER else None
    state = "queued" if gap is not None else _STATES.get(answer.verdict, "failed")
    said = f"{answer.status or ''} {answer.text}".strip().replace("\0", "")[: limits.ANSWER_SUMMARY]
    values: dict[str, Any] = {"state": state, "answer": said or None, "lease": None, "lease_until": None}
    if gap is not None:
        values["leaves_at"] = now + gap
    elif state == "sent":
        values["sent_at"] = now
    written: Any = session.execute(
        update(Message).where(Message.id == claimed.id, Message.lease == claimed.lease).values(**values)
    )
    return state if written.rowcount else None
