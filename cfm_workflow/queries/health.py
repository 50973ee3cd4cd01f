"""How the service is doing, in a few cheap questions. Never writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cfm_workflow.db import is_sqlite
from cfm_workflow.models import Import, Installation

_OLDEST_WRITER = text(
    "SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0) FROM pg_stat_activity "
    "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)


def state(session: Session, *, now: datetime) -> dict[str, Any]:
    """The last tick of the clock, how long the feed has stood still, and what waits."""
    waiting = select(func.count()).select_from(Import).where(Import.state.in_(["queued", "running"]))
    return {
        "clock_at": session.execute(select(Installation.clock_at)).scalar_one(),
        "horizon_age_seconds": 0.0 if is_sqlite(session) else float(session.execute(_OLDEST_WRITER).scalar_one()),
        "imports_waiting": session.execute(waiting).scalar_one(),
        "now": now,
    }
