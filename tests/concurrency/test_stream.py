"""Streams beside writers: each tells every event once, in growing position, whenever it was opened, cut or resumed."""

import dataclasses
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cfm_workflow.db import EVENTS
from tests.concurrency.writers import (
    MARK,
    OTHER,
    PATIENCE,
    WRITERS,
    latest,
    mark,
    new_transaction,
    stored,
    where_writers_overlap,
    writer,
)
from tests.sse import listening
from tests.world import World

END = "outcome.deleted"


@where_writers_overlap
def test_an_event_that_commits_late_is_told_before_those_that_follow_it(world: World) -> None:
    with listening(world.ada) as stream:
        world.service.database.transaction(lambda session: mark(session, 0))
        assert stream.block().event == MARK  # from here on it hears of what happens
        with new_transaction(world) as early, new_transaction(world) as late:
            mark(early, 1)
            mark(late, 2)
            late.commit()
            world.service.database.bell.ring(EVENTS)
            early.commit()
        world.service.database.bell.ring(EVENTS)
        told = stream.events(2)
    assert [one.data for one in told] == [text for _, text in texts(world, told[0].id or 0)]


def texts(world: World, first: int) -> list[tuple[int, str]]:
    """What the feed says from a position on."""
    answer = world.ada.ask("GET", "/events", query_string={"after": first - 1}).text
    inner = answer[len('{"items":[') : answer.rindex('],"last_position"')]
    return list(enumerate(inner.replace('},{"type":', '}\n{"type":').split("\n")))


def tail(world: World, start: int, query: dict[str, Any], chance: random.Random | None) -> list[int]:
    """The positions that a stream tells until END; with `chance` it is cut now and then, and resumes."""
    ada = dataclasses.replace(world.ada, client=world.app.test_client())
    seen: list[int] = []
    last: int | None = None
    while True:
        with listening(ada, last=last, after=start, **query) as stream:
            while chance is None or chance.random() > 0.1:
                told = stream.block()
                if told.event == END:
                    return seen
                last = told.id if told.id is not None else last
                if told.event is not None:
                    seen.append(told.id or 0)


def test_streams_beside_many_writers_tell_every_event_once(world: World, rounds: int) -> None:
    start = latest(world.ada)
    write = writer(world, rounds)
    queries: list[dict[str, Any]] = [{}, {"types": f"{OTHER},{END}"}]
    with ThreadPoolExecutor(WRITERS + 4) as threads:
        reading = [
            threads.submit(tail, world, start, query, chance)
            for query in queries
            for chance in (None, random.Random(len(query)))
        ]
        for one in [threads.submit(write, n) for n in range(WRITERS)]:
            one.result(PATIENCE)
        world.service.database.transaction(lambda session: mark(session, 0, event_type=END))
        everything, everything_cut, some, some_cut = (one.result(PATIENCE) for one in reading)
    assert everything == everything_cut == [position for position, _ in stored(world, start, MARK, OTHER)]
    assert some == some_cut == [position for position, _ in stored(world, start, OTHER)]
    assert len(everything) >= WRITERS * rounds


def test_a_stream_that_opens_while_others_write_misses_nothing(world: World, rounds: int) -> None:
    """The moment between what a stream reads and what it hears: it is opened again and again beside a commit."""
    for _ in range(rounds):
        start = latest(world.ada)
        gate = threading.Barrier(2)

        def commit(gate: threading.Barrier = gate) -> None:
            gate.wait(PATIENCE)
            world.service.database.transaction(lambda session: mark(session, 1, count=2))

        writing = threading.Thread(target=commit)
        writing.start()
        gate.wait(PATIENCE)
        with listening(world.ada, last=start) as stream:
            told = stream.events(2)
        writing.join()
        assert [one.id for one in told] == [position for position, _ in stored(world, start, MARK)]
