"""Mail servers on loopback: one that takes everything, and one that refuses, stalls or hangs up where it is told to.

They are real sockets and know nothing of our code.
"""

import base64
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STALL = "stall"
HANG_UP = "hang up"
STAGES = ("banner", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "text", "after", "QUIT")
"""In the order of a conversation; `text` is the answer to the message itself, `after` what happens behind its 250."""

_GOOD = {
    "banner": "220 mail.example ESMTP",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
    "MAIL": "250 sender ok",
    "RCPT": "250 recipient ok",
    "DATA": "354 go on",
    "text": "250 taken",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@dataclass
class Taken:
    """A message that was taken, with its envelope."""

    sender: str
    recipient: str
    content: bytes
    options: str = ""

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    def part(self, kind: str) -> str:
        """The body of `plain` or `html`."""
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


@dataclass
class Sink:
    """A server that answers as it is told: per stage a line such as `550 no`, or STALL, or HANG_UP; else it is good.

    A list of answers is used up one per time; then it is good.
    """

    faults: dict[str, str | list[str]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("8BITMIME",)
    tls: ssl.SSLContext | None = None
    taken: list[Taken] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self.more = threading.Condition()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    def wait_for(self, count: int) -> list[Taken]:
        """The messages as soon as there are so many."""
        with self.more:
            assert self.more.wait_for(lambda: len(self.taken) >= count, timeout=30), self.said
        return self.taken

    def close(self) -> None:
        """End every conversation and wait for the threads."""
        self._ended.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._talk, args=[sock], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, sock: socket.socket) -> None:
        try:
            Conversation(self, sock).run()
        except (OSError, EOFError):
            pass
        finally:
            sock.close()

    def fault(self, stage: str) -> str | None:
        fault = self.faults.get(stage)
        if isinstance(fault, list):
            return fault.pop(0) if fault else None
        return fault

    def stall(self) -> None:
        """Say nothing until the test is over."""
        self._ended.wait(60)
        raise EOFError


class Conversation:
    """One connection, line by line."""

    def __init__(self, sink: Sink, sock: socket.socket) -> None:
        self.sink = sink
        self.sock = sock
        self.file = sock.makefile("rb")
        self.sender = self.recipient = self.options = ""

    def run(self) -> None:
        try:
            self.answer("banner")
            while line := self.read():
                self.command(line)
        finally:
            self.file.close()
            self.sock.close()  # of the encryption, when there is one

    def read(self) -> str:
        line = self.file.readline()
        if not line:
            raise EOFError
        return line.decode().rstrip("\r\n")

    def answer(self, stage: str) -> bool:
        """Whether it was the good answer."""
        fault = self.sink.fault(stage)
        if fault == STALL:
            self.sink.stall()
        if fault == HANG_UP:
            raise EOFError
        self.sock.sendall((fault or _GOOD[stage]).encode() + b"\r\n")
        return fault is None

    def command(self, line: str) -> None:
        self.sink.said.append(line)
        verb = line.split(" ")[0].upper()
        if verb in ("EHLO", "HELO"):
            self.hello()
        elif verb == "STARTTLS" and self.answer("STARTTLS") and self.sink.tls is not None:
            self.file.close()
            self.sock = self.sink.tls.wrap_socket(self.sock, server_side=True)
            self.sink._open.append(self.sock)
            self.file = self.sock.makefile("rb")
        elif verb == "MAIL" and self.answer("MAIL"):
            address, _, self.options = line.partition(":")[2].partition(" ")
            self.sender = address.strip("<>")
        elif verb == "RCPT" and self.answer("RCPT"):
            self.recipient = line.partition(":")[2].strip("<>")
        elif verb == "DATA" and self.answer("DATA"):
            self.text()
        elif verb == "QUIT":
            self.answer("QUIT")
            raise EOFError
        elif verb in ("AUTH", "RSET", "NOOP"):
            self.answer(verb)

    def hello(self) -> None:
        fault = self.sink.fault("EHLO")
        if fault == STALL:
            self.sink.stall()
        if fault == HANG_UP:
            raise EOFError
        encrypted = isinstance(self.sock, ssl.SSLSocket)
        names = [name for name in self.sink.extensions if not (encrypted and name == "STARTTLS")]
        lines = [fault] if fault else [*(f"250-{name}" for name in ["mail.example", *names]), "250 HELP"]
        self.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def text(self) -> None:
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = Taken(self.sender, self.recipient, b"".join(lines), self.options)
        fault = self.sink.faults.get("text")
        if self.sink.faults.get("text") is None or (isinstance(fault, list) and not fault):
            with self.sink.more:
                self.sink.taken.append(message)
                self.sink.more.notify_all()
        self.answer("text")
        if self.sink.fault("after") == HANG_UP:
            raise EOFError


@contextmanager
def sink(
    faults: Mapping[str, str | list[str]] | None = None,
    *,
    extensions: tuple[str, ...] = ("8BITMIME",),
    tls: ssl.SSLContext | None = None,
) -> Iterator[Sink]:
    """A running server."""
    running = Sink(dict(faults or {}), extensions, tls)
    try:
        yield running
    finally:
        running.close()


@dataclass(frozen=True)
class Certificates:
    """A certificate for 127.0.0.1 that nobody vouches for, in files."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def trusting(self) -> ssl.SSLContext:
        """What a client uses that trusts this certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))


def certificates(folder: Path, address: str = "127.0.0.1") -> Certificates:
    """Make a key, and a certificate for it signed by itself, good for `address`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificates(folder / "mail.crt", folder / "mail.key")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def credentials(line: str) -> tuple[str, str]:
    """Name and password of an `AUTH PLAIN` line (RFC 4616)."""
    _, name, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
    return name, password


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
