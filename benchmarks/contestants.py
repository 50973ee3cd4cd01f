"""The servers that are compared: started, watched in /proc, stopped. Linux only, for their use of the processor."""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.databases import Place

ROOT = Path(__file__).resolve().parents[1]
LAYOUT = {"sqlite": (1, 32), "postgresql": (2, 4)}
"""Processes and threads of both contestants."""
START_SECONDS = 30
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Round:
    """What one block of requests cost."""

    per_second: float
    cpu_ms: float  # of the server's processes, per request
    latencies_ms: list[float]
    last: str


@dataclass(slots=True)
class Contestant:
    """A running server and what was measured of it."""

    name: str
    process: "subprocess.Popen[bytes]"
    port: int
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def play(self, scripts: list[list[Any]], *, expect: int, per_second: float | None = None) -> Round:
        """Let as many clients as there are scripts ask, one after the other or so often, and see what that takes."""
        before = self._cpu_seconds()
        job = json.dumps({"port": self.port, "scripts": scripts, "per_second": per_second})
        command = [sys.executable, "-m", "benchmarks.load"]
        told = subprocess.run(command, input=job.encode(), stdout=subprocess.PIPE, check=True, cwd=ROOT)
        cpu = self._cpu_seconds() - before
        seen = json.loads(told.stdout)
        count = sum(map(len, scripts))
        if seen["statuses"] != {str(expect): count}:
            raise RuntimeError(f"{self.name} answered {seen['statuses']}, such as {seen['last'][:400]}")
        return Round(count / seen["took"], cpu / count * 1000, [s * 1000 for s in seen["seconds"]], seen["last"])

    def median(self, scenario: str, what: str) -> float:
        """Over the rounds: `per_second`, `cpu_ms`, or the percentile `p50` or `p99` of the latency in ms."""
        rounds = self.rounds[scenario]
        if what in ("p50", "p99"):
            share = int(what[1:]) / 100
            return statistics.median(r.latencies_ms[int(len(r.latencies_ms) * share)] for r in rounds)
        return statistics.median(getattr(r, what) for r in rounds)

    def _cpu_seconds(self) -> float:
        """Used so far by the server's process and its children."""
        total = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                name, _, rest = path.read_text().rpartition(")")
                fields = rest.split()
                if self.process.pid in (int(name.split(" ", 1)[0]), int(fields[1])):
                    total += int(fields[11]) + int(fields[12])
        return total / _TICKS


@contextlib.contextmanager
def running(place: Place) -> Iterator[tuple[Contestant, Contestant]]:
    """The service and the floor on one database, in the same layout."""
    workers, threads = LAYOUT[place.kind]
    with contextlib.ExitStack() as stack:
        layout = {"CFM_WORKERS": str(workers), "CFM_THREADS": str(threads)}
        ours = stack.enter_context(serving(place, "serve" if place.kind == "sqlite" else "web", layout))
        port = _free_port()
        command = ["benchmarks.floor", str(port), str(workers), str(threads)]
        yield ours, stack.enter_context(_server("floor", command, port, place.environment))


@contextlib.contextmanager
def serving(place: Place, command: str, environment: dict[str, str]) -> Iterator[Contestant]:
    """The service alone, with some more settings."""
    port = _free_port()
    settings = environment | {"CFM_BIND": f"127.0.0.1:{port}"}
    with _server("ours", ["cfm_workflow.cli", command], port, place.environment | settings) as ours:
        yield ours


@contextlib.contextmanager
def _server(name: str, command: list[str], port: int, environment: dict[str, str]) -> Iterator[Contestant]:
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=os.environ | environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield Contestant(name, process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"a server ended with {process.returncode}")
        with contextlib.suppress(OSError), urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{address} does not answer")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
