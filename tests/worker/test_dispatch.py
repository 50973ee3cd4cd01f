"""Threads that claim and send: how much is held, and that whoever is to be served gets a thread while there is one."""

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from cfm_workflow import clock
from cfm_workflow.ledger import outbox
from cfm_workflow.worker.dispatch import HELD_PER_THREAD, Dispatcher, Line, Senders
from cfm_workflow.worker.webhooks import Webhooks
from tests.posting import allow_loopback, claim, listen
from tests.sinks import hanging, sink
from tests.world import World


@pytest.fixture
def dispatcher(world: World, channel: Webhooks) -> Iterator[Dispatcher]:
    made = Dispatcher(world.service, [channel])
    made.start()
    yield made
    made.stop()


def test_at_most_four_at_once_go_to_one_endpoint_and_another_is_not_kept_waiting(
    world: World, dispatcher: Dispatcher
) -> None:
    go_on = threading.Event()
    with sink(hanging(go_on)) as slow, sink() as quick:
        listen(world.ada, slow, "feedback.received")
        listen(world.ada, quick, "feedback.received")
        for _ in range(8):
            world.feedback()
        quick.wait_for(8)  # all of them, while the slow one has answered none
        assert slow.wait_for(4) and slow.most_at_once == 4
        go_on.set()
        slow.wait_for(8)
        assert slow.most_at_once == 4
        assert sorted(slow.ids) == sorted(quick.ids)


def test_endpoints_that_hang_keep_one_thread_each(small_world: World) -> None:
    stop = threading.Event()
    allow_loopback(small_world)
    channel = Webhooks(small_world.service, timeout=0.3)
    with sink(hanging(stop)) as slow:
        made = listen(small_world.ada, slow, "feedback.received")
        for _ in range(4):
            small_world.feedback()
        first = claim(small_world.service, channel, made["id"], count=2)
        channel.deliver(first[0])  # takes as long as it may
        assert len(claim(small_world.service, channel, made["id"])) == 1
        sending = threading.Thread(target=channel.deliver, args=[first[1]])
        sending.start()
        slow.wait_for(2)
        with small_world.service.database.reading() as session:
            assert channel.receivers(session, worker="w", now=clock.now()) == []
        sending.join()
        stop.set()


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
