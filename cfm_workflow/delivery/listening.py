"""The client of a running server's stream, and the sender to a local address: `cfm listen`. Knows no database."""

import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from cfm_workflow.errors import CfmError
from cfm_workflow.security import signing

CONNECT_SECONDS: Final = 10
SILENCE_SECONDS: Final = 45
"""Three heartbeats of the server: a connection that says nothing for so long is dead."""
RETRY_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 20
REFUSED: Final = frozenset({400, 401, 403, 404, 405, 406, 422})
"""Asking again would change nothing."""


class Refused(CfmError):
    """The server does not let us listen; the text says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the server told it: `body` is what every consumer gets, to the byte."""

    position: int
    id: str
    type: str
    body: bytes


@dataclass(slots=True)
class Parser:
    """Server-sent events out of bytes as they come, however they are cut: WHATWG HTML, 9.2.6."""

    last_id: str = ""
    retry_seconds: float = RETRY_SECONDS
    _rest: bytes = b""
    _id: str | None = None
    _data: list[str] | None = None

    def read(self, piece: bytes) -> Iterator[str | None]:
        """The data of each block that is complete now; None for one that only moves `last_id`."""
        *lines, self._rest = re.split(rb"\r\n|\n|\r(?=[^\n])", self._rest + piece)
        for line in lines:
            if line:
                self._field(*line.decode(errors="replace").partition(":"))
                continue
            data, self._data = self._data, None
            self.last_id = self.last_id if self._id is None else self._id  # only now: half a block is none
            yield None if data is None else "\n".join(data)

    def _field(self, name: str, _colon: str, value: str) -> None:
        value = value.removeprefix(" ")
        if name == "data":
            self._data = [*(self._data or ()), value]
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_seconds = int(value) / 1000


class Following:
    """Every event of a running server once and in order, whatever happens to the connection or the server.

    `wanted`: `types`, `after` of `GET /events/stream`. `say` is told about the connection, in sentences. `stopped`
    ends it at the next event or attempt.
    """

    def __init__(
        self,
        server: str,
        token: str,
        *,
        wanted: Mapping[str, str],
        say: Callable[[str], None],
        stopped: threading.Event,
    ) -> None:
        self._events = f"{server.rstrip('/')}/api/v1/events"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._wanted = dict(wanted)
        self._say = say
        self._stopped = stopped
        self._parser = Parser()
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=SILENCE_SECONDS), retries=False
        )

    def events(self) -> Iterator[Told]:
        """The events, for ever. One that was yielded counts as dealt with when the next is asked for.

        Raises:
            Refused: the token or what was asked for is not right.
        """
        while not self._stopped.is_set():
            try:
                pause = yield from self._connect()
            except HTTPError as error:
                self._say(f"{self._events} cannot be reached ({type(error).__name__}); trying again.")
                pause = self._parser.retry_seconds
            self._stopped.wait(pause)

    def _connect(self) -> Generator[Told, None, float]:
        """Read one stream to its end; seconds to wait before the next."""
        headers = self._headers | {"Accept": "text/event-stream"}
        if self._parser.last_id:
            headers["Last-Event-ID"] = self._parser.last_id
        answer = self._pool.request(
            "GET", f"{self._events}/stream?{urlencode(self._wanted)}", headers=headers, preload_content=False,
            redirect=False,
        )  # fmt: skip
        try:
            if answer.status == 200:
                self._parser = Parser(self._parser.last_id, self._parser.retry_seconds)
                yield from self._stream(answer)
                return self._parser.retry_seconds
            self._check(answer)
        finally:
            answer.close()
        if answer.status == 503:  # every place for a stream is taken, or there is no database
            yield from self._poll()
        asked = answer.headers.get("Retry-After", "")
        return float(asked) if asked.isascii() and asked.isdigit() else self._parser.retry_seconds

    def _stream(self, answer: Any) -> Iterator[Told]:
        is_new = True
        while piece := answer.read1(65_536):
            for data in self._parser.read(piece):
                if is_new:
                    self._say(f"Listening, from position {self._parser.last_id} on.")
                    is_new = False
                if data is not None:
                    yield _event(data.encode())
                if self._stopped.is_set():
                    return

    def _poll(self) -> Iterator[Told]:
        """The same events page by page, while there is no place for a stream."""
        has_more = True
        while has_more and not self._stopped.is_set():
            wanted = {**self._wanted, "after": self._parser.last_id or self._wanted.get("after", "latest")}
            answer = self._pool.request("GET", f"{self._events}?{urlencode(wanted)}", headers=self._headers)
            if answer.status != 200:
                self._check(answer)
                return
            page = orjson.loads(answer.data)
            for event in page["items"]:
                self._parser.last_id = str(event["data"]["position"])
                yield _event(orjson.dumps(event))
            self._parser.last_id, has_more = str(page["last_position"]), page["has_more"]

    def _check(self, answer: Any) -> None:
        """Raise Refused where trying again would change nothing; else say what the server said."""
        try:
            detail = orjson.loads(answer.data)["detail"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            detail = "it is no server of this kind"
        if answer.status in REFUSED or 300 <= answer.status < 400:
            raise Refused(f"{self._events} answers {answer.status}: {detail}")
        self._say(f"{self._events} answers {answer.status}: {detail}")


def _event(body: bytes) -> Told:
    event = orjson.loads(body)
    return Told(event["data"]["position"], event["data"]["event_id"], event["type"], body)


class Forwarding:
    """Posts events to an address of the developer's own, signed as deliveries are; it may be on loopback."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._key = signing.key_of(secret)
        self._pool = urllib3.PoolManager(timeout=ANSWER_SECONDS, retries=False)

    def send(self, event_id: str, body: bytes, *, now: datetime) -> str:
        """What came of it: the status of the answer, or why there was none."""
        headers = {"Content-Type": "application/json", **signing.signed(event_id, body, [self._key], at=now)}
        try:
            answer = self._pool.request(
                "POST", self._url, body=body, headers=headers, redirect=False, preload_content=False
            )
            answer.close()  # what it says beside its status is nobody's business
        except HTTPError as error:
            return f"no answer ({type(error).__name__})"
        return str(answer.status)
