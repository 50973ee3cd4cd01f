"""Calendar feeds: what calendar programs read of whom, at which address, and who gets nothing."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from cfm_workflow import clock, logs
from cfm_workflow.models import CalendarFeed
from cfm_workflow.operations import feeds
from cfm_workflow.security.failures import FAILURES
from cfm_workflow.security.tokens import digest, new_token
from cfm_workflow.setting_values import LogFormat
from tests.world import Person, World

BASE = "http://127.0.0.1:8080"


def address(person: Person) -> str:
    """The path of a new feed of somebody."""
    url: str = person.post("/me/calendar-feed")["url"]
    assert url.startswith(f"{BASE}/feeds/") and url.endswith(".ics")
    return url.removeprefix(BASE)


def get(world: World, path: str, method: str = "GET", **more: Any) -> Any:
    """An answer without any sign-in."""
    return world.app.test_client().open(path, method=method, **more)


def events(world: World, path: str) -> list[Any]:
    answer = get(world, path)
    assert (answer.status_code, answer.content_type) == (200, "text/calendar; charset=utf-8")
    calendar = Calendar.from_ical(answer.data)
    assert (calendar["VERSION"], calendar.errors) == ("2.0", [])
    assert max(map(len, answer.data.split(b"\r\n"))) <= 75
    return calendar.walk("VEVENT")


def test_a_feed_holds_what_somebody_has_to_do_as_the_api_tells_it(world: World, noon: datetime) -> None:
    customer = {"name": "Minji", "email": "minji@example.com", "phone": "+82 2 555 0100"}
    item = world.feedback("My miles, since Monday;\nare missing.", customer=customer)
    later = world.give("Alice", item=item, due_in="P5D", title="Call, then write; it is urgent", priority="urgent")
    world.action(due_at="2026-11-25T16:00:00Z")
    world.action()  # due at no time
    world.action("Bob", due_in="P1D")
    world.pool_action(due_in="P1D")
    world.alice.fire(world.action(due_in="P1D"), "decline", reason="Not mine.")
    clock.freeze(noon + timedelta(hours=1))
    world.alice.fire(later["actions"][0], "accept")
    due = [action for action in world.alice.get("/me/actions")["items"] if action["due_at"] is not None]
    seen = events(world, address(world.alice))
    assert len(due) == len(seen) == 2
    for action, event in zip(due, seen, strict=True):
        ends = datetime.fromisoformat(action["due_at"])
        assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (ends - timedelta(minutes=30), ends)
        assert (str(event["SUMMARY"]), event["SEQUENCE"]) == (action["title"], action["version"])
        assert event["URL"] == f"{BASE}/actions/{action['id']}" and event["TRANSP"] == "TRANSPARENT"
        assert event["UID"].startswith(f"action-{action['id']}@")
        assert event.decoded("CREATED") == datetime.fromisoformat(action["created_at"])
        [*_, last] = world.ada.get(f"/actions/{action['id']}/events")["items"]
        assert event.decoded("LAST-MODIFIED") == event.decoded("DTSTAMP") == datetime.fromisoformat(last["timestamp"])
    lines = str(seen[1]["DESCRIPTION"]).split("\n")
    assert lines[0] == "State: Accepted" and lines[-1] == seen[1]["URL"]
    assert lines[1:-1] == [f"Feedback #{item['id']}: My miles, since Monday;", "are missing."]
    assert [event["PRIORITY"] for event in seen] == [5, 1]


def test_no_address_of_a_customer_is_in_it(small_world: World) -> None:
    customer = {"name": "Minji", "email": "minji@example.com", "phone": "+82 2 555 0100"}
    small_world.give("Alice", item=small_world.feedback(customer=customer), due_in="P1D")
    text = get(small_world, address(small_world.alice)).text
    assert all(word not in text for word in ("minji", "Minji", "555"))


def test_it_speaks_the_language_of_its_owner(small_world: World) -> None:
    small_world.ada.expect(200, "PATCH", f"/users/{small_world.alice.id}", {"language": "ko"})
    small_world.action(due_in="P1D")
    path = address(small_world.alice)
    assert "상태: 할당됨" in str(events(small_world, path)[0]["DESCRIPTION"])
    assert Calendar.from_ical(get(small_world, path).data)["X-WR-CALNAME"] == "내 업무"


def test_an_entry_stays_the_same_entry_while_it_changes_and_goes_when_it_is_done(world: World, noon: datetime) -> None:
    action, path = world.action(due_in="P1D"), address(world.alice)
    [before] = events(world, path)
    clock.freeze(noon + timedelta(hours=1))
    new = {"title": "Another title\nwith a line\u202e", "due_at": "2026-12-01T16:00:00Z", "reason": "Later."}
    world.olga.expect(200, "PATCH", f"/actions/{action['id']}", new)
    [after] = events(world, path)
    assert after["UID"] == before["UID"] and after["SEQUENCE"] > before["SEQUENCE"]
    assert after.decoded("LAST-MODIFIED") == noon + timedelta(hours=1)
    assert str(after["SUMMARY"]) == "Another title with a line"
    assert after.decoded("DTEND") == datetime(2026, 12, 1, 16, tzinfo=UTC)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    assert events(world, path) == []


def test_what_is_due_first_comes_first_and_there_is_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "ENTRIES", 2)
    for days in (3, 1, 2):
        world.action(due_in=f"P{days}D", title=f"In {days} days")
    assert [str(event["SUMMARY"]) for event in events(world, address(world.alice))] == ["In 1 days", "In 2 days"]


def test_an_unchanged_feed_is_not_sent_again(world: World) -> None:
    action, path = world.action(due_in="P1D"), address(world.alice)
    first = get(world, path)
    tag = first.headers["ETag"]
    again = get(world, path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    head = get(world, path, "HEAD")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)
    assert head.headers["Content-Length"] == str(len(first.data))
    for answer in (first, again, head):
        assert answer.headers["Cache-Control"] == "private, max-age=300"
        assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")
        assert "Set-Cookie" not in answer.headers
    world.alice.fire(action, "accept")
    changed = get(world, path, headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_there_is_one_address_and_it_can_be_taken_back(world: World, noon: datetime) -> None:
    world.alice.expect(404, "GET", "/me/calendar-feed")
    world.alice.expect(404, "DELETE", "/me/calendar-feed")
    former, path = address(world.alice), address(world.alice)
    assert (get(world, former).status_code, get(world, path).status_code) == (404, 200)
    assert world.alice.get("/me/calendar-feed") == {
        "created_at": "2026-11-23T12:00:00Z",
        "last_used_at": "2026-11-23T12:00:00Z",
    }
    world.bob.expect(404, "DELETE", "/me/calendar-feed")
    world.alice.expect(204, "DELETE", "/me/calendar-feed")
    gone = get(world, path)
    assert (gone.status_code, gone.mimetype) == (404, "application/problem+json")
    assert gone.headers["Cache-Control"] == "no-store" and gone.headers["Referrer-Policy"] == "no-referrer"
    told = world.events(types="calendar_feed.*")
    assert [event["type"].rpartition(".")[2] for event in told] == ["created", "created", "deleted"]
    assert told[0]["data"]["calendar_feed"] == {"account_id": world.alice.id, "created_at": "2026-11-23T12:00:00Z"}


def test_whoever_is_switched_off_has_no_feed_at_once_and_gets_a_new_one_later(world: World) -> None:
    path = address(world.alice)
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", {"active": False})
    assert get(world, path).status_code == 404
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", {"active": True})
    assert get(world, path).status_code == 404


def test_a_narrow_token_gives_no_more_away_than_it_has(small_world: World) -> None:
    narrow = small_world.alice.post("/me/tokens", {"scopes": ["users:manage"]})["token"]
    wider = small_world.alice.post("/me/tokens", {"scopes": ["users:manage", "actions:read"]})["token"]
    for token, status in ((narrow, 403), (wider, 201)):
        headers = {"Authorization": f"Bearer {token}"}
        small_world.alice.expect(status, "POST", "/me/calendar-feed", {}, headers=headers)
    program = small_world.ada.post("/integrations", {"name": "CRM", "scopes": ["users:manage", "actions:read"]})
    headers = {"Authorization": f"Bearer {program['token']}"}
    small_world.ada.expect(404, "POST", "/me/calendar-feed", {}, headers=headers)


def test_only_a_hash_is_stored_and_its_use_is_written_down_once_an_hour(world: World, noon: datetime) -> None:
    path = address(world.alice)
    token = path.removeprefix("/feeds/").removesuffix(".ics")

    def row() -> Any:
        with world.service.database.reading() as session:
            return session.execute(select(CalendarFeed.__table__)).one()

    assert (row().hash, row().last_used_at) == (digest(token), None)
    for minutes, used_at in ((0, 0), (59, 0), (60, 60), (61, 60)):
        clock.freeze(noon + timedelta(minutes=minutes))
        assert get(world, path).status_code == 200
        assert row().last_used_at == noon + timedelta(minutes=used_at)


def test_the_address_is_no_token_and_a_token_is_no_address(small_world: World) -> None:
    token = address(small_world.alice).removeprefix("/feeds/").removesuffix(".ics")
    headers = {"Authorization": f"Bearer {token}"}
    assert get(small_world, "/api/v1/me", headers=headers).status_code == 401
    assert get(small_world, f"/feeds/{small_world.alice.token}.ics").status_code == 404


def test_who_guesses_is_slowed_down_and_who_is_right_is_not(small_world: World, noon: datetime) -> None:
    path = address(small_world.alice)
    for _ in range(FAILURES):
        assert get(small_world, f"/feeds/{new_token()}.ics").status_code == 404
    refused = get(small_world, "/feeds/x.ics")
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert get(small_world, path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/feeds/", "/feeds/.ics", "/feeds/x", "/feeds/%00.ics", "/feeds/%EF%BF%BD.ics", "/feeds"]
)
def test_what_leads_nowhere_is_not_there(small_world: World, path: str) -> None:
    assert get(small_world, path).status_code == 404


def test_nothing_else_can_be_done_there(small_world: World) -> None:
    path = address(small_world.alice)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert get(small_world, path, method).status_code == 405


@pytest.mark.parametrize("form", list(LogFormat))
def test_no_address_reaches_the_log_whatever_goes_wrong(
    small_world: World, form: LogFormat, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        logs.configure("DEBUG", form)
        path = address(small_world.alice)
        token = path.removeprefix("/feeds/").removesuffix(".ics")
        logging.getLogger("server").info("GET %s HTTP/1.1", path)
        logging.getLogger("server").info("GET %s", path[:-10])
        assert get(small_world, path[:-5] + "x.ics").status_code == 404
        monkeypatch.setattr(feeds, "written", lambda *about, **more: 1 / 0)
        assert get(small_world, path).status_code == 500
    finally:
        root.handlers, root.level = handlers, level
    logged = capsys.readouterr().err
    assert "ZeroDivisionError" in logged
    assert token not in logged and token[:25] not in logged


def test_personal_reminders_stand_there_too_until_they_are_told(small_world: World, noon: datetime) -> None:
    item = small_world.feedback()
    asked = {"feedback": item["id"], "remind_at": "2026-11-24T17:00:00+09:00", "text": "Call back"}
    made = small_world.olga.post("/reminders", asked | {"for": [small_world.alice.email]})
    path = address(small_world.alice)
    [event] = Calendar.from_ical(get(small_world, path).data).walk("VEVENT")
    assert (event["SUMMARY"], event["DTEND"].dt) == ("Call back", datetime(2026, 11, 24, 8, tzinfo=UTC))
    assert str(event["UID"]).startswith(f"reminder-{made['id']}@")
    assert Calendar.from_ical(get(small_world, address(small_world.bob)).data).walk("VEVENT") == []
    small_world.olga.expect(204, "DELETE", f"/reminders/{made['id']}")
    assert Calendar.from_ical(get(small_world, path).data).walk("VEVENT") == []
