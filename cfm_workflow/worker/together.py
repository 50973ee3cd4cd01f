"""Small transactions of several threads committed as one: a commit costs more than what these change.

Each keeps its own work and outcome. Should one of them fail, all are run again, each in a transaction of its own.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from cfm_workflow.db import Database

Work = Callable[[Session], None]


@dataclass(slots=True)
class _Waiting:
    """Somebody's work, and how they are woken: when it is done, or when it is their turn to commit for all."""

    work: Work
    is_called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    error: BaseException | None = None


class Together:
    """Whoever comes while nobody commits does so at once. Those who come meanwhile wait, and then the first of them
    commits for all who have come until then; so nobody works for others for longer than one commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._is_led = False

    @property
    def waiting(self) -> int:
        """How many wait for the commit under way to end."""
        return len(self._queue)

    def transaction(self, work: Work) -> None:
        """Run `work` in a transaction that others may share, and return when it is committed; raises what it raises."""
        mine = _Waiting(work)
        with self._lock:
            self._queue.append(mine)
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads:
            mine.is_called.wait()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error

    def _lead(self) -> None:
        with self._lock:
            batch, self._queue = self._queue, []
        try:
            self._commit(batch)
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._is_led = following is not None
            for each in batch:
                each.is_called.set()
            if following is not None:
                following.leads = True
                following.is_called.set()

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            self._database.transaction(lambda session: _work_off(session, batch))
        except Exception as error:  # noqa: BLE001 - it is raised again where it belongs
            if len(batch) == 1:
                batch[0].error = error
                return
            for each in batch:
                self._commit([each])


def _work_off(session: Session, batch: list[_Waiting]) -> None:
    for each in batch:
        each.work(session)
