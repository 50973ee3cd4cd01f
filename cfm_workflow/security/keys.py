"""The keys for secrets at rest: where they come from, and AES-256-GCM with them. Knows nothing of the database."""

import base64
import binascii
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cfm_workflow import clock, setting_values
from cfm_workflow.errors import CfmError
from cfm_workflow.setting_values import KEY_BYTES, Key
from cfm_workflow.settings import Settings, SettingsError

FORMAT = "v1"
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits, random for each text
CHECK_TEXT = b"cfm-workflow"
CHECK_PLACE = "key check"


class WrongKey(CfmError):
    """A stored secret was encrypted with a key that we do not have, or for another place, or was damaged.

    `key_id` is the key it names, None when it names none; `known` those we have.
    """

    def __init__(self, key_id: str | None, known: tuple[str, ...]) -> None:
        self.key_id = key_id
        self.known = known
        super().__init__(
            f"A stored secret needs the key {key_id or '(unreadable)'} as it was; the keys here are {', '.join(known)}."
            " Put back the keys that belong to this database."
        )


class KeyRing:
    """Keys with names: the first encrypts and signs, all of them decrypt and verify."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._first = keys[0].id
        self._ciphers = {key.id: AESGCM(key.secret) for key in keys}
        self._secrets = {key.id: key.secret for key in keys}

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the keys, the one that encrypts first."""
        return tuple(self._ciphers)

    def encrypt(self, plain: bytes, *, bound_to: str) -> str:
        """`plain` as text of A-Z a-z 0-9 - _ and dots, readable only for the same `bound_to`.

        `bound_to` says where the text belongs, such as "token_answers 17": moved elsewhere it cannot be read.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, plain, bound_to.encode())
        return f"{FORMAT}.{self._first}.{base64.urlsafe_b64encode(nonce + sealed).rstrip(b'=').decode()}"

    def decrypt(self, text: str, *, bound_to: str) -> bytes:
        """What `encrypt()` was given. Raises WrongKey."""
        parts = text.split(".")
        if len(parts) != 3 or parts[0] != FORMAT:
            raise WrongKey(None, self.ids)
        key_id, encoded = parts[1:]
        if key_id not in self._ciphers:
            raise WrongKey(key_id, self.ids)
        try:
            sealed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
            return self._ciphers[key_id].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
        except (binascii.Error, ValueError, InvalidTag):
            raise WrongKey(key_id, self.ids) from None

    def derive(self, key_id: str, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose alone, from one of the ring's (HKDF-SHA256, RFC 5869). Raises WrongKey."""
        if key_id not in self._secrets:
            raise WrongKey(key_id, self.ids)
        hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"cfm-workflow {purpose}".encode())
        return hkdf.derive(self._secrets[key_id])


def check_value(ring: KeyRing) -> str:
    """A text to store in the database, by which `verify_check()` later knows whether the keys belong to it."""
    return ring.encrypt(CHECK_TEXT, bound_to=CHECK_PLACE)


def verify_check(ring: KeyRing, stored: str) -> None:
    """Raises WrongKey unless `stored` was made with a key of `ring`."""
    ring.decrypt(stored, bound_to=CHECK_PLACE)


def new_key() -> str:
    """A fresh key as `id:base64`; the id tells the day and is otherwise random."""
    name = f"{clock.now():%Y%m%d}-{secrets.token_hex(3)}"
    return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def open_ring(settings: Settings) -> KeyRing:
    """The keys of this installation: those of the settings, else with SQLite those of the key file, made if missing.

    With PostgreSQL nothing is made up: several machines would each make their own. Raises SettingsError.
    """
    if settings.secret_keys:
        return KeyRing(settings.secret_keys)
    if settings.sqlite_file is None:
        raise SettingsError("CFM_SECRET_KEYS", "is not set", "set with PostgreSQL; `cfm keys new` makes a key")
    path = key_file(settings)
    try:
        if not path.exists():
            _make(path)
        return KeyRing(_read(path))
    except OSError as error:
        problem = f"does not let us keep the keys in {path} ({error.strerror})"
        raise SettingsError("CFM_INSTANCE", problem, "a folder that this user can write to") from error


def key_file(settings: Settings) -> Path:
    """Where an installation with SQLite keeps its keys when the settings name none."""
    return settings.instance / "keys"


def _make(path: Path) -> None:
    """A key file with one new key, unless another process is faster: the name appears once, with its content."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".keys-")  # O_EXCL, mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # exclusive, unlike a rename
        _sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # which cannot open a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> tuple[Key, ...]:
    mode = path.stat().st_mode & 0o777
    if os.name != "nt" and mode & 0o077:
        problem = f"holds a key file that others may read or change ({path}, mode {mode:04o})"
        raise SettingsError("CFM_INSTANCE", problem, f"its owner's alone: chmod 600 {path}")
    try:
        return setting_values.keys(path.read_text(encoding="utf-8"))
    except ValueError:  # also of bytes that are not UTF-8
        problem = f"holds a key file that cannot be understood ({path})"
        raise SettingsError("CFM_INSTANCE", problem, "lines of id:base64 of 32 bytes each; put back a copy") from None
