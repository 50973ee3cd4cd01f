"""Sending again: what happened before is lined up for an endpoint once more, a thousand events per transaction.

Bodies and ids stay what they are; only signatures will be fresh. How far a replay is stands in the endpoint's row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow.access import system
from cfm_workflow.db import DELIVERIES, is_sqlite, tell
from cfm_workflow.ledger import audience, outbox
from cfm_workflow.ledger.audience import Endpoint
from cfm_workflow.ledger.events import Fact
from cfm_workflow.ledger.positions import horizon
from cfm_workflow.models import Delivery, Event, LedgerHead, Webhook

BATCH: Final = 1000

ALL: Final = "all"
MISSED: Final = "missed"
DEAD: Final = "dead"


def newest_position(session: Session) -> int:
    """A position that no event of a transaction under way has passed yet: up to it a replay misses nothing."""
    if is_sqlite(session):
        return session.execute(select(LedgerHead.last)).scalar_one()
    return int(session.execute(_NEWEST).scalar_one()) - 1


_NEWEST: Final = text("SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - base) << 16 FROM ledger_head")


def newest_dead(session: Session, webhook_id: int) -> int:
    """The id of the delivery that was lined up last among those that are dead, 0 without any."""
    return session.scalars(select(func.max(Delivery.id)).where(_is_dead(webhook_id))).one() or 0


def _is_dead(webhook_id: int) -> Any:
    return (Delivery.webhook_id == webhook_id) & text("deliveries.state = 'dead'")  # literal, as in the partial index


def go_on(session: Session, webhook_id: int, *, now: datetime) -> bool:
    """Line up the next events of a replay; whether more can be done at once."""
    row = session.get(Webhook, webhook_id, with_for_update={"skip_locked": True, "key_share": True})
    if row is None or row.replay_of is None or row.replay_at is None:
        return False
    if row.state not in ("active", "paused") or (endpoint := audience.endpoint_of(session, webhook_id)) is None:
        _note(session, webhook_id, None)
        return False
    if row.replay_until is None:
        row.replay_until = newest_position(session)
        return True
    if row.replay_of == DEAD:
        return _reopen_dead(session, row, now)
    return _line_up(session, row, endpoint, now)


def _reopen_dead(session: Session, row: Webhook, now: datetime) -> bool:
    found = list(
        session.scalars(
            select(Delivery.id)
            .where(_is_dead(row.id), Delivery.id > row.replay_at, Delivery.id <= row.replay_until)
            .order_by(Delivery.id)
            .limit(BATCH)
        )
    )
    outbox.reopen(session, Delivery.id.in_(found), now=now)
    return _note(session, row.id, found[-1] if len(found) == BATCH else None)


def _line_up(session: Session, row: Webhook, endpoint: Endpoint, now: datetime) -> bool:
    at, until = row.replay_at or 0, row.replay_until or 0
    end = min(until, horizon(session) - 1)
    events = session.execute(
        select(Event.position, Event.type, Event.subject_id, Event.audit, Event.imported, Event.action_id)
        .add_columns(Event.sequence, Event.body)
        .where(Event.position > at, Event.position <= end)
        .order_by(Event.position)
        .limit(BATCH)
    ).all()
    wanted = audience.wanted_by(
        session, endpoint, [_fact(event) for event in events], [_row(event) for event in events]
    )
    _line_up_again(session, endpoint, wanted, replay_of=row.replay_of or ALL, now=now)
    if len(events) == BATCH:
        return _note(session, row.id, events[-1].position)
    if end < until:  # some transaction is still under way: its events come next time
        _note(session, row.id, max(at, end))
        return False
    return _note(session, row.id, None)


def _fact(event: Row[Any]) -> Fact:
    about = orjson.loads(event.body)["data"]
    return Fact(event.type, event.subject_id, about, system("replay"), imported=event.imported)


def _row(event: Row[Any]) -> dict[str, Any]:
    sequence = event.sequence
    return {"position": event.position, "audit": event.audit, "action_id": event.action_id, "sequence": sequence}


def _line_up_again(
    session: Session, endpoint: Endpoint, wanted: Sequence[dict[str, Any]], *, replay_of: str, now: datetime
) -> None:
    ours = (Delivery.webhook_id == endpoint.id, Delivery.position.in_([row["position"] for row in wanted]))
    known = set(session.scalars(select(Delivery.position).where(*ours)))
    arrived = [Delivery.state != "delivered"] if replay_of == MISSED else []
    if known:
        outbox.reopen(session, *ours, *arrived, now=now)
    audience.insert_deliveries(session, endpoint, [row for row in wanted if row["position"] not in known], now=now)
    tell(session, DELIVERIES)


def _note(session: Session, webhook_id: int, at: int | None) -> bool:
    """How far the replay is, None when it is over."""
    over = {"replay_of": None, "replay_at": None, "replay_until": None}
    values = over if at is None else {"replay_at": at}
    session.execute(update(Webhook).where(Webhook.id == webhook_id).values(values))
    return at is not None
