"""POSTs a body to an endpoint and tells how it went. Whatever is out there, an attempt ends in time and is an answer.

Names are resolved and judged when a connection is made, and the connection goes to the very address that was judged:
a name that leads elsewhere a moment later changes nothing. No redirect is followed, no proxy is asked.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPException
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from cfm_workflow import __version__, clock, limits
from cfm_workflow.delivery.resolving import Place, places_of
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.security.addresses import Networks, RefusedAddress, RefusedUrl, Target, parse_url

TIMEOUT_SECONDS: Final = 20.0
IDLE_SECONDS: Final = 1.5
"""A connection that rested longer is not used again: many servers hang up after two seconds."""
KEPT: Final = 128
CLOSENESS_SECONDS: Final = 0.25
"""How exactly the end of an attempt is kept."""
PATIENT: Final = frozenset({429, 503})
"""With these a receiver may say how long it wants to be left alone (RFC 9110, 10.2.3)."""
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"cfm-workflow/{__version__}"}


class Sender:
    """Sends to any endpoint, from any number of threads; keeps connections open for a moment.

    `allowed` are the networks that are called though they are not public, `timeout` the seconds of a whole attempt.
    """

    def __init__(self, *, allowed: Networks, timeout: float = TIMEOUT_SECONDS) -> None:
        self.timeout = timeout
        self._allowed = allowed
        self._idle = _Idle()
        self._watchdog = _Watchdog(self._idle)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One attempt. Raises nothing for what the outside does."""
        deadline = clock.stopwatch() + self.timeout
        try:
            target = parse_url(url)
        except RefusedUrl as refusal:
            return Answer(Verdict.LATER, str(refusal))
        line = self._idle.take(target) or self._line_to(target)
        line.deadline, line.timeout = deadline, self.timeout
        with self._watchdog.watching(line):
            try:
                answer, may_stay = _exchange(line, target, body, headers)
            except RefusedAddress as refusal:
                answer, may_stay = Answer(Verdict.LATER, f"{refusal}; it is not called"), False
            except (OSError, HTTPError, HTTPException, ValueError) as error:
                answer, may_stay = Answer(Verdict.LATER, _sentence(line, error), None, line.place_text), False
        if may_stay and not line.is_cut:
            self._idle.put(target, line)
        else:
            line.end()
        return answer

    def _line_to(self, target: Target) -> "_Line":
        if target.scheme == "http":
            return _Line(target, self._allowed)
        return _SecureLine(target, self._allowed, ssl_context=self._context)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def close(self) -> None:
        """Close the connections that rest."""
        self._idle.sweep(longest=-1)


def _exchange(line: "_Line", target: Target, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, bool]:
    """Send, and read the beginning of the answer; whether the connection may be used again."""
    line.request("POST", target.path, body, {**headers, **HEADERS}, preload_content=False, decode_content=False)
    response = line.getresponse()
    said = response.read(limits.ANSWER_BYTES, decode_content=False)
    is_long = len(said) >= limits.ANSWER_BYTES
    if not is_long and response.length_remaining:
        raise HTTPException("the answer broke off")
    may_stay = not is_long and response.headers.get("Connection", "").lower() != "close" and response.version != 10
    answer = Answer(
        _verdict(response.status),
        said.decode("utf-8", "replace").replace("\0", "\ufffd"),
        response.status,
        line.place_text,
        _retry_after(response),
    )
    if line.is_cut:
        raise TimeoutError
    return answer, may_stay


def _verdict(status: int) -> Verdict:
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == 410 else Verdict.LATER


def _retry_after(response: BaseHTTPResponse) -> timedelta | None:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3); None for anything else."""
    said = response.headers.get("Retry-After", "").strip()
    if response.status not in PATIENT or not said:
        return None
    if said.isascii() and said.isdigit():
        return timedelta(seconds=int(said[:9]))
    try:
        moment = parsedate_to_datetime(said)
        return max(moment - clock.now(), timedelta(0))
    except (ValueError, TypeError, OverflowError):  # no date, one without a zone, or one beyond all times
        return None


def _sentence(line: "_Line", error: Exception) -> str:
    if line.is_cut or isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
        return "no whole answer in time"
    reason = error.__cause__ if isinstance(error, HTTPError) and error.__cause__ is not None else error
    return f"no answer: {str(reason) or type(reason).__name__}"


# -- connections -----------------------------------------------------------------------------------------------------


class _Line(HTTPConnection):
    """A connection to an address that was judged. It can be cut from another thread, and then whatever waits on it
    ends."""

    def __init__(self, target: Target, allowed: Networks, **more: Any) -> None:
        super().__init__(target.host, target.port, **more)
        self.deadline = 0.0
        self.is_cut = False
        self.place_text: str | None = None
        self.rested_at = 0.0
        self._target = target
        self._allowed = allowed
        self._cord: socket.socket | None = None
        self._cutting = threading.Lock()

    def _new_conn(self) -> socket.socket:
        left = self.deadline - clock.stopwatch()
        places = places_of(self._target, allowed=self._allowed, seconds=left)
        for n, place in enumerate(places, 1):
            try:
                return self._connect_to(place, last=n == len(places))
            except OSError:
                if n == len(places) or self.is_cut:
                    raise
        raise AssertionError("unreachable")

    def _connect_to(self, place: Place, *, last: bool) -> socket.socket:
        left = self.deadline - clock.stopwatch()
        self.place_text = (
            f"{place.address}:{self.port}" if place.address.version == 4 else f"[{place.address}]:{self.port}"
        )
        sock = socket.socket(place.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(max(left if last else left / 2, 0.001))
            sock.connect(place.sockaddr)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tie(sock.dup())
        except BaseException:
            sock.close()
            raise
        return sock

    def _tie(self, cord: socket.socket) -> None:
        """Keep a second handle of the connection, which TLS does not wrap: by it the watchdog can end it."""
        with self._cutting:
            self._drop_cord()
            if self.is_cut:
                cord.close()
                raise TimeoutError
            self._cord = cord

    def cut(self) -> None:
        """End the connection at once, whatever another thread does on it."""
        with self._cutting:
            self.is_cut = True
            if self._cord is not None:
                with contextlib.suppress(OSError):  # the other side was faster
                    self._cord.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Close the connection for good. (`close` is also called while an answer is still being read.)"""
        self.cut()
        self.close()
        with self._cutting:
            self._drop_cord()

    def _drop_cord(self) -> None:
        if self._cord is not None:
            self._cord.close()
            self._cord = None


class _SecureLine(_Line, HTTPSConnection):
    """The same with TLS, verified against the name in the URL."""


class _Idle:
    """Connections that rest for a moment; the one used last is used first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str, int], list[_Line]] = {}
        self.count = 0

    def take(self, target: Target) -> _Line | None:
        """One that is as good as new, if there is."""
        self.sweep()
        with self._lock:
            lines = self._lines.get(_place(target))
            if not lines:
                return None
            line = lines.pop()
            self.count -= 1
        if line.is_connected:
            return line
        line.end()
        return None

    def put(self, target: Target, line: _Line) -> None:
        """Let a connection rest, unless so many do already."""
        line.rested_at = clock.stopwatch()
        with self._lock:
            if is_kept := self.count < KEPT:
                self._lines.setdefault(_place(target), []).append(line)
                self.count += 1
        if not is_kept:
            line.end()

    def sweep(self, *, longest: float = IDLE_SECONDS) -> None:
        """Close those that rested for longer."""
        oldest = clock.stopwatch() - longest
        with self._lock:
            stale = [line for lines in self._lines.values() for line in lines if line.rested_at <= oldest]
            if stale:
                fresh = {
                    place: [line for line in lines if line.rested_at > oldest] for place, lines in self._lines.items()
                }
                self._lines = {place: lines for place, lines in fresh.items() if lines}
                self.count -= len(stale)
        for line in stale:
            line.end()


def _place(target: Target) -> tuple[str, str, int]:
    return target.scheme, target.host, target.port


class _Watchdog:
    """A thread that cuts the connections of attempts that are over, and closes those that rested too long.

    A time-out of the socket would not do: it begins anew with every byte.
    """

    def __init__(self, idle: _Idle) -> None:
        self._idle = idle
        self._watched: set[_Line] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self, line: _Line) -> Iterator[None]:
        """Cut `line` when its deadline comes before this ends."""
        with self._changed:
            self._watched.add(line)
            if self._thread is None:  # not earlier: a fork takes no threads along
                self._thread = threading.Thread(target=self._run, name="webhook-deadlines", daemon=True)
                self._thread.start()
            elif len(self._watched) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._watched.discard(line)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watched and not self._idle.count:
                    self._changed.wait()
                now = clock.stopwatch()
                over = [line for line in self._watched if line.deadline <= now]
            for line in over:
                line.cut()
            self._idle.sweep()
            with self._changed:
                self._changed.wait(CLOSENESS_SECONDS)
