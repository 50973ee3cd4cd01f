"""Signatures of webhooks, by the Standard Webhooks specification 1.0 (standardwebhooks.com). Pure."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
LEAST_BYTES: Final = 24  # "Signature scheme": between 24 and 64 bytes
MOST_BYTES: Final = 64
SHAPE: Final = rf"^{PREFIX}[A-Za-z0-9+/]{{32,86}}={{0,2}}$"


def new_secret() -> str:
    """A fresh secret as it is given to a receiver: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret stands for.

    Raises:
        ValueError: it is none; the text says what would be right and nothing of the secret.
    """
    right = f"must be {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes in base64"
    if not re.fullmatch(SHAPE, secret, re.ASCII):
        raise ValueError(right)
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(right) from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(right)
    return key


def signed(event_id: str, body: bytes, keys: Sequence[bytes], *, at: datetime) -> dict[str, str]:
    """The three headers by which a receiver knows that `body` is ours; one signature per key, the newest first.

    `at` is the time of this attempt; receivers refuse what is older than five minutes.
    """
    timestamp = str(int(at.timestamp()))
    message = f"{event_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, message)}" for key in keys),
    }


def _signature(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
