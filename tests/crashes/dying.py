"""A process that ends itself at a chosen place of its work with the database, as if killed. No tests here."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import event

from cfm_workflow.service import Service

CRASHED: Final = 99
FAILED: Final = 98
PATIENCE: Final = 60  # seconds, then the child ends by itself


@dataclass(slots=True)
class Places:
    """Counts the places: before each statement, before each COMMIT, after each COMMIT; may end the process at one."""

    end_at: int | None = None
    names: list[str] = field(default_factory=list)

    def watch(self, service: Service) -> None:
        """For the rest of this process."""
        engine = service.database.writer
        event.listen(engine, "before_cursor_execute", lambda *about: self._reach(about[2].split(maxsplit=1)[0]))
        event.listen(engine, "commit", lambda connection: self._reach("before COMMIT"))
        event.listen(engine, "checkin", lambda *_about: self._reach("after COMMIT"))

    def _reach(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.end_at:
            os._exit(CRASHED)


def in_a_child(service: Service, work: Callable[[], Any], *, end_at: int | None = None) -> list[str] | None:
    """Do `work` in a child of this process, which ends itself at its `end_at`th place.

    Returns None when it did, else the names of all places: then the work was done to its end.
    """
    service.database.dispose()  # a connection must not be used on both sides of a fork
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads; the child needs none of them
        child = os.fork()
    if child == 0:
        os.close(reading)
        _live(service, work, end_at, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read().split("\n")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, CRASHED), f"the child ended with {code}: {told}"
    return told[:-1] if code == 0 else None


def _live(service: Service, work: Callable[[], Any], end_at: int | None, writing: int) -> None:
    code = FAILED
    try:
        signal.alarm(PATIENCE)
        places = Places(end_at)
        places.watch(service)
        work()
        os.write(writing, "".join(f"{name}\n" for name in places.names).encode())
        code = 0
    finally:
        if code:
            os.write(writing, repr(sys.exc_info()[1]).encode())
        os._exit(code)
