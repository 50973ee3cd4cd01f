"""Due dates: an instant, or reckoned in calendar time, business time, business days, or to the end of a day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock
from tests.world import World

# 2026-11-23, on which `noon` stands, is a Monday; the default calendar is Mon-Fri 09:00-12:00 and 13:00-18:00 in UTC.
TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)
KOREA = {
    "name": "Seoul",
    "time_zone": "Asia/Seoul",
    "country": "KR",
    "week": {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}


def at(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("asked", "due_at"),
    [
        ({"due_in": "P2D"}, "2026-11-25T12:00:00Z"),
        ({"due_in": {"business": "PT8H"}}, "2026-11-24T12:00:00Z"),
        ({"due_in": {"business": "PT5H"}}, "2026-11-23T18:00:00Z"),
        ({"due_in": {"business_days": 2}}, "2026-11-25T12:00:00Z"),
        ({"due_on": "2026-11-27"}, "2026-11-27T18:00:00Z"),
        ({"due_at": "2026-12-01T16:00:00+09:00"}, "2026-12-01T07:00:00Z"),
        ({}, None),
    ],
)  # fmt: skip
def test_a_due_date_is_an_instant_however_it_was_asked_for(
    world: World, noon: datetime, asked: dict[str, Any], due_at: str | None
) -> None:
    action = world.action(**asked)
    assert (action["due_at"], action["first_due_at"]) == (due_at, due_at)


def test_the_calendar_is_the_one_named_else_that_of_the_team_else_the_default(world: World, noon: datetime) -> None:
    seoul = world.sam.expect(201, "POST", "/calendars", KOREA)["id"]
    named = world.action(due_in={"business_days": 1, "calendar": seoul})
    assert named["due_at"] == at("2026-11-25T09:00+09:00")  # 21:00 on Monday there counts as Tuesday 09:00
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"calendar": seoul})
    teams = world.pool_action(due_on="2026-11-27")
    assert teams["due_at"] == at("2026-11-27T18:00+09:00")
    assert world.action(due_on="2026-11-27")["due_at"] == at("2026-11-27T18:00+00:00")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"due_in": "P1M"}, "due_in"), ({"due_in": "-P1D"}, "due_in"), ({"due_in": "P9999D"}, "due_in"),
        ({"due_in": {"business": "P400000D"}}, "due_in"), ({"due_in": {"business_days": 0}}, "due_in"),
        ({"due_in": {"business_days": 10**9}}, "due_in"), ({"due_in": {"weeks": 1}}, "due_in"),
        ({"due_in": {"business": "PT1H", "business_days": 1}}, "due_in"),
        ({"due_in": {"business": "PT1H", "calendar": 10**12}}, "due_in"), ({"due_in": []}, "due_in"),
        ({"due_in": {"business_days": True}}, "due_in"), ({"due_on": "2026-11-28"}, "due_on"),
        ({"due_on": "2026-02-30"}, "due_on"), ({"due_on": "tomorrow"}, "due_on"), ({"due_on": "9999-01-01"}, "due_on"),
        ({"due_on": "2026-11-27", "due_in": "P1D"}, "due_on"),
        ({"due_at": "2026-11-27T12:00:00Z", "due_on": "2026-11-27"}, "due_on"),
        ({"due_at": "2026-11-27T12:00:00"}, "due_at"),
    ],
)  # fmt: skip
def test_a_due_date_without_sense_names_the_field(small_world: World, asked: dict[str, Any], named: str) -> None:
    item = small_world.feedback()
    body = {"title": "x", "assignees": [{"user": "alice@example.com"}], **asked}
    problem = small_world.olga.expect(422, "POST", f"/feedback/{item['id']}/actions", body)
    assert {name.split(".")[0] for name in problem["errors"]} == {named}


def test_waiting_moves_a_reckoned_date_by_the_time_that_was_worked(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business": "PT8H"})
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(TUESDAY + timedelta(hours=10))  # four hours of Monday afternoon... five, and one of Tuesday
    seen = world.alice.fire(action, "resume")
    assert seen["due_at"] == "2026-11-25T10:00:00Z"
    assert seen["first_due_at"] == seen["due_at"]  # the promise is the same
    resumed = world.events(types="action.resumed")[-1]["data"]
    assert resumed["changes"]["due_at"] == {"from": action["due_at"], "to": seen["due_at"]}
    why = world.mallory.get(f"/actions/{action['id']}/due")
    assert [pause["counted_seconds"] for pause in why["pauses"]] == [6 * 3600]
    assert [change["type"] for change in why["changes"]] == ["action.resumed"]


def test_waiting_moves_calendar_time_by_all_of_it(world: World, noon: datetime) -> None:
    action = world.action(due_in="P2D")
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="Later.")
    clock.freeze(noon + timedelta(days=3))
    assert world.alice.fire(action, "resume")["due_at"] == "2026-11-28T12:00:00Z"


@pytest.mark.parametrize("asked", [{"due_at": "2026-11-30T12:00:00Z"}, {"due_on": "2026-11-30"}, {}])
def test_waiting_leaves_what_somebody_named(world: World, noon: datetime, asked: dict[str, Any]) -> None:
    action = world.action(**asked)
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="Later.")
    clock.freeze(noon + timedelta(days=1))
    assert world.alice.fire(action, "resume")["due_at"] == action["due_at"]


def test_a_new_date_needs_a_reason_and_ends_the_reckoning(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    path = f"/actions/{action['id']}"
    world.olga.expect(422, "PATCH", path, {"due_on": "2026-11-27"})
    seen = world.olga.expect(200, "PATCH", path, {"due_on": "2026-11-27", "reason": "The customer travels."})
    assert (seen["due_at"], seen["first_due_at"]) == ("2026-11-27T18:00:00Z", action["due_at"])
    world.olga.expect(422, "PATCH", path, {"due_on": "2026-11-28", "reason": "A Saturday."})
    why = world.alice.get(f"{path}/due")
    assert why["rule"] == {"on": "2026-11-27"}
    [moved] = why["changes"]
    assert (moved["actor"]["name"], moved["from"], moved["reason"]) == (
        "Olga",
        action["due_at"],
        "The customer travels.",
    )
    assert world.olga.expect(200, "PATCH", path, {"due_at": None, "reason": "No hurry."})["due_at"] is None
    assert world.alice.get(f"{path}/due")["rule"] is None


def test_many_are_dated_at_once_each_in_its_calendar(world: World, noon: datetime) -> None:
    seoul = world.sam.expect(201, "POST", "/calendars", KOREA)["id"]
    here = world.action()
    there = world.action(due_in={"business_days": 1, "calendar": seoul})
    body = {"ids": [here["id"], there["id"]], "changes": {"due_on": "2026-11-27"}, "reason": "Before the weekend."}
    items = world.sam.expect(207, "POST", "/actions/bulk", body)["items"]
    assert [each["action"]["due_at"] for each in items] == ["2026-11-27T18:00:00Z", "2026-11-27T09:00:00Z"]
    body["changes"] = {"due_on": "2026-11-28"}
    assert [each["status"] for each in world.sam.expect(207, "POST", "/actions/bulk", body)["items"]] == [422, 422]


def test_a_due_date_over_a_korean_holiday_and_a_weekend_is_explained(world: World) -> None:
    clock.freeze(datetime(2026, 9, 23, 1, tzinfo=UTC))  # Wednesday 10:00 in Seoul; Chuseok is 24 to 26 September
    seoul = world.sam.expect(201, "POST", "/calendars", KOREA)["id"]
    action = world.action(due_in={"business_days": 2, "calendar": seoul})
    assert action["due_at"] == at("2026-09-29T10:00+09:00")  # Monday is one, Tuesday two
    why = world.alice.get(f"/actions/{action['id']}/due")
    assert [day["date"] for day in why["free_days"]] == ["2026-09-24", "2026-09-25"]
    assert (why["rule"], why["calendar"]["name"]) == ({"in": {"business_days": 2}}, "Seoul")
    assert len(why["in_words"]) == 4
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", {"language": "ko"})
    korean = world.alice.get(f"/actions/{action['id']}/due")["in_words"]
    assert len(korean) == 4 and set(korean).isdisjoint(why["in_words"])
