"""Whether the clock ticks: a sign of life, and a word to supervisors when there is none for long."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, Installation

STALLED_AFTER: Final = timedelta(minutes=5)
MOST_TOLD: Final = 50
CLOCK: Final = system("clock")
SUBJECT_ID: Final = 1
"""Of the events about the scheduler: to others it is one, however many processes tick."""


def beat(session: Session, *, now: datetime) -> None:
    """Leave the time of this tick; tell that the clock goes again if it was told that it does not."""
    installation = _installation(session)
    before, since = installation.clock_at, installation.stalled_since
    installation.clock_at, installation.stalled_since = now, None
    session.flush()
    if since is not None:
        _tell(session, "scheduler.resumed", before, now)


def watch(session: Session, *, now: datetime) -> bool:
    """Tell supervisors, once, that nothing has ticked for `STALLED_AFTER`; whether that was to be told.

    For a process that lives while the clock does not: a worker, which still sends mail.
    """
    installation = _installation(session)
    last = installation.clock_at
    if last is None or installation.stalled_since is not None or now - last < STALLED_AFTER:
        return False
    installation.stalled_since = now
    session.flush()
    _tell(session, "scheduler.stalled", last, now)
    return True


def _installation(session: Session) -> Installation:
    return session.scalars(select(Installation).with_for_update(key_share=True)).one()


def _tell(session: Session, event_type: str, last: datetime | None, now: datetime) -> None:
    about: dict[str, Any] = {"scheduler": {"last_tick_at": last}, "told": _supervisors(session)}
    ledger.record(session, [Fact(event_type, SUBJECT_ID, about, CLOCK)], now=now)


def _supervisors(session: Session) -> list[dict[str, Any]]:
    query = (
        select(Account.id, Account.name)
        .where(Account.role.in_(["supervisor", "admin"]), Account.active, Account.kind == "user")
        .order_by(Account.id)
        .limit(MOST_TOLD)
    )
    return [{"id": row.id, "name": row.name, "as": "supervisor"} for row in session.execute(query)]
