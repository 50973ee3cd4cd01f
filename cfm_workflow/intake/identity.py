"""What makes a row of a file the same row when the file is imported again: all its fields, and its number among equals.

For rows without an `external_id`. Memory stays flat: the counts live in a temporary file that vanishes with them.
"""

import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Final

import orjson

CACHE_KIB: Final = 16 * 1024
LENGTH: Final = 32


def fingerprint(values: Mapping[str, Any], *, number: int = 1) -> str:
    """32 hexadecimal digits (128 bits of SHA-256) of a record's original fields and its number among equal ones.

    The order of the columns does not matter, nor do encoding and dialect of the file.
    """
    return _finished(sha256(_canonical(values)), number)


class Fingerprints:
    """Fingerprints of the records of one file, in its order; every record must pass, those already stored too."""

    def __init__(self) -> None:
        # An empty name is SQLite's private database on disk, deleted when it is closed or the process dies.
        self._counts = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{CACHE_KIB}"):
            self._counts.execute(f"PRAGMA {pragma}")
        self._counts.execute("CREATE TABLE seen (key INTEGER PRIMARY KEY, number INTEGER NOT NULL)")
        self._counts.execute("BEGIN")
        self._execute = self._counts.execute

    def of(self, values: Mapping[str, Any]) -> str:
        """The fingerprint of the next record."""
        digest = sha256(_canonical(values))
        return _finished(digest, self._number(int.from_bytes(digest.digest()[:8], "big", signed=True)))

    def _number(self, key: int) -> int:
        """How many records with this key there were, this one included.

        Two different records with the same 64 bits would only share their numbering: the fingerprints differ still.
        """
        (number,) = self._execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number", (key,)
        ).fetchone()
        return int(number)

    def close(self) -> None:
        self._counts.close()

    def __enter__(self) -> "Fingerprints":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _canonical(values: Mapping[str, Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


def _finished(digest: Any, number: int) -> str:
    digest.update(b"\n%d" % number)
    return str(digest.hexdigest()[:LENGTH])
