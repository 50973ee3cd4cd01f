"""The file of a backup, a tar.gz: a manifest, the keys, a file of JSON lines per table, checksums. Knows no database.

manifest.json          what this is, first, so that a stranger can tell
keys                   the key file
tables/NAME.jsonl      a row per line: {"column": value}; JSON columns as their text, instants as RFC 3339 in UTC
checksums.json         rows and SHA-256 of everything before; last, so that without it something is missing
"""

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

import orjson

from cfm_workflow import clock
from cfm_workflow.errors import CfmError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
KEYS: Final = "keys"
CHECKSUMS: Final = "checksums.json"

_CHUNK: Final = 1 << 20
_DAMAGE: Final = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, TypeError, KeyError)


class BackupRefused(CfmError):
    """A backup that cannot be restored, or not here; nothing was changed."""


class Kind(StrEnum):
    """How a column's values stand in the file."""

    PLAIN = "plain"
    TRUTH = "truth"
    INSTANT = "instant"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself. `tables` are in the order in which they can be filled, with their columns;
    `last_ids` the highest id each has ever given, so that none is given again."""

    format: int
    version: str
    revision: str
    database: str
    created_at: str
    tables: dict[str, dict[str, Kind]]
    last_ids: dict[str, int]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a whole and undamaged backup holds; `rows` is their number per table."""

    manifest: Manifest
    keys: str
    rows: dict[str, int]


class Writer:
    """Puts the parts of a backup into an open archive, in order."""

    def __init__(self, tar: tarfile.TarFile, folder: Path) -> None:
        self._tar = tar
        self._folder = folder
        self._checksums: dict[str, dict[str, Any]] = {}

    def begin(self, manifest: Manifest, keys: str) -> None:
        self._add_text(MANIFEST, orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2) + b"\n")
        self._add_text(KEYS, keys.encode())

    def add_table(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        """Write the rows beside the archive first: tar wants to know a size before the content."""
        digest, count = hashlib.sha256(), 0
        with tempfile.TemporaryFile(dir=self._folder) as spool:
            for row in rows:
                line = orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
                digest.update(line)
                spool.write(line)
                count += 1
            self._add(_member(name), spool, spool.tell(), rows=count, sha256=digest.hexdigest())

    def finish(self) -> None:
        self._add_text(CHECKSUMS, orjson.dumps(self._checksums, option=orjson.OPT_INDENT_2) + b"\n")

    def _add_text(self, name: str, text: bytes) -> None:
        self._add(name, io.BytesIO(text), len(text), rows=text.count(b"\n"), sha256=hashlib.sha256(text).hexdigest())

    def _add(self, name: str, content: IO[bytes], size: int, **checksum: Any) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(clock.now().timestamp())
        content.seek(0)
        self._tar.addfile(member, content)
        self._checksums[name] = checksum


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new archive, which appears as `path` when it is complete, for its owner only."""
    folder = path.absolute().parent
    handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            with gzip.GzipFile("", "wb", 6, file) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
                writer = Writer(tar, folder)
                yield writer
                writer.finish()
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def examine(path: Path) -> Contents:
    """Read all of a backup once and compare it with its checksums.

    Raises:
        BackupRefused: it is damaged, cut off, none of ours, or of a newer format.
    """
    try:
        return _examined(path)
    except _DAMAGE as error:
        raise BackupRefused(f"{path} is not a whole backup ({error}).") from error


def _examined(path: Path) -> Contents:
    found: dict[str, dict[str, Any]] = {}
    texts: dict[str, bytes] = {}
    for name, content in _members(path):
        if not found and name != MANIFEST:
            raise ValueError(f"it begins with {name}")
        if name in (MANIFEST, KEYS, CHECKSUMS):
            texts[name] = content.read()
            content = io.BytesIO(texts[name])
        if name == MANIFEST:
            _require_readable(path, texts[MANIFEST])
        found[name] = _checksum(content)
    del found[CHECKSUMS]
    if found != orjson.loads(texts[CHECKSUMS]):
        raise ValueError("its content is not what its checksums say")
    manifest = Manifest(**orjson.loads(texts[MANIFEST]))
    rows = {name: found[_member(name)]["rows"] for name in manifest.tables}
    return Contents(manifest, texts[KEYS].decode("ascii"), rows)


def _require_readable(path: Path, manifest: bytes) -> None:
    told = orjson.loads(manifest)
    if told["format"] > FORMAT:
        raise BackupRefused(f"{path} was made by a newer version ({told.get('version')}): restore it with that one.")


def _checksum(content: IO[bytes]) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
        rows += chunk.count(b"\n")
    return {"rows": rows, "sha256": digest.hexdigest()}


def tables(path: Path) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Per table its rows, in the order of the archive. Each must be read before the next."""
    for name, content in _members(path):
        if name.startswith("tables/"):
            yield name.removeprefix("tables/").removesuffix(".jsonl"), map(orjson.loads, content)


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """What is inside, in order, to the last byte: gzip's own checksum stands at the very end."""
    with gzip.open(path) as unpacked:
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None:
                    raise ValueError(f"{member.name} is not a file")
                yield member.name, content
        while unpacked.read(_CHUNK):
            pass
