"""A real help desk's log walked through the HTTP API, step by step, by the people who did it.

Each activity is tried as the transition it stands for. Where `standard` refuses it, the refusal is counted, and what
people would do about it (hand over, reopen, resume) is done before it is tried again. Every request carries an
idempotency key of its own, so the whole can be broken off anywhere and gone on with.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

LOG = Path(__file__).parent.parent.parent / "shared" / "data" / "helpdesk_log.csv"

Ask = Callable[[str, str, str, "dict[str, Any] | None", str], "tuple[int, Any]"]
"""(person, method, path, body, idempotency key) -> (status, JSON)"""

TRANSITIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    # activity                 transition     with
    "Assign seriousness":     ("reassign",   {"reason": "assigned again"}),
    "Take in charge ticket":  ("start",      {"through": True}),
    "Wait":                   ("wait",       {"reason": "the customer is asked", "until_answer": True}),
    "Resolve ticket":         ("complete",   {"outcome": "answered", "through": True}),
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What became of the steps of a log, and which events the accepted requests must have left."""

    steps: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    after_remedy: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    no_counterpart: Counter[str] = field(default_factory=Counter)
    remedies: Counter[str] = field(default_factory=Counter)
    final_states: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.steps += other.steps
        for name in ("accepted", "after_remedy", "refused", "no_counterpart", "remedies", "final_states"):
            getattr(self, name).update(getattr(other, name))


def tickets(limit: int | None = None) -> Iterator[list[dict[str, str]]]:
    """The events of each ticket, in the order of the log."""
    with LOG.open(newline="") as file:
        found: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in csv.DictReader(file):
            found[row["case:concept:name"]].append(row)
    yield from list(found.values())[:limit]


def people() -> list[str]:
    """Everybody in the log."""
    with LOG.open(newline="") as file:
        return sorted({row["org:resource"] for row in csv.DictReader(file)})


def email(person: str) -> str:
    return f"{person.lower().replace(' ', '-')}@helpdesk.example.com"


def walk(ticket: list[dict[str, str]], ask: Ask, team: int) -> Tally:
    """Walk one ticket: it comes in as feedback, is offered to the whole team, and goes the way of its log."""
    tally = Tally(steps=len(ticket))
    case = ticket[0]["case:concept:name"]
    number = iter(range(1, 10_000))

    def post(person: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return ask(person, "POST", path, body, f"{case}-{next(number)}")

    first = ticket[0]
    doer = first["org:resource"]
    times = [f"{instant(row)} {row['concept:name']}" for row in ticket]
    item = {
        "source": "helpdesk",
        "external_id": case,
        "text": f"{case}: {first['concept:name']}",
        "received_at": instant(first),
        "attributes": {"variant": first["case:variant"]},
    }
    _, feedback = post(doer, "/feedback", item)
    work = {"title": case, "assignees": [{"team": team, "mode": "pool"}], "attributes": {"log": times}}
    status, made = post(doer, f"/feedback/{feedback['id']}/actions", work)
    assert status == 201, made
    action = made["actions"][0]
    for n, row in enumerate(ticket):
        name = row["concept:name"]
        if n == 0 and name in ("Assign seriousness", "Insert ticket"):
            tally.accepted[name] += 1
        elif name == "Closed":
            _close(tally, post, row, feedback["id"])
        elif name in TRANSITIONS:
            action = _step(tally, post, row, action)
        else:
            tally.no_counterpart[name] += 1
    tally.final_states[action["state"]] += 1
    return tally


def instant(row: Mapping[str, str]) -> str:
    return datetime.fromisoformat(row["time:timestamp"]).isoformat().replace("+00:00", "Z")


def _step(tally: Tally, post: Any, row: Mapping[str, str], action: dict[str, Any]) -> dict[str, Any]:
    name, doer = row["concept:name"], row["org:resource"]
    transition, fields = TRANSITIONS[name]
    body = {"transition": transition, "comment": f"log: {instant(row)}", **fields}
    if transition == "reassign":
        body["assignee"] = email(doer)
    path = f"/actions/{action['id']}/transitions"
    status, answer = post(doer, path, body)
    if status == 200:
        tally.accepted[name] += 1
        return answer  # type: ignore[no-any-return]
    tally.refused[name, _why(answer, action, doer)] += 1
    for remedy, remedy_fields in _remedies(action, doer, name):
        status, answer = post(doer, path, {"transition": remedy, **remedy_fields})
        assert status == 200, answer
        tally.remedies[remedy] += 1
        action = answer
    if action["state"] == "in_progress" and name == "Take in charge ticket":
        return action  # resuming was all there was to it
    status, answer = post(doer, path, body)
    if status == 200:
        tally.after_remedy[name] += 1
        return answer  # type: ignore[no-any-return]
    return action


def _remedies(action: dict[str, Any], doer: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    """What people do so that a refused step becomes possible."""
    has_it = action["assignee"] is not None and action["assignee"]["email"] == email(doer)
    if action["category"] in ("done", "dropped"):
        return [("reopen", {"reason": "the log goes on", "assignee": email(doer)})]
    if not has_it and action["assignee"] is not None:
        return [("reassign", {"reason": "handed over", "assignee": email(doer)})]
    if action["state"] == "waiting" and name == "Take in charge ticket":
        return [("resume", {})]
    if action["state"] == "accepted" or action["state"] == "in_progress":
        return []
    return [("accept", {})] if action["state"] == "assigned" else [("resume", {})]


def _why(problem: dict[str, Any], action: dict[str, Any], doer: str) -> str:
    """The reason in a few words: whose action it is, and in which state."""
    if problem["status"] == 403:
        return "somebody else's action" if action["assignee"] is not None else "nobody's action"
    return f"{problem['status']} from {problem.get('current_state')}"


def _close(tally: Tally, post: Any, row: Mapping[str, str], feedback_id: int) -> None:
    status, answer = post(row["org:resource"], f"/feedback/{feedback_id}/close", {"reason": f"log: {instant(row)}"})
    if status == 200:
        tally.accepted["Closed"] += 1
    else:
        tally.refused["Closed", str(answer["detail"])] += 1
