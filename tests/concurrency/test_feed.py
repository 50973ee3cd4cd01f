"""The feed beside writers: a reader that follows `last_position` meets every event once, in growing position."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select, text, update

from cfm_workflow import ledger
from cfm_workflow.models import Event, LedgerHead
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
from tests.world import Person, World


def page(person: Person, after: int, **query: Any) -> tuple[list[int], int]:
    """What is behind a position: whose events, and where to go on."""
    answer = person.get("/events", after=after, limit=1000, **query)
    return [event["data"]["subject"]["id"] for event in answer["items"]], answer["last_position"]


@where_writers_overlap
def test_an_event_that_commits_late_is_read_before_those_that_follow_it(world: World) -> None:
    start = latest(world.ada)
    with new_transaction(world) as early, new_transaction(world) as late:
        mark(early, 1)
        mark(late, 2)
        late.commit()
        seen, after = page(world.ada, start)
        assert seen == []
        early.commit()
    seen, after = page(world.ada, after)
    assert seen == [1, 2]
    assert page(world.ada, after)[0] == []


@where_writers_overlap
def test_a_transaction_that_was_given_up_holds_nothing_back(world: World) -> None:
    start = latest(world.ada)
    with new_transaction(world) as early, new_transaction(world) as late:
        mark(early, 1)
        mark(late, 2)
        late.commit()
        early.rollback()
    assert page(world.ada, start)[0] == [2]


@where_writers_overlap
def test_a_reader_that_ignores_the_horizon_would_skip_the_late_one(world: World) -> None:
    """The interleaving of these tests does lose events for a reader that only goes by positions."""
    start, seen = latest(world.ada), []

    def read(after: int) -> int:
        with world.service.database.reading() as session:
            query = select(Event.position, Event.subject_id).where(Event.position > after).order_by(Event.position)
            rows = session.execute(query).all()
        seen.extend(row.subject_id for row in rows)
        return int(rows[-1].position) if rows else after

    with new_transaction(world) as early, new_transaction(world) as late:
        mark(early, 1)
        mark(late, 2)
        late.commit()
        after = read(start)
        early.commit()
    read(after)
    assert seen == [2]


@dataclasses.dataclass(slots=True)
class Tail:
    """Somebody who follows the feed until told that nothing more will come."""

    person: Person
    query: dict[str, Any]
    after: int
    seen: list[tuple[int, str]] = dataclasses.field(default_factory=list)

    def follow(self, is_over: threading.Event) -> None:
        while not self._read() or not is_over.is_set():
            pass
        while not self._read():
            pass

    def _read(self) -> bool:
        """One page; True at the end of what can be read now."""
        answer = self.person.get("/events", after=self.after, limit=7, **self.query)
        self.seen += [(event["data"]["position"], event["data"]["event_id"]) for event in answer["items"]]
        assert answer["last_position"] >= self.after
        self.after = answer["last_position"]
        return not answer["has_more"]


def followed(world: World, write: Callable[[int], None], *queries: dict[str, Any]) -> Iterator[Tail]:
    """Let readers follow the feed from now on while WRITERS threads write; then what each has seen."""
    start, is_over = latest(world.ada), threading.Event()
    ada = world.ada
    tails = [Tail(dataclasses.replace(ada, client=world.app.test_client()), query, start) for query in queries]
    with ThreadPoolExecutor(WRITERS + len(tails)) as threads:
        reading = [threads.submit(tail.follow, is_over) for tail in tails]
        writing = [threads.submit(write, n) for n in range(WRITERS)]
        try:
            for one in writing:
                one.result(PATIENCE)
        finally:
            is_over.set()
        for one in reading:
            one.result(PATIENCE)
    return iter(tails)


def test_a_reader_beside_many_writers_meets_every_event_once(world: World, rounds: int) -> None:
    start = latest(world.ada)
    everything, some = followed(world, writer(world, rounds), {"types": f"{MARK},{OTHER}"}, {"types": OTHER})
    assert everything.seen == stored(world, start, MARK, OTHER)
    assert some.seen == stored(world, start, OTHER)
    assert len(everything.seen) >= WRITERS * rounds


def test_the_feed_goes_on_growing_after_a_move_to_another_server(world: World, rounds: int) -> None:
    database = world.service.database
    world.feedback()  # an event that is as new as the server's transactions
    before = latest(world.ada)
    lost = {"last": 0} if database.is_sqlite else {"base": LedgerHead.base + 10_000}
    database.transaction(lambda session: session.execute(update(LedgerHead).values(**lost)))
    assert database.transaction(ledger.move_base)
    assert not database.transaction(ledger.move_base)

    [tail] = followed(world, writer(world, rounds), {"types": f"{MARK},{OTHER}"})
    assert tail.seen == stored(world, before, MARK, OTHER)
    assert len(tail.seen) >= WRITERS * rounds


@where_writers_overlap
def test_a_process_that_starts_beside_writers_moves_nothing(world: World) -> None:
    """It finds newer events than the feed shows yet; only transactions under way are the reason."""
    database = world.service.database
    with new_transaction(world) as starting:
        starting.execute(text("SELECT pg_current_xact_id()"))  # began before the others
        database.transaction(lambda session: mark(session, 1))
        assert not ledger.move_base(starting)
