"""Key files beyond the first start: read as they are, written when restored, grown when rotated. Knows no database."""

import base64
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cfm_workflow import setting_values
from cfm_workflow.security.keys import key_file
from cfm_workflow.setting_values import Key
from cfm_workflow.settings import Settings


def keys_here(settings: Settings) -> tuple[Key, ...]:
    """The keys of this installation, none when it has not made any yet. Raises ValueError, OSError."""
    path = key_file(settings)
    if settings.secret_keys or settings.sqlite_file is None or not path.exists():
        return settings.secret_keys
    return setting_values.keys(path.read_text(encoding="utf-8"))


def as_text(keys: Iterable[Key]) -> str:
    """Keys as a key file holds them: a line of id:base64 each."""
    return "".join(f"{key.id}:{base64.b64encode(key.secret).decode()}\n" for key in keys)


def write(path: Path, keys: Iterable[Key]) -> None:
    """Make `path` hold these keys, for its owner only; whoever reads it sees all of the old or all of the new."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".keys-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(as_text(keys))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
