"""The way to the database: one engine, `reading()`, `transaction()`, UTC instants, names of constraints.

Nobody else begins, commits or rolls back. Nothing here knows a table.
"""

import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
import psycopg
from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    Integer,
    MetaData,
    String,
    cast,
    create_engine,
    event,
    func,
    literal_column,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from cfm_workflow.errors import Busy

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

RERUN_STATES: Final = frozenset({"40P01", "40001", "23505", "23503"})
"""Deadlock, serialisation failure, and a row somebody stored (unique) or deleted (referred to) a moment earlier: run it
all again."""
RERUNS: Final = 3
LOCK_WAIT_SECONDS: Final = 10


T = TypeVar("T")


class Instant(TypeDecorator[datetime]):
    """An aware instant, in UTC on both sides. A naive one is refused: SQLite would silently forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    # The processors themselves, not `process_bind_param`: a page of actions holds five hundred instants.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _to_text if dialect.name == "sqlite" else _in_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """PostgreSQL's instants come in UTC as they are, SQLite's text is read in one step."""
        return _from_text if dialect.name == "sqlite" else None


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return value.astimezone(UTC)


def _to_text(value: datetime | None) -> str | None:
    moment = _in_utc(value)
    return None if moment is None else moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """What every table has in common."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant(), int: Id}


class WriteLock:
    """First come, first served among the threads; between processes the same through a locked file.

    SQLite has one writer. Waiting here in line is fair; waiting inside SQLite is not, and its tail is long.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._way_in = path.with_name(f"{path.name}-door")
        self._mutex = threading.Lock()
        self._line: deque[threading.Lock] = deque()
        self._held = False
        self._file: Any = None
        self._door: Any = None

    def acquire(self) -> None:
        """Wait for the turn; Busy after LOCK_WAIT_SECONDS."""
        gate = self._queue()
        if gate is not None and not gate.acquire(timeout=LOCK_WAIT_SECONDS) and self._give_up(gate):
            raise Busy("The database is busy.", retry_after=1)
        try:
            self._lock_file()
        except BaseException:
            self._hand_over()
            raise

    def release(self) -> None:
        try:
            self._unlock_file()
        finally:
            self._hand_over()

    def close(self) -> None:
        """Let go of the files; the next `acquire` opens them again."""
        for file in (self._file, self._door):
            if file is not None:
                file.close()
        self._file = self._door = None

    def _queue(self) -> "threading.Lock | None":
        with self._mutex:
            if not self._held:
                self._held = True
                return None
            gate = threading.Lock()
            gate.acquire()
            self._line.append(gate)
            return gate

    def _give_up(self, gate: threading.Lock) -> bool:
        with self._mutex:
            if gate not in self._line:
                return False  # handed over in the very moment
            self._line.remove(gate)
            return True

    def _hand_over(self) -> None:
        with self._mutex:
            if self._line:
                self._line.popleft().release()
            else:
                self._held = False

    if sys.platform == "win32":

        def _lock_file(self) -> None:
            """Between processes SQLite's own busy timeout has to do."""

        def _unlock_file(self) -> None:
            """See `_lock_file`."""

    else:

        def _lock_file(self) -> None:
            """Through the door one by one: who waits for the lock stands in it, so nobody comes back in before them."""
            import fcntl

            if self._file is None:
                self._door = self._way_in.open("ab")
                self._file = self._path.open("ab")
            fcntl.flock(self._door, fcntl.LOCK_EX)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            finally:
                fcntl.flock(self._door, fcntl.LOCK_UN)

        def _unlock_file(self) -> None:
            import fcntl

            fcntl.flock(self._file, fcntl.LOCK_UN)


EVENTS: Final = "events"
DELIVERIES: Final = "deliveries"


class Bell:
    """Rings in this process after a commit that others wait for; who listens brings an event of their own, and says
    whether for what happened (EVENTS) or for what is to be sent now (DELIVERIES)."""

    def __init__(self) -> None:
        self._ears: list[tuple[threading.Event, str]] = []

    def join(self, ear: threading.Event, what: str) -> None:
        """Set `ear` at every ring for `what` from now on."""
        self._ears = [*self._ears, (ear, what)]

    def leave(self, ear: threading.Event) -> None:
        self._ears = [other for other in self._ears if other[0] is not ear]

    def ring(self, *what: str) -> None:
        """Wake those who wait for one of these."""
        for ear, awaited in self._ears:
            if awaited in what:
                ear.set()


def tell(session: Session, what: str) -> None:
    """Ring for `what` once this transaction is committed."""
    session.info.setdefault("told", set()).add(what)


class Database:
    """One database and the two ways to it: `reading()` and `transaction()`."""

    def __init__(self, url: str | URL, *, pool_size: int = 32) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.known: dict[str, Any] = {}
        """What has been read once and holds until somebody says otherwise; sessions carry it in their `info`."""
        self.bell = Bell()
        """Rung after a commit for what its session was to `tell`."""
        if self.is_sqlite:
            self._lock = WriteLock(Path(f"{self.url.database}-lock"))
            self.engine = _sqlite_engine(self.url, pool_size, begin="BEGIN")
            self.writer = _sqlite_engine(self.url, 1, begin="BEGIN IMMEDIATE")
        else:
            # Single statements need no BEGIN and COMMIT around them: two round trips fewer for every read.
            self.engine = _postgresql_engine(self.url, pool_size, isolation_level="AUTOCOMMIT")
            self.writer = _postgresql_engine(self.url, pool_size, isolation_level="READ COMMITTED")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads; on SQLite one snapshot, on PostgreSQL each statement sees what is committed."""
        with self.engine.connect() as connection, self._session(connection, autoflush=False) as session:
            yield session

    def transaction(self, work: Callable[[Session], T]) -> T:
        """Run `work` and commit what it did, all or nothing. The only commit there is.

        After a deadlock, a serialisation failure or a lost race for a unique row, or with its deletion, the whole
        work runs again, at most three times; so `work` must have no effect but through its session.

        Raises:
            Busy: another writer kept the lock for longer than LOCK_WAIT_SECONDS.
        """
        for reruns_left in range(RERUNS, -1, -1):
            try:
                return self._once(work)
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state == "55P03":
                    raise Busy("Somebody else is changing the same thing.", retry_after=1) from error
                if state not in RERUN_STATES or not reruns_left:
                    raise
        raise AssertionError("unreachable")

    def _once(self, work: Callable[[Session], T]) -> T:
        with self.alone(), self.writer.begin() as connection, self._session(connection) as session:
            done = work(session)
            session.flush()
            told: set[str] = session.info.get("told", set())
        if told:
            self.bell.ring(*told)
        return done

    def _session(self, connection: Connection, **options: Any) -> Session:
        """A session on a connection that others close, and commit: one that does both itself costs twice as much."""
        info = {"known": self.known, "connection": connection}
        return Session(connection, expire_on_commit=False, info=info, **options)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off every other writer of an SQLite file, of this process and of others."""
        if not self.is_sqlite:
            yield
            return
        self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.writer.dispose()
        if self.is_sqlite:
            self._lock.close()


def plain(session: Session, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
    """Execute where no entity is wanted, past the ORM: half the price. Nothing pending is flushed before.

    `parameters` is one mapping, or a list of them for as many rows.
    """
    connection: Connection | None = session.info.get("connection")
    if connection is None:  # a session that somebody else opened
        connection = session.info["connection"] = session.connection()
    return connection.execute(statement, parameters)


def listed(ids: Any) -> Any:
    """The ids of several rows as one text, parted by commas.

    The comma is written out: a bound one is put into the text of the statement again at each execution.
    """
    return func.aggregate_strings(cast(ids, String), literal_column("','"))  # type: ignore[arg-type]


def is_sqlite(session: Session) -> bool:
    """Which of the two databases this session speaks to."""
    return session.get_bind().dialect.name == "sqlite"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _engine(url: URL, pool_size: int, **more: Any) -> Engine:
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,  # errors are logged, what people wrote is not
        json_serializer=_json,
        json_deserializer=orjson.loads,
        **more,
    )


def _sqlite_engine(url: URL, pool_size: int, *, begin: str) -> Engine:
    engine = _engine(url, pool_size, connect_args={"timeout": LOCK_WAIT_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # Python's own beginning comes too late: a read would not be in it
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    def do_begin(connection: Any) -> None:
        connection.cursor().execute(begin)

    # Not by an event of the engine: with one, SQLAlchemy would ask for listeners at every statement.
    engine.dialect.do_begin = do_begin  # type: ignore[assignment, method-assign]
    return engine


class _Cursor(psycopg.Cursor[Any]):
    """Describes a result in plain tuples, as PEP 249 has it: psycopg's own take longer than some statements."""

    @property
    def description(self) -> Any:
        result = self.pgresult
        if result is None or not result.nfields:
            return None
        return [
            (result.fname(n).decode(), result.ftype(n), None, None, None, None, None)  # type: ignore[union-attr]
            for n in range(result.nfields)
        ]


def _postgresql_engine(url: URL, pool_size: int, *, isolation_level: IsolationLevel) -> Engine:
    # An open transaction holds back the whole feed of events, so an abandoned one is ended by the server.
    options = f"-c timezone=UTC -c lock_timeout={LOCK_WAIT_SECONDS}s -c idle_in_transaction_session_timeout=60s"
    arguments = {"options": options, "cursor_factory": _Cursor}
    engine = _engine(url, pool_size, isolation_level=isolation_level, connect_args=arguments)
    engine.dialect.do_executemany = _execute_many  # type: ignore[method-assign]
    return engine


COPIED: Final = 25
"""From so many new rows on they are copied, which takes a third of the processor time of inserting each."""


def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
    """Execute with many rows; `statement` is as SQLAlchemy compiles it."""
    insert = _PLAIN_INSERT.fullmatch(statement) if len(parameters) >= COPIED else None
    if insert is None:
        cursor.executemany(statement, parameters)
        return
    names = _BOUND.findall(insert["values"])
    with cursor.copy(f"COPY {insert['into']} FROM STDIN") as copy:
        for row in parameters:
            copy.write_row([row[name] for name in names])


_PLAIN_INSERT: Final = re.compile(
    r"INSERT INTO (?P<into>\S+ \([^()]+\)) VALUES \((?P<values>(?:%\(\w+\)s(?:::[A-Z ]+)?(?:, )?)+)\)"
)
_BOUND: Final = re.compile(r"%\((\w+)\)s")
