"""A mail as the network carries it: written by Flask-Mail, with our own checks and encodings. Sends nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.text import MIMEText
from typing import Final

import flask_mail

_ASCII: Final = policy.SMTP.clone(refold_source="none", cte_type="7bit")
_ANY: Final = policy.SMTPUTF8.clone(refold_source="none", cte_type="7bit")
"""Headers are written as they are: folding would encode long addresses and message ids, and nobody could use them."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person. Where mail is kept, `kind` and `ident` name its file; `headers` are added as given."""

    ident: int
    to: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "delivery"


class Unsendable(ValueError):
    """A mail that no server must get: what would be a header holds what would end it, or the address is none."""


class Message(flask_mail.Message):
    """Flask-Mail's message, with bodies that every server can carry and a recipient written as given."""

    def __init__(self, mail: Mail, sender: str) -> None:
        self.to = ascii_domain(mail.to)
        for name, value in {
            "To": self.to,
            "Subject": mail.subject,
            "Message-ID": mail.message_id,
            **mail.headers,
        }.items():
            check_header(name, value)
        super().__init__(
            _subject(mail.subject),
            recipients=[self.to] if self.to.isascii() else [],  # it could not be written by Flask-Mail
            body=mail.text,
            html=mail.html,
            sender=sender,
            date=mail.at.timestamp(),
            extra_headers=dict(mail.headers),
            mail_options=[] if self.to.isascii() else ["SMTPUTF8"],
        )
        self.msgId = mail.message_id

    def as_bytes(self) -> bytes:
        message = self._message()
        message.policy = _ASCII if self.to.isascii() else _ANY
        return message.as_bytes()

    def _message(self) -> MIMEBase:
        message = super()._message()
        message.replace_header("To", self.to)
        return message

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        """In lines that are short and of ASCII, which no server can refuse or change."""
        body = text or ""
        charset = Charset("utf-8")
        charset.body_encoding = QP if sum(letter < "\x80" for letter in body) * 4 > len(body) * 3 else BASE64
        return MIMEText(body, _subtype=subtype, _charset=charset)  # type: ignore[arg-type]


def _subject(text: str) -> str:
    """Encoded where it would be taken for something encoded (RFC 2047, 6); the rest is Flask-Mail's."""
    return Header(text, "utf-8").encode() if "=?" in text else text


def ascii_domain(address: str) -> str:
    """The address with its domain in ASCII; the part before the @ stays as it is. Raises Unsendable."""
    local, at, domain = address.rpartition("@")
    try:
        name = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise Unsendable("The domain of the address cannot be one.") from None
    if not (local and at and name) or any(letter in address for letter in ' <>,;"\t'):
        raise Unsendable("The address is not one.")
    return f"{local}@{name}"


def check_header(name: str, value: str) -> None:
    """Raise Unsendable when a value would not stay within its header (RFC 5322, 2.2)."""
    if any(letter < " " or letter in "\x7f\x85\u2028\u2029" for letter in value) or len(value.encode()) > 900:
        raise Unsendable(f"What was to be the header {name} holds a control character or is too long.")
