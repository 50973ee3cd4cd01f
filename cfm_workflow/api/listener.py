"""One thread per process that reads the ledger for all open streams, and what it keeps for each. Writes nothing."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from cfm_workflow import access
from cfm_workflow.db import EVENTS
from cfm_workflow.errors import Full
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries.events import Stretch
from cfm_workflow.service import Service

POLL_SECONDS: Final = 1.0
"""Other processes commit too, and nobody rings here then."""
PAUSE_SECONDS: Final = 0.1
"""Between two readings, so that a burst of commits wakes each stream a few times and not at every one of them."""
GROUP: Final = 8
BREATH_SECONDS: Final = 0.002
"""Streams are woken so many at a time: two hundred threads at once would keep requests from the interpreter."""
ROOM: Final = 256
"""Events kept for a stream that does not take them; beyond, it reads them from the database itself."""
SIZE: Final = 200
READERS: Final = 4
"""Streams that read by themselves at the same moment: they come in crowds, and connections are few."""
RETRY_AFTER: Final = 10

CHANGES_ACCESS: Final = frozenset(
    {"token.deleted", "user.changed", "user.deleted", "integration.deleted"}
    | {"team.created", "team.changed", "team.deleted"}
)
"""After one of these somebody may see less than before."""

WATCHER: Final = access.system("stream")

log = structlog.get_logger()


def frame(row: Row[Any]) -> bytes:
    """An event as a stream tells it: WHATWG HTML, 9.2.5. A body is one line of JSON."""
    return f"id: {row.position}\nevent: {row.type}\ndata: {row.body}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stream was told since it last asked: everything it wants behind `after` up to `to`, with positions."""

    after: int
    to: int
    frames: list[tuple[int, bytes]]
    is_access_changed: bool


class Line:
    """From the listener to one stream: takes what the listener reads, keeps what the stream wants until it asks.

    `reads_itself`: the stream is only told that there is something, as not everybody may see all of it.
    """

    def __init__(self) -> None:
        self.is_wanted: Callable[[Row[Any]], bool] = lambda row: True
        self.reads_itself = False
        self.awake = threading.Event()
        self._lock = threading.Lock()
        self._heard: Heard | None = None

    def tell(self, stretch: Stretch, frames: dict[int, bytes], *, is_access_changed: bool) -> None:
        """Take a stretch of the feed; the stream is woken only if there is something in it for it."""
        wanted = [(row.position, frames[row.position]) for row in stretch.rows if self.is_wanted(row)]
        with self._lock:
            before = self._heard or Heard(stretch.after, stretch.to, [], is_access_changed=False)
            is_access_changed = is_access_changed or before.is_access_changed
            if len(before.frames) + len(wanted) > ROOM or (wanted and self.reads_itself):
                self._heard = Heard(stretch.to, stretch.to, [], is_access_changed)
            else:
                self._heard = Heard(before.after, stretch.to, before.frames + wanted, is_access_changed)
        if wanted or is_access_changed or stretch.after == stretch.to:
            self.awake.set()

    def take(self) -> Heard | None:
        """What was told since the last time; None if nothing."""
        self.awake.clear()
        with self._lock:
            heard, self._heard = self._heard, None
        return heard


class Listener:
    """The open streams of this process, at most half as many as it has threads, and the thread that reads for them.

    The thread begins with the first stream (so after any fork) and ends with the last, or when the service stops.
    """

    def __init__(self, service: Service) -> None:
        self.reading = threading.BoundedSemaphore(READERS)
        self._service = service
        self._places = service.settings.threads // 2
        self._lock = threading.Lock()
        self._lines: list[Line] = []
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()
        self._ear = threading.Event()
        service.database.bell.join(self._ear, EVENTS)

    @property
    def open_streams(self) -> int:
        """How many streams are open in this process just now."""
        return len(self._lines)

    def join(self, line: Line) -> None:
        """Tell this line everything from now on. Raises Full when all places are taken."""
        with self._lock:
            if len(self._lines) >= self._places:
                raise Full("All places for streams are taken: poll GET /events.", retry_after=RETRY_AFTER)
            self._lines = [*self._lines, line]
            self._is_over.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-listener", daemon=True)
                self._thread.start()

    def leave(self, line: Line) -> None:
        """Tell it nothing more; its place is free. May be called again."""
        with self._lock:
            self._lines = [other for other in self._lines if other is not line]
            if not self._lines:
                self._is_over.set()
                self._ear.set()

    def settle(self) -> None:
        """After the last stream has left, wait until nobody reads any more; while there are some, do nothing."""
        with self._lock:
            thread = None if self._lines else self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        position: int | None = None
        while self._goes_on():
            try:
                position = self._read_on(position)
            except DBAPIError as error:
                log.warning("streams wait: the ledger cannot be read", why=type(error).__name__)
            except Exception:  # the end of this thread would be silence on all streams
                log.exception("streams wait: the ledger cannot be read")
            self._is_over.wait(PAUSE_SECONDS)
            self._ear.wait(POLL_SECONDS)
            self._ear.clear()
        for line in self._lines:
            line.awake.set()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._lines and not self._service.stopping.is_set():
                return True
            self._thread = None
            return False

    def _read_on(self, position: int | None) -> int:
        """Read to the end of the feed and tell everybody; the end.

        The first reading finds nothing but where the feed ends. Told as a stretch without length, it lets a stream
        that stands before that place read up to it.
        """
        while True:
            wanted = {"after": "latest" if position is None else position}
            with self._service.database.reading() as session:
                stretch = events_query.read(session, WATCHER, wanted, audit=True, size=SIZE)
            if stretch.to != position:
                self._tell(stretch)
            position = stretch.to
            if not stretch.has_more:
                return position

    def _tell(self, stretch: Stretch) -> None:
        frames = {row.position: frame(row) for row in stretch.rows}
        is_access_changed = any(row.type in CHANGES_ACCESS for row in stretch.rows)
        for n, line in enumerate(self._lines, 1):
            line.tell(stretch, frames, is_access_changed=is_access_changed)
            if n % GROUP == 0:
                self._is_over.wait(BREATH_SECONDS)
