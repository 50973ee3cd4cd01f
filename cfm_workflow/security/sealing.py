"""What of an endpoint is secret, encrypted for its row and column: read anywhere else it is noise."""

from collections.abc import Mapping
from typing import Final

import orjson

from cfm_workflow.security.keys import KeyRing

COLUMNS: Final = ("secret", "previous_secret", "headers")


def seal(ring: KeyRing, webhook_id: int, column: str, plain: str) -> str:
    """The text to store."""
    return ring.encrypt(plain.encode(), bound_to=_place(webhook_id, column))


def unseal(ring: KeyRing, webhook_id: int, column: str, stored: str) -> str:
    """What was stored. Raises WrongKey."""
    return ring.decrypt(stored, bound_to=_place(webhook_id, column)).decode()


def seal_headers(ring: KeyRing, webhook_id: int, headers: Mapping[str, str]) -> str | None:
    """The own headers of an endpoint as they are stored, None without any."""
    return seal(ring, webhook_id, "headers", orjson.dumps(dict(headers)).decode()) if headers else None


def unseal_headers(ring: KeyRing, webhook_id: int, stored: str | None) -> dict[str, str]:
    """The own headers of an endpoint. Raises WrongKey."""
    if stored is None:
        return {}
    headers: dict[str, str] = orjson.loads(unseal(ring, webhook_id, "headers", stored))
    return headers


def _place(webhook_id: int, column: str) -> str:
    return f"webhooks {webhook_id} {column}"
