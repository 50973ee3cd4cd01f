"""Threads that claim and send: how much is held, and that whoever is to be served gets a thread while there is one."""

import threading
from queue import SimpleQueue
from typing import Any

from cfm_workflow.ledger import outbox
from cfm_workflow.worker.dispatch import HELD_PER_THREAD, Line, Senders
from cfm_workflow.worker.webhooks import Webhooks
from tests.posting import listen
from tests.sinks import hanging, sink
from tests.world import World


def test_a_worker_holds_no_more_than_it_sends_soon(world: World, channel: Webhooks) -> None:
    channel.threads, channel.batch = 1, HELD_PER_THREAD // 2
    line = Line(world.service, channel, outbox.new_worker())
    go_on = threading.Event()
    with sink(hanging(go_on)) as receiver:
        for _ in range(4):
            listen(world.ada, receiver, "feedback.received")
        for _ in range(channel.batch):
            world.feedback()
        line.claim_due()
        assert len(line.in_hand()) == HELD_PER_THREAD  # of four times as many halves
        line.claim_due()
        assert len(line.in_hand()) == HELD_PER_THREAD
        world.service.stop()
        go_on.set()
        line.start()  # so that it can be stopped: what is under way ends, the rest is given back
        line.stop()
        assert line.in_hand() == []


class Lingering(SimpleQueue[Any]):
    """Whoever takes something stands there with it in their hands until they may go."""

    def __init__(self) -> None:
        self.taken, self.may_go = threading.Semaphore(0), threading.Event()

    def get(self, *args: Any, **kwargs: Any) -> Any:
        job = super().get(*args, **kwargs)
        self.taken.release()
        self.may_go.wait(10)
        return job


def test_a_thread_that_has_just_taken_a_job_does_not_count_for_the_next_one() -> None:
    """Both jobs end only when the other one has begun: nobody waits behind one who hangs while there are threads."""
    senders = Senders(2, name="two")
    jobs = senders._jobs = Lingering()
    both = threading.Barrier(3)
    senders.submit(lambda _: both.wait(10) and None, 1)
    assert jobs.taken.acquire(timeout=10)
    senders.submit(lambda _: both.wait(10) and None, 2)
    jobs.may_go.set()
    both.wait(10)


def test_there_are_no_more_threads_than_were_asked_for() -> None:
    senders, go_on, lock = Senders(3, name="three"), threading.Event(), threading.Lock()
    at_once, most, ended = 0, 0, threading.Semaphore(0)

    def job(_: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        go_on.wait(10)
        with lock:
            at_once -= 1
        ended.release()

    for n in range(9):
        senders.submit(job, n)
    go_on.set()
    for _ in range(9):
        assert ended.acquire(timeout=10)
    assert most <= 3
