"""The clients: one process, a persistent connection per script, each asking its next as soon as it is answered.

Or so many requests a second in turn, each timed from when it was due, whether its connection was free then or not.
Reads a job from standard input and writes what it saw to standard output, both as JSON; knows nothing of the service.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter, deque
from typing import Any


class Client:
    """One connection working through its requests."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = iter(requests)
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.last = b""
        self._got = b""
        self._asked_at = 0.0

    def ask(self, due_at: float | None = None) -> bool:
        """Send the next request, timed from when it was due if that is given; False when there is none."""
        request = next(self.left, None)
        if request is None:
            return False
        self._asked_at = due_at or time.perf_counter()
        self.socket.sendall(request)
        return True

    def hear(self) -> bool:
        """Read what has come; True when the answer is complete."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed a connection")
        self._got += part
        head, parted, body = self._got.partition(b"\r\n\r\n")
        if not parted:
            return False
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        if len(body) < int(lower[at:].split(b"\r\n", 1)[0]):
            return False
        self.seconds.append(time.perf_counter() - self._asked_at)
        self.statuses[int(head[9:12])] += 1
        self.last, self._got = body, b""
        return True


def run(port: int, scripts: list[list[bytes]]) -> dict[str, Any]:
    """All scripts at once, each on its own connection."""
    selector = selectors.DefaultSelector()
    clients = [Client(port, script) for script in scripts]
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    began = time.perf_counter()
    busy = sum(client.ask() for client in clients)
    while busy:
        for key, _ in selector.select():
            if key.data.hear() and not key.data.ask():
                busy -= 1
    return _seen(clients, time.perf_counter() - began)


def run_paced(port: int, scripts: list[list[bytes]], per_second: float) -> dict[str, Any]:
    """One request every so often, whatever became of those before."""
    selector = selectors.DefaultSelector()
    clients = [Client(port, script) for script in scripts]
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    due: list[deque[float]] = [deque() for _ in clients]
    began = time.perf_counter()
    left = count = sum(map(len, scripts))
    asked = 0
    while left:
        next_at = began + asked / per_second
        if asked < count and time.perf_counter() >= next_at:
            n = asked % len(clients)
            due[n].append(next_at)
            asked += 1
            if len(due[n]) == 1:
                clients[n].ask(next_at)
            continue
        wait = max(next_at - time.perf_counter(), 0) if asked < count else None
        for key, _ in selector.select(wait):
            if key.data.hear():
                waiting = due[clients.index(key.data)]
                waiting.popleft()
                left -= 1
                if waiting:
                    key.data.ask(waiting[0])
    return _seen(clients, time.perf_counter() - began)


def _seen(clients: list[Client], took: float) -> dict[str, Any]:
    statuses = sum((client.statuses for client in clients), Counter())
    return {
        "took": took,
        "seconds": sorted(second for client in clients for second in client.seconds),
        "statuses": dict(statuses),
        "last": clients[0].last.decode(),
    }


def render(port: int, method: str, path: str, token: str, body: Any) -> bytes:
    """A request as it goes over the wire."""
    payload = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    if payload:
        head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
    return f"{head}\r\n".encode() + payload


def main() -> None:
    job = json.load(sys.stdin)
    scripts = [[render(job["port"], *request) for request in script] for script in job["scripts"]]
    pace = job.get("per_second")
    seen = run_paced(job["port"], scripts, pace) if pace else run(job["port"], scripts)
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
