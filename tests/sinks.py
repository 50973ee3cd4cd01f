"""Receivers of webhooks on loopback that do as they are told: answer, hang, drip, flood, redirect, hang up."""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

Behaviour = Callable[["Handler"], None]


@dataclass(slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = orjson.loads(self.body)
        return event

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Handler(BaseHTTPRequestHandler):
    """One connection of a sink."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def log_message(self, *args: object) -> None:
        """Not in the output of the tests."""

    def do_POST(self) -> None:
        sink = self.server.sink
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        behave = sink.note(Received(self.path, headers, body))
        try:
            behave(self)
        except OSError:
            self.close_connection = True  # the sender hung up
        finally:
            sink.note_end()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    sink: "Sink"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up is no error of the sink."""


@dataclass
class Sink:
    """A receiver. `behave` says what it does; `script` holds what it does first, one behaviour per request."""

    server: _Server
    behave: Behaviour
    script: deque[Behaviour] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def port(self) -> int:
        return self.server.server_port

    def note(self, request: Received) -> Behaviour:
        with self.changed:
            self.received.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.changed.notify_all()
            return self.script.popleft() if self.script else self.behave

    def note_end(self) -> None:
        with self.changed:
            self.at_once -= 1
            self.changed.notify_all()

    def wait_for(self, count: int) -> list[Received]:
        """The requests, once there are that many of them."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, timeout=30), len(self.received)
            return list(self.received)

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.received]

    @property
    def types(self) -> list[str]:
        return [request.event["type"] for request in self.received]


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer so."""
    return lambda handler: handler.answer(status, body, **headers)


FINE = answering(204)


def hanging(until: threading.Event) -> Behaviour:
    """Say nothing before `until` is set; then all is well."""

    def behave(handler: Handler) -> None:
        until.wait(30)
        handler.answer(204)

    return behave


def hang_up(handler: Handler) -> None:
    """Close without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def drip(beginning: bytes, byte: bytes, stop: threading.Event) -> Behaviour:
    """Say `beginning`, then one byte now and then until `stop` is set or the other side hangs up."""

    def behave(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(beginning)
        while not stop.wait(0.02):
            handler.wfile.write(byte)

    return behave


def flood(handler: Handler) -> None:
    """Gigabytes, until the other side hangs up."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Length", str(8 * 1024**3))
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)
        handler.server.sink.flooded += 65536  # type: ignore[attr-defined]


@contextmanager
def sink(behave: Behaviour = FINE, *, host: str = "127.0.0.1") -> Iterator[Sink]:
    """A running receiver."""
    server = _Server((host, 0), Handler)
    running = server.sink = Sink(server, behave)
    running.flooded = 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def sentinel() -> Iterator[Callable[[], int]]:
    """A port on 127.0.0.1 that nobody may ever connect to; how many did is what it tells. And the port as `.port`."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    found: list[socket.socket] = []

    def count() -> int:
        while True:
            try:
                found.append(listener.accept()[0])
            except BlockingIOError:
                return len(found)

    count.port = listener.getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield count
    finally:
        for connection in (*found, listener):
            connection.close()
