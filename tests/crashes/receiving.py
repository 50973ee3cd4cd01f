"""A receiver in a process of its own that notes every webhook it gets, and refuses one in so many. No tests here."""

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
import hashlib, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
book, refuse_each = open(sys.argv[1], "ab", buffering=0), int(sys.argv[2])
lock, count = threading.Lock(), 0

class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):
            return  # whoever sent it died in the middle
        with lock:
            count += 1
            status = 503 if refuse_each and count % refuse_each == 0 else 204
            digest = hashlib.sha256(body).hexdigest()
            book.write(f"{self.headers['webhook-id']} {digest} {status}\\n".encode())
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *about):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One request that came: the event's id, a hash of its body, and what was answered."""

    event_id: str
    digest: str
    status: int


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver that runs."""

    url: str
    book: Path

    def receipts(self) -> dict[str, list[Receipt]]:
        """Everything that came, by event, in the order it came."""
        found: dict[str, list[Receipt]] = defaultdict(list)
        for line in self.book.read_text().splitlines():
            event_id, digest, status = line.split(" ")
            found[event_id].append(Receipt(event_id, digest, int(status)))
        return found


@contextmanager
def receiving(folder: Path, *, refuse_each: int = 0) -> Iterator[Receiver]:
    """A receiver on a free port of loopback; with `refuse_each` it answers every so manieth request with 503."""
    book = folder / "received"
    book.touch()
    command = [sys.executable, "-c", PROGRAM, str(book), str(refuse_each)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ}) as process:
        assert process.stdout is not None
        try:
            yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}/", book)
        finally:
            process.kill()


def digest(body: str) -> str:
    """As the receiver hashes what it gets."""
    return hashlib.sha256(body.encode()).hexdigest()
