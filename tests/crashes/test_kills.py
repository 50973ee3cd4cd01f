"""The whole server killed again and again under load: what it acknowledged is there, once. Runs with --long only."""

import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from cfm_workflow import clock
from cfm_workflow.worker.webhooks import Webhooks
from tests import invariants
from tests.crashes import delivered
from tests.crashes.receiving import Receiver, receiving
from tests.world import Person, World

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

LOOPBACK = ip_network("127.0.0.0/8")
ROOT = Path(__file__).parents[2]
KILLS = 200
JSON = "application/json"
CLIENTS = 4
ATTEMPTS = 600  # at least 30 seconds
LONGEST_LIFE = 0.5  # seconds after it answers
KEYS = "test:dGVzdHMgdXNlIHRoaXMga2V5IGFuZCBubyBvdGhlciE="  # as in config/testing.toml


@dataclass(slots=True)
class Acknowledged:
    """A change that the server said it had made."""

    person: Person
    path: str
    message: bytes
    key: str
    answer: bytes


@dataclass(slots=True)
class Client:
    """Somebody who repeats every request, with its key, until it is answered."""

    world: World
    address: str
    name: str
    is_over: threading.Event
    acknowledged: list[Acknowledged] = field(default_factory=list)

    def work(self) -> None:
        alice, bob, olga = self.world.alice, self.world.bob, self.world.olga
        n = 0
        with requests.Session() as session:
            while not self.is_over.is_set():
                n += 1
                text = {"text": "Late again.", "source": self.name, "external_id": f"answer-{n}"}
                item = self._insist(session, olga, "/feedback", text)
                who = [{"user": alice.email}, {"user": bob.email}, {"team": "care", "mode": "pool"}]
                work = {"title": "Call back", "assignees": who, "completion": ("all", "any")[n % 2]}
                made = self._insist(session, olga, f"/feedback/{item['id']}/actions", work)
                done = {"transition": "complete", "through": True, "outcome": "fixed"}
                for person, action, order in zip(
                    (alice, bob, alice), made["actions"], (done, done, {"transition": "accept"}), strict=True
                ):
                    self._insist(session, person, f"/actions/{action['id']}/transitions", order)

    def _insist(self, session: requests.Session, person: Person, path: str, body: Any) -> Any:
        key = secrets.token_hex(8)
        headers = {"Authorization": f"Bearer {person.token}", "Idempotency-Key": key, "Content-Type": JSON}
        message = orjson.dumps(body)
        for _ in range(ATTEMPTS):
            try:
                response = session.post(f"{self.address}/api/v1{path}", data=message, headers=headers, timeout=30)
            except requests.RequestException:
                threading.Event().wait(0.05)  # dead; the next one will answer
                continue
            if response.status_code == 503:
                threading.Event().wait(0.05)
                continue
            assert response.status_code in (200, 201, 409), response.text
            if response.status_code != 409:
                self.acknowledged.append(Acknowledged(person, path, message, key, response.content))
            elif "Retry-After" in response.headers:
                continue
            return response.json()
        raise AssertionError("the server does not come back")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(world: World, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """`cfm serve`, killed with all it has forked at the end."""
    settings = world.service.settings
    environment = {
        **os.environ,
        "CFM_DATABASE_URL": str(settings.database_url),
        "CFM_INSTANCE": str(settings.instance),
        "CFM_SECRET_KEYS": KEYS,
        "CFM_BIND": f"127.0.0.1:{port}",
        "CFM_THREADS": "8",
        "CFM_WEBHOOK_ALLOWED_NETWORKS": str(LOOPBACK),
        "CFM_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "cfm_workflow.cli", "serve"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_alive(address: str, process: "subprocess.Popen[bytes]") -> None:
    while True:
        assert process.poll() is None, "the server has ended by itself"
        try:
            if requests.get(f"{address}/healthz", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            threading.Event().wait(0.02)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path, refuse_each=10) as running:
        yield running


def test_nothing_acknowledged_is_lost_or_doubled_however_often_the_server_is_killed(
    world: World, receiver: Receiver, record_property: Callable[[str, object], None]
) -> None:
    world.service.settings = replace(world.service.settings, webhook_allowed_networks=(LOOPBACK,))
    world.ada.post("/webhooks", {"url": receiver.url, "event_types": ["*"]})
    port, chance, is_over = free_port(), random.Random(7), threading.Event()
    address = f"http://127.0.0.1:{port}"
    world.service.database.dispose()
    clients = [Client(world, address, f"client-{n}", is_over) for n in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:
        working = [threads.submit(client.work) for client in clients]
        try:
            for n in range(KILLS):
                with server(world, port) as process:
                    wait_until_alive(address, process)
                    is_over.wait(chance.uniform(0, LONGEST_LIFE))
                if n % 20 == 0:
                    invariants.check(world.service.database)
                for one in working:
                    assert not one.done(), one.exception()
        finally:
            is_over.set()
        with server(world, port) as process:
            for one in working:
                one.result(60)
    acknowledged = [change for client in clients for change in client.acknowledged]
    check(world, acknowledged)
    clock.freeze(clock.now())
    delivered.work_off(world.service, Webhooks(world.service))
    delivered.check(world.service, receiver)
    came = receiver.receipts().values()
    twice = sum(sum(receipt.status < 300 for receipt in receipts) > 1 for receipts in came)
    found = f"{len(acknowledged)} acknowledged, {len(came)} events received, {twice} of them more than once"
    record_property(f"{KILLS} kills of the service on {world.service.database.engine.dialect.name}", found)


def check(world: World, acknowledged: list[Acknowledged]) -> None:
    invariants.check(world.service.database)
    assert len(acknowledged) > KILLS
    before = invariants.dump(world.service.database)
    for change in acknowledged:
        headers = {"Idempotency-Key": change.key}
        again = change.person.ask("POST", change.path, data=change.message, headers=headers, content_type=JSON)
        assert again.headers.get("Idempotency-Replayed") == "true", again.text
        assert again.data == change.answer
    after = invariants.dump(world.service.database)
    del before["tokens"], after["tokens"]  # when they were used last
    assert after == before
    # Of every item there is one, of every key one change: what was not acknowledged was repeated until it was.
    items = [event["data"]["subject"]["id"] for event in world.events(types="feedback.received")]
    posted = [change for change in acknowledged if change.path == "/feedback"]
    assert len(items) == len(set(items)) == len(posted)
