"""Lists are read page by page: nothing twice, nothing left out, and a cursor is not to be made up."""

import base64
from datetime import datetime
from typing import Any

import orjson
import pytest

from tests.world import World


def walk(world: World, path: str, **query: Any) -> list[int]:
    found: list[int] = []
    page = world.sam.get(path, **query)
    while True:
        found += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        page = world.sam.get(path, cursor=page["next_cursor"], **query)


@pytest.mark.parametrize("sort", ["-received_at", "received_at", "-created_at", "created_at"])
def test_no_item_is_missed_or_doubled_whatever_the_size_of_the_page(world: World, sort: str, noon: datetime) -> None:
    hours = [3, 1, 2, 2, 2, 1, 3]  # the same instant more than once
    made = [world.feedback(received_at=f"2026-11-20T{hour:02}:00:00Z")["id"] for hour in hours]
    whole = [each["id"] for each in world.sam.get("/feedback", sort=sort)["items"]]
    assert sorted(whole) == sorted(made)
    for limit in (1, 2, 3, 7):
        assert walk(world, "/feedback", sort=sort, limit=limit) == whole


def test_items_that_come_in_meanwhile_shift_nothing(world: World) -> None:
    old = [world.feedback()["id"] for _ in range(4)]
    page = world.sam.get("/feedback", limit=2)
    world.feedback()
    rest = world.sam.get("/feedback", limit=2, cursor=page["next_cursor"])
    assert [each["id"] for each in page["items"] + rest["items"]] == old[::-1]


@pytest.mark.parametrize("sort", ["due_at", "-due_at", "priority", "-created_at"])
def test_actions_are_paged_over_equal_and_missing_due_dates(world: World, sort: str) -> None:
    for due in ("2026-12-01T00:00:00Z", None, "2026-12-01T00:00:00Z", None, "2026-11-01T00:00:00Z"):
        world.action(due_at=due)
    whole = [each["id"] for each in world.sam.get("/actions", sort=sort)["items"]]
    assert len(whole) == 5
    assert walk(world, "/actions", sort=sort, limit=2) == whole


@pytest.mark.parametrize("path", ["/users", "/teams", "/outcomes", "/customers", "/workflows"])
def test_the_other_lists_are_paged_too(small_world: World, path: str) -> None:
    for n in range(3):
        small_world.ada.post("/teams", {"key": f"t{n}", "name": "T"})
        small_world.olga.post("/customers", {"name": f"C{n}"})

    def keys(page: Any) -> list[Any]:
        return [each.get("id", each.get("key")) for each in page["items"]]

    whole = keys(small_world.sam.get(path))
    first = small_world.sam.get(path, limit=1)
    rest = small_world.sam.get(path, limit=200, cursor=first["next_cursor"])
    assert len(whole) > 1 and keys(first) + keys(rest) == whole


def test_a_list_counts_on_request(small_world: World) -> None:
    for _ in range(3):
        small_world.feedback()
    page = small_world.sam.get("/feedback", limit=1, count="true")
    assert (page["total"], page["total_is_capped"], len(page["items"])) == (3, False, 1)
    assert "total" not in small_world.sam.get("/feedback", limit=1)


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(parts))).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "AAAA", "%", "a b", "=", "a" * 501, "",
        _cursor(), _cursor("-received_at"), _cursor("-received_at", 1, 2), _cursor("-received_at", "yesterday", 1),
        _cursor("-received_at", "2026-11-20T00:00:00", 1), _cursor("-received_at", "2026-11-20T00:00:00Z", True),
        _cursor("-received_at", "2026-11-20T00:00:00Z", 2**63), _cursor("-received_at", "2026-11-20T00:00:00Z", "1"),
        _cursor("-received_at", "0001-01-01T00:00:00+23:59", 1), _cursor("received_at", "2026-11-20T00:00:00Z", 1),
        _cursor("-created_at", 1), base64.urlsafe_b64encode(b"{}").decode().rstrip("="),
        base64.urlsafe_b64encode(b"[" * 300).decode().rstrip("="),
    ],
)  # fmt: skip
def test_a_cursor_that_this_list_did_not_give_out_is_refused(world: World, cursor: str) -> None:
    problem = world.sam.expect(422, "GET", "/feedback", query_string={"cursor": cursor})
    assert list(problem["errors"]) == ["cursor"]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.0", "ten", "", "1e2", "\u0661", "9" * 30])
def test_a_page_has_1_to_200_items(small_world: World, limit: str) -> None:
    problem = small_world.sam.expect(422, "GET", "/feedback", query_string={"limit": limit})
    assert list(problem["errors"]) == ["limit"]
