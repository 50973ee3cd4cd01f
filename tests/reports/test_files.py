"""Reports and lists as files: what a spreadsheet reads from them is what was written, and nothing is a formula."""

import csv
import io
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from tests.world import Person, World

NASTY = [
    "=cmd|'/C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\tTab",
    "\rReturn",
    "＝wide",
    "שלום עולם",
    "🧳 gone",
    'a "b",\nc',
]
REPORTS = ("overview", "overdue", "workload", "process", "metrics", "weekly")


def file_of(who: Person, path: str) -> bytes:
    answer = who.ask("GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return answer.data  # to the end, where it is closed


def lines(who: Person, path: str) -> list[list[str]]:
    data = file_of(who, path)
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def cells(who: Person, path: str) -> Any:
    return openpyxl.load_workbook(io.BytesIO(file_of(who, path)))


@pytest.fixture
def told(small_world: World) -> World:
    """Actions and items with titles, texts and names that a spreadsheet could take for something else."""
    for n, words in enumerate(NASTY):
        item = small_world.feedback(words, customer={"name": words, "email": f"c{n}@example.org"})
        small_world.action(item=item, title=words, due_at="2026-12-01T16:00:00Z")
    return small_world


def test_text_comes_back_as_it_was_and_is_never_a_formula(told: World) -> None:
    header, *rows = lines(told.sam, "/actions.csv?sort=created_at")
    page = cells(told.sam, "/actions.xlsx?sort=created_at")["actions"]
    at = header.index("title")
    stored = [action["title"] for action in told.sam.get("/actions", sort="created_at")["items"]]

    assert [row[at].removeprefix("'") for row in rows] == stored
    assert not any(row[at].startswith(tuple("=+-@\t\r＝")) for row in rows)
    assert [unescape(page.cell(n, at + 1).value) for n in range(2, len(stored) + 2)] == stored
    assert {cell.data_type for row in page.iter_rows(min_row=2) for cell in row} <= {"s", "n", "d", "b"}


def test_instants_are_dates_in_the_zone_of_the_reader(told: World) -> None:
    told.sam.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})

    page = cells(told.sam, "/actions.xlsx?sort=created_at")["actions"]
    header, first, *_ = lines(told.sam, "/actions.csv?sort=created_at")

    at = header.index("due_at")
    assert page.cell(2, at + 1).value == datetime(2026, 12, 2, 1, 0)  # noqa: DTZ001 - as a cell holds it
    assert first[at] == "2026-12-02 01:00:00"


def test_a_list_is_exported_by_its_filters_and_with_masked_addresses(told: World) -> None:
    assert len(lines(told.mallory, "/feedback.csv?customer=1")) == 2
    header, first, *_ = lines(told.mallory, "/feedback.csv?sort=created_at")

    assert first[header.index("customer_email")] == "c***@e***"
    assert lines(told.sam, "/feedback.csv?sort=created_at")[1][header.index("customer_email")] == "c0@example.org"
    told.mallory.expect(422, "GET", "/feedback.csv?score_min=x")
    assert told.ada.ask("GET", "/actions.csv?team=nobody").status_code == 422


@pytest.mark.parametrize("name", REPORTS)
def test_each_report_is_a_file_for_those_who_may_read_it(told: World, name: str) -> None:
    assert len(lines(told.sam, f"/reports/{name}.csv")) > 1
    assert cells(told.sam, f"/reports/{name}.xlsx").sheetnames
    assert told.alice.ask("GET", f"/reports/{name}.csv").status_code == 403
