"""What open pages want to know: has anything happened that they show? Only ids are told, never content.

Asked again and again, or told as server-sent events; a stream holds a thread, so there are few, and whoever gets none
asks.
"""

import re
import threading
from collections.abc import Generator, Iterator
from datetime import timedelta
from typing import Final

import orjson
from flask import Flask, current_app, request
from sqlalchemy.exc import DBAPIError

from cfm_workflow import access, clock, limits
from cfm_workflow.access import Caller
from cfm_workflow.db import EVENTS
from cfm_workflow.errors import Full
from cfm_workflow.queries import callers
from cfm_workflow.queries import events as events_query
from cfm_workflow.service import Service
from cfm_workflow.web.pages import File, Visit, page

SIZE: Final = 200
EVENT_STREAM: Final = "text/event-stream"
LOOK_SECONDS: Final = 1.0
"""Other processes commit too, and nobody rings here then."""
PAUSE_SECONDS: Final = 0.05
"""After something has happened, for what comes with it."""
BEAT: Final = timedelta(seconds=15)
"""After so long without a word a dead browser is noticed, and whether somebody is still signed in is asked."""
LONGEST: Final = timedelta(minutes=5)
SEND_SECONDS: Final = 5
RETRY_AFTER: Final = 30
SHARE: Final = 4
"""One thread of so many may be a page's stream."""

RIGHT: Final = "action.read"
_POSITION: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def register(app: Flask, threads: int) -> None:
    """Give the application the places that its streams take."""
    app.extensions["cfm_live"] = threading.BoundedSemaphore(max(threads // SHARE, 1))


@page("GET", "/live", "live", right=RIGHT)
def live(visit: Visit) -> File:
    """What has changed since `after`, a position; without one, where to begin."""
    subjects, last = events_query.subjects(visit.session, visit.caller, _after(visit), size=SIZE)
    return File(orjson.dumps({"subjects": subjects, "last_position": last}), "application/json")


@page("GET", "/live/stream", "live_stream", right=RIGHT)
def live_stream(visit: Visit) -> File:
    """The same, told as it happens."""
    places: threading.BoundedSemaphore = current_app.extensions["cfm_live"]
    if not places.acquire(blocking=False):
        raise Full("All places for streams are taken: ask again and again.", retry_after=RETRY_AFTER)
    _, last = events_query.subjects(visit.session, visit.caller, None, size=SIZE)
    after = _after(visit)
    if (line := request.environ.get("gunicorn.socket")) is not None:
        line.settimeout(SEND_SECONDS)  # a browser that takes nothing must not keep a thread
    return File(Telling(visit.service, visit.caller, last if after is None else after, places), EVENT_STREAM)


def _after(visit: Visit) -> int | None:
    given = request.headers.get("Last-Event-ID") or visit.query.get("after", "")
    return min(int(given), limits.ID) if _POSITION.fullmatch(given) else None


class Telling:
    """One open stream: an iterator over the pieces to send, until it ends itself or is closed."""

    def __init__(self, service: Service, caller: Caller, position: int, places: threading.BoundedSemaphore) -> None:
        self._service, self._caller, self._position, self._places = service, caller, position, places
        self._ear = threading.Event()
        self._is_open = True
        service.database.bell.join(self._ear, EVENTS)
        self._pieces = self._run()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Free the place. The server calls this at the end, however it came."""
        self._pieces.close()
        if self._is_open:
            self._is_open = False
            self._service.database.bell.leave(self._ear)
            self._places.release()

    def _run(self) -> Generator[bytes]:
        ends_at, beats_at = clock.now() + LONGEST, clock.now() + BEAT
        yield f"retry: 2000\nid: {self._position}\n\n".encode()
        while not self._service.stopping.is_set() and clock.now() < ends_at:
            told = self._read()
            if told is None:
                return
            if told:
                yield told
                continue
            if clock.now() >= beats_at:
                if not self._is_still_in():
                    return
                beats_at = clock.now() + BEAT
                yield b":\n\n"
            if self._ear.wait(LOOK_SECONDS):
                self._service.stopping.wait(PAUSE_SECONDS)
            self._ear.clear()

    def _read(self) -> bytes | None:
        """What is new, empty if nothing; None when it cannot be read just now."""
        try:
            with self._service.database.reading() as session:
                subjects, last = events_query.subjects(session, self._caller, self._position, size=SIZE)
        except DBAPIError:
            return None
        self._position = last
        return f"id: {last}\ndata: {orjson.dumps(subjects).decode()}\n\n".encode() if subjects else b""

    def _is_still_in(self) -> bool:
        with self._service.database.reading() as session:
            caller = callers.again(session, self._caller, now=clock.now())
        if caller is not None:
            self._caller = caller
        return caller is not None and access.allows(caller, RIGHT)
