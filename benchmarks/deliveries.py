"""Webhooks on the embedded default: how soon, how many a second, and that one that hangs delays no other."""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from benchmarks.contestants import ROOT, Contestant, serving
from benchmarks.databases import Place, place
from benchmarks.seed import PEOPLE, Person, seed
from cfm_workflow.models import Account

PER_SECOND = 20
SHARE_OF_BARE = 0.5
P50_MS, P99_MS = 50.0, 500.0
HANGING_DELAYS_BY_MS = 1_000.0


@dataclass(frozen=True, slots=True)
class Bench:
    """A running service, a sink, and somebody who administers."""

    server: Contestant
    sink: str
    people: Sequence[Person]

    def ask(self, method: str, path: str, body: Any = None, *, by: int = 0) -> Any:
        address = f"http://127.0.0.1:{self.server.port}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self.people[by].token}"}
        answer = requests.request(method, address, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def listen(self, path: str = "/", **fields: Any) -> int:
        """A new endpoint; its id."""
        body = {"url": f"{self.sink}{path}", "event_types": ["action.*"], **fields}
        return int(self.ask("POST", "/webhooks", body)["id"])

    def seen(self) -> dict[str, float]:
        found: dict[str, float] = requests.get(f"{self.sink}/seen", timeout=60).json()
        return found

    def count(self) -> int:
        return int(requests.get(f"{self.sink}/count", timeout=60).text)


def run(kind: str, *, quick: bool) -> None:
    """Measure one kind of database and print a line per promise."""
    with place(kind) as where, _bench(where) as bench:
        webhook = bench.listen()
        _print(kind, "commit to receipt", *_latencies(bench, 10 if quick else 30))
        bench.ask("DELETE", f"/webhooks/{webhook}")
        for _ in range(8):
            bench.listen("/hang")
        webhook = bench.listen()
        _print(kind, "beside 8 that hang", *_latencies(bench, 10 if quick else 30))
        for each in bench.ask("GET", "/webhooks")["items"]:
            bench.ask("DELETE", f"/webhooks/{each['id']}")
        _throughput(kind, bench, 1_000 if quick else 5_000)


@contextlib.contextmanager
def _bench(where: Place) -> Iterator[Bench]:
    people = seed(where, actions=20_000, open_per_person=500)
    where.service.database.transaction(
        lambda session: session.execute(Account.__table__.update().where(Account.id == 1).values(role="admin"))
    )
    environment = {"CFM_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with TemporaryDirectory() as folder, serving(where, "serve", environment) as server:
        port_file = Path(folder) / "port"
        sink = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port_file)], cwd=ROOT)
        try:
            while not port_file.exists() or not port_file.read_text():
                time.sleep(0.05)
            yield Bench(server, f"http://127.0.0.1:{port_file.read_text()}", people)
        finally:
            sink.kill()
            sink.wait()


def _latencies(bench: Bench, seconds: int) -> tuple[list[float], list[float]]:
    """Transitions at an even pace: how long each took, and how long from asking for it to its receipt, in ms."""
    bench.seen()
    took, asked = [], {}
    begin = time.monotonic()
    for n in range(seconds * PER_SECOND):
        time.sleep(max(0.0, begin + n / PER_SECOND - time.monotonic()))
        person = n % PEOPLE
        action = bench.people[person].actions[n // PEOPLE]
        moment = time.monotonic()
        bench.ask("POST", f"/actions/{action}/transitions", {"transition": "accept"}, by=person)
        took.append((time.monotonic() - moment) * 1000)
        asked[action] = moment
        bench.ask("POST", f"/actions/{action}/transitions", {"transition": "release"}, by=person)
    time.sleep(2)
    seen = bench.seen()
    feed = _events_of(bench, asked)
    received = [(seen[event_id] - moment) * 1000 for event_id, moment in feed if event_id in seen]
    if len(received) < len(asked):
        raise RuntimeError(f"{len(asked) - len(received)} of {len(asked)} were not received")
    return took, received


def _events_of(bench: Bench, asked: dict[int, float]) -> list[tuple[str, float]]:
    """The newest acceptance of each action, with the moment it was asked for."""
    newest: dict[int, str] = {}
    after = 0
    while True:
        page = bench.ask("GET", f"/events?types=action.accepted&limit=1000&after={after}")
        for event in page["items"]:
            newest[event["data"]["action"]["id"]] = event["data"]["event_id"]
        after = page["last_position"]
        if not page["has_more"]:
            return [(newest[action], moment) for action, moment in asked.items()]


def _print(kind: str, what: str, took: list[float], received: list[float]) -> None:
    p50, p99 = _percentile(received, 50), _percentile(received, 99)
    missed = [] if p50 <= P50_MS else ["p50 too long"]
    missed += [] if p99 <= P99_MS else ["p99 too long"]
    print(
        f"{kind}: {what}, {PER_SECOND} transitions a second: from asking to receipt p50 {p50:.0f} ms, p99 {p99:.0f} ms;"
        f" the transitions themselves p50 {_percentile(took, 50):.0f} ms, p99 {_percentile(took, 99):.0f} ms;"
        f" {', '.join(missed) or 'as promised'}",
        flush=True,
    )


def _percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


def _throughput(kind: str, bench: Bench, events: int) -> None:
    """A paused endpoint that is switched on again, against a loop that posts the same bodies as fast as it can."""
    webhook = bench.listen()
    bench.ask("PATCH", f"/webhooks/{webhook}", {"state": "paused"})
    assignees = [{"user": person.email} for person in bench.people]
    for n in range(events // len(assignees)):
        bench.ask("POST", f"/feedback/{n + 1}/actions", {"title": "Ask the airport", "assignees": assignees})
    whole = events // len(assignees) * len(assignees)
    body = json.dumps(bench.ask("GET", "/events?types=action.assigned&limit=1")["items"][0]).encode()
    bench.seen()
    bare = _bare(bench, body, min(whole, 2_000))
    began = time.monotonic()
    bench.ask("PATCH", f"/webhooks/{webhook}", {"state": "active"})
    while bench.count() < whole:
        time.sleep(0.05)
        if time.monotonic() - began > 300:
            raise RuntimeError(f"only {bench.count()} of {whole} came")
    ours = whole / (time.monotonic() - began)
    bench.seen()
    bare = statistics.mean([bare, _bare(bench, body, min(whole, 2_000))])
    print(
        f"{kind}: {whole:,} webhooks at {ours:,.0f}/s; bare requests with keep-alive {bare:,.0f}/s = {ours / bare:.2f};"
        f" {'as promised' if ours / bare >= SHARE_OF_BARE else 'too slow'}",
        flush=True,
    )


def _bare(bench: Bench, body: bytes, count: int) -> float:
    with requests.Session() as session:
        began = time.monotonic()
        for n in range(count):
            headers = {"webhook-id": f"bare-{n}", "Content-Type": "application/json"}
            session.post(f"{bench.sink}/", data=body, headers=headers, timeout=20)
        took = time.monotonic() - began
    bench.seen()
    return count / took
