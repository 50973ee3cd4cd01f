"""What became of deliveries to endpoints: settled, with what that says about the endpoint; given up, forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, func, or_, select, text, tuple_, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.db import plain
from cfm_workflow.ledger import Fact, audience, outbox
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.models import Account, Attempt, Delivery, Event, Webhook
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.queries import callers
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries import webhooks as webhooks_query

SUCCESS_EVERY: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=30)
BATCH: Final = 1000
DISABLED_AFTER: Final = timedelta(days=5)
STEPS: Final = (timedelta(hours=24), timedelta(hours=72), DISABLED_AFTER)
"""Of nothing but failures: after the first two the owner is told, after the last it is switched off."""
WATCHER: Final = system("webhooks")


@dataclass(frozen=True, slots=True)
class Order:
    """All that is needed to send one delivery; what is secret is still encrypted."""

    webhook_id: int
    state: str
    needless: str | None  # why it is not to be sent any more
    url: str
    payload: str
    event_id: str
    body: str
    contact: str | None
    secret: str
    previous_secret: str | None
    headers: str | None
    version: int
    failing_since: datetime | None
    failing_position: int | None
    last_success_at: datetime | None


_ORDER: Final = (
    select(
        Webhook.id.label("webhook_id"),
        Webhook.state,
        Webhook.url,
        Webhook.payload,
        Event.type,
        Event.audit,
        Event.event_id,
        Event.body,
        Event.contact,
        Webhook.include_customer,
        Webhook.secret,
        Webhook.previous_secret,
        Webhook.previous_until,
        Webhook.headers,
        Webhook.version,
        Webhook.failing_since,
        Webhook.failing_position,
        Webhook.last_success_at,
        Webhook.owner_id,
        Account.role.label("owner_role"),
    )
    .join_from(Webhook, Event, Event.position == bindparam("at"))
    .join(Account, Account.id == Webhook.owner_id)
    .where(Webhook.id == bindparam("receiver"))
)


def order_of(session: Session, claimed: Claimed, *, now: datetime) -> Order:
    """What is to be sent, where, and what it is signed with."""
    row = plain(session, _ORDER, {"at": claimed.position, "receiver": claimed.receiver}).one()
    still_signs = row.previous_until is not None and row.previous_until > now
    return Order(
        webhook_id=row.webhook_id,
        state=row.state,
        needless=_needless(session, row, claimed.position),
        url=row.url,
        payload=row.payload,
        event_id=row.event_id,
        body=row.body,
        contact=row.contact if row.include_customer else None,
        secret=row.secret,
        previous_secret=row.previous_secret if still_signs else None,
        headers=row.headers,
        version=row.version,
        failing_since=row.failing_since,
        failing_position=row.failing_position,
        last_success_at=row.last_success_at,
    )


def _needless(session: Session, row: Any, position: int) -> str | None:
    """Looked at again before sending: what the owner may not see any more is not for the endpoint either."""
    if row.state == "deleted":
        return "the webhook was deleted"
    if row.owner_role == "admin":
        return None
    owner = callers.by_id(session, row.owner_id)
    if owner is None:
        return "whoever set up the webhook is gone"
    if row.audit and row.type != audience.TEST:
        return "it is for administrators only"
    if not owner.hidden_teams:
        return None
    seen = select(Event.position).where(Event.position == position, events_query.may_see(owner))
    return None if session.scalars(seen).first() is not None else "it may not be seen any more"


def settle(
    session: Session,
    claimed: Claimed,
    answer: Answer,
    order: Order,
    *,
    started_at: datetime,
    gaps: tuple[int, ...],
    now: datetime,
) -> None:
    """Write down how an attempt went, and what that says about the endpoint: its row is written only if it changes."""
    state = outbox.settle(session, claimed, answer, started_at=started_at, gaps=gaps, now=now)
    if state is None:
        return  # another worker has it, and judges
    if answer.verdict is Verdict.DELIVERED:
        _note_success(session, order, now)
    elif answer.verdict is Verdict.GONE:
        _note_failure(session, order, claimed, started_at)
        _disable(session, order.webhook_id, "It answered 410: it wants nothing more.", now)
    elif answer.verdict is not Verdict.NEEDLESS:
        _note_failure(session, order, claimed, started_at)


def _note_success(session: Session, order: Order, now: datetime) -> None:
    is_known = order.last_success_at is not None and order.last_success_at > now - SUCCESS_EVERY
    if is_known and order.failing_since is None:
        return
    healthy = {"failing_since": None, "failing_position": None, "warnings": 0, "warned_at": None}
    values = {**healthy, "last_success_at": now}
    session.execute(update(Webhook).where(Webhook.id == order.webhook_id).values(values))


def _note_failure(session: Session, order: Order, claimed: Claimed, at: datetime) -> None:
    """The time of the first failure, and the earliest of the events that failed."""
    if order.failing_since is not None and (order.failing_position or 0) <= claimed.position:
        return
    is_earlier = or_(Webhook.failing_position.is_(None), Webhook.failing_position > claimed.position)
    failing = {"failing_since": func.coalesce(Webhook.failing_since, at), "failing_position": claimed.position}
    session.execute(
        update(Webhook).where(Webhook.id == order.webhook_id, is_earlier).values(failing),
        execution_options={"synchronize_session": False},
    )


def _disable(session: Session, webhook_id: int, reason: str, now: datetime) -> None:
    row = session.get_one(Webhook, webhook_id, with_for_update={"key_share": True}, populate_existing=True)
    if row.state not in ("active", "paused"):
        return
    off = update(Webhook).where(Webhook.id == webhook_id)
    session.execute(off.values(state="disabled", disabled_reason=reason, version=Webhook.version + 1))
    session.refresh(row)
    about = {"webhook": webhooks_query.event_view(row)}
    ledger.record(session, [Fact("webhook.disabled", webhook_id, about, WATCHER)], now=now)


def failing(session: Session, *, now: datetime) -> list[int]:
    """Endpoints that have failed for long enough that somebody must be told."""
    since = Webhook.failing_since <= now - STEPS[0]
    return list(session.scalars(select(Webhook.id).where(Webhook.state == "active", since).order_by(Webhook.id)))


def judge(session: Session, webhook_id: int, *, now: datetime) -> None:
    """Of an endpoint that fails: tell its owner after a day and after three, switch it off after five."""
    row = session.get_one(Webhook, webhook_id, with_for_update={"key_share": True})
    if row.state != "active" or row.failing_since is None:
        return
    step = min(row.warnings, len(STEPS) - 1)
    if now - row.failing_since < STEPS[step]:
        return
    if row.warned_at is not None and now - row.warned_at < STEPS[step] - STEPS[step - 1]:
        return  # the service was down meanwhile: whoever was told has to have the time that was promised
    if row.warnings >= len(STEPS) - 1:
        _disable(session, webhook_id, f"Nothing has arrived since {row.failing_since:%Y-%m-%d %H:%M} UTC.", now)
        return
    row.warnings, row.warned_at = row.warnings + 1, now
    session.flush()
    about = {"failing_since": row.failing_since, "webhook": webhooks_query.event_view(row)}
    ledger.record(session, [Fact("webhook.failing", webhook_id, about, WATCHER)], now=now)


# -- in batches ------------------------------------------------------------------------------------------------------

_PENDING: Final = text("deliveries.state = 'pending'")  # literal, as in the partial index


def deleted_with_work(session: Session) -> list[int]:
    """Deleted endpoints for which something is still lined up."""
    waiting = exists().where(Delivery.webhook_id == Webhook.id, _PENDING)
    return list(session.scalars(select(Webhook.id).where(Webhook.state == "deleted", waiting)))


def cancel_some(session: Session, webhook_id: int, *, now: datetime) -> bool:
    """Cancel the next of what is lined up for an endpoint; whether there may be more."""
    waiting = select(Delivery.id).where(Delivery.webhook_id == webhook_id, _PENDING).limit(BATCH)
    ids = list(session.scalars(waiting.with_for_update(skip_locked=True)))
    gone = {"state": "cancelled", "settled_at": now, "answer": "the webhook was deleted"}
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**gone, lease=None, lease_until=None))
    return len(ids) == BATCH


def forget_attempts(session: Session, *, now: datetime) -> bool:
    """Delete the oldest attempts that are no longer kept; whether there may be more."""
    key = (Attempt.delivery_id, Attempt.number)
    old = select(*key).where(Attempt.started_at < now - KEPT).order_by(Attempt.started_at).limit(BATCH)
    return _deleted(session, delete(Attempt).where(tuple_(*key).in_(old)))


def old_deliveries(session: Session, after: int, *, now: datetime) -> tuple[Sequence[int], int | None]:
    """Of the next deliveries behind the id `after`: those no longer kept, and the id to go on behind, None at the end.

    Ids grow with time, so nothing is looked at that is younger than what is kept; what is still pending stays.
    """
    rows = session.execute(
        select(Delivery.id, Delivery.created_at, Delivery.settled_at)
        .where(Delivery.id > after)
        .order_by(Delivery.id)
        .limit(BATCH)
    ).all()
    old = [row.id for row in rows if row.settled_at is not None and row.settled_at < now - KEPT]
    is_end = len(rows) < BATCH or rows[-1].created_at >= now - KEPT
    return old, None if is_end else rows[-1].id


def forget_deliveries(session: Session, ids: Sequence[int], *, now: datetime) -> None:
    """Delete these deliveries with their attempts, unless one was opened again meanwhile."""
    settled = (Delivery.settled_at < now - KEPT, Delivery.state != "pending")
    session.execute(delete(Delivery).where(Delivery.id.in_(list(ids)), *settled))


def _deleted(session: Session, statement: Any) -> bool:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return int(done.rowcount) == BATCH  # type: ignore[attr-defined]
