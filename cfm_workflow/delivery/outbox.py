"""Without a mail server every message is a file that only its owner can read. Nothing here says that it was sent."""

import os
from pathlib import Path
from typing import Final

FOLDER: Final = "outbox"


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
