"""The one writer of SQLite: who waits gets a turn, in line among threads, within a few turns between processes."""

import hashlib
import multiprocessing
import os
import signal
import statistics
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import pytest

from cfm_workflow.db import WriteLock

PATIENCE = 60.0
THREADS = 8
TURNS = 50
WORK = bytes(500_000)  # to be hashed in a turn: so that it is the turns that take the time, not the ways between them

posix = pytest.mark.skipif(sys.platform == "win32", reason="between processes SQLite's own busy timeout has to do")


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[WriteLock]:
    yield (made := WriteLock(tmp_path / "lock"))
    made.close()


@contextmanager
def turn(lock: WriteLock) -> Iterator[None]:
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def test_threads_get_their_turn_in_the_order_they_came(lock: WriteLock) -> None:
    turns = []

    def wait(n: int) -> None:
        with turn(lock):
            turns.append(n)

    with ThreadPoolExecutor(THREADS) as threads, turn(lock):
        for n in range(THREADS):
            threads.submit(wait, n)
            until(lambda n=n: len(lock._line) > n)
    assert turns == list(range(THREADS))


def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        os.sched_yield() if hasattr(os, "sched_yield") else None


def test_a_turn_is_nobody_elses_meanwhile(lock: WriteLock) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(TURNS):
            with turn(lock):
                inside += 1
                most = max(most, inside)
                inside -= 1

    with ThreadPoolExecutor(THREADS) as threads:
        for one in [threads.submit(work) for _ in range(THREADS)]:
            one.result(PATIENCE)
    assert most == 1


# -- between processes -----------------------------------------------------------------------------------------------

spawning = multiprocessing.get_context("spawn")


def _busy_service(path: Path, taken: "Synchronized[int]", is_over: Any) -> None:
    """Threads that want to write all the time, counting each turn."""
    lock = WriteLock(path)

    def write() -> None:
        while not is_over.is_set():
            with turn(lock):
                taken.value += 1
                hashlib.sha256(WORK)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _hold(path: Path, told: Connection) -> None:
    """Take the lock, say so, and keep it for ever."""
    lock = WriteLock(path)
    lock.acquire()
    told.send("mine")
    signal.pause()


@posix
def test_a_command_gets_its_turns_beside_a_busy_service(lock: WriteLock, tmp_path: Path) -> None:
    taken, is_over = spawning.Value("q", 0), spawning.Event()
    service = spawning.Process(target=_busy_service, args=(tmp_path / "lock", taken, is_over), daemon=True)
    service.start()
    waits = []
    try:
        until(lambda: taken.value > 100)
        for _ in range(TURNS):
            asked = taken.value
            with turn(lock):
                waits.append(taken.value - asked)
    finally:
        is_over.set()
        service.join(PATIENCE)
    # Counted in turns of the other, not in time. A machine that lets us sleep between asking and waiting in line may
    # add some, therefore not the longest.
    assert statistics.median(waits) <= 2, waits


@posix
def test_a_killed_process_gives_the_lock_back(lock: WriteLock, tmp_path: Path) -> None:
    ours, theirs = spawning.Pipe()
    holder = spawning.Process(target=_hold, args=(tmp_path / "lock", theirs), daemon=True)
    holder.start()
    assert ours.poll(PATIENCE) and ours.recv() == "mine"
    is_mine = threading.Event()
    waiting = threading.Thread(target=lambda: (lock.acquire(), is_mine.set()), daemon=True)
    waiting.start()
    assert not is_mine.is_set()
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    assert is_mine.wait(PATIENCE)
    lock.release()
    holder.join(PATIENCE)
