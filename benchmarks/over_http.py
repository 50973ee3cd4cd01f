"""Requests per second, processor time per request and latency, against a floor written by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from benchmarks.contestants import Contestant, running
from benchmarks.databases import place
from benchmarks.seed import PER_GROUP, Person, seed
from cfm_workflow import clock

CLIENTS = 8
ACTIONS = 100_000
ITEMS = ACTIONS // PER_GROUP
OPEN_PER_PERSON = 1_000
AT_LEAST, AT_MOST = 0.5, 2.0
"""Promised: requests per second and processor time of ours as a share of the floor's."""
LONGEST_P99_MS = 60.0
"""Promised for a transition on SQLite."""

Script = list[list[Any]]


def transitions(people: Sequence[Person], each: int, turn: int) -> list[Script]:
    """Each client accepts some of its own actions and gives them back, for the next round to find them as they were."""
    return [
        [
            ["POST", f"/api/v1/actions/{ident}/transitions", person.token, {"transition": name}]
            for name in ("accept", "release")
            for ident in person.actions[: each // 2]
        ]
        for person in people
    ]


def my_queue(people: Sequence[Person], each: int, turn: int) -> list[Script]:
    return [[["GET", "/api/v1/me/actions", person.token, None]] * each for person in people]


def overdue(people: Sequence[Person], each: int, turn: int) -> list[Script]:
    return [[["GET", "/api/v1/actions?overdue=true&count=true", person.token, None]] * each for person in people]


def fan_out(people: Sequence[Person], each: int, turn: int) -> list[Script]:
    """Ten people are given work on an item, another one each time."""
    body = {
        "title": "Ask the airport what happened",
        "assignees": [{"user": f"person{20 + n}@example.com"} for n in range(10)],
        "due_at": (clock.now() + timedelta(days=2)).isoformat(),
    }
    scripts = []
    for n, person in enumerate(people):
        items = [1 + ((turn * len(people) + n) * each + k) % ITEMS for k in range(each)]
        scripts.append([["POST", f"/api/v1/feedback/{item}/actions", person.token, body] for item in items])
    return scripts


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something people do all day. `each` is how often each client does it in a round."""

    name: str
    script: Callable[[Sequence[Person], int, int], list[Script]]
    each: int
    status: int


SCENARIOS = (
    Scenario("one transition", transitions, 200, 200),
    Scenario("my queue", my_queue, 200, 200),
    Scenario("overdue with total", overdue, 120, 200),
    Scenario("fan-out to 10", fan_out, 60, 201),
)


def run(kind: str, *, rounds: int) -> None:
    """Measure one kind of database and print a line per scenario."""
    with place(kind) as where:
        people = seed(where, actions=ACTIONS, open_per_person=OPEN_PER_PERSON)[:CLIENTS]
        with running(where) as (ours, floor):
            _check_same_answers(ours, floor, people)
            print(f"\n{kind}: {CLIENTS} clients, {ACTIONS:,} actions, medians of {rounds} rounds each, ours / floor")
            print(f"{'':20}{'requests/s':>22}{'server CPU ms/request':>26}{'p50 ms':>16}{'p99 ms':>18}")
            for scenario in SCENARIOS:
                _compete(scenario, (ours, floor), people, rounds)
                _print(kind, scenario.name, ours, floor)


def _compete(scenario: Scenario, contestants: Sequence[Contestant], people: Sequence[Person], rounds: int) -> None:
    turn = 0
    for contestant in contestants:
        contestant.play(scenario.script(people, 20, 1_000 + turn), expect=scenario.status)  # warm
        turn += 1
    for _ in range(rounds):
        for contestant in contestants:
            done = contestant.play(scenario.script(people, scenario.each, turn), expect=scenario.status)
            contestant.rounds.setdefault(scenario.name, []).append(done)
            turn += 1


def _check_same_answers(ours: Contestant, floor: Contestant, people: Sequence[Person]) -> None:
    """A floor that answers something else would be no floor."""
    for script in (my_queue, overdue):
        both = [orjson.loads(c.play(script(people[:1], 1, 0), expect=200).last) for c in (ours, floor)]
        for answer in both:
            answer.pop("next_cursor")
        if both[0] != both[1]:
            raise RuntimeError(f"the floor answers {script.__name__} differently")


def _print(kind: str, name: str, ours: Contestant, floor: Contestant) -> None:
    a, b = ours.median(name, "per_second"), floor.median(name, "per_second")
    c, d = ours.median(name, "cpu_ms"), floor.median(name, "cpu_ms")
    latencies = [f"{ours.median(name, p):5.1f} / {floor.median(name, p):5.1f}" for p in ("p50", "p99")]
    missed = [] if a / b >= AT_LEAST else ["too few requests"]
    missed += [] if c / d <= AT_MOST else ["too much CPU"]
    if kind == "sqlite" and name == "one transition" and ours.median(name, "p99") > LONGEST_P99_MS:
        missed.append("p99 too long")
    print(
        f"{name:20}{a:6.0f} / {b:6.0f} = {a / b:4.2f}  {c:7.2f} / {d:5.2f} = {c / d:4.2f}"
        f"{latencies[0]:>17}{latencies[1]:>18}  {', '.join(missed) or 'as promised'}",
        flush=True,
    )
