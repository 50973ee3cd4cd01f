"""What open streams cost others: the p99 of a transition beside 200 of them, and how long they hold up the end.

Transitions are offered at a steady 20 a second, each timed from when it was due. As fast as 8 clients can ask would
measure something else: each stream is told everything, so 400 changes a second are 80,000 messages a second.
"""

import contextlib
import json
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from benchmarks.contestants import ROOT, Contestant, serving
from benchmarks.databases import place
from benchmarks.over_http import CLIENTS, transitions
from benchmarks.seed import seed
from cfm_workflow import access, clock
from cfm_workflow.operations import people, tokens

STREAMS = 200
THREADS = 450  # half of them may hold streams
PER_SECOND = 20.0
EACH = 40  # transitions per client and round: 16 seconds
AT_MOST = 1.5
END_SECONDS = 12.0


def run(kind: str, *, rounds: int) -> None:
    """Measure one kind of database and print a line per figure."""
    with place(kind) as where:
        workers = seed(where, actions=10_000, open_per_person=200)[:CLIENTS]
        token = where.service.database.transaction(_administrator)
        command = "serve" if kind == "sqlite" else "web"
        with serving(where, command, {"CFM_THREADS": str(THREADS)}) as server:
            server.play(transitions(workers, 20, 0), expect=200)  # warm
            told: list[dict[str, Any]] = []
            for turn in range(rounds):
                _measure(server, workers, "without", turn)
                with listening(server, token) as listeners:
                    _measure(server, workers, "beside", turn)
                    told.append(hang_up(listeners))
            with listening(server, token) as listeners:
                began = perf_counter()
                server.process.send_signal(signal.SIGTERM)
                server.process.wait(30)
                took = perf_counter() - began
                ended = hang_up(listeners)["ended"]
    _print(kind, server, told, rounds)
    verdict = "as promised" if took <= END_SECONDS and server.process.returncode == 0 else "too long"
    print(f"SIGTERM with {STREAMS} streams open: {took:.1f} s, {ended} ended, {verdict}", flush=True)


def _measure(server: Contestant, workers: Any, name: str, turn: int) -> None:
    done = server.play(transitions(workers, EACH, turn), expect=200, per_second=PER_SECOND)
    server.rounds.setdefault(name, []).append(done)


@contextlib.contextmanager
def listening(server: Contestant, token: str) -> "Iterator[subprocess.Popen[bytes]]":
    """STREAMS open streams, read by another process."""
    command = [sys.executable, "-m", "benchmarks.listeners", str(server.port), token, str(STREAMS)]
    listeners = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert listeners.stdout is not None
    if listeners.stdout.readline() != b"open\n":
        raise RuntimeError("the streams could not be opened")
    with listeners:
        yield listeners


def hang_up(listeners: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Close all streams; what they were told."""
    out, _ = listeners.communicate()
    seen: dict[str, Any] = json.loads(out)
    return seen


def _administrator(session: Any) -> str:
    setup, now = access.system("benchmark"), clock.now()
    values = {"email": "root@example.com", "name": "Root", "role": "admin", "language": "en", "time_zone": "UTC"}
    root = people.create_user(session, setup, values, now=now)
    made: str = tokens.create(session, setup, root["id"], {"name": "benchmark"}, now=now)["token"]
    return made


def _print(kind: str, server: Contestant, told: list[dict[str, Any]], rounds: int) -> None:
    per_stream = statistics.median(one["events"] for one in told) / STREAMS
    print(
        f"\n{kind}: {PER_SECOND:.0f} transitions/s offered, beside {STREAMS} streams / without, medians of {rounds} "
        f"rounds each; {per_stream:.0f} events per stream and round"
    )
    for what in ("p50", "p99", "cpu_ms"):
        beside, without = server.median("beside", what), server.median("without", what)
        verdict = ""
        if what == "p99":
            verdict = "as promised" if beside / without <= AT_MOST else f"more than {AT_MOST}"
        unit = "server CPU ms/request" if what == "cpu_ms" else f"{what} ms"
        print(f"{unit:24}{beside:7.1f} / {without:5.1f} = {beside / without:4.2f}  {verdict}", flush=True)
