"""What is to be sent, as workers see it: claim, renew, settle, give back. Each call is one short transaction's work.

A claimed row carries a lease; only who holds it can settle. Who dies leaves a lease that runs out, and the next one who
claims the row notes that nobody knows how the attempt before went. So nothing is lost, and what arrives twice is
explained by an attempt of unknown outcome.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, and_, bindparam, exists, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from cfm_workflow import limits
from cfm_workflow.db import DELIVERIES, plain, tell
from cfm_workflow.models import Account, Attempt, Delivery, Notice, Webhook
from cfm_workflow.models.deliveries import GATHERED
from cfm_workflow.policy.deliveries import MAILS_AN_HOUR, Answer, Verdict, next_gap

LEASE: Final = timedelta(seconds=30)
RENEW_EVERY: Final = timedelta(seconds=10)
HOUR: Final = timedelta(hours=1)
RECEIVERS: Final = 200
MAILS_LOOKED_AT: Final = 200

_PENDING: Final = text("deliveries.state = 'pending'")  # literal, as in the partial indexes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send until the lease runs out. `number` counts its attempts, from 1; `before` is how
    many of them were made before it was opened again."""

    id: int
    receiver: int  # the webhook, or the person
    position: int
    number: int
    lease: str
    before: int = 0


def new_worker() -> str:
    """A name for a process that claims; leases begin with it."""
    return secrets.token_hex(8)


_CLAIMED: Final = (Delivery.id, Delivery.position, Delivery.tries, Delivery.tries_before, Delivery.lease)

# What is asked all the time is built once, with the instant as a parameter: building costs more than asking.
_AT: Final = Delivery.__table__.c.next_at.type
_NOW: Final = bindparam("now", type_=_AT)
_IS_FREE: Final = or_(Delivery.lease.is_(None), Delivery.lease_until < _NOW)
_IS_DUE: Final = and_(_PENDING, Delivery.next_at <= _NOW, _IS_FREE)


# -- webhooks --------------------------------------------------------------------------------------------------------

_earlier: Final = aliased(Delivery, name="earlier")
_BEFORE_IT: Final = exists().where(
    _earlier.webhook_id == Delivery.webhook_id,
    _earlier.action_id == Delivery.action_id,
    _earlier.sequence < Delivery.sequence,
    text("earlier.state = 'pending' AND earlier.first_tried_at IS NULL"),
)
_IN_ORDER: Final = or_(Delivery.action_id.is_(None), Delivery.first_tried_at.is_not(None), ~_BEFORE_IT)
"""An event is first tried after the earlier ones of its action were."""

_MAY_SERVE: Final = and_(
    Webhook.state == "active",
    or_(Webhook.served_by.is_(None), Webhook.served_by == bindparam("worker"), Webhook.served_until < _NOW),
)
_WITH_WORK: Final = (
    select(Webhook.id)
    .where(_MAY_SERVE, exists().where(Delivery.webhook_id == Webhook.id, _IS_DUE))
    .order_by(Webhook.id)
    .limit(RECEIVERS)
)
_SERVE: Final = (
    update(Webhook.__table__)  # type: ignore[arg-type]
    .where(Webhook.id == bindparam("receiver"), _MAY_SERVE)
    .values(served_by=bindparam("worker"), served_until=bindparam("until", type_=_AT))
)
_DUE_TO_WEBHOOK: Final = (
    select(Delivery.webhook_id.label("receiver"), *_CLAIMED)
    .where(Delivery.webhook_id == bindparam("receiver"), _IS_DUE, _IN_ORDER)
    .order_by(Delivery.next_at, Delivery.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(skip_locked=True)
)


def webhooks_with_work(session: Session, *, worker: str, now: datetime) -> list[int]:
    """Active endpoints for which something is due, and which no other worker serves just now."""
    return list(plain(session, _WITH_WORK, {"worker": worker, "now": now}).scalars())


def claim_for_webhook(session: Session, webhook_id: int, *, worker: str, count: int, now: datetime) -> list[Claimed]:
    """Take up to `count` due deliveries of an endpoint, which `worker` alone serves from now on for a while."""
    asked = {"receiver": webhook_id, "worker": worker, "now": now}
    if not plain(session, _SERVE, {**asked, "until": now + LEASE}).rowcount:
        return []
    due = plain(session, _DUE_TO_WEBHOOK, {"receiver": webhook_id, "count": count, "now": now})
    return _take(session, due.all(), worker=worker, now=now)


# -- mail ------------------------------------------------------------------------------------------------------------


def people_with_mail(session: Session, *, now: datetime) -> list[int]:
    """People to whom a mail is due, those who wait longest first."""
    return list(plain(session, _WITH_MAIL, {"now": now}).scalars())


_WITH_MAIL: Final = (
    select(Delivery.account_id)
    .where(Delivery.account_id.is_not(None), _IS_DUE)
    .group_by(Delivery.account_id)
    .order_by(func.min(Delivery.next_at))
    .limit(RECEIVERS)
)


def claim_mail(session: Session, account_id: int, *, worker: str, now: datetime) -> list[Claimed]:
    """Take the mails that are due to a person, at most `MAILS_AN_HOUR` within an hour: the last of them tells all that
    is left, and once they are used up the rest waits for the hour to go on."""
    person = select(Account.id).where(Account.id == account_id).with_for_update(skip_locked=True, key_share=True)
    if session.scalars(person).one_or_none() is None:
        return []
    letting_in = _due_to(session, account_id, now, Delivery.purpose.is_not(None))
    if letting_in:  # somebody waits for it before the screen, however much mail they had
        return _take(session, letting_in, worker=worker, now=now)
    due = _due_to(session, account_id, now)
    _note_unknown(session, [row for row in due if row.lease is not None], now)
    held = select(func.count()).where(Delivery.account_id == account_id, _PENDING, Delivery.lease_until >= now)
    sent = _sent_lately(session, account_id, now)
    free = MAILS_AN_HOUR - len(sent) - session.execute(held).scalar_one()
    if free <= 0:
        _postpone(session, due, (min(sent) + HOUR) if sent else now + LEASE)
        return []
    due = _as_one(session, account_id, due, now)
    if len(due) > free:
        due = _gathered(session, account_id, due, free, now)
    return _lease(session, due, worker=worker, now=now)


def line_up(session: Session, account_id: int, purpose: str, *, now: datetime) -> None:
    """A mail with a link for this purpose, at once; for an id that is no account's nothing is lined up, by the same
    statements."""
    _add_mail(session, account_id, now, purpose=purpose)
    tell(session, DELIVERIES)


def line_up_digest(session: Session, account_id: int, *, now: datetime) -> int:
    """A digest, at once; the position, by which its notices name it as their batch."""
    return _add_mail(session, account_id, now)


def line_up_report(session: Session, account_id: int, week: str, *, now: datetime) -> None:
    """The report of a week such as 2026-W47, at once; there is one per person and week."""
    _add_mail(session, account_id, now, week=week)


def _add_mail(session: Session, account_id: int, now: datetime, **what: str) -> int:
    """A mail that is no event's, under a position of its own: see models.Delivery.position."""
    lowest = session.execute(select(func.min(Delivery.position)).where(Delivery.account_id == account_id)).scalar_one()
    position = min(-int(now.timestamp() * 1_000_000), (lowest or 0) - 1)
    mail: dict[str, Any] = {"account_id": account_id, "position": position, "state": "pending", "next_at": now}
    mail |= {"created_at": now, "gathered": False, "tries": 0, "tries_before": 0, **what}
    new = {name: literal(value, Delivery.__table__.c[name].type) for name, value in mail.items()}
    of_account = select(*new.values()).where(Account.id == account_id)
    session.execute(insert(Delivery.__table__).from_select(list(new), of_account))  # type: ignore[arg-type]
    return position


def lined_up_lately(session: Session, account_id: int, purpose: str, *, since: datetime) -> list[datetime]:
    """When mails with such a link were lined up for a person since an instant, the latest first."""
    query = select(Delivery.created_at).where(
        Delivery.account_id == account_id, Delivery.purpose == purpose, Delivery.created_at > since
    )
    return list(session.scalars(query.order_by(Delivery.created_at.desc()).limit(MAILS_LOOKED_AT)))


def _due_to(session: Session, account_id: int, now: datetime, *which: Any) -> Sequence[Any]:
    query = (
        select(Delivery.account_id.label("receiver"), *_CLAIMED, Delivery.gathered, Delivery.week)
        .where(Delivery.account_id == account_id, _IS_DUE, *which)
        .order_by(Delivery.next_at, Delivery.id)
        .limit(MAILS_LOOKED_AT)
    )
    return session.execute(query.with_for_update(skip_locked=True), {"now": now}).all()


def _as_one(session: Session, account_id: int, due: Sequence[Any], now: datetime) -> Sequence[Any]:
    """The mails that are due, those that wanted to be one being one; but what was tried may have arrived."""
    carrier, *others = [row for row in due if row.gathered and not row.tries] or [None]
    if not others:
        return due
    gone: set[int] = set()
    while others:  # after a long night they are more than are looked at for one claim
        _gather(session, account_id, carrier, others, now)
        gone.update(row.id for row in others)
        others = [*_due_to(session, account_id, now, GATHERED, Delivery.tries == 0, Delivery.id != carrier.id)]
    return [row for row in due if row.id not in gone]


def _sent_lately(session: Session, account_id: int, now: datetime) -> list[datetime]:
    sent = (
        select(Delivery.settled_at)
        .where(
            Delivery.account_id == account_id,
            Delivery.settled_at > now - HOUR,
            Delivery.state.in_(["delivered", "kept"]),
        )
        .order_by(Delivery.settled_at.desc())
        .limit(MAILS_AN_HOUR)
    )
    return [at for at in session.scalars(sent) if at is not None]


def _postpone(session: Session, rows: Sequence[Any], until: datetime) -> None:
    ids = [row.id for row in rows]
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(next_at=until, lease=None, lease_until=None))


def _gathered(session: Session, account_id: int, due: Sequence[Any], free: int, now: datetime) -> list[Any]:
    """`free` mails of those that are due: the last tells what all the others would have told.

    One that was tried may have arrived, and has to come again as what it was; a weekly report tells nothing else. They
    wait for their turn.
    """
    alone = [row for row in due if row.tries or row.week is not None][:free]
    fresh = [row for row in due if not row.tries and row.week is None]
    room = free - len(alone)
    if len(fresh) <= room or not room:
        return [*alone, *fresh[:room]]
    carrier, *others = fresh[room - 1 :]
    _gather(session, account_id, carrier, others, now)
    return [*alone, *fresh[: room - 1], carrier]


def _gather(session: Session, account_id: int, carrier: Any, others: Sequence[Any], now: datetime) -> None:
    told = update(Notice).where(Notice.account_id == account_id, Notice.batch.in_([row.position for row in others]))
    session.execute(told.values(batch=carrier.position))
    gone = {"state": "gathered", "settled_at": now, "lease": None, "lease_until": None}
    session.execute(update(Delivery).where(Delivery.id.in_([row.id for row in others])).values(**gone))


# -- both ------------------------------------------------------------------------------------------------------------

_NOTE_ATTEMPT: Final = insert(Attempt.__table__)  # type: ignore[arg-type]
_HOLD: Final = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(Delivery.id.in_(bindparam("ids", expanding=True)))
    .values(
        lease=bindparam("new_lease"), lease_until=bindparam("until", type_=_AT), tries=Delivery.__table__.c.tries + 1
    )
)


_FORGIVE: Final = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(Delivery.id.in_(bindparam("ids", expanding=True)))
    .values(tries_before=Delivery.__table__.c.tries_before + 1)
)
"""An attempt that ended with its worker says nothing of the receiver, and uses up none of the gaps."""


def _take(session: Session, rows: Sequence[Any], *, worker: str, now: datetime) -> list[Claimed]:
    _note_unknown(session, [row for row in rows if row.lease is not None], now)
    return _lease(session, rows, worker=worker, now=now)


def _lease(session: Session, rows: Sequence[Any], *, worker: str, now: datetime) -> list[Claimed]:
    if not rows:
        return []
    lease = f"{worker}.{secrets.token_hex(8)}"
    plain(session, _HOLD, {"ids": [row.id for row in rows], "new_lease": lease, "until": now + LEASE})
    return [
        Claimed(row.id, row.receiver, row.position, row.tries + 1, lease, row.tries_before + (row.lease is not None))
        for row in rows
    ]


def _note_unknown(session: Session, rows: Sequence[Any], now: datetime) -> None:
    """The attempts of whoever held these rows before: nobody knows how they went."""
    if rows:
        unknown = {"started_at": now, "ended_at": None, "verdict": Verdict.UNKNOWN}
        plain(session, _NOTE_ATTEMPT, [{"delivery_id": row.id, "number": row.tries, **unknown} for row in rows])
        plain(session, _FORGIVE, {"ids": [row.id for row in rows]})


def renew(session: Session, ids: Collection[int], worker: str, *, now: datetime) -> None:
    """Keep these deliveries, which `worker` has in hand, for another while; what is being settled just now needs it no
    more and is passed by."""
    ours = select(Delivery.id).where(Delivery.id.in_(ids), _held_by(worker))
    kept = list(session.scalars(ours.order_by(Delivery.id).with_for_update(skip_locked=True)))
    session.execute(update(Delivery).where(Delivery.id.in_(kept)).values(lease_until=now + LEASE))


def go_on_serving(session: Session, receivers: Collection[int], worker: str, *, now: datetime) -> None:
    """Keep the endpoints that `worker` serves for another while."""
    ours = select(Webhook.id).where(Webhook.id.in_(receivers), Webhook.served_by == worker)
    kept = list(session.scalars(ours.order_by(Webhook.id).with_for_update(skip_locked=True)))
    session.execute(update(Webhook).where(Webhook.id.in_(kept)).values(served_until=now + LEASE))


def cease_serving(session: Session, worker: str) -> None:
    """Leave the endpoints of a worker to others."""
    session.execute(update(Webhook).where(Webhook.served_by == worker).values(served_by=None, served_until=None))


def give_back_unsent(session: Session, deliveries: Collection[Claimed]) -> None:
    """Let go of what was claimed and not begun: these attempts never were."""
    for claimed in deliveries:
        session.execute(
            update(Delivery)
            .where(Delivery.id == claimed.id, Delivery.lease == claimed.lease)
            .values(lease=None, lease_until=None, tries=Delivery.tries - 1)
        )


def give_back_of_dead(session: Session, worker: str, *, now: datetime) -> int:
    """Free what a worker that is known to be dead held; how many rows that were."""
    query = select(Delivery.id, Delivery.tries).where(_held_by(worker)).with_for_update(skip_locked=True)
    rows = session.execute(query).all()
    _note_unknown(session, rows, now)
    ids = [row.id for row in rows]
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(lease=None, lease_until=None))
    cease_serving(session, worker)
    return len(rows)


def reopen(session: Session, *which: Any, now: datetime) -> int:
    """Send again what `which` selects and nobody is sending just now, as if it had never been tried; how many.

    The attempts so far stay in its log.
    """
    is_free = or_(Delivery.lease.is_(None), Delivery.lease_until < now)
    again = update(Delivery).where(*which, or_(Delivery.state != "pending", is_free))
    fresh = {"state": "pending", "next_at": now, "first_tried_at": None, "settled_at": None, "answer": None}
    done = session.execute(again.values(tries_before=Delivery.tries, **fresh), execution_options=_UNSYNCHRONISED)
    tell(session, DELIVERIES)
    return int(done.rowcount)  # type: ignore[attr-defined]


_UNSYNCHRONISED: Final = {"synchronize_session": False}


def _held_by(worker: str) -> Any:
    return and_(Delivery.lease.is_not(None), Delivery.lease > f"{worker}.", Delivery.lease < f"{worker}/")


_TABLE: Final = Delivery.__table__.c
_SETTLE: Final = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(_TABLE.id == bindparam("at_id"), _TABLE.lease == bindparam("held_lease"))
    .values(
        state=bindparam("new_state"),
        next_at=func.coalesce(bindparam("new_next_at", type_=_TABLE.next_at.type), _TABLE.next_at),
        first_tried_at=func.coalesce(_TABLE.first_tried_at, bindparam("now", type_=_TABLE.next_at.type)),
        settled_at=bindparam("new_settled_at"),
        answer=bindparam("new_answer"),
        lease=None,
        lease_until=None,
    )
)
_STATES: Final = {
    Verdict.DELIVERED: "delivered",
    Verdict.KEPT: "kept",
    Verdict.NEEDLESS: "cancelled",
    Verdict.NEVER: "dead",
    Verdict.GONE: "dead",
}


def settle(
    session: Session, claimed: Claimed, answer: Answer, *, started_at: datetime, gaps: tuple[int, ...], now: datetime
) -> str | None:
    """Write down how an attempt went, and when there is to be another; the state it leaves the delivery in.

    `gaps`: seconds until the second attempt, the third, ... None is returned when the lease was lost meanwhile: then
    another worker has the delivery and decides, and the attempt is noted all the same.
    """
    turn = claimed.number - claimed.before
    gap = next_gap(turn, gaps, retry_after=answer.retry_after) if answer.verdict is Verdict.LATER else None
    state = "pending" if gap is not None else _STATES.get(answer.verdict, "dead")
    said = answer.text.replace("\0", "")  # which PostgreSQL does not store
    summary = f"{answer.status or ''} {said}".strip()[: limits.ANSWER_SUMMARY]
    written = plain(
        session,
        _SETTLE,
        {
            "at_id": claimed.id,
            "held_lease": claimed.lease,
            "new_state": state,
            "new_next_at": None if gap is None else now + gap,
            "now": now,
            "new_settled_at": None if gap is not None else now,
            "new_answer": summary or None,
        },
    )
    attempt = {
        "started_at": started_at,
        "ended_at": now,
        "verdict": answer.verdict,
        "status": answer.status,
        "address": answer.address,
        "answer": said or None,
    }
    if written.rowcount:
        plain(session, _NOTE_ATTEMPT, {"delivery_id": claimed.id, "number": claimed.number, **attempt})
        return state
    it = (Attempt.delivery_id == claimed.id, Attempt.number == claimed.number)
    session.execute(update(Attempt).where(*it).values(**attempt))
    return None
