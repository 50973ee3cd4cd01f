"""The ledger of events: `record()` writes what happened in the caller's transaction; nothing here sends or commits.

Positions are the only order of the feed. On PostgreSQL a position is made of the transaction's id, and readers stop
below the oldest transaction still under way, so that whatever commits late is never skipped (`horizon`). On SQLite
writers are serial and a counter in the write transaction does.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, bindparam, insert, literal_column, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.access import Caller
from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.models import Event, LedgerHead
from cfm_workflow.policy.event_types import known

PER_TRANSACTION: Final = 1 << 16

_START = "(SELECT (pg_current_xact_id()::text::bigint - base) << 16 FROM ledger_head)"
POSITION_START: Final = literal_column(_START, BigInteger).label("position_start")
"""Where the positions of this transaction begin, on PostgreSQL; a statement needed anyway can bring it along."""
_HEAD: Any = LedgerHead.__table__
_TAKE = (
    update(_HEAD).values(last=_HEAD.c.last + bindparam("count")).returning(_HEAD.c.last)
)  # .where() is not needed: the table has one row
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
    """Store all facts of this transaction, in their order, each with its body frozen as text.

    Call it once per operation, after the rows have been changed.
    """
    if not facts:
        return
    first = _take_positions(session, len(facts))
    plain(session, _INSERT, [_row(fact, position, now) for position, fact in enumerate(facts, first)])


def _take_positions(session: Session, count: int) -> int:
    if is_sqlite(session):
        last: int = plain(session, _TAKE, {"count": count}).scalar_one()
        return last - count + 1
    given: int = session.info.get("events_recorded", 0)
    if given + count > PER_TRANSACTION:
        raise OverflowError(f"one transaction can record {PER_TRANSACTION} events")
    session.info["events_recorded"] = given + count
    if "position_start" not in session.info:
        know_start(session, plain(session, select(POSITION_START)).scalar_one())
    return int(session.info["position_start"]) + given


def know_start(session: Session, start: int) -> None:
    """Remember where this transaction's positions begin, so that `record` need not ask."""
    session.info["position_start"] = start


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
    }


def freeze(body: dict[str, Any]) -> str:
    """The JSON text of an event, at most `limits.EVENT_BYTES` long.

    Long values are cut one after the other until it fits, in the order of `CUTS`; what was cut says so with a
    `<name>_truncated` beside it. The table ends where even a body of nothing but control characters fits, each of
    which takes six bytes.
    """
    frozen = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    for place, longest in CUTS:
        if len(frozen) <= limits.EVENT_BYTES:
            break
        if _cut(body["data"], place, longest):
            frozen = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return frozen.decode()


CUTS: Final[tuple[tuple[tuple[str, ...], int], ...]] = (
    (("changes",), 300),
    (("action", "attributes"), 0),
    (("action", "description"), 200),
    (("action", "resolution"), 200),
    (("action", "goal"), 200),
    (("action", "benefit"), 200),
    (("feedback", "text"), 200),
    (("feedback", "touchpoint"), 200),
    (("comment",), 500),
    (("reason",), 500),
    (("changes",), 0),
    (("team", "members"), 0),
    (("user", "teams"), 0),
    (("user", "supervises"), 0),
    (("import", "found", "columns"), 0),
    (("import", "error"), 500),
    (("comment",), 100),
    (("reason",), 100),
    (("feedback", "text"), 100),
    (("feedback", "touchpoint"), 50),
    (("feedback", "external_id"), 50),
    (("feedback", "customer", "name"), 50),
    (("action", "description"), 100),
    (("action", "resolution"), 50),
    (("action", "root_cause"), 50),
    (("action", "goal"), 50),
    (("action", "benefit"), 50),
    (("action", "external_ref"), 50),
    (("action", "title"), 100),
    (("action", "team", "name"), 50),
    (("action", "assignee", "name"), 50),
    (("action", "assigned_by", "name"), 50),
    (("former_assignee", "name"), 50),
    (("actor", "name"), 50),
)


def _cut(data: dict[str, Any], place: tuple[str, ...], longest: int) -> bool:
    """Shorten one value in copies of the dicts on the way to it; False when there is nothing to shorten."""
    *way, last = place
    holder = data
    for step in way:
        if not isinstance(holder.get(step), dict):
            return False
        holder[step] = dict(holder[step])
        holder = holder[step]
    value = holder.get(last)
    shorter = _shorter(value, longest)
    if shorter == value:
        return False
    holder[last], holder[f"{last}_truncated"] = shorter, True
    return True


def _shorter(value: Any, longest: int) -> Any:
    if isinstance(value, str | list):
        return value[:longest]
    if isinstance(value, dict):
        return {key: _shorter(inner, longest) for key, inner in value.items()} if longest else {}
    return value


def horizon(session: Session) -> int:
    """The first position that may still be written below of: everything under it is committed and can be read."""
    if is_sqlite(session):
        return session.execute(select(LedgerHead.last)).scalar_one() + 1
    return int(session.execute(_HORIZON).scalar_one())


_HORIZON = text("SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - base) << 16 FROM ledger_head")


def move_base(session: Session) -> bool:
    """After a restore or a move to another server: see to it that positions go on growing. True if it had to act.

    A new PostgreSQL server counts its transactions anew, and would hand out positions that are taken already.
    """
    head = session.execute(select(LedgerHead.base, LedgerHead.last).with_for_update()).one()
    taken: int = session.execute(text("SELECT coalesce(max(position), 0) FROM events")).scalar_one()
    if is_sqlite(session):
        if head.last >= taken:
            return False
        session.execute(update(LedgerHead).values(last=taken))
        return True
    # Not the id of this transaction: writers that began after it may have written the newest events already.
    coming: int = session.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).scalar_one()
    if (coming - head.base) << 16 > taken:
        return False
    session.execute(update(LedgerHead).values(base=coming - (taken >> 16) - 1))
    return True


def changes(old: Any, new: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Per field of `new` that differs from the row `old`: `{"from": ..., "to": ...}`, long texts cut."""
    found = {}
    for name, value in new.items():
        before = getattr(old, name)
        if before != value:
            found[name] = {"from": _brief(before), "to": _brief(value)}
    return found


def _brief(value: Any) -> Any:
    return value[: limits.EVENT_TEXT] if isinstance(value, str) else value


def erase(session: Session, positions: Iterable[int], rewrite: Any) -> None:
    """Rewrite the bodies of events from which a person asked to disappear; ids, positions and times stay."""
    rows = session.execute(select(Event.position, Event.body).where(Event.position.in_(list(positions)))).all()
    new = [
        {"at_position": row.position, "body": orjson.dumps(rewrite(orjson.loads(row.body))).decode()} for row in rows
    ]
    if new:
        statement = update(Event.__table__).where(Event.__table__.c.position == bindparam("at_position"))  # type: ignore[arg-type]
        session.execute(statement, new)
