"""Every figure in a report, wherever it stands. No tests here."""

from collections.abc import Iterator
from typing import Any

from cfm_workflow.worker.rolling import roll_up_reports
from tests.world import Person, World


def figures(report: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each figure that names its rows, with where it stands."""
    if isinstance(report, list):
        for n, inner in enumerate(report):
            yield from figures(inner, f"{place}[{n}]")
    elif isinstance(report, dict):
        if "rows" in report and report["rows"] is not None:
            yield place, report
        for name, inner in report.items():
            yield from figures(inner, f"{place}.{name}".strip("."))


def behind(who: Person, figure: dict[str, Any]) -> int:
    """How many rows the list behind a figure holds, read to its end page by page."""
    cursor, found = "", 0
    while True:
        rows = figure["rows"]
        path = f"{rows}{'&' if '?' in rows else '?'}limit=200" + (f"&cursor={cursor}" if cursor else "")
        page = who.expect(200, "GET", path)
        found += len(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def rolled_up(world: World) -> World:
    """The world after the clock has taken in what is in its ledger."""
    roll_up_reports(world.service)
    return world
