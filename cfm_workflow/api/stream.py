"""`GET /events/stream`: the feed as server-sent events, each with the very bytes of `GET /events`. Decides nothing.

No gap is possible: a stream joins the listener first and reads the database then, and what it is told counts only
where it begins at or before the place the stream has reached; else it reads the database again.
"""

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from flask import Flask, current_app, request
from sqlalchemy.exc import DBAPIError

from cfm_workflow import access, clock
from cfm_workflow.access import Caller
from cfm_workflow.api.listener import Heard, Line, Listener, frame
from cfm_workflow.api.routing import Ask, Stream, route
from cfm_workflow.errors import Invalid
from cfm_workflow.forms.events import StreamQuery, as_position
from cfm_workflow.queries import callers
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries.events import Stretch
from cfm_workflow.service import Service

RETRY_MILLISECONDS: Final = 2_000
BEAT: Final = timedelta(seconds=15)
"""After so long without a word a dead client is noticed by a heartbeat, and whether it may still listen is asked."""
LONGEST: Final = timedelta(minutes=5)
"""Then a stream ends itself, and whoever still wants it resumes: elsewhere, if this process is to end."""
SEND_SECONDS: Final = 5
"""A client that takes nothing for so long is cut off, rather than keep a thread, also at the end; it can resume."""
PIECE_BYTES: Final = 32 * 1024
SIZE: Final = 100

log = structlog.get_logger()


def register(app: Flask, service: Service) -> None:
    """Give the application the listener that all its streams share."""
    app.extensions["cfm_listener"] = Listener(service)


@route("GET", "/events/stream", "streamEvents", tag="events", right="events.read", query=StreamQuery,
       answers={200: None}, streams=True)  # fmt: skip
def stream_events(ask: Ask) -> Any:
    """The feed as server-sent events: what comes from now on, or after a position; resumes by `Last-Event-ID`."""
    resumed = _last_event_id()
    wanted = {**ask.query, "after": ask.query["after"] if resumed is None else resumed}
    if wanted["after"] == "latest":
        wanted["after"] = events_query.read(ask.session, ask.caller, wanted, audit=False, size=1).to
    _limit_sending()
    listener: Listener = current_app.extensions["cfm_listener"]
    return Stream(Telling(ask.service, listener, ask.caller, wanted), {"X-Accel-Buffering": "no"})


def _last_event_id() -> int | None:
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return None
    position = as_position(given)
    if position is None:
        raise Invalid({"Last-Event-ID": ["must be the id of an event of this stream, a position"]})
    return position


def _limit_sending() -> None:
    """By the socket itself, which gunicorn hands out; it goes back to waiting for ever at the next request."""
    if (line := request.environ.get("gunicorn.socket")) is not None:
        line.settimeout(SEND_SECONDS)


class Telling:
    """One open stream: an iterator over the pieces to send, until it ends itself or is closed.

    Everything up to `_position` was told, or is not for this caller; `_told` is the last id that was sent.
    """

    def __init__(self, service: Service, listener: Listener, caller: Caller, wanted: Mapping[str, Any]) -> None:
        self._service = service
        self._listener = listener
        self._wanted = wanted
        self._opened_at = clock.now()
        self._position: int = wanted["after"]
        self._told = self._position
        self._is_behind = True
        self._line = Line()
        self._adapt(caller)
        listener.join(self._line)
        self._pieces = self._run()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Free the place. The server calls this at the end, however it came."""
        self._pieces.close()
        self._listener.leave(self._line)

    def _run(self) -> Generator[bytes]:
        try:
            yield f"retry: {RETRY_MILLISECONDS}\nid: {self._position}\n\n".encode()  # so it resumes without a gap
            yield from self._tell()
        except DBAPIError as error:
            log.warning("a stream ended: the database cannot be read", why=type(error).__name__)
        finally:
            self._listener.leave(self._line)

    def _tell(self) -> Iterator[bytes]:
        ends_at, beats_at = self._opened_at + LONGEST, self._opened_at + BEAT
        while True:
            is_quiet = not self._is_behind and not self._line.awake.wait(_seconds_until(beats_at))
            now = clock.now()
            if self._service.stopping.is_set() or now >= ends_at:
                return
            heard = self._line.take()
            is_beat = is_quiet or now >= beats_at
            self._is_behind = self._is_behind or (heard is not None and heard.after > self._position)
            read = self._read() if self._is_behind else None
            if is_beat or read is not None or (heard is not None and heard.is_access_changed):
                # After reading: what was read then is nothing that they might not see any more.
                caller = self._caller_as_of(now)
                if caller is None:
                    return
                if caller != self._caller:
                    self._adapt(caller)
                    continue
            yield from _pieces(self._told_by(read) if read is not None else self._told_by_line(heard))
            if is_beat:
                yield self._beat()
                beats_at = now + BEAT

    def _caller_as_of(self, now: datetime) -> Caller | None:
        """Who is listening, if their token or session still gives the right to."""
        with self._listener.reading, self._service.database.reading() as session:
            caller = callers.again(session, self._caller, now=now)
        return caller if caller is not None and access.allows(caller, "events.read") else None

    def _adapt(self, caller: Caller) -> None:
        """From here on what this caller is to hear; beginning with what others may have seen differently."""
        self._caller, self._is_behind = caller, True
        self._audit = access.allows(caller, "events.audit")
        self._line.is_wanted = events_query.picked_by(self._wanted, audit=self._audit)
        self._line.reads_itself = bool(caller.hidden_teams)

    def _read(self) -> Stretch:
        wanted = {**self._wanted, "after": self._position}
        with self._listener.reading, self._service.database.reading() as session:
            return events_query.read(session, self._caller, wanted, audit=self._audit, size=SIZE)

    def _told_by(self, read: Stretch) -> list[bytes]:
        self._position, self._is_behind = read.to, read.has_more
        self._told = read.rows[-1].position if read.rows else self._told
        return [frame(row) for row in read.rows]

    def _told_by_line(self, heard: Heard | None) -> list[bytes]:
        if heard is None:
            return []
        news = [(position, text) for position, text in heard.frames if position > self._position]
        self._position = max(self._position, heard.to)
        self._told = news[-1][0] if news else self._told
        return [text for _, text in news]

    def _beat(self) -> bytes:
        """A comment, so that a dead client is noticed; and how far the feed was read, for it to resume there."""
        if self._position == self._told:
            return b":\n\n"
        self._told = self._position
        return f":\nid: {self._position}\n\n".encode()


def _seconds_until(instant: datetime) -> float:
    """At most BEAT, in case somebody sets the clock back."""
    return min(max((instant - clock.now()).total_seconds(), 0.0), BEAT.total_seconds())


def _pieces(frames: list[bytes]) -> Iterator[bytes]:
    """Few writes, none of them large: how long one may take is limited."""
    piece: list[bytes] = []
    size = 0
    for text in frames:
        piece.append(text)
        size += len(text)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)
