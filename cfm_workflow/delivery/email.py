"""Mail on its way out: to a mail server, or without one into files of the local outbox. One recipient per message.

Whatever goes wrong outside is an answer, never an error, and judged by one table. A message counts as sent from the
server's 250 on: what happens to the connection afterwards does not matter.
"""

import re
import ssl
from email.utils import parseaddr
from pathlib import Path
from typing import Final, Protocol

import flask_mail
from flask import Flask

from cfm_workflow.delivery import outbox
from cfm_workflow.delivery.message import Mail, Message, Unsendable, ascii_domain
from cfm_workflow.delivery.smtp import TIMEOUT_SECONDS, Failure, Line, Pool, Stage
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.setting_values import MailTls
from cfm_workflow.settings import Settings, SettingsError

LATER, NEVER, GONE = Verdict.LATER, Verdict.NEVER, Verdict.GONE

VERDICTS: Final[dict[Stage, tuple[Verdict, Verdict, Verdict]]] = {
    #                  4xx    5xx    no answer of use: refused, timed out, hung up, no encryption, ...
    Stage.CONNECT:    (LATER, LATER, LATER),
    Stage.HELLO:      (LATER, LATER, LATER),
    Stage.STARTTLS:   (LATER, LATER, LATER),
    Stage.SIGN_IN:    (LATER, LATER, LATER),
    Stage.SENDER:     (LATER, LATER, LATER),
    Stage.RECIPIENT:  (LATER, NEVER, LATER),
    Stage.DATA:       (LATER, NEVER, LATER),
    Stage.TEXT:       (LATER, NEVER, LATER),
}  # fmt: skip
"""What a failure means for a mail. Up to MAIL it is about us, and an operator can mend it; from RCPT on about the mail.
After the text without an answer nobody knows: it is sent again with the same Message-ID (RFC 5321, 4.5.3.2.6)."""

NOBODY_THERE: Final = frozenset({550, 551, 553})
"""At RCPT, unless it is about us: the address is dead (RFC 5321, 4.2.3)."""
ABOUT_US: Final = re.compile(
    r"\b5\.7\.\d|\b5\.1\.[78]\b|\bsender|\bhelo|\bclient host|\brelay|\bauthenticat|\bSTARTTLS", re.IGNORECASE
)
"""What servers say at RCPT although it is about whoever sends: many check nothing before (RFC 3463, 3.2 and 3.8)."""
US: Final = frozenset({500, 502, 503, 504, 530, 535, 538})
"""Refused because of how we are set up, whatever the stage: not understood, not signed in, not encrypted (RFC 4954)."""


def judge(failure: Failure) -> Verdict:
    """What a failure means for the mail; `GONE`: its address is dead."""
    soft, hard, broken = VERDICTS[failure.stage]
    kind = (failure.code or 0) // 100
    if kind == 4:
        return soft
    if kind != 5:
        return broken
    if failure.code in US or (failure.stage is Stage.RECIPIENT and ABOUT_US.search(failure.text)):
        return LATER
    if failure.stage is Stage.RECIPIENT and failure.code in NOBODY_THERE:
        return GONE
    return hard


class Transport(Protocol):
    """What takes mails out of the house; used by several threads at once."""

    def send(self, mail: Mail) -> Answer:
        """Send it. Whatever goes wrong is an answer."""

    def close(self) -> None:
        """Let go of what is kept open."""


def open_transport(settings: Settings) -> Transport:
    """The way out that these settings name. Raises SettingsError: mail cannot be from the sender they name."""
    if settings.mail_server is None:
        return Outbox(settings)
    return Smtp(settings)


class _Writer:
    """Makes the bytes of mails. Flask-Mail wants an application: one that holds its settings and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self.app = Flask("cfm_workflow.mail", static_folder=None)
        self.app.config.from_mapping(
            MAIL_SERVER=settings.mail_server,
            MAIL_PORT=settings.mail_port,
            MAIL_USE_TLS=settings.mail_tls is MailTls.STARTTLS,
            MAIL_USE_SSL=settings.mail_tls is MailTls.TLS,
            MAIL_USERNAME=settings.mail_username,
            MAIL_PASSWORD=settings.mail_password,
            MAIL_DEBUG=False,
        )
        self.mail = flask_mail.Mail(self.app)
        self.sender = settings.mail_sender
        self.sender_address = _sender_address(settings)

    def message(self, mail: Mail) -> tuple[Message, bytes]:
        """Raises Unsendable."""
        try:
            with self.app.app_context():
                message = Message(mail, self.sender)
                return message, message.as_bytes()
        except Unsendable:
            raise
        except ValueError as error:  # such as a character that no encoding knows
            raise Unsendable(f"The message cannot be written down: {type(error).__name__}.") from error


def _sender_address(settings: Settings) -> str:
    try:
        address = ascii_domain(parseaddr(settings.mail_sender)[1])
    except Unsendable:
        address = ""
    if not address.isascii() or not address:
        raise SettingsError("CFM_MAIL_SENDER", "holds an address that servers do not take", "one of ASCII letters")
    return address


class Smtp:
    """Hands mails to a mail server. `context` says whose certificates are good, those of the machine unless given;
    `timeout` is in seconds, for each answer of the server."""

    def __init__(
        self, settings: Settings, *, context: ssl.SSLContext | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        trusted = context or ssl.create_default_context()
        self._writer = _Writer(settings)
        self._pool = Pool(lambda: Line(self._writer.mail, trusted, timeout))

    def send(self, mail: Mail) -> Answer:
        """One message to one recipient."""
        try:
            address = self.hand_over(mail)
        except Unsendable as why:
            return Answer(NEVER, str(why))
        except Failure as failure:
            return Answer(judge(failure), f"{failure.stage}: {failure.text}", failure.code, failure.address)
        return Answer(Verdict.DELIVERED, "taken", 250, address)

    def hand_over(self, mail: Mail) -> str | None:
        """The same, and the network address of the server that took it.

        Raises:
            Unsendable; Failure: with the stage at which it failed.
        """
        message, content = self._writer.message(mail)
        line = self._pool.take()
        try:
            self._over(line, message, content)
        except Failure as failure:
            if not (line.has_served and _was_closed(failure)):
                raise
            line = self._pool.take_new()  # nothing of this message had been said on the one that was closed meanwhile
            self._over(line, message, content)
        self._pool.put_back(line)
        return line.address

    def _over(self, line: Line, message: Message, content: bytes) -> None:
        try:
            if not line.has_served:
                line.configure_host()
            if message.mail_options and not line.takes_any_address:
                raise Unsendable("The mail server takes no addresses beyond ASCII.")
            line.hand_over(self._writer.sender_address, message.to, content, message.mail_options)
        except BaseException:
            line.drop()
            raise

    def close(self) -> None:
        self._pool.close()


def _was_closed(failure: Failure) -> bool:
    return failure.stage is Stage.SENDER and failure.code in (None, 421)


class Outbox:
    """Keeps mails as files, for want of a server. What is kept was not sent."""

    def __init__(self, settings: Settings) -> None:
        self._writer = _Writer(settings)
        self.folder: Path = settings.instance / outbox.FOLDER

    def send(self, mail: Mail) -> Answer:
        """A repetition of the same delivery replaces its file."""
        try:
            _, content = self._writer.message(mail)
            outbox.keep(self.folder, outbox.name_of(mail.kind, mail.ident), content)
        except Unsendable as why:
            return Answer(NEVER, str(why))
        except OSError as error:
            return Answer(LATER, f"The outbox cannot be written to: {error.strerror or error}.")
        return Answer(Verdict.KEPT, "kept in the outbox: there is no mail server")

    def close(self) -> None:
        """Nothing is open."""
