"""Links in mails to people without an account: signed, for one thing and one purpose. What was sent twice is the same.

Nothing of a link is stored: what it is about says whether it still holds.
"""

import hmac
import struct
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cfm_workflow.security.keys import KeyRing, WrongKey
from cfm_workflow.security.links import LONGEST, BadLink, ExpiredLink, decoded, encoded


class LetterPurpose(StrEnum):
    """What such a link is about: a share, the customer of a message, the message of a planned check."""

    SHARE = "share"
    UNSUBSCRIBE = "unsubscribe"
    CHECK = "check"


_FORMAT: Final = 1
_CODES: Final = {LetterPurpose.SHARE: 1, LetterPurpose.UNSUBSCRIBE: 2, LetterPurpose.CHECK: 3}
_HEAD: Final = struct.Struct(">BBQQ")
"""Format, purpose, id, seconds from 1970 to its expiry; the name of the key follows."""
_DERIVED_FOR: Final = "links in letters"


class LetterSigner:
    """Makes tokens with the first key of a ring, and reads those of all its keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sign(self, purpose: LetterPurpose, subject_id: int, *, expires_at: datetime) -> str:
        """A token of A-Z a-z 0-9 - _ and one dot; `expires_at` counts in whole seconds."""
        key_id = self._ring.ids[0]
        head = _HEAD.pack(_FORMAT, _CODES[purpose], subject_id, int(expires_at.timestamp()))
        text = encoded(head + key_id.encode())
        return f"{text}.{encoded(self._signature(key_id, text))}"

    def verify(self, token: str, purpose: LetterPurpose, *, now: datetime) -> int:
        """The id of what the token is about.

        Raises:
            BadLink: it is not ours, or for something else; ExpiredLink.
        """
        text, _, signature = token.partition(".")
        if len(token) > LONGEST or not token.isascii():
            raise BadLink
        try:
            payload, given = decoded(text), decoded(signature)
            expected = self._signature(payload[_HEAD.size :].decode(), text)
        except (ValueError, WrongKey):
            raise BadLink from None
        if not hmac.compare_digest(expected, given):
            raise BadLink
        form, code, subject_id, until = _HEAD.unpack_from(payload)
        if form != _FORMAT or code != _CODES[purpose]:
            raise BadLink
        if datetime.fromtimestamp(until, UTC) <= now:
            raise ExpiredLink
        return int(subject_id)

    def _signature(self, key_id: str, text: str) -> bytes:
        return hmac.digest(self._ring.derive(key_id, _DERIVED_FOR), text.encode(), "sha256")
