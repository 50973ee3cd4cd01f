"""What a setting may be: a pure parser per kind of value. Each raises ValueError; what it says is never shown."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql+psycopg://"
KEY_BYTES = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Language(StrEnum):
    """The languages the service speaks."""

    ENGLISH = "en"
    KOREAN = "ko"


class LogFormat(StrEnum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


class LabelChoice(StrEnum):
    """Where labels come from: made by whoever uses one first, or kept to a list."""

    FREE = "free"
    LIST = "list"


class MailTls(StrEnum):
    """How the connection to the mail server is encrypted."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class TellCustomer(StrEnum):
    """Who tells customers that it is solved."""

    NEVER = "never"
    ASK = "ask"
    AUTOMATIC = "automatic"


class Bind(NamedTuple):
    """Where the web server listens; `str()` gives HOST:PORT with an IPv6 address in brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Key(NamedTuple):
    """A key for secrets at rest: its name, which stands in what it encrypted, and 32 bytes."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"


def whole(least: int, most: int) -> Callable[[str], int]:
    """A parser for whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return parse


def folder(text: str) -> Path:
    """The path of a folder, which need not exist yet."""
    path = Path(text).expanduser()
    if "\0" in text or path.is_file():
        raise ValueError
    return path


def bind(text: str) -> Bind:
    """HOST:PORT."""
    match = re.fullmatch(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})", text)
    if not match:
        raise ValueError
    if match["six"]:
        ipaddress.IPv6Address(match["six"])
    return Bind(match["six"] or match["host"], whole(1, 65535)(match["port"]))


def host(text: str) -> str:
    """The name or address of a server."""
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", text):
        raise ValueError
    return text


def line(text: str) -> str:
    """One line of text."""
    if not text.isprintable():
        raise ValueError
    return text


def sender(text: str) -> str:
    """An e-mail address, with or without a name before it."""
    name, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+", address) or not (name or address == text):
        raise ValueError
    return line(text)


def gaps(text: str) -> tuple[int, ...]:
    """Whole seconds, comma-separated; at most 50 of them, each at most 30 days."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 50:
        raise ValueError
    return tuple(whole(0, 30 * 86400)(part) for part in parts)


def base_url(text: str) -> str:
    """An http(s) address with or without a path; a slash at its end is dropped."""
    parts = urlsplit(text)
    fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    if not fits or re.search(r"[\s?#\"<>\\\x00-\x1f\x7f]", text):
        raise ValueError
    return text.rstrip("/")


def database_url(text: str) -> str:
    """A URL for SQLAlchemy: of an SQLite file, or of PostgreSQL through psycopg."""
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator:
        if not re.fullmatch(r"/[^?\0]+", rest) or rest in ("/", "/:memory:") or rest.startswith("/file:"):
            raise ValueError
        return SQLITE + rest[1:]
    if scheme not in ("postgresql", "postgresql+psycopg", "postgres") or re.search(r"\s", rest):
        raise ValueError
    parts = urlsplit("postgresql://" + rest)
    if parts.port == 0 or len(parts.path) < 2:
        raise ValueError
    return POSTGRESQL + rest


def keys(text: str) -> tuple[Key, ...]:
    """Keys as id:base64, separated by commas or line ends; lines that begin with # are skipped."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found = tuple(_key(part.strip()) for part in ",".join(lines).split(",") if part.strip())
    if not found or len({key.id for key in found}) < len(found):
        raise ValueError
    return found


def _key(text: str) -> Key:
    name, _, encoded = text.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        raise ValueError
    try:
        secret = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        raise ValueError from None  # its text would tell about the secret
    if len(secret) != KEY_BYTES:
        raise ValueError
    return Key(name, secret)


def country(text: str) -> str:
    """The two letters of a country whose holidays are known (ISO 3166-1)."""
    from holidays import list_supported_countries  # costs as much as a start does; few set this

    if text not in list_supported_countries():
        raise ValueError
    return text


def time_zone(text: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(text)
    except (LookupError, OSError):  # unknown, or the name of a folder
        raise ValueError from None


def log_level(text: str) -> str:
    """The name of a level as the standard library spells it."""
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise ValueError
    return text.upper()


def networks(text: str) -> tuple[Network, ...]:
    """Networks, comma-separated; a single address is a network of one; `none` is no network."""
    if text == "none":
        return ()
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(","))
