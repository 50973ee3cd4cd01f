"""A large file of feedback coming in, against the same loop written by hand: rows per second, memory, longest lock.

Each contestant has a process and a database of its own: `python -m benchmarks.imports ours|floor FILE ROWS-PER-BATCH`.
"""

import csv
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.contestants import ROOT
from benchmarks.databases import place
from benchmarks.seed import seed

ROWS = 200_000
AT_LEAST_PER_SECOND = 3_000  # PostgreSQL
AT_LEAST_OF_FLOOR = 0.6
LONGEST_LOCK_MS = 100.0
MOST_GROWTH = 1.25  # memory at the end by memory after a fifth
COLUMNS = ("sentiment", "airline", "name", "text", "created", "location")
OPTIONS = {
    "source": "survey",
    "fields": {
        "text": "text", "received_at": "created", "customer.external_id": "name", "customer.name": "name",
        "attributes.sentiment": "sentiment", "attributes.airline": "airline",
    },
    "date_format": "%d-%m-%Y %H:%M:%S",
    "time_zone": "UTC",
}  # fmt: skip
_WORDS = (
    "flight", "late", "again", "bag", "lost", "nobody", "answered", "gate", "desk", "seat", "crew", "thanks", "great",
    "refund", "cancelled", "hours",
)  # fmt: skip


def run(kind: str, *, quick: bool) -> None:
    """Import the same file both ways and print what it took."""
    rows = ROWS // 10 if quick else ROWS
    with TemporaryDirectory(prefix="cfm-benchmark-") as folder:
        file = Path(folder) / "feedback.csv"
        write_file(file, rows)
        ours = _measured(kind, "ours", file, 0)
        floor = _measured(kind, "floor", file, round(rows / ours["batches"]))
    a, b = rows / ours["seconds"], rows / floor["seconds"]
    missed = [] if kind == "sqlite" or a >= AT_LEAST_PER_SECOND else ["too slow"]
    missed += [] if a / b >= AT_LEAST_OF_FLOOR else ["too far from the floor"]
    missed += [] if ours["longest_ms"] <= LONGEST_LOCK_MS else ["a lock too long"]
    missed += [] if ours["memory_end_mb"] <= ours["memory_early_mb"] * MOST_GROWTH else ["memory grows"]
    print(
        f"\n{kind}: import of {rows:,} rows: {a:,.0f} / {b:,.0f} rows/s = {a / b:.2f}; longest lock"
        f" {ours['longest_ms']:.0f} / {floor['longest_ms']:.0f} ms; memory after a fifth"
        f" {ours['memory_early_mb']:.0f} MB, at the end {ours['memory_end_mb']:.0f} MB;"
        f" {', '.join(missed) or 'as promised'}",
        flush=True,
    )


def write_file(file: Path, rows: int) -> None:
    """Short messages as people send them, seven in ten from somebody new, some of them more than once."""
    dice = random.Random(7)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for n in range(rows):
            said = " ".join(dice.choices(_WORDS, k=dice.randint(4, 24)))
            name = f"traveller{dice.randrange(int(rows * 0.8))}"
            at = began + timedelta(seconds=40 * n)
            mood = dice.choice(("negative", "neutral", "positive"))
            writer.writerow((mood, "Coastal", name, f"@coastal {said}", f"{at:%d-%m-%Y %H:%M:%S}", "Home"))


def _measured(kind: str, name: str, file: Path, batch: int) -> dict[str, Any]:
    with place(kind) as where:
        seed(where, actions=100, open_per_person=1)
        command = [sys.executable, "-m", "benchmarks.imports", name, str(file), str(batch)]
        told = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, cwd=ROOT, env=os.environ | where.environment
        ).stdout
        measured: dict[str, Any] = json.loads(told)
        with where.service.database.engine.connect() as connection:
            stored = connection.exec_driver_sql("SELECT count(*) FROM feedback WHERE source = 'survey'").scalar()
    with file.open(encoding="utf-8") as lines:
        expected = sum(1 for _ in lines) - 1
    if stored != expected:
        raise RuntimeError(f"{name} stored {stored} items of {expected}")
    return measured


def memory_mb() -> float:
    """What this process occupies now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def ours(file: Path) -> dict[str, Any]:
    """The import as the worker and the command line carry it out."""
    from cfm_workflow import clock, settings
    from cfm_workflow.access import Caller
    from cfm_workflow.cli.opening import settle
    from cfm_workflow.operations import imports
    from cfm_workflow.service import open_service

    caller = Caller("user", 1, "Person 1", role="admin")
    service = open_service(settings.load())
    seconds: list[float] = []
    memory: list[float] = []

    def transaction(work: Any) -> Any:
        began = perf_counter()
        done = service.database.transaction(work)
        seconds.append(perf_counter() - began)
        memory.append(memory_mb())
        return done

    now = clock.now()
    job = service.database.transaction(
        lambda s: imports.queue(s, caller, file, OPTIONS, name=file.name, stored_as=str(file), now=now)
    )
    lease = service.database.transaction(lambda s: imports.take(s, job["id"], now=now))
    run = imports.Run(
        transaction=transaction, caller=caller, import_id=job["id"], lease=lease, path=file, options=OPTIONS,
        live=False, skip=0,
    )  # fmt: skip
    settle()
    began = perf_counter()
    ended = run.go()
    took = perf_counter() - began
    if ended["state"] != "finished" or ended["refused"]:
        raise RuntimeError(str(ended))
    service.close()
    return summary(took, seconds, memory)


def summary(took: float, seconds: list[float], memory: list[float]) -> dict[str, Any]:
    """What is told of one import; `seconds` and `memory` hold a figure per batch."""
    return {
        "seconds": took,
        "batches": len(seconds),
        "longest_ms": max(seconds) * 1000,
        "memory_early_mb": memory[len(memory) // 5],
        "memory_end_mb": memory[-1],
    }


def main() -> None:
    name, file, batch = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if name == "ours":
        told = ours(file)
    else:
        from benchmarks.floor.imports import floor

        told = floor(file, batch)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
