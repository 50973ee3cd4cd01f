"""How the service is doing, in a few cheap questions. Never writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.db import is_sqlite
from cfm_workflow.models import Delivery, Import, Installation, Reminder
from cfm_workflow.queries.mails import given_up

_OLDEST_WRITER = text(
    "SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0) FROM pg_stat_activity "
    "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)

_PENDING = text("state = 'pending'")  # literal, as in the partial index
_PLANNED = text("state = 'planned'")
_CLOCK_OF_DATABASE = text("SELECT clock_timestamp()")


def state(session: Session, *, now: datetime) -> dict[str, Any]:
    """The last ticks of clock and workers, how long the feed has stood still, and what waits for how long.

    Deliveries that are due are counted up to `limits.COUNT`. `clock_drift_seconds`: by how much this machine's clock is
    ahead of the database's; those of several machines should agree, for instants are compared across them.
    """
    waiting = select(func.count()).select_from(Import).where(Import.state.in_(["queued", "running"]))
    due = select(Delivery.next_at).where(_PENDING, Delivery.next_at <= now).order_by(Delivery.next_at)
    due_rows = due.limit(limits.COUNT + 1).subquery()
    oldest = session.execute(due.limit(1)).scalar_one_or_none()
    late = select(func.min(Reminder.at)).where(_PLANNED, Reminder.at <= now)
    told_late: datetime | None = session.execute(late).scalar_one()
    clock_at, worker_at = session.execute(select(Installation.clock_at, Installation.worker_at)).one()
    return {
        "clock_at": clock_at,
        "worker_at": worker_at,
        "clock_drift_seconds": _drift(session, now),
        "reminders_lag_seconds": 0.0 if told_late is None else (now - told_late).total_seconds(),
        "deliveries_waiting": session.execute(select(func.count()).select_from(due_rows)).scalar_one(),
        "mails_given_up": given_up(session),
        "oldest_delivery_seconds": 0.0 if oldest is None else (now - oldest).total_seconds(),
        "horizon_age_seconds": 0.0 if is_sqlite(session) else float(session.execute(_OLDEST_WRITER).scalar_one()),
        "imports_waiting": session.execute(waiting).scalar_one(),
        "now": now,
    }


def is_clock_stalled(session: Session) -> bool:
    """Whether supervisors were told that no scheduler ticks, and none does since."""
    return session.execute(select(Installation.stalled_since)).scalar_one() is not None


_SQLITE_BYTES = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
_POSTGRESQL_BYTES = text("SELECT pg_database_size(current_database())")


def database_bytes(session: Session) -> int:
    """How large the database is."""
    return int(session.execute(_SQLITE_BYTES if is_sqlite(session) else _POSTGRESQL_BYTES).scalar_one())


def _drift(session: Session, now: datetime) -> float:
    """An embedded database has no clock of its own."""
    if is_sqlite(session):
        return 0.0
    theirs: datetime = session.execute(_CLOCK_OF_DATABASE).scalar_one()
    return (now - theirs).total_seconds()
