"""Passwords: argon2id with the parameters of RFC 9106, second choice. Knows nothing of the database."""

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 10
"""Characters; length is all that is asked for (NIST SP 800-63B, 5.1.1)."""
LONGEST: Final = 200

_HASHER: Final = PasswordHasher()  # argon2id, 3 passes over 64 MiB, 4 lanes


def hashed(password: str) -> str:
    """The hash to store, with its parameters and salt."""
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password behind a hash. Without a hash it takes as long to say no."""
    try:
        _HASHER.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
