"""Reminders: a tick and a transition cost the same whatever is planned, and a mail leaves as soon as it is due."""

import contextlib
import functools
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import requests
from sqlalchemy import func, select, text, update

from benchmarks.contestants import serving
from benchmarks.databases import Place, place
from benchmarks.seed import PEOPLE, Person, seed
from cfm_workflow import clock, create_app
from cfm_workflow.cli.opening import settle
from cfm_workflow.models import Account, Reminder
from cfm_workflow.operations import reminders
from tests import smtp

SMALL, LARGE = 10_000, 1_000_000
TICKS, DONE = 300, 200
IDLE_MS, AT_MOST, HANDED_OVER_SECONDS = 5.0, 1.3, 2.0
CHOSEN = 5_000
PACE = 0.37
"""Seconds from one to the next; no multiple of the tick's."""
MINUTE = {
    "key": "minute",
    "name": "Minute",
    "targets": {"accept": "PT1M"},
    "ladders": {"accept": [{"after": "PT0S", "to": ["assignee"]}]},
}


def run(kind: str, *, quick: bool) -> None:
    """Measure one kind of database and print a line per promise."""
    large = LARGE // 10 if quick else LARGE
    with contextlib.ExitStack() as stack:
        piles = [_Pile(stack.enter_context(place(kind)), size) for size in (SMALL, large)]
        settle()
        nothing = _in_turn(TICKS, [pile.tick for pile in piles])
        _print(kind, "a tick that finds nothing", nothing, large, ms=IDLE_MS)
        for scattered in (False, True):
            works = [functools.partial(pile.tick, reminders.BATCH, scattered=scattered) for pile in piles]
            took, what = _in_turn(5 if quick else 9, works), "scattered over the table" if scattered else "side by side"
            promised = None if scattered else AT_MOST
            _print(kind, f"a tick that tells {reminders.BATCH}, {what}", took, large, ratio=promised)
        took = _in_turn(DONE, [pile.complete for pile in piles])
        _print(kind, "a transition that cancels two", took, large, ratio=AT_MOST)
    with place(kind) as where:
        _mails(where, rounds=1 if quick else 3)


def _in_turn(rounds: int, works: Sequence[Callable[[], float]]) -> list[float]:
    """What each takes in milliseconds, the median; one after the other, the first time does not count."""
    took: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for milliseconds, work in zip(took, works, strict=True):
            milliseconds.append(work() * 1000)
    return [statistics.median(each[1:]) for each in took]


def _print(
    kind: str, what: str, took: list[float], large: int, *, ms: float | None = None, ratio: float | None = None
) -> None:
    small, big = took
    missed = [] if ratio is None or big / small <= ratio else [f"more than {ratio}"]
    missed += [] if ms is None or big < ms else [f"not below {ms:.0f} ms"]
    verdict = "nothing promised" if ms is None and ratio is None else "as promised"
    print(
        f"{kind}: {what}: {small:.2f} ms of {SMALL:,} planned, {big:.2f} ms of {large:,} = {big / small:.2f};"
        f" {', '.join(missed) or verdict}",
        flush=True,
    )


class _Pile:
    """A database in which so many reminders are planned, two of each action."""

    def __init__(self, where: Place, planned: int) -> None:
        actions = planned // 2
        self._database = where.service.database
        self._people = seed(where, actions=actions, open_per_person=actions // PEOPLE)
        self._client = create_app(where.service).test_client()
        dice = random.Random("reminders")
        self._neighbours = dice.sample(range(1, CHOSEN + 1), CHOSEN)
        # In the large table each of these is on pages of its own; the small one has not so many pages.
        self._scattered = dice.sample(range(1, actions + 1), CHOSEN)
        self._turn = 0
        with self._database.reading() as session:
            found = session.execute(select(func.count()).where(Reminder.state == "planned")).scalar_one()
        if found != planned:
            raise RuntimeError(f"{found:,} reminders are planned, not {planned:,}")

    def tick(self, due: int = 0, *, scattered: bool = False) -> float:
        """Seconds that the clock takes to look at what is due, and to tell so many reminders, others each time."""
        now = clock.now()
        if due:
            self._turn += 1
            chosen = self._scattered if scattered else self._neighbours
            at = self._turn * due % CHOSEN
            self._let_be_due(chosen[at : at + due], "finish" if scattered else "accept", now)
        began = perf_counter()
        told = self._database.transaction(lambda session: reminders.fire_due(session, now=now))
        took = perf_counter() - began
        if told != due:
            raise RuntimeError(f"{told} reminders were told, not {due}")
        return took

    def _let_be_due(self, action_ids: Sequence[int], target: str, now: datetime) -> None:
        self._database.transaction(
            lambda session: session.execute(
                update(Reminder)
                .where(Reminder.action_id.in_(action_ids), Reminder.target == target, text("state = 'planned'"))
                .values(at=now - timedelta(seconds=1))
            )
        )

    def complete(self) -> float:
        """Seconds of a request that finishes an action, for which nothing needs to be planned any more."""
        person = self._people[self._turn % PEOPLE]
        self._turn += 1
        action = person.actions.pop()
        body = {"transition": "complete", "through": True, "outcome": "fixed"}
        headers = {"Authorization": f"Bearer {person.token}"}
        began = perf_counter()
        answer = self._client.post(f"/api/v1/actions/{action}/transitions", json=body, headers=headers)
        took = perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"answered {answer.status_code}: {answer.text[:400]}")
        return took


# -- from due to handed over -------------------------------------------------------------------------------------------


def _mails(where: Place, *, rounds: int) -> None:
    """Work that is to be accepted within a minute, and reminders that people set; each at another instant."""
    people = seed(where, actions=1_000, open_per_person=10)
    where.service.database.transaction(
        lambda session: session.execute(update(Account).where(Account.id == 1).values(role="admin"))
    )
    with smtp.sink() as sink:
        environment = {
            "CFM_MAIL_SERVER": "127.0.0.1",
            "CFM_MAIL_PORT": str(sink.port),
            "CFM_MAIL_TLS": "none",
            "CFM_MAIL_UNDO_SECONDS": "0",
        }
        with serving(where, "serve", environment) as server:
            bench = _Bench(f"http://127.0.0.1:{server.port}/api/v1", people, sink)
            bench.ask("/policies", MINUTE)
            _print_late(where.kind, "rungs", bench.rungs())
            _print_late(where.kind, "personal reminders", [late for _ in range(rounds) for late in bench.personal()])


@dataclass(frozen=True, slots=True)
class _Bench:
    """A running service at rest, and the mail server on loopback that it hands mails to."""

    address: str
    people: Sequence[Person]
    sink: smtp.Sink

    def ask(self, path: str, body: Any, *, by: int = 0) -> Any:
        headers = {"Authorization": f"Bearer {self.people[by].token}"}
        answer = requests.post(f"{self.address}{path}", json=body, headers=headers, timeout=60)
        if answer.status_code != 201:
            raise RuntimeError(f"answered {answer.status_code}: {answer.text[:400]}")
        return answer.json()

    def rungs(self) -> list[float]:
        """Everybody but the first is given something, and does not accept it: seconds from due to handed over."""
        due = {}
        self.sink.taken.clear()
        for n, person in enumerate(self.people[1:], 1):
            body = {"title": "Call back", "assignees": [{"user": person.email}], "policy": "minute"}
            [action] = self.ask(f"/feedback/{n}/actions", body)["actions"]
            due[person.email] = datetime.fromisoformat(action["accept_by"])
            time.sleep(PACE)
        self.sink.wait_for(len(due))  # that it was given
        return self._late(due)

    def personal(self) -> list[float]:
        """Everybody but the first is reminded of something: seconds from due to handed over."""
        begin, due = clock.now() + timedelta(seconds=15), {}
        for n, person in enumerate(self.people[1:], 1):
            due[person.email] = begin + n * timedelta(seconds=PACE)
            body = {"feedback": n, "remind_at": due[person.email].isoformat(), "text": "Call back"}
            self.ask("/reminders", body, by=n)
        return self._late(due)

    def _late(self, due: Mapping[str, datetime]) -> list[float]:
        """How long after it was due each of the next mails came, one per person."""
        late: list[float] = []
        self.sink.taken.clear()
        time.sleep((min(due.values()) - clock.now()).total_seconds())  # the sink loses patience sooner
        while len(late) < len(due):
            taken = self.sink.wait_for(len(late) + 1)
            now = clock.now()
            late += [(now - due[mail.recipient]).total_seconds() for mail in taken[len(late) :]]
        if min(late) < 0:
            raise RuntimeError("a reminder came too early")
        return late


def _print_late(kind: str, what: str, late: list[float]) -> None:
    verdict = "as promised" if max(late) < HANDED_OVER_SECONDS else f"not within {HANDED_OVER_SECONDS:.0f} s"
    p50 = statistics.median(late)
    print(f"{kind}: {len(late)} {what}: from due to handed over p50 {p50:.2f} s, at most {max(late):.2f} s; {verdict}")
