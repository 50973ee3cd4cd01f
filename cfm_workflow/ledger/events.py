"""Recording what happened: events with frozen bodies, and with them everything that is to be told because of them."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import EVENTS, plain, tell
from cfm_workflow.ledger import audience, notices, undoing
from cfm_workflow.ledger.bodies import freeze
from cfm_workflow.ledger.positions import take_positions
from cfm_workflow.models import Attempt, Delivery, Event
from cfm_workflow.policy.event_types import known

_INSERT = insert(Event.__table__)  # type: ignore[arg-type]


@dataclass(slots=True)
class Fact:
    """One thing that happened, before it has a place in the ledger.

    `about` is what the body says beside the envelope: `from`, `to`, `comment`, `changes`, the action and the feedback
    item as they were. `sequence` counts the events of one action and is None for everything else.
    """

    type: str
    subject_id: int
    about: dict[str, Any]
    actor: Caller
    action_id: int | None = None
    feedback_id: int | None = None
    sequence: int | None = None
    imported: bool = False


def record(session: Session, facts: Sequence[Fact], *, now: datetime) -> None:
    """Store all facts of this transaction, in their order, each with its body frozen as text; and line up who is told.

    Call it once per operation, after the rows have been changed.
    """
    if not facts:
        return
    first = take_positions(session, len(facts))
    rows = [_row(fact, position, now) for position, fact in enumerate(facts, first)]
    is_changed = audience.is_changed_by(facts)
    listeners = audience.read(session) if is_changed else audience.known(session)
    if listeners.endpoints:
        audience.add_contacts(session, listeners, facts, rows)
    plain(session, _INSERT, rows)
    if listeners.endpoints:
        audience.line_up(session, listeners, facts, rows, now=now)
    unsaid = undoing.take_back(session, facts, now=now)
    notices.line_up(session, listeners, facts, first, unsaid, now=now)
    if is_changed:
        audience.audience_changed(session)
    tell(session, EVENTS)


def _row(fact: Fact, position: int, now: datetime) -> dict[str, Any]:
    event_type = known(fact.type)
    event_id = "evt_" + secrets.token_hex(16)
    envelope = {
        "event_id": event_id,
        "position": position,
        "sequence": fact.sequence,
        "schema_version": event_type.schema_version,
        "subject": {"type": event_type.subject, "id": fact.subject_id},
        "actor": fact.actor.as_actor(),
        "imported": fact.imported,
    }
    return {
        "position": position,
        "event_id": event_id,
        "type": fact.type,
        "at": now,
        "subject_type": event_type.subject,
        "subject_id": fact.subject_id,
        "sequence": fact.sequence,
        "actor_type": fact.actor.type,
        "actor_id": fact.actor.id,
        "action_id": fact.action_id,
        "feedback_id": fact.feedback_id,
        "audit": event_type.audit,
        "imported": fact.imported,
        "body": freeze({"type": fact.type, "timestamp": now, "data": envelope | fact.about}),
        "contact": None,
    }


def erase(session: Session, positions: Iterable[int], rewrite: Any) -> None:
    """Rewrite the bodies of events from which a person asked to disappear; ids, positions and times stay.

    What receivers answered to them goes too: it may repeat what they were sent.
    """
    places = list(positions)
    rows = session.execute(select(Event.position, Event.body).where(Event.position.in_(places))).all()
    new = [
        {"at_position": row.position, "body": orjson.dumps(rewrite(orjson.loads(row.body))).decode(), "contact": None}
        for row in rows
    ]
    if not new:
        return
    statement = update(Event.__table__).where(Event.__table__.c.position == bindparam("at_position"))  # type: ignore[arg-type]
    session.execute(statement, new)
    told = select(Delivery.id).where(Delivery.position.in_(places), Delivery.webhook_id.is_not(None))
    session.execute(update(Attempt).where(Attempt.delivery_id.in_(told)).values(answer=None))
