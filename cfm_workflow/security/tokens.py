"""Bearer tokens: made, told from noise without a database, and hashed. Pure."""

import hashlib
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "cfm_"

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 32  # 32 characters of 62 hold 190 bits
_CHECKSUM: Final = 6


def new_token() -> str:
    """A fresh token: `cfm_`, 32 random characters, and a CRC-32 of them in base 62."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + random + _checksum(random)


def well_formed(token: str) -> bool:
    """Whether it can be one of ours. Typing errors and guesses end here, before any read of the database."""
    if len(token) != len(PREFIX) + _RANDOM + _CHECKSUM or not token.startswith(PREFIX) or not token.isascii():
        return False
    random = token[len(PREFIX) : -_CHECKSUM]
    return secrets.compare_digest(_checksum(random), token[-_CHECKSUM:])


def digest(token: str) -> str:
    """What is stored: SHA-256 in hex. A slow hash adds nothing to 190 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(random: str) -> str:
    number = zlib.crc32(random.encode())
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_CHECKSUM, "0")
