"""Links that stand for one person and one purpose: signed, told from noise without a database. Knows no address.

A token is base64url(payload) "." base64url(HMAC-SHA256 of that text), RFC 4648 section 5 without padding. The key of
the signature is derived from one of the ring's for this alone; the payload names which, so that a link lives on when
another key is put in front.
"""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cfm_workflow.errors import CfmError
from cfm_workflow.security.keys import KeyRing, WrongKey


class Purpose(StrEnum):
    """What a link is for, and the only thing it can be used for."""

    ACCEPT = "accept"
    COMPLETE = "complete"
    COMMENT = "comment"
    PREFERENCES = "preferences"
    SNOOZE = "snooze"
    ACKNOWLEDGE = "acknowledge"
    GRANT = "grant"
    SIGN_IN = "sign_in"
    RESET = "reset"
    INVITATION = "invitation"
    SETUP = "setup"
    WEEKLY_REPORT = "weekly_report"


RANDOM_BYTES: Final = 16
LONGEST: Final = 300
"""Characters; a token of ours is shorter, whatever the name of its key."""

_FORMAT: Final = 1
_CODES: Final = {
    Purpose.ACCEPT:      1,
    Purpose.COMPLETE:    2,
    Purpose.COMMENT:     3,
    Purpose.PREFERENCES: 4,
    Purpose.SNOOZE:      5,
    Purpose.ACKNOWLEDGE: 6,
    Purpose.SIGN_IN:     7,
    Purpose.RESET:       8,
    Purpose.INVITATION:  9,
    Purpose.SETUP:      10,
    Purpose.WEEKLY_REPORT: 11,
    Purpose.GRANT:      12,
}  # fmt: skip
_PURPOSES: Final = {code: purpose for purpose, code in _CODES.items()}
_HEAD: Final = struct.Struct(f">BBQQQ{RANDOM_BYTES}s")
"""Format, purpose, account, action or reminder (0: none), seconds from 1970 to its expiry, random; the name of the key
follows."""
_DERIVED_FOR: Final = "signed links"


class BadLink(CfmError):
    """The token is none of ours, or was damaged on its way."""

    def __init__(self) -> None:
        super().__init__("There is no such link.")


class ExpiredLink(CfmError):
    """It was one of ours, and its time is over."""

    def __init__(self) -> None:
        super().__init__("This link has expired.")


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a token says that we have signed and that has not expired. `hash` is what is stored of it.

    What it is about is a reminder if it is to SNOOZE one, else an action.
    """

    purpose: Purpose
    account_id: int
    action_id: int | None
    reminder_id: int | None
    expires_at: datetime
    hash: str


def hash_of(random: bytes) -> str:
    """What is stored of a link: SHA-256 in hex. A slow hash adds nothing to 128 random bits."""
    return hashlib.sha256(random).hexdigest()


class LinkSigner:
    """Makes tokens with the first key of a ring, and reads those of all its keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sign(
        self, purpose: str, *, account_id: int, subject_id: int | None, random: bytes, expires_at: datetime
    ) -> str:
        """A token of A-Z a-z 0-9 - _ and one dot; `random` has RANDOM_BYTES, `expires_at` counts in whole seconds.

        `subject_id` is what it is about: the reminder to SNOOZE, else an action.
        """
        key_id = self._ring.ids[0]
        until = int(expires_at.timestamp())
        head = _HEAD.pack(_FORMAT, _CODES[Purpose(purpose)], account_id, subject_id or 0, until, random)
        text = encoded(head + key_id.encode())
        return f"{text}.{encoded(self._signature(key_id, text))}"

    def verify(self, token: str, *, now: datetime) -> SignedLink:
        """What the token says. The signature is compared before anything of it is believed.

        Raises:
            BadLink: it is not ours, whatever it says; ExpiredLink.
        """
        text, _, signature = token.partition(".")
        if len(token) > LONGEST or not token.isascii():
            raise BadLink
        try:
            payload, given = decoded(text), decoded(signature)
            key_id = payload[_HEAD.size :].decode()
            expected = self._signature(key_id, text)
        except (ValueError, WrongKey):
            raise BadLink from None
        if not hmac.compare_digest(expected, given):
            raise BadLink
        return _read(payload, now)

    def _signature(self, key_id: str, text: str) -> bytes:
        return hmac.digest(self._ring.derive(key_id, _DERIVED_FOR), text.encode(), "sha256")


def _read(payload: bytes, now: datetime) -> SignedLink:
    form, code, account_id, subject_id, until, random = _HEAD.unpack_from(payload)
    if form != _FORMAT or code not in _PURPOSES:
        raise BadLink  # signed by a later release
    expires_at = datetime.fromtimestamp(until, UTC)
    if expires_at <= now:
        raise ExpiredLink
    purpose = _PURPOSES[code]
    return SignedLink(
        purpose,
        account_id,
        action_id=(subject_id or None) if purpose is not Purpose.SNOOZE else None,
        reminder_id=(subject_id or None) if purpose is Purpose.SNOOZE else None,
        expires_at=expires_at,
        hash=hash_of(random),
    )


def encoded(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Raises ValueError, also for another spelling of the same bytes: there is one token for one link."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encoded(raw) != text:
        raise ValueError
    return raw
