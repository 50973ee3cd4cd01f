"""A service that is ready to work: settings, database and keys, checked against each other. Serves nothing itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event as Signal
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cfm_workflow import clock, ledger, logs, migrating, workflow
from cfm_workflow import settings as settings_room
from cfm_workflow.db import DELIVERIES, EVENTS, Database
from cfm_workflow.errors import NotFound, NotReady
from cfm_workflow.models import Event, Installation, Policy
from cfm_workflow.operations import calendars, definitions, policies, webhooks
from cfm_workflow.security.keys import KeyRing, check_value, open_ring, verify_check
from cfm_workflow.settings import Settings, SettingsError, shipped_folder
from cfm_workflow.workflow import Definition

SPARE_CONNECTIONS: Final = 4  # for the clock and long jobs beside the requests

log = structlog.get_logger()


@dataclass(slots=True)
class Service:
    """What every edge works with. `stopping` is set when the process is to end: long jobs look at it."""

    settings: Settings
    database: Database
    ring: KeyRing
    stopping: Signal = field(default_factory=Signal)

    def stop(self) -> None:
        """Tell whatever takes long to end; who waits for a commit is woken, so as to see it at once."""
        self.stopping.set()
        self.database.bell.ring(EVENTS, DELIVERIES)

    def close(self) -> None:
        """Tell whatever takes long to end, and close every connection."""
        self.stop()
        self.database.dispose()


def open_service(settings: Settings | None = None, *, migrate: bool = False) -> Service:
    """The service of these settings, the process's own when None; `migrate` brings the schema up first.

    Raises:
        SettingsError, WorkflowError: a setting or a workflow file is wrong.
        NotReady: the database does not answer or has another schema.
        WrongKey: the keys are not those of this database.
    """
    settings = settings or settings_room.load()
    logs.configure(settings.log_level, settings.log_format)
    for remark in settings.remarks:
        log.warning(remark)
    wanted = shipped_definitions(settings)
    database = open_database(settings)
    try:
        ring = open_ring(settings)
        if migrate:
            migrating.upgrade(database)
        migrating.check(database)
        _settle(database, ring, wanted, settings)
    except OperationalError as error:
        database.dispose()
        raise NotReady(f"The database does not answer: {str(error.orig).splitlines()[0]}") from error
    except BaseException:
        database.dispose()
        raise
    database.known["mail_wait"] = timedelta(seconds=settings.mail_undo_seconds)
    database.known["message_wait"] = timedelta(seconds=settings.message_undo_seconds)
    database.known["language"] = settings.language.value
    database.known["time_zone"] = settings.time_zone
    return Service(settings, database, ring)


def open_database(settings: Settings) -> Database:
    """The database of these settings, as it is; the folders it needs are made. Raises SettingsError."""
    folder = settings.instance
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.sqlite_file is not None:
            settings.sqlite_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be used ({error.strerror}: {error.filename})"
        raise SettingsError("CFM_INSTANCE", problem, "a folder that this user can write to") from error
    return Database(settings.database_url, pool_size=settings.threads + SPARE_CONNECTIONS)


def shipped_definitions(settings: Settings) -> list[Definition]:
    """The workflows that come with the service, and those of `CFM_INSTANCE/workflows`, which replace them by key.

    Raises:
        WorkflowError: one of the files is wrong.
    """
    folders = (shipped_folder("config") / "workflows", settings.instance / "workflows")
    found = {definition.key: definition for folder in folders for definition in workflow.load_folder(folder)}
    return list(found.values())


def _settle(database: Database, ring: KeyRing, wanted: Iterable[Definition], settings: Settings) -> None:
    """Make the database and what we bring along agree. In an ordinary start nothing has to be written."""
    now = clock.now()
    with database.reading() as session:
        key_check = session.scalars(select(Installation.key_check)).one()
        newest = session.scalars(select(func.max(Event.position))).one() or 0
        is_behind = ledger.horizon(session) <= newest
        outdated = webhooks.protected_by_older_keys(session, ring)
        is_new = session.scalars(select(Policy.id).limit(1)).first() is None
        unpublished = [definition for definition in wanted if not _is_published(session, definition)]
    _settle_keys(database, ring, key_check)
    if outdated:
        database.transaction(lambda session: webhooks.protect_anew(session, ring, outdated))
    if is_behind and database.transaction(ledger.move_base):
        log.warning("this database was moved here: positions go on behind the newest event", position=newest)
    if is_new:
        database.transaction(lambda session: _begin(session, settings, now))
    if unpublished:
        _publish(database, unpublished, now)
    with database.reading() as session:
        for definition in wanted:
            definitions.keep(session, definition)


def _begin(session: Session, settings: Settings, now: datetime) -> None:
    """What a new installation goes by, until somebody changes it."""
    calendars.ensure_default(session, time_zone=settings.time_zone.key, country=settings.country, now=now)
    policies.ensure_default(session, now=now)


def _settle_keys(database: Database, ring: KeyRing, stored: str | None) -> None:
    """The first start leaves a check value, every later one compares; after a rotation it is made anew."""
    if stored is not None:
        verify_check(ring, stored)
        if stored.split(".")[1] == ring.ids[0]:
            return
    fresh = check_value(ring)
    unchanged = Installation.key_check.is_(None) if stored is None else Installation.key_check == stored
    database.transaction(lambda session: session.execute(update(Installation).where(unchanged).values(key_check=fresh)))
    with database.reading() as session:
        verify_check(ring, session.scalars(select(Installation.key_check)).one() or "")


def _is_published(session: Session, definition: Definition) -> bool:
    try:
        return definitions.latest(session, definition.key).sha256 == definition.sha256
    except NotFound:
        return False


def _publish(database: Database, unpublished: list[Definition], now: datetime) -> None:
    for row in database.transaction(lambda session: definitions.publish(session, unpublished, now=now)):
        log.info("workflow published", workflow=row.key, version=row.version)
