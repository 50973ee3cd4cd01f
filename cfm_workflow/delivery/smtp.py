"""A conversation with a mail server (RFC 5321): certificates are checked, no answer is waited for longer than agreed.

Every failure says at which stage it happened. A connection serves one thread at a time and is kept for a moment.
"""

import io
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import cache
from typing import Any, Final

import flask_mail

from cfm_workflow import clock

TIMEOUT_SECONDS: Final = 20.0
"""For each answer as a whole, and for each connection."""
IDLE_SECONDS: Final = 10.0
"""So long a connection is kept for the next message."""
MESSAGES: Final = 100
"""Over one connection; servers like to set a limit."""
ANSWER: Final = 1_000


class Stage(StrEnum):
    """How far a conversation has come."""

    CONNECT = "connecting"
    HELLO = "EHLO"
    STARTTLS = "STARTTLS"
    SIGN_IN = "AUTH"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    TEXT = "after the text"


class Failure(Exception):
    """The server at `address` said no (`code`), or nothing of use (`code` None). `text` is what it said, or what went
    wrong."""

    def __init__(self, stage: Stage, code: int | None, text: str, *, address: str | None = None) -> None:
        self.stage = stage
        self.code = code
        self.text = text
        self.address = address
        super().__init__(f"{stage}: {code or ''} {text}")


class _Patient(io.RawIOBase):
    """What comes from a socket until a deadline; a server that sends one byte now and then gains no time by it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - clock.stopwatch()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        return self._socket.recv_into(buffer)


class _Conversation(smtplib.SMTP):
    """Knows at which stage it is, and gives each answer as a whole a deadline."""

    stage = Stage.CONNECT
    _incoming: _Patient | None = None

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None or self._incoming is None:
            assert self.sock is not None
            self._incoming = _Patient(self.sock)
            self.file = io.BufferedReader(self._incoming)
        self._incoming.deadline = clock.stopwatch() + self.timeout
        try:
            code, text = super().getreply()
        finally:
            if self.sock is not None:
                self.sock.settimeout(self.timeout)
        if self.stage is Stage.DATA and code == 354:
            self.stage = Stage.TEXT
        return code, text

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.stage = Stage.SENDER
        return super().mail(sender, options)

    def rcpt(self, recip: str, options: Any = ()) -> tuple[int, bytes]:
        self.stage = Stage.RECIPIENT
        return super().rcpt(recip, options)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.stage = Stage.DATA
        return super().data(msg)

    def rset(self) -> tuple[int, bytes]:
        """Nothing: after a refusal we hang up, and what is said then must not hide what was said before."""
        return 250, b""


class _EncryptedConversation(_Conversation, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


@cache
def _own_name() -> str:
    """How we introduce ourselves (RFC 5321, 4.1.4); asked for once, as it may have to be looked up."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


class Line(flask_mail.Connection):
    """One connection to the server that Flask-Mail is configured with."""

    def __init__(self, mail: flask_mail.Mail, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(mail)
        self._context = context
        self._timeout = timeout
        self._conversation: _Conversation | None = None
        self.address: str | None = None
        """The network address that is spoken to."""
        self.idle_since = 0.0

    @property
    def is_spent(self) -> bool:
        return self._conversation is None or self.num_emails >= MESSAGES

    @property
    def has_served(self) -> bool:
        return self.num_emails > 0

    @property
    def takes_any_address(self) -> bool:
        """Whether the server takes addresses beyond ASCII (RFC 6531)."""
        return self._conversation is not None and self._conversation.has_extn("smtputf8")

    def configure_host(self) -> smtplib.SMTP:
        """Connect, encrypt and sign in. Raises Failure."""
        stage = Stage.CONNECT
        try:
            talk = self._conversation = self._connected()
            assert talk.sock is not None
            self.address = str(talk.sock.getpeername()[0])
            stage = Stage.HELLO
            talk.ehlo_or_helo_if_needed()
            if self.mail.use_tls:
                stage = Stage.STARTTLS  # which raises when the server does not offer it: never in the clear instead
                talk.starttls(context=self._context)
                stage = Stage.HELLO
                talk.ehlo_or_helo_if_needed()
            if self.mail.username:
                stage = Stage.SIGN_IN
                talk.login(self.mail.username, self.mail.password or "")
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failure(stage, error) from error
        return talk

    def hand_over(self, sender: str, recipient: str, text: bytes, options: list[str]) -> None:
        """Give one message to the server, which has taken it when this returns. Raises Failure."""
        talk = self._conversation
        assert talk is not None
        talk.stage = Stage.SENDER
        try:
            talk.sendmail(sender, [recipient], text, options)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failure(talk.stage, error) from error
        self.num_emails += 1

    def close(self) -> None:
        """Say good-bye; how the server takes it does not matter any more."""
        talk, self._conversation = self._conversation, None
        if talk is None:
            return
        try:
            talk.timeout = min(self._timeout, 2.0)
            talk.quit()
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            talk.close()

    def drop(self) -> None:
        """Hang up without a word."""
        talk, self._conversation = self._conversation, None
        if talk is not None:
            talk.close()

    def _connected(self) -> _Conversation:
        place: dict[str, Any] = {"host": self.mail.server, "port": self.mail.port, "timeout": self._timeout}
        if self.mail.use_ssl:
            return _EncryptedConversation(**place, local_hostname=_own_name(), context=self._context)
        return _Conversation(**place, local_hostname=_own_name())

    def _failure(self, stage: Stage, error: Exception) -> Failure:
        code, text = None, str(error)[:ANSWER] or type(error).__name__
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, said = next(iter(error.recipients.values()))
            text = _decoded(said)
        elif isinstance(error, smtplib.SMTPResponseException) and isinstance(error.smtp_error, bytes):
            code, text = error.smtp_code, _decoded(error.smtp_error)
        return Failure(stage, code if code and code > 0 else None, text, address=self.address)


def _decoded(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:ANSWER]


class Pool:
    """Connections that are kept for the next message for `IDLE_SECONDS`. Each is used by one thread at a time."""

    def __init__(self, connect: Callable[[], Line]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._closing: threading.Timer | None = None

    def take(self) -> Line:
        """A connection for the caller alone; a new one has to be opened."""
        with self._lock:
            return self._idle.pop() if self._idle else self._connect()

    def take_new(self) -> Line:
        """The same, and never one that is kept."""
        return self._connect()

    def put_back(self, line: Line) -> None:
        """It may serve the next one."""
        if line.is_spent:
            line.close()
            return
        line.idle_since = clock.stopwatch()
        with self._lock:
            self._idle.append(line)
            self._close_later()

    def _close_idle(self) -> None:
        with self._lock:
            old = [line for line in self._idle if clock.stopwatch() - line.idle_since >= IDLE_SECONDS]
            self._idle = [line for line in self._idle if line not in old]
            self._closing = None
            if self._idle:
                self._close_later()
        for line in old:
            line.close()

    def _close_later(self) -> None:
        if self._closing is not None:
            return
        self._closing = threading.Timer(IDLE_SECONDS, self._close_idle)
        self._closing.daemon = True
        with suppress(RuntimeError):  # no threads any more: the process ends, and what was sent is to be settled
            self._closing.start()

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            idle, self._idle = self._idle, []
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None
        for line in idle:
            line.close()
