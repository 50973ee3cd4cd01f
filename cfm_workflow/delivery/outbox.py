"""Without a mail server every message is a file that only its owner can read. Nothing here says that it was sent."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

FOLDER: Final = "outbox"
_FILE: Final = re.compile(r"\.?(delivery|message)-([0-9]+)\.(?:eml|part)")


@dataclass(frozen=True, slots=True)
class Kept:
    """The file of a `delivery` or a `message`, whole or as far as an attempt that died came."""

    path: Path
    kind: str
    ident: int
    written_at: datetime


def name_of(kind: str, ident: int) -> str:
    """What the mail of a `delivery` or a `message` is called; a repetition is called the same."""
    return f"{kind}-{ident}"


def kept(folder: Path) -> Iterator[Kept]:
    """Everything in the outbox; other files are not ours."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if found := _FILE.fullmatch(path.name):
            try:
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except FileNotFoundError:
                continue  # it is whole by now, or somebody else has deleted it
            yield Kept(path, found[1], int(found[2]), written_at)


def keep(folder: Path, name: str, content: bytes) -> Path:
    """Write one message so that it is there whole or not at all; one of the same name is replaced. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.eml"
    half = folder / f".{name}.part"
    half.unlink(missing_ok=True)  # of an attempt that died: its rights may be other ones
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    _sync(folder)
    return path


def _sync(folder: Path) -> None:
    """See to it that the name outlives a loss of power as well; Windows knows no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
