"""A changed calendar moves the open actions that go by it: all that it should, nothing else, and each once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from cfm_workflow import clock
from cfm_workflow.models import Calendar, Reminder
from cfm_workflow.operations import reckoning
from cfm_workflow.worker.reckoning import follow_calendars
from tests.api.statements import counted
from tests.mailing import Post
from tests.world import World

# 2026-11-23, on which `noon` stands, is a Monday; the default calendar is Mon-Fri 09:00-12:00 and 13:00-18:00 in UTC.
WEEK = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
SEOUL = {"name": "Seoul", "time_zone": "Asia/Seoul", "country": "KR", "week": WEEK}
TUESDAY, WEDNESDAY = "2026-11-24", "2026-11-25"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def default(world: World) -> str:
    [calendar] = [each for each in world.sam.get("/calendars")["items"] if each["default"]]
    return f"/calendars/{calendar['id']}"


def change(world: World, path: str | None = None, **fields: Any) -> list[dict[str, Any]]:
    """Change a calendar, let the clock carry it out, and return the events that this caused."""
    before = len(world.events(types="action.changed"))
    world.sam.expect(200, "PATCH", path or default(world), fields)
    follow_calendars(world.service)
    return world.events(types="action.changed")[before:]


def go_on(world: World) -> bool:
    return world.service.database.transaction(lambda session: reckoning.go_on(session, now=clock.now()))


def one_batch(world: World) -> None:
    """The first batch of a calendar that has just changed."""
    assert go_on(world) and go_on(world)  # the first one notes after which transactions it may begin


def seen(world: World, action: Any) -> Any:
    return world.olga.get(f"/actions/{action['id']}")


def planned(world: World, action: Any) -> dict[str, tuple[int, datetime, str]]:
    with world.service.database.reading() as session:
        query = select(Reminder).where(Reminder.action_id == action["id"], Reminder.state.in_(["planned", "suspended"]))
        return {row.target: (row.rung, row.at, row.state) for row in session.scalars(query)}


def test_a_day_off_moves_what_was_reckoned_over_it(world: World, noon: datetime) -> None:
    days, hours = world.action(due_in={"business_days": 2}), world.action(due_in={"business": "PT10H"})
    events = change(world, holidays=[TUESDAY])
    assert [seen(world, each)["due_at"] for each in (days, hours)] == ["2026-11-26T12:00:00Z", "2026-11-25T15:00:00Z"]
    first = events[0]["data"]
    assert first["actor"] == {"type": "system", "name": "calendar"}
    assert first["changes"]["due_at"] == {"from": "2026-11-25T12:00:00Z", "to": "2026-11-26T12:00:00Z"}
    assert (first["from"], first["to"], first["calendar"]["name"]) == ("assigned", "assigned", "Office hours")
    assert first["action"]["first_due_at"] == "2026-11-26T12:00:00Z"
    assert [event["data"]["subject"]["id"] for event in events] == [days["id"], hours["id"]]


def test_a_korean_holiday_moves_business_days(world: World) -> None:
    clock.freeze(datetime(2026, 9, 23, 1, tzinfo=UTC))  # Wednesday 10:00 in Seoul; Chuseok is 24 to 26 September
    seoul = world.sam.expect(201, "POST", "/calendars", SEOUL | {"country": None})["id"]
    action = world.action(due_in={"business_days": 2, "calendar": seoul})
    assert action["due_at"] == "2026-09-25T01:00:00Z"
    assert len(change(world, f"/calendars/{seoul}", country="KR")) == 1
    assert seen(world, action)["due_at"] == "2026-09-29T01:00:00Z"
    why = world.alice.get(f"/actions/{action['id']}/due")
    assert [day["date"] for day in why["free_days"]] == ["2026-09-24", "2026-09-25"]
    assert [(each["actor"]["name"], each["reason"]) for each in why["changes"]] == [
        ("calendar", "The calendar has changed.")
    ]
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", {"language": "ko"})
    assert "업무 달력이 변경되었습니다." in world.alice.get(f"/actions/{action['id']}/due")["in_words"][-1]


@pytest.mark.parametrize("asked", [{"due_at": "2026-11-25T12:00:00Z"}, {"due_in": "P2D"}, {}])
def test_a_date_that_no_working_hours_are_in_stays(world: World, noon: datetime, asked: dict[str, Any]) -> None:
    action = world.action(**asked)
    world.alice.fire(action, "accept")
    before = seen(world, action)
    assert change(world, holidays=[TUESDAY, WEDNESDAY]) == []
    assert seen(world, action) == before


def test_the_end_of_a_day_follows_its_working_hours_and_stays_when_nobody_works_on_it(
    world: World, noon: datetime
) -> None:
    action = world.action(due_on=WEDNESDAY)
    change(world, week=WEEK | {"wed": [["09:00", "15:00"]]})
    assert seen(world, action)["due_at"] == "2026-11-25T15:00:00Z"
    assert change(world, holidays=[WEDNESDAY]) == []
    assert seen(world, action)["due_at"] == "2026-11-25T15:00:00Z"


def test_the_first_date_moves_along_only_where_it_is_the_same_promise(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"due_on": "2026-11-27", "reason": "Later."})
    [event] = change(world, week=WEEK | {"fri": [["09:00", "12:00"]]})
    assert set(event["data"]["changes"]) == {"due_at"}
    after = seen(world, action)
    assert (after["due_at"], after["first_due_at"]) == ("2026-11-27T12:00:00Z", action["first_due_at"])


def test_what_was_waited_is_kept_and_counted_in_the_new_hours(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    world.alice.fire(action, "accept")
    for start, end in ((1, 3), (25, 27)):  # Monday from 13:00, Tuesday from 13:00
        clock.freeze(noon + start * HOUR)
        world.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
        clock.freeze(noon + end * HOUR)
        world.alice.fire(action, "resume")
    assert seen(world, action)["due_at"] == "2026-11-25T17:00:00Z"
    assert change(world, working_days=["2026-12-26"]) == []
    change(world, holidays=[TUESDAY])  # then only the two hours of Monday were working time
    assert seen(world, action)["due_at"] == "2026-11-26T15:00:00Z"


def test_what_waited_until_it_ended_moves_nothing(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + 4 * HOUR)
    world.olga.fire(action, "cancel", reason="Not needed.")
    reopened = world.olga.fire(action, "reopen", reason="It is needed.")
    assert change(world, working_days=["2026-12-26"]) == []
    assert seen(world, action)["due_at"] == reopened["due_at"]


def test_whatever_has_happened_nothing_moves_when_nothing_has_changed(world: World, noon: datetime) -> None:
    always = {day: [["00:00", "24:00"]] for day in (*WEEK, "sat", "sun")}
    calendars = [
        world.sam.expect(201, "POST", "/calendars", {"name": "Always", "time_zone": "Asia/Seoul", "week": always}),
        world.sam.expect(201, "POST", "/calendars", SEOUL),
    ]
    targets = {"accept": {"business": "PT3H"}, "start": {"business_days": 1}, "finish": {"business": "PT12H"}}
    world.sam.expect(201, "POST", "/policies", {"key": "gold", "name": "Gold", "targets": targets})
    hour = iter(range(1, 1000))

    def then() -> None:
        clock.freeze(noon + next(hour) * timedelta(hours=2, minutes=7, microseconds=3))

    for asked in (
        {"policy": "gold"}, {"due_in": {"business_days": 2}}, {"due_on": "2026-11-30"}, {"due_in": "P3D"},
        *({"due_in": {"business": "PT9H", "calendar": calendar["id"]}} for calendar in calendars),
    ):  # fmt: skip
        action = world.action(**asked)
        then()
        world.alice.fire(action, "accept")
        for way in ("resume", "reassign", "resume"):
            then()
            until = (clock.now() + 30 * DAY).isoformat()
            world.alice.fire(action, "wait", until=until, reason="The airline has to answer.")
            then()
            if way == "resume":
                world.alice.fire(action, "resume")
            else:
                world.olga.fire(action, "reassign", assignee="alice@example.com", reason="Once more.")
                world.alice.fire(action, "accept")
        then()
        world.alice.fire(action, "wait", until=(clock.now() + 30 * DAY).isoformat(), reason="Again.")
        world.action(**asked)
        then()
        world.olga.fire(action, "cancel", reason="Not needed.")
        then()
        world.olga.fire(action, "reopen", reason="It is needed.")
    for calendar in (default(world), *(f"/calendars/{each['id']}" for each in calendars)):
        assert change(world, calendar, holidays=["2031-01-01"]) == []


def test_what_is_waiting_now_moves_and_goes_on_with_its_reminders(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + 3 * DAY)
    change(world, holidays=[TUESDAY])
    assert planned(world, action)["finish"][2] == "suspended"
    clock.freeze(noon + 3 * DAY + HOUR)
    resumed = world.alice.fire(action, "resume")
    assert resumed["due_at"] == "2026-11-30T12:00:00Z"  # Thursday 12:00, and the 16 hours of work it has waited
    rung, at, state = planned(world, action)["finish"]
    assert (rung, state) == (0, "planned") and at > clock.now()


def test_what_is_overdue_was_told_and_stays(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 1})
    clock.freeze(noon + DAY)
    shown = world.sam.expect(200, "PATCH", "/calendars/1", {"holidays": [TUESDAY]}, query_string={"preview": "true"})
    assert shown["moves"] == 0
    assert change(world, holidays=[TUESDAY]) == []
    assert world.alice.get(f"/actions/{action['id']}")["due_at"] == "2026-11-24T12:00:00Z"


def test_reminders_move_with_the_date(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    assert planned(world, action)["accept"] == (0, noon + DAY, "planned")
    assert planned(world, action)["finish"] == (0, datetime(2026, 11, 24, 17, tzinfo=UTC), "planned")
    [event] = change(world, holidays=[TUESDAY])
    assert set(event["data"]["changes"]) == {"due_at", "first_due_at", "accept_by"}
    assert planned(world, action)["accept"] == (0, noon + 2 * DAY, "planned")
    assert planned(world, action)["finish"] == (0, datetime(2026, 11, 25, 17, tzinfo=UTC), "planned")


def test_reminders_of_a_named_date_move_without_an_event(world: World, noon: datetime) -> None:
    action = world.action(due_at="2026-11-25T12:00:00Z")
    world.alice.fire(action, "accept")
    assert planned(world, action)["finish"][1] == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert change(world, holidays=[TUESDAY]) == []
    assert planned(world, action)["finish"] == (0, datetime(2026, 11, 25, 10, tzinfo=UTC), "planned")


def test_another_name_or_a_calendar_of_others_moves_nothing(world: World, noon: datetime) -> None:
    seoul = world.sam.expect(201, "POST", "/calendars", SEOUL)["id"]
    action = world.action(due_in={"business_days": 2})
    assert change(world, name="Hours") == []
    assert change(world, f"/calendars/{seoul}", holidays=[TUESDAY]) == []
    assert seen(world, action)["due_at"] == "2026-11-25T12:00:00Z"


def test_another_default_calendar_moves_what_goes_by_the_default(world: World, noon: datetime) -> None:
    former = default(world)
    named = world.action(due_in={"business_days": 2, "calendar": int(former.rpartition("/")[2])})
    action = world.action(due_in={"business_days": 2})
    made = world.sam.expect(201, "POST", "/calendars", SEOUL | {"default": True})
    follow_calendars(world.service)
    assert seen(world, action)["due_at"] == "2026-11-26T00:00:00Z"  # 21:00 there, so it counts from Tuesday 09:00
    assert seen(world, named)["due_at"] == named["due_at"]
    assert len(change(world, former, default=True)) == 1 and made["default"]
    assert seen(world, action)["due_at"] == action["due_at"]


def test_too_little_working_time_moves_nothing(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2_000})
    one_day = {"week": {"mon": [["09:00", "09:01"]]}, "holidays": []}
    hours = world.action(due_in={"business": "PT8000H"})
    change(world, **one_day)
    assert seen(world, hours)["due_at"] == hours["due_at"]
    assert seen(world, action)["due_at"] > action["due_at"]


def test_the_preview_says_what_then_happens_and_changes_nothing(world: World, noon: datetime) -> None:
    waited = world.action(due_in={"business_days": 3})
    world.alice.fire(waited, "accept")
    world.alice.fire(waited, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + 2 * HOUR)
    world.alice.fire(waited, "resume")
    others = [world.action(due_in={"business": f"PT{hours}H"}) for hours in (1, 9, 20)]
    world.action(due_at="2026-11-25T12:00:00Z")
    before = world.olga.get("/actions")["items"]
    path, body = default(world), {"holidays": [TUESDAY]}
    shown = world.sam.expect(200, "PATCH", f"{path}?preview=true", body)
    follow_calendars(world.service)
    assert world.olga.get("/actions")["items"] == before and world.sam.get(path)["version"] == 1
    assert (shown["moves"], shown["moves_are_capped"]) == (3, False)
    assert [each["id"] for each in shown["examples"]] == [others[1]["id"], others[2]["id"], waited["id"]]
    events = change(world, **body)
    moved = {event["data"]["subject"]["id"]: event["data"]["changes"].get("due_at") for event in events}
    foreseen = {each["id"]: {"from": each["from"], "to": each["to"]} for each in shown["examples"]}
    assert {ident: change for ident, change in moved.items() if change} == foreseen
    assert world.sam.get(path) == shown["calendar"]


def test_a_preview_is_refused_as_the_change_would_be(small_world: World) -> None:
    path = f"{default(small_world)}?preview=true"
    small_world.olga.expect(403, "PATCH", path, {"holidays": [TUESDAY]})
    assert "time_zone" in small_world.sam.expect(422, "PATCH", path, {"time_zone": "Mars/Phobos"})["errors"]
    small_world.sam.expect(409, "PATCH", path, {"default": False})
    small_world.sam.expect(404, "PATCH", "/calendars/999?preview=true", {"holidays": [TUESDAY]})
    assert "preview" in small_world.sam.expect(422, "PATCH", path.replace("true", "maybe"), {})["errors"]


def test_a_preview_shows_no_title_that_its_reader_may_not_see(world: World, noon: datetime) -> None:
    members = ["bob@example.com"]
    world.ada.post("/teams", {"key": "legal", "name": "Legal", "members": members, "restricted": True})
    world.ada.expect(200, "PATCH", f"/users/{world.sam.id}", {"supervises": ["care"]})
    world.give(assignees=[{"team": "legal", "mode": "pool"}], due_in={"business_days": 2})
    mine = world.action(due_in={"business_days": 2})
    body = {"holidays": [TUESDAY]}
    shown = world.sam.expect(200, "PATCH", f"{default(world)}?preview=true", body)
    assert (shown["moves"], [each["id"] for each in shown["examples"]]) == (2, [mine["id"]])
    program = world.ada.post("/integrations", {"name": "HR", "scopes": ["settings:manage"]})
    headers = {"Authorization": f"Bearer {program['token']}"}
    shown = world.ada.expect(200, "PATCH", f"{default(world)}?preview=true", body, headers=headers)
    assert (shown["moves"], shown["examples"]) == (2, [])


def test_holidays_of_a_file_have_a_preview_too(world: World, noon: datetime) -> None:
    action = world.action(due_in={"business_days": 2})
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:1@test",
             "DTSTAMP:20261101T000000Z", "DTSTART;VALUE=DATE:20261124", "SUMMARY:Outing", "END:VEVENT",
             "END:VCALENDAR", ""]  # fmt: skip
    file = {"data": "\r\n".join(lines), "content_type": "text/calendar"}
    path = f"{default(world)}/holidays"
    shown = world.sam.expect(200, "POST", f"{path}?preview=true", **file)
    assert (shown["moves"], shown["examples"][0]["to"]) == (1, "2026-11-26T12:00:00Z")
    world.sam.expect(200, "POST", path, **file)
    follow_calendars(world.service)
    assert seen(world, action)["due_at"] == "2026-11-26T12:00:00Z"


def test_who_dies_between_two_batches_leaves_the_next_one_to_others(
    world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoning, "BATCH", 2)
    actions = [world.action(due_in={"business_days": 2}) for _ in range(5)]
    world.sam.expect(200, "PATCH", default(world), {"holidays": [TUESDAY]})
    transaction = world.service.database.transaction
    one_batch(world)
    assert [seen(world, each)["due_at"][:10] for each in actions] == ["2026-11-26"] * 2 + ["2026-11-25"] * 3

    def die(session: Any) -> None:
        assert reckoning.go_on(session, now=clock.now())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transaction(die)
    follow_calendars(world.service)
    assert [seen(world, each)["due_at"][:10] for each in actions] == ["2026-11-26"] * 5
    assert len(world.events(types="action.changed")) == 5
    follow_calendars(world.service)
    assert len(world.events(types="action.changed")) == 5


def test_a_second_change_begins_anew(world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoning, "BATCH", 2)
    actions = [world.action(due_in={"business_days": 2}) for _ in range(3)]
    world.sam.expect(200, "PATCH", default(world), {"holidays": [TUESDAY]})
    one_batch(world)
    change(world, holidays=[TUESDAY, WEDNESDAY])
    assert {seen(world, each)["due_at"] for each in actions} == {"2026-11-27T12:00:00Z"}
    assert [world.history(each).count("action.changed") for each in actions] == [2, 2, 1]


def test_all_batches_are_one_mail_to_each_person(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoning, "BATCH", 2)
    world = post.world
    for person in (world.alice, world.bob):
        person.expect(200, "PATCH", "/me/preferences", {"notices": {"action.changed": "at_once"}})
    for name in ("Alice", "Alice", "Alice", "Bob", "Alice"):
        world.action(name, due_in={"business_days": 2})
    post.later()
    world.sam.expect(200, "PATCH", default(world), {"holidays": [TUESDAY]})
    while go_on(world):  # each batch is sent for as soon as it is done, seconds after the one before
        assert post.later(timedelta(seconds=5)) == []
    told = {each.recipient: str(each.message["Subject"]) for each in post.later()}
    assert told == {
        "alice@example.com": "Changed: Restore the miles (and 3 more)",
        "bob@example.com": "Changed: Restore the miles",
    }
    assert post.later(timedelta(hours=1)) == []


def test_two_hundred_actions_take_as_many_statements_as_two(world: World, noon: datetime) -> None:
    who = [{"user": world.people[name].email} for name in ("Alice", "Bob", "Lea", "Mallory", "Olga", "Sam")]
    body = {"title": "Work", "assignees": who, "due_in": {"business_days": 2}}
    item = world.feedback()
    used = []
    for times, day in ((1, TUESDAY), (33, WEDNESDAY)):
        for _ in range(times):
            world.olga.post(f"/feedback/{item['id']}/actions", body)
        world.sam.expect(200, "PATCH", default(world), {"holidays": [day]})
        go_on(world)
        with counted(world.service) as statements:
            assert go_on(world)
        assert statements["UPDATE actions"] == statements["INSERT events"] == 1
        used.append(sum(statements.values()))
    assert used[1] <= used[0], used


def test_nothing_is_left_when_a_calendar_without_work_has_changed(world: World, noon: datetime) -> None:
    change(world, holidays=[TUESDAY])
    with world.service.database.reading() as session:
        assert session.scalars(select(Calendar.reckon_after)).all() == [None]


def test_it_begins_when_nobody_reckons_by_the_former_hours_any_more(world: World, noon: datetime) -> None:
    if world.service.database.is_sqlite:
        pytest.skip("on SQLite whoever writes is alone")
    action = world.action(due_in={"business_days": 2})
    with world.service.database.writer.connect() as slow, slow.begin():
        slow.execute(text("SELECT pg_current_xact_id()"))
        change(world, holidays=[TUESDAY])
        assert seen(world, action)["due_at"] == "2026-11-25T12:00:00Z"
    follow_calendars(world.service)
    assert seen(world, action)["due_at"] == "2026-11-26T12:00:00Z"
