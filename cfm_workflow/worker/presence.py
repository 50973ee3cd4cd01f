"""Which workers of this machine are alive: each holds a lock on a file of its own, which the system frees at its death.

So the one that comes next can give back at once what a killed one held, instead of waiting for the leases to run out.
Where files cannot be locked so (Windows) the leases run out.
"""

import sys
from datetime import datetime
from typing import IO, Final

import structlog
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.ledger import outbox, postbag
from cfm_workflow.service import Service

FOLDER: Final = "workers"

log = structlog.get_logger()


class Presence:
    """This process's own sign of life, until `leave()`."""

    def __init__(self, service: Service, worker: str) -> None:
        self._folder = service.settings.instance / FOLDER
        self._path = self._folder / worker
        self._file: IO[bytes] | None = None

    def enter(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._file = self._path.open("wb")
        _lock(self._file)

    def leave(self) -> None:
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()


def succeed(service: Service) -> None:
    """Give back what workers held whose process has ended without doing so itself."""
    folder = service.settings.instance / FOLDER
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            file = path.open("r+b")
        except FileNotFoundError:
            continue  # it has left, or somebody else succeeds it
        with file:
            if not _lock(file):
                continue
            now = clock.now()
            freed = service.database.transaction(
                lambda session, worker=path.name: _give_back(session, worker, now)  # type: ignore[misc]  # noqa: B023
            )
            path.unlink(missing_ok=True)
        if freed:
            log.warning("deliveries of a worker that died are free again", count=freed)


def _give_back(session: Session, worker: str, now: datetime) -> int:
    return outbox.give_back_of_dead(session, worker, now=now) + postbag.give_back_of_dead(session, worker)


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> bool:
        """Never: whoever may be dead keeps what they hold until their leases run out."""
        return False

else:

    def _lock(file: IO[bytes]) -> bool:
        """Lock the file for as long as it is open; False when somebody else has it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
