"""Claims about the pages of calendars, policies and workflows."""

from datetime import datetime
from io import BytesIO
from typing import Any

import pytest

from tests.web.browsing import Browser, signed_in
from tests.world import World

FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n"
    b"DTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20261124\r\nSUMMARY:Company day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def sam(small_world: World) -> Browser:
    return signed_in(small_world, small_world.sam)


@pytest.mark.usefixtures("noon")
def test_a_change_of_a_calendar_shows_what_moves_and_saves_nothing_until_it_is_told_to(
    small_world: World, sam: Browser
) -> None:
    action = small_world.action(due_in={"business_days": 1})
    path = "/settings/calendars/1"

    shown = sam.fill(path, status=200, do="preview", holidays="2026-11-24 Company day")
    assert 'id="preview"' in shown.text and action["title"] in shown.text
    assert "2026-11-24 Company day</textarea>" in shown.text
    assert small_world.ada.get("/calendars/1")["holidays"] == []
    sam.fill(path, do="save", holidays="2026-11-24 Company day")
    assert small_world.ada.get("/calendars/1")["holidays"] == [{"date": "2026-11-24", "name": "Company day"}]


@pytest.mark.usefixtures("noon")
def test_a_file_of_days_off_is_put_into_the_form_before_it_is_saved(small_world: World, sam: Browser) -> None:
    small_world.action(due_in={"business_days": 1})
    form = sam.form("/settings/calendars/1", "/settings/calendars/1/file")
    form.fields.pop("file")

    shown = sam.send(form, 200, file=(BytesIO(FILE), "days.ics"))
    assert "2026-11-24 Company day" in shown.text and 'id="preview"' in shown.text
    assert small_world.ada.get("/calendars/1")["holidays"] == []
    assert "file-error" in sam.send(form, 422, file=(BytesIO(b"nothing"), "days.ics")).text


def test_what_is_wrong_with_a_calendar_is_said_beside_the_field_and_kept(small_world: World, sam: Browser) -> None:
    refused = sam.fill("/settings/calendars/1", status=422, do="save", mon="09:00-25:00", holidays="someday")

    assert 'value="09:00-25:00"' in refused.text and "holidays-error" in refused.text
    assert "country-error" in sam.fill("/settings/calendars/1", status=422, do="save", country="XQ").text


def test_a_calendar_is_added_and_deleted(small_world: World, sam: Browser) -> None:
    typed = {"name": "Seoul", "time_zone": "Asia/Seoul", "country": "kr", "tue": "09:00 – 12:00, 13:00-18:00"}
    went = sam.fill("/settings/calendars/new", "/settings/calendars", **typed).headers["Location"]
    made = small_world.ada.get(went.replace("/settings", ""))
    assert (made["country"], made["week"]["tue"]) == ("KR", [["09:00", "12:00"], ["13:00", "18:00"]])
    sam.fill(went, f"{went}/delete")
    sam.fill("/settings/calendars/1", "/settings/calendars/1/delete", status=422)


# -- policies ----------------------------------------------------------------------------------------------------------


def stored(world: World, ident: int) -> dict[str, Any]:
    return dict(world.ada.get(f"/policies/{ident}"))


def test_saving_a_policy_as_it_stands_changes_nothing(small_world: World, sam: Browser) -> None:
    small_world.sam.expect(200, "PATCH", "/policies/1", {"ladders": _spelled_out(stored(small_world, 1)["ladders"])})
    before = stored(small_world, 1)
    form = sam.form("/settings/policies/1", "/settings/policies/1")
    boxes = _ticked(sam.open("/settings/policies/1").text)

    answer = sam.client.post(form.action, data={**form.fields, **boxes})
    assert answer.status_code == 303, answer.text
    assert stored(small_world, 1) == before


def _spelled_out(ladders: dict[str, Any]) -> dict[str, Any]:
    return {name: [{"urgent": False} | rung for rung in ladder] for name, ladder in ladders.items()}


def _ticked(text: str) -> dict[str, list[str]]:
    """The ticked boxes of a page, by name: several can have the same."""
    found: dict[str, list[str]] = {}
    for tag in text.split("<input")[1:]:
        tag = tag.partition(">")[0]
        if "checkbox" in tag and " checked" in tag:
            name = tag.partition('name="')[2].partition('"')[0]
            found.setdefault(name, []).append(tag.partition('value="')[2].partition('"')[0] or "on")
    return found


def test_a_policy_is_made_with_targets_and_reminders(small_world: World, sam: Browser) -> None:
    form = sam.form("/settings/policies/new", "/settings/policies")
    typed = {
        "name": "Gold",
        "key": "gold",
        "priorities": ["high", "urgent"],
        "active": "yes",
        "accept.count": "2",
        "accept.unit": "bh",
        "accept.0.when": "share",
        "accept.0.count": "50",
        "accept.0.to": ["assignee"],
        "accept.1.when": "after",
        "accept.1.count": "1",
        "accept.1.unit": "bd",
        "accept.1.to": ["lead", "supervisors"],
        "accept.every": "7",
        "accept.every_unit": "d",
    }
    kept = {name: value for name, value in form.fields.items() if not name.startswith(("start.", "finish."))}
    answer = sam.client.post(form.action, data={**kept, **typed})

    assert answer.status_code == 303, answer.text
    gold = small_world.ada.get(answer.headers["Location"].replace("/settings", ""))
    assert gold["targets"]["accept"] == {"business": "PT2H"} and gold["priorities"] == ["high", "urgent"]
    first, last = gold["ladders"]["accept"]
    assert first["share"] == 50
    assert (last["after"], last["every"], last["to"]) == ({"business_days": 1}, "P7D", ["lead", "supervisors"])
    path = answer.headers["Location"]
    sam.fill(path, f"{path}/delete")


def test_reminders_that_make_no_sense_are_refused_and_kept(small_world: World, sam: Browser) -> None:
    refused = sam.fill("/settings/policies/1", status=422, **{"finish.0.count": "soon"})

    assert 'value="soon"' in refused.text
    assert stored(small_world, 1)["version"] == 1


# -- workflows ---------------------------------------------------------------------------------------------------------


def test_a_workflow_is_drawn_with_all_its_states_and_transitions(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    page = alice.open("/settings/workflows/callback").text
    drawing = page.partition("<svg viewBox")[2].partition("</svg>")[0]
    workflow = small_world.ada.get("/workflows/callback")

    assert all(state["label"]["en"] in drawing for state in workflow["states"])
    assert all(each["label"]["en"] in drawing for each in workflow["transitions"])
    alice.open("/settings/workflows/nothing", 404)


def test_a_moment_is_in_the_zone_of_the_reader(small_world: World, noon: datetime, sam: Browser) -> None:
    small_world.sam.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})
    typed = {"from": "2026-11-24T09:00", "to": "2026-11-25T18:00", "deputy": "lea@example.com"}
    path = f"/settings/people/{small_world.alice.id}/absence"

    sam.fill(path, **typed)
    (absence,) = small_world.ada.get(f"/users/{small_world.alice.id}/absences")["items"]
    assert (absence["from"], absence["to"]) == ("2026-11-24T00:00:00Z", "2026-11-25T09:00:00Z")
    assert absence["deputy"]["name"] == "Lea" and noon < datetime.fromisoformat(absence["from"])
