"""Business calendars: kept by supervisors, one of them the default, refused when no time can be reckoned with them."""

from typing import Any

import pytest

from cfm_workflow.service import open_service
from tests.conftest import service_settings
from tests.world import World

WEEK = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
SEOUL = {
    "name": "Seoul",
    "time_zone": "Asia/Seoul",
    "country": "KR",
    "week": WEEK,
    "holidays": ["2026-12-24", {"date": "2026-12-31", "name": "Company day"}],
    "working_days": ["2026-11-28"],
}


def test_a_new_installation_has_office_hours_in_its_time_zone(world: World) -> None:
    [calendar] = world.mallory.get("/calendars")["items"]
    assert (calendar["default"], calendar["time_zone"], calendar["country"]) == (True, "UTC", None)
    assert (set(calendar["week"]), calendar["version"]) == ({"mon", "tue", "wed", "thu", "fri"}, 1)


def test_starting_again_makes_no_second_default(small_world: World) -> None:
    settings = small_world.service.settings
    open_service(service_settings(settings.database_url, settings.instance)).close()
    assert len(small_world.mallory.get("/calendars")["items"]) == 1


def test_a_supervisor_keeps_calendars(world: World) -> None:
    made = world.sam.expect(201, "POST", "/calendars", SEOUL)
    assert made["holidays"] == [{"date": "2026-12-24", "name": None}, {"date": "2026-12-31", "name": "Company day"}]
    assert (made["default"], made["region"], made["version"]) == (False, None, 1)
    path = f"/calendars/{made['id']}"
    assert world.mallory.get(path) == made
    changed = world.sam.expect(200, "PATCH", path, {"working_days": [], "name": "Busan"})
    assert (changed["working_days"], changed["name"], changed["version"]) == ([], "Busan", 2)
    assert world.sam.expect(200, "PATCH", path, {"name": "Busan"})["version"] == 2
    world.sam.expect(204, "DELETE", path)
    world.sam.expect(404, "GET", path)
    audit = [event["type"] for event in world.events(types="calendar.*")]
    assert audit[-3:] == ["calendar.created", "calendar.changed", "calendar.deleted"]


def test_there_is_always_one_default(world: World) -> None:
    [former] = world.sam.get("/calendars")["items"]
    world.sam.expect(409, "PATCH", f"/calendars/{former['id']}", {"default": False})
    world.sam.expect(409, "DELETE", f"/calendars/{former['id']}")
    made = world.sam.expect(201, "POST", "/calendars", SEOUL | {"default": True})
    defaults = [calendar["id"] for calendar in world.sam.get("/calendars")["items"] if calendar["default"]]
    assert defaults == [made["id"]]
    again = world.sam.expect(200, "PATCH", f"/calendars/{former['id']}", {"default": True})
    assert again["default"] and not world.sam.get(f"/calendars/{made['id']}")["default"]


def test_a_team_goes_by_a_calendar_of_its_own(world: World) -> None:
    made = world.sam.expect(201, "POST", "/calendars", SEOUL)
    path = f"/teams/{world.care['id']}"
    assert world.ada.get(path)["calendar"] is None
    team = world.ada.expect(200, "PATCH", path, {"calendar": made["id"]})
    assert team["calendar"] == {"id": made["id"], "name": "Seoul"}
    world.sam.expect(409, "DELETE", f"/calendars/{made['id']}")
    world.ada.expect(422, "PATCH", path, {"calendar": 10**12})
    assert world.ada.expect(200, "PATCH", path, {"calendar": None})["calendar"] is None
    world.sam.expect(204, "DELETE", f"/calendars/{made['id']}")


def test_names_are_told_apart(world: World) -> None:
    world.sam.expect(201, "POST", "/calendars", SEOUL)
    other = world.sam.expect(201, "POST", "/calendars", SEOUL | {"name": "Busan"})
    world.sam.expect(409, "POST", "/calendars", SEOUL)
    world.sam.expect(409, "PATCH", f"/calendars/{other['id']}", {"name": "Seoul"})


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"week": {}}, "week"), ({"week": {"mon": [["09:00", "12:00"], ["11:00", "18:00"]]}}, "week"),
        ({"week": {"mon": [["9", "12:00"]]}}, "week"), ({"week": {"mon": [["09:00"]]}}, "week"),
        ({"week": {"mon": [["22:00", "06:00"]], "tue": [["05:00", "09:00"]]}}, "week"),
        ({"week": {"someday": [["09:00", "12:00"]]}}, "week"), ({"week": {"mon": [["25:00", "26:00"]]}}, "week"),
        ({"time_zone": "Mars/Phobos"}, "time_zone"), ({"country": "XX"}, "country"), ({"country": "KOR"}, "country"),
        ({"region": "XX"}, "region"), ({"holidays": ["2026-02-30"]}, "holidays"),
        ({"holidays": ["0001-01-01"]}, "holidays"), ({"holidays": [5]}, "holidays"),
        ({"holidays": [{"name": "x"}]}, "holidays"), ({"working_days": ["soon"]}, "working_days"),
        ({"holidays": ["2026-12-24"], "working_days": ["2026-12-24"]}, "working_days"), ({"name": ""}, "name"),
        ({"default": "yes"}, "default"),
    ],
)  # fmt: skip
def test_a_calendar_without_sense_names_the_field(small_world: World, fields: dict[str, Any], named: str) -> None:
    problem = small_world.sam.expect(422, "POST", "/calendars", SEOUL | fields)
    assert {name.split(".")[0] for name in problem["errors"]} == {named}


FILE = "\r\n".join(
    [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN",
        "BEGIN:VEVENT", "UID:1@test", "DTSTAMP:20261101T000000Z", "DTSTART;VALUE=DATE:20261226",
        "DTEND;VALUE=DATE:20261228", "SUMMARY:Shutdown", "END:VEVENT", "END:VCALENDAR", "",
    ]
)  # fmt: skip


def test_holidays_come_from_a_calendar_file(world: World, noon: Any) -> None:
    made = world.sam.expect(201, "POST", "/calendars", SEOUL)
    path = f"/calendars/{made['id']}/holidays"
    seen = world.sam.expect(200, "POST", path, data=FILE, content_type="text/calendar")
    assert [day["date"] for day in seen["holidays"]] == ["2026-12-24", "2026-12-26", "2026-12-27", "2026-12-31"]
    assert seen["holidays"][1]["name"] == "Shutdown"
    assert world.sam.expect(200, "POST", path, data=FILE, content_type="text/calendar")["version"] == seen["version"]
    assert "file" in world.sam.expect(422, "POST", path, data="no calendar", content_type="text/calendar")["errors"]
    world.sam.expect(400, "POST", path, data="", content_type="text/calendar")
    world.sam.expect(415, "POST", path, data="{}", content_type="application/json")
