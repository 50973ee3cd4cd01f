"""Absences that are refused, and what is wrong with them."""

from datetime import datetime
from typing import Any

import pytest

from tests.api.away import DAY, HOUR, be_away, path, plan
from tests.world import World


def refused(world: World, name: str, status: int, start: datetime, end: datetime, **fields: Any) -> Any:
    person = world.people[name]
    body = {"from": start.isoformat(), "to": end.isoformat(), **fields}
    problem = person.expect(status, "POST", path(person), body)
    assert person.get(path(person))["items"] == []
    return problem


@pytest.mark.parametrize(("start", "end"), [(2, 1), (1, 1), (1, 1 + 367), (-3, -1), (-3, 0), (1, 300 * 365)], ids=str)
def test_a_period_that_makes_no_sense_is_refused(small_world: World, noon: datetime, start: int, end: int) -> None:
    till = noon + end * DAY if end < 1000 else datetime.fromisoformat("2199-01-01T00:00:00Z")
    problem = refused(small_world, "Alice", 422, noon + start * DAY, till)
    assert list(problem["errors"]) == ["to"]


def test_a_whole_leap_year_is_possible(small_world: World, noon: datetime) -> None:
    plan(small_world, "Alice", noon, noon + 366 * DAY)


@pytest.mark.parametrize("deputy", ["alice@example.com", "nobody@example.com", 10**12, "gone@example.com", "", [], 1.5])
def test_a_deputy_must_be_somebody_else_who_is_there(small_world: World, noon: datetime, deputy: Any) -> None:
    gone = small_world.person("Gone", "agent")
    small_world.ada.expect(204, "DELETE", f"/users/{gone.id}")
    problem = refused(small_world, "Alice", 422, noon + DAY, noon + 2 * DAY, deputy=deputy)
    assert list(problem["errors"]) == ["deputy"]


def test_an_integration_is_nobodys_deputy_and_never_away(small_world: World, noon: datetime) -> None:
    program = small_world.ada.post("/integrations", {"name": "CRM", "scopes": ["users:manage"]})
    refused(small_world, "Alice", 422, noon + DAY, noon + 2 * DAY, deputy=program["id"])
    body = {"from": noon.isoformat(), "to": (noon + DAY).isoformat()}
    small_world.ada.expect(404, "POST", f"/users/{program['id']}/absences", body)


def test_a_deputy_who_is_away_for_some_of_the_time_is_refused(world: World, noon: datetime) -> None:
    plan(world, "Bob", noon + 4 * DAY, noon + 6 * DAY)
    problem = refused(world, "Alice", 422, noon, noon + 5 * DAY, deputy="bob@example.com")
    assert list(problem["errors"]) == ["deputy"]
    plan(world, "Alice", noon, noon + 4 * DAY, deputy="bob@example.com")  # he leaves when she is back


def test_deputies_cannot_stand_in_a_circle(world: World, noon: datetime) -> None:
    week = (noon + DAY, noon + 8 * DAY)
    alices = plan(world, "Alice", *week, deputy="bob@example.com")
    refused(world, "Bob", 422, *week, deputy="alice@example.com")
    bobs = plan(world, "Bob", *week, deputy="lea@example.com")
    refused(world, "Lea", 422, *week, deputy="alice@example.com")
    plan(world, "Lea", noon + 9 * DAY, noon + 10 * DAY, deputy="alice@example.com")
    longer = {"to": (noon + 10 * DAY).isoformat()}
    world.bob.expect(422, "PATCH", path(world.bob, bobs), longer)
    problem = world.alice.expect(422, "PATCH", path(world.alice, alices), longer)
    assert list(problem["errors"]) == ["deputy"]


def test_nobody_is_away_twice_at_once(world: World, noon: datetime) -> None:
    plan(world, "Alice", noon + DAY, noon + 3 * DAY)
    next_one = plan(world, "Alice", noon + 3 * DAY, noon + 4 * DAY)
    for start, end in ((0, 2), (2, 3), (0, 9)):
        body = {"from": (noon + start * DAY).isoformat(), "to": (noon + end * DAY).isoformat()}
        world.alice.expect(409, "POST", path(world.alice), body)
    world.alice.expect(409, "PATCH", path(world.alice, next_one), {"from": (noon + 2 * DAY).isoformat()})
    assert len(world.alice.get(path(world.alice))["items"]) == 2


def test_what_has_begun_keeps_its_beginning(world: World, noon: datetime) -> None:
    absence = be_away(world, "Alice")
    world.alice.expect(409, "PATCH", path(world.alice, absence), {"from": (noon + HOUR).isoformat()})
    world.alice.expect(200, "PATCH", path(world.alice, absence), {"from": noon.isoformat(), "note": "The same."})
    world.alice.expect(422, "PATCH", path(world.alice, absence), {"to": (noon - HOUR).isoformat()})


def test_there_is_an_end_to_what_can_be_planned(small_world: World, noon: datetime) -> None:
    for n in range(1, 101):
        plan(small_world, "Alice", noon + n * DAY, noon + n * DAY + HOUR)
    body = {"from": (noon + 200 * DAY).isoformat(), "to": (noon + 201 * DAY).isoformat()}
    small_world.alice.expect(409, "POST", path(small_world.alice), body)


@pytest.mark.parametrize(
    ("field", "value"),
    [("from", "2026-12-01"), ("from", None), ("to", "2026-12-01T10:00:00"), ("to", 7), ("note", ""), ("note", "a\0b"),
     ("note", "x" * 2001), ("state", "ended"), ("starts_at", "2026-12-01T10:00:00Z")],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(small_world: World, noon: datetime, field: str, value: Any) -> None:
    body = {"from": (noon + DAY).isoformat(), "to": (noon + 2 * DAY).isoformat()} | {field: value}
    problem = small_world.alice.expect(422, "POST", path(small_world.alice), body)
    assert list(problem["errors"]) == [field]
