"""What the clock does for the database itself: a sign of life, forgetting, keeping SQLite's log short."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import update

from cfm_workflow import clock
from cfm_workflow.models import Installation
from cfm_workflow.operations import idempotency, links, scheduling, sessions, throttling
from cfm_workflow.service import Service

LONGEST_WAL: Final = 64 * 1024 * 1024
PATIENCE_SECONDS: Final = 0.5  # writers wait meanwhile

log = structlog.get_logger()


def beat(service: Service) -> None:
    """Leave the time of this tick, by which everybody sees that a clock is running."""
    now = clock.now()
    service.database.transaction(lambda session: scheduling.beat(session, now=now))


def beat_of_worker(service: Service) -> None:
    """The same for workers."""
    now = clock.now()
    service.database.transaction(lambda session: session.execute(update(Installation).values(worker_at=now)))


def watch_clock(service: Service) -> None:
    """Tell supervisors when no scheduler has ticked for long."""
    now = clock.now()
    if service.database.transaction(lambda session: scheduling.watch(session, now=now)):
        log.error("no scheduler is ticking: reminders do not come, and what waits does not go on")


def forget_old_answers(service: Service) -> None:
    """Delete the answers that are kept for repeated requests once their day is over."""
    now = clock.now()
    forgotten = service.database.transaction(lambda session: idempotency.forget_old(session, now=now))
    log.debug("old answers forgotten", count=forgotten)


def forget_old_links(service: Service) -> None:
    """Delete the links in mails that expired long ago."""
    now = clock.now()
    forgotten = service.database.transaction(lambda session: links.forget_old(session, now=now))
    log.debug("old links forgotten", count=forgotten)


def forget_old_sessions(service: Service) -> None:
    """Delete the sessions of browsers that are over."""
    now = clock.now()
    forgotten = service.database.transaction(lambda session: sessions.forget_old(session, now=now))
    log.debug("old sessions forgotten", count=forgotten)


def forget_old_attempts(service: Service) -> None:
    """Delete what was counted of attempts that nobody looks at any more."""
    now = clock.now()
    forgotten = service.database.transaction(lambda session: throttling.forget_old(session, now=now))
    log.debug("old attempts forgotten", count=forgotten)


def shorten_wal(service: Service) -> None:
    """Write SQLite's log back into its file and begin it anew, once it is long; readers may prevent it until later."""
    file = service.settings.sqlite_file
    if file is None or _size(file.with_name(file.name + "-wal")) <= LONGEST_WAL:
        return
    with service.database.alone(), closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    log.debug("write-ahead log shortened", prevented=bool(busy))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
