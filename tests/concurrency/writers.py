"""What the tests of the feed and of streams share: events that tell nothing, and writers beside readers."""

import random
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cfm_workflow import access, clock, ledger
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Event
from tests.world import Person, World

PATIENCE = 60.0
WRITERS = 8
MARK = "outcome.changed"
OTHER = "outcome.created"


def mark(session: Session, ident: int, *, count: int = 1, event_type: str = MARK) -> None:
    """Some events that tell nothing but who wrote them."""
    facts = [Fact(event_type, ident, {"n": n}, access.system("test")) for n in range(count)]
    ledger.record(session, facts, now=clock.now())


def new_transaction(world: World) -> Session:
    """A write transaction in our own hands, so that another can commit before it."""
    return Session(world.service.database.writer, expire_on_commit=False)


def latest(person: Person) -> int:
    return int(person.get("/events", after="latest")["last_position"])


# On SQLite there is one writer at a time: nobody commits before somebody who began earlier.
where_writers_overlap = pytest.mark.parametrize("database_kind", ["postgresql"])


def stored(world: World, after: int, *types: str) -> list[tuple[int, str]]:
    with world.service.database.reading() as session:
        query = select(Event.position, Event.event_id).where(Event.position > after, Event.type.in_(types))
        return [(row.position, row.event_id) for row in session.execute(query.order_by(Event.position))]


def writer(world: World, rounds: int) -> Callable[[int], None]:
    """Transactions of one to five events; on PostgreSQL two at a time wait for each other and commit as it comes."""
    is_sqlite = world.service.database.is_sqlite
    pairs = [threading.Barrier(2) for _ in range(WRITERS // 2)]

    def write(n: int) -> None:
        chance = random.Random(n)
        for _ in range(rounds):
            count, event_type = chance.randint(1, 5), chance.choice((MARK, OTHER))

            def work(session: Session, count: int = count, event_type: str = event_type) -> None:
                mark(session, n + 1, count=count, event_type=event_type)
                if not is_sqlite:
                    pairs[n % len(pairs)].wait(PATIENCE)
                    for _ in range(chance.randint(0, 3)):
                        session.execute(text("SELECT 1"))

            world.service.database.transaction(work)

    return write
