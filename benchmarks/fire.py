"""What one `fire()` costs in time, and what it leaves behind in memory. Run: `python -m benchmarks.fire`."""

import gc
import statistics
import timeit
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cfm_workflow.workflow import begin, choices, fire, load_file

DEFINITION = load_file(Path(__file__).parents[1] / "config" / "workflows" / "standard.yaml")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ASSIGNEE = frozenset({"assignee"})
ROUND = ("accept", "start", "wait", "resume", "complete", "undo", "release")
GIVEN = {name: DEFINITION.transitions[name].requires for name in ROUND}
ROWS = 10_000
PROMISED_MICROSECONDS = 30


@dataclass(slots=True)
class Row:
    state: str = ""
    category: str = ""
    state_since: datetime = NOW
    accepted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    came_from: str | None = None
    undo_to: str | None = None
    undo_by: int | None = None
    undo_until: datetime | None = None
    assignee_id: int | None = 1
    pool: bool = True


def walk(row: Row) -> None:
    """One round through the workflow that ends where it began."""
    for name in ROUND:
        fire(DEFINITION, row, name, by=1, relations=ASSIGNEE, given=GIVEN[name], now=NOW)


def microseconds_per_fire() -> float:
    row = Row()
    begin(DEFINITION, row, now=NOW)
    rounds = 2_000
    times = timeit.repeat(lambda: walk(row), number=rounds, repeat=7)
    return statistics.median(times) / rounds / len(ROUND) * 1e6


def microseconds_per_choices() -> float:
    row = Row()
    begin(DEFINITION, row, now=NOW)
    times = timeit.repeat(lambda: choices(DEFINITION, row, by=1, relations=ASSIGNEE, now=NOW), number=2_000, repeat=5)
    return statistics.median(times) / 2_000 * 1e6


def bytes_kept_per_row() -> float:
    """What stays allocated after rows were fired and given up."""
    walk_new_rows(1_000)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    walk_new_rows(ROWS)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / ROWS


def walk_new_rows(count: int) -> None:
    for _ in range(count):
        row = Row()
        begin(DEFINITION, row, now=NOW)
        walk(row)


def main() -> None:
    cost = microseconds_per_fire()
    print(f"fire()     {cost:6.1f} us, {cost / PROMISED_MICROSECONDS:.2f} of the {PROMISED_MICROSECONDS} promised")
    print(f"choices()  {microseconds_per_choices():6.1f} us")
    print(f"kept       {bytes_kept_per_row():6.2f} bytes per row that went {len(ROUND)} steps")


if __name__ == "__main__":
    main()
