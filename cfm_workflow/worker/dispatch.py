"""Deliveries on their way: threads that claim what is due, hand it to a channel, and renew what they hold.

Woken at once by a commit of this process, else once a second: other processes commit too. Nothing here knows what a
channel sends, and nothing is sent while a transaction is open.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.db import DELIVERIES
from cfm_workflow.errors import Busy
from cfm_workflow.ledger import outbox
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.service import Service

POLL_SECONDS: Final = 1.0
HELD_PER_THREAD: Final = 8
"""No worker claims more than it can send soon: others could help, and what it holds when it dies ends in the dark."""
GRACE_SECONDS: Final = 8.0
"""What is being sent when the service ends may take that long; it is stopped from outside after twelve."""

log = structlog.get_logger()


class Held(Protocol):
    """Rows that are claimed, as `ledger.outbox` and `ledger.postbag` keep them."""

    def renew(self, session: Session, ids: Sequence[int], worker: str, *, now: datetime) -> None:
        """Keep what a worker has in hand for another while."""

    def give_back_unsent(self, session: Session, claimed: Sequence[Claimed], /) -> None:
        """Let go of what was claimed and not begun."""


class Channel(Protocol):
    """A way to the outside. `held` keeps the rows it sends. `threads` is how much is sent at once over all,
    `at_once` to one receiver, and `batch` how much is held for one receiver."""

    name: str
    threads: int
    at_once: int
    batch: int

    @property
    def held(self) -> Held:
        """Who keeps the rows that are claimed."""

    def receivers(self, session: Session, *, worker: str, now: datetime) -> Sequence[int]:
        """Those for whom something is due."""

    def claim(self, session: Session, receiver: int, *, worker: str, count: int, now: datetime) -> Sequence[Claimed]:
        """Take up to `count` of what is due to one."""

    def deliver(self, claimed: Claimed) -> None:
        """Send it and settle it. Whatever goes wrong outside is an answer, not an error."""

    def go_on(self, session: Session, receivers: Sequence[int], *, worker: str, now: datetime) -> None:
        """Keep for this worker what it alone serves for another while."""

    def close(self) -> None:
        """Let go of what was kept open; nothing is sent any more."""


class Dispatcher:
    """Sends over some channels until it is stopped; one per process."""

    def __init__(self, service: Service, channels: Sequence[Channel]) -> None:
        self.worker = outbox.new_worker()
        self._service = service
        self._lines = [Line(service, channel, self.worker) for channel in channels]
        self._renewing = threading.Thread(target=self._renew, name="leases", daemon=True)
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin; after any fork, threads do not come along."""
        for line in self._lines:
            line.start()
        self._renewing.start()

    def stop(self) -> None:
        """Let what is being sent end, give back what has not begun, and wait for both."""
        self._service.stop()
        for line in self._lines:
            line.stop()
        self._ended.set()
        self._renewing.join()
        try:
            self._service.database.transaction(lambda session: outbox.cease_serving(session, self.worker))
        except (DBAPIError, Busy) as error:
            log.warning("endpoints could not be left to others", why=str(error))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being sent any more."""
        return not any(line.in_hand() for line in self._lines)

    def _renew(self) -> None:
        while not self._ended.wait(outbox.RENEW_EVERY.total_seconds()):
            try:
                for line in self._lines:
                    line.renew(clock.now())
            except (DBAPIError, Busy) as error:
                log.warning("leases could not be renewed", why=str(error))


class Line:
    """One channel at work: a thread that claims, and others that send what it claimed."""

    def __init__(self, service: Service, channel: Channel, worker: str) -> None:
        self._service = service
        self._channel = channel
        self._worker = worker
        self._awake = threading.Event()
        self._lock = threading.Lock()
        self._waiting: dict[int, deque[Claimed]] = defaultdict(deque)
        self._sending: set[Claimed] = set()
        self._lanes: dict[int, int] = defaultdict(int)
        self._idle = threading.Event()
        self._idle.set()
        self._senders = Senders(channel.threads, name=channel.name)
        self._stopped_at: float | None = None
        self._claiming = threading.Thread(target=self._run, name=f"{channel.name}-claims", daemon=True)

    def in_hand(self) -> list[Claimed]:
        """What is claimed and waits or is being sent; not what could not be settled: its lease is to run out."""
        with self._lock:
            return [*self._sending, *(claimed for line in self._waiting.values() for claimed in line)]

    def renew(self, now: datetime) -> None:
        """Hold on to what is in hand, and to those it is for."""
        held = self.in_hand()
        if not held:
            return
        ids, receivers = [claimed.id for claimed in held], sorted({claimed.receiver for claimed in held})
        database = self._service.database
        database.transaction(lambda session: self._channel.held.renew(session, ids, self._worker, now=now))
        database.transaction(lambda session: self._channel.go_on(session, receivers, worker=self._worker, now=now))

    def start(self) -> None:
        self._service.database.bell.join(self._awake, DELIVERIES)
        self._claiming.start()

    def stop(self) -> None:
        self._awake.set()
        self._claiming.join()
        self._service.database.bell.leave(self._awake)
        self._give_back()
        since = self._stopped_at or clock.stopwatch()
        if self._idle.wait(max(0.0, since + GRACE_SECONDS - clock.stopwatch())):
            self._channel.close()

    def _run(self) -> None:
        while not self._service.stopping.is_set():
            self._awake.wait(POLL_SECONDS)
            self._awake.clear()
            try:
                self.claim_due()
            except (DBAPIError, Busy) as error:
                log.warning("nothing could be claimed", channel=self._channel.name, why=str(error))
            except Exception:  # the end of this thread would be the end of all deliveries
                log.exception("nothing could be claimed", channel=self._channel.name)
        self._stopped_at = clock.stopwatch()

    def claim_due(self) -> None:
        """Take what is due and there is room for, and set lanes to work on it."""
        now = clock.now()
        with self._service.database.reading() as session:
            receivers = self._channel.receivers(session, worker=self._worker, now=now)
        for receiver in receivers:
            if self._service.stopping.is_set() or len(self.in_hand()) >= self._channel.threads * HELD_PER_THREAD:
                return
            room = self._channel.batch - len(self._waiting.get(receiver, ()))
            if room * 2 > self._channel.batch:
                self._claim(receiver, room)

    def _claim(self, receiver: int, room: int) -> None:
        now = clock.now()
        claimed = self._service.database.transaction(
            lambda session: self._channel.claim(session, receiver, worker=self._worker, count=room, now=now)
        )
        with self._lock:
            self._waiting[receiver].extend(claimed)
            wanted = min(self._channel.at_once, len(self._waiting[receiver]))
            starting = max(0, wanted - self._lanes[receiver]) if claimed else 0
            self._lanes[receiver] += starting
            self._idle.clear()
            self._forget_idle(receiver)
        for _ in range(starting):
            self._senders.submit(self._lane, receiver)

    def _lane(self, receiver: int) -> None:
        """Send to one receiver, one delivery after the other, until nothing is held for it."""
        while (claimed := self._next(receiver)) is not None:
            try:
                self._channel.deliver(claimed)
            except (DBAPIError, Busy) as error:  # it stays leased, and is tried again when the lease has run out
                log.warning("a delivery could not be settled", delivery=claimed.id, why=str(error))
            except Exception:
                log.exception("a delivery failed", channel=self._channel.name, delivery=claimed.id)
            finally:
                with self._lock:
                    self._sending.discard(claimed)
            if len(self._waiting.get(receiver, ())) * 2 < self._channel.batch:
                self._awake.set()  # there is room again

    def _next(self, receiver: int) -> Claimed | None:
        with self._lock:
            if self._waiting[receiver] and not self._service.stopping.is_set():
                claimed = self._waiting[receiver].popleft()
                self._sending.add(claimed)
                return claimed
            self._lanes[receiver] -= 1
            self._forget_idle(receiver)
            return None

    def _forget_idle(self, receiver: int) -> None:
        if not self._lanes[receiver] and not self._waiting[receiver]:
            del self._lanes[receiver], self._waiting[receiver]
        if not self._lanes:
            self._idle.set()

    def _give_back(self) -> None:
        with self._lock:
            unsent = [claimed for line in self._waiting.values() for claimed in line]
            for line in self._waiting.values():
                line.clear()
        if not unsent:
            return
        try:
            self._service.database.transaction(lambda session: self._channel.held.give_back_unsent(session, unsent))
        except (DBAPIError, Busy) as error:  # the leases run out instead
            log.warning("what was not sent could not be given back", why=str(error))


class Senders:
    """Up to `count` threads, started when they are needed. They do not hold up the end of the process: what a receiver
    keeps hanging is sent again by whoever finds its lease run out."""

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._name = name
        self._jobs: SimpleQueue[tuple[Callable[[int], None], int]] = SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._started = 0

    def submit(self, job: Callable[[int], None], receiver: int) -> None:
        """Have `job(receiver)` done by the next thread that is free."""
        with self._lock:
            self._unfinished += 1
            starts = self._started < min(self._unfinished, self._count)
            self._started += starts
        self._jobs.put((job, receiver))
        if starts:
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()

    def _work(self) -> None:
        while True:
            job, receiver = self._jobs.get()
            job(receiver)
            with self._lock:
                self._unfinished -= 1
