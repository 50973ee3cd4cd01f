"""Ladders of reminders: planned, moved and cancelled with what causes it, told once, and to whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from cfm_workflow import clock
from cfm_workflow.models import Action, Reminder
from cfm_workflow.operations.reminders import fire_due
from cfm_workflow.worker.reminders import tell_reminders
from cfm_workflow.worker.waiting import resume_due
from tests.world import World

# 2026-11-23, on which `noon` stands, is a Monday; the default calendar is Mon-Fri 09:00-12:00 and 13:00-18:00 in UTC.
HOURLY = {
    "key": "hourly",
    "name": "Hourly",
    "targets": {"accept": "PT1H", "start": "PT2H", "finish": "PT4H"},
    "ladders": {
        "accept": [{"after": "PT0S", "to": ["assignee"]}, {"after": "PT1H", "to": ["lead"]}],
        "start": [{"after": "PT0S", "to": ["assignee"]}],
        "finish": [
            {"share": 75, "to": ["assignee"]},
            {"after": "PT0S", "to": ["assignee", "assigner"]},
            {"after": "PT1H", "to": ["assignee", "lead"]},
            {"after": "PT2H", "to": ["supervisors"], "every": "PT1H"},
        ],
    },
}
REMINDERS = "action.due_soon,action.overdue,action.reminded,action.escalated"


@pytest.fixture
def hourly(world: World, noon: datetime) -> World:
    week = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    always = world.sam.expect(201, "POST", "/calendars", {"name": "Always", "time_zone": "UTC", "week": week})
    world.sam.expect(201, "POST", "/policies", HOURLY | {"calendar": always["id"]})
    return world


def given(world: World, **fields: Any) -> Any:
    return world.action(policy="hourly", **fields)


def rows(world: World, action: Any, *states: str) -> list[tuple[str, int, int, datetime, str]]:
    with world.service.database.reading() as session:
        query = select(Reminder).where(Reminder.action_id == action["id"]).order_by(Reminder.id)
        found = [(r.target, r.rung, r.occurrence, r.at, r.state) for r in session.scalars(query)]
    return [row for row in found if not states or row[4] in states]


def planned(world: World, action: Any) -> dict[str, tuple[int, datetime]]:
    return {target: (rung, at) for target, rung, _, at, _ in rows(world, action, "planned")}


def tick(world: World, at: datetime) -> list[tuple[str, str, list[str]]]:
    """Let the clock tell what is due by then; type, target and receivers of each reminder."""
    before = len(world.events(types=REMINDERS))
    clock.freeze(at)
    tell_reminders(world.service)
    return [
        (event["type"], event["data"]["reminder"]["target"], [person["name"] for person in event["data"]["told"]])
        for event in world.events(types=REMINDERS)[before:]
    ]


def test_work_that_is_given_is_promised_and_planned(hourly: World, noon: datetime) -> None:
    action = given(hourly)
    assert (action["accept_by"], action["start_by"], action["due_at"]) == (
        "2026-11-23T13:00:00Z", "2026-11-23T14:00:00Z", "2026-11-23T16:00:00Z",
    )  # fmt: skip
    assert (action["accept_met"], action["finish_met"]) == (None, None)
    hour = timedelta(hours=1)
    assert planned(hourly, action) == {
        "accept": (0, noon + hour), "start": (0, noon + 2 * hour), "finish": (0, noon + 3 * hour),
    }  # fmt: skip


def test_a_ladder_is_climbed_rung_by_rung(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    assert set(planned(hourly, action)) == {"finish"}
    assert tick(hourly, noon + 3 * hour - timedelta(seconds=1)) == []
    assert tick(hourly, noon + 3 * hour) == [("action.due_soon", "finish", ["Alice"])]
    assert tick(hourly, noon + 3 * hour) == []
    assert tick(hourly, noon + 4 * hour) == [("action.overdue", "finish", ["Alice", "Olga"])]
    assert tick(hourly, noon + 5 * hour) == [("action.escalated", "finish", ["Alice", "Lea"])]
    assert tick(hourly, noon + 6 * hour) == [("action.escalated", "finish", ["Sam"])]
    assert tick(hourly, noon + 7 * hour) == [("action.escalated", "finish", ["Sam"])]
    hourly.alice.fire(action, "complete", outcome="fixed")
    assert planned(hourly, action) == {}
    assert tick(hourly, noon + 48 * hour) == []


def test_what_nobody_accepts_goes_up(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    assert tick(hourly, noon + hour) == [("action.reminded", "accept", ["Alice"])]
    assert ("action.escalated", "accept", ["Lea"]) in tick(hourly, noon + 2 * hour)
    seen = hourly.alice.fire(action, "accept")
    assert (seen["accept_met"], seen["start_met"]) == (False, None)
    assert set(planned(hourly, action)) == {"finish"}  # of the start the only rung has been told
    assert hourly.alice.fire(action, "start")["start_met"] is True


def test_of_a_pool_the_lead_is_reminded(hourly: World, noon: datetime) -> None:
    given(hourly, assignees=[{"team": "care", "mode": "pool"}])
    assert tick(hourly, noon + timedelta(hours=1)) == [("action.reminded", "accept", ["Lea"])]


def test_without_a_lead_supervisors_are_told(hourly: World, noon: datetime) -> None:
    hourly.ada.expect(200, "PATCH", f"/teams/{hourly.care['id']}", {"lead": None})
    given(hourly)
    tick(hourly, noon + timedelta(hours=1))
    assert ("action.escalated", "accept", ["Sam"]) in tick(hourly, noon + timedelta(hours=2))


def test_supervisors_of_other_teams_are_left_alone(hourly: World, noon: datetime) -> None:
    hourly.ada.post("/teams", {"key": "other", "name": "Other"})
    hourly.ada.expect(200, "PATCH", f"/users/{hourly.sam.id}", {"supervises": ["other"]})
    hourly.ada.expect(200, "PATCH", f"/teams/{hourly.care['id']}", {"lead": None})
    given(hourly)
    tick(hourly, noon + timedelta(hours=1))
    assert ("action.escalated", "accept", ["Ada"]) in tick(hourly, noon + timedelta(hours=2))


def test_met_or_missed_is_kept(hourly: World, noon: datetime) -> None:
    action = given(hourly)
    assert hourly.alice.fire(action, "accept")["accept_met"] is True
    hourly.alice.fire(action, "start")
    clock.freeze(noon + timedelta(hours=4))
    assert hourly.alice.fire(action, "complete", outcome="fixed")["finish_met"] is True
    late = given(hourly)
    clock.freeze(noon + timedelta(hours=9))
    seen = hourly.alice.fire(late, "complete", through=True, outcome="fixed")
    assert (seen["accept_met"], seen["start_met"], seen["finish_met"]) == (False, False, False)


def test_nothing_is_told_while_it_waits_and_it_goes_on_where_it_was(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    tick(hourly, noon + 3 * hour)
    hourly.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    assert [row[4] for row in rows(hourly, action, "planned", "suspended")] == ["suspended"]
    assert tick(hourly, noon + 20 * hour) == []
    hourly.alice.fire(action, "resume")
    assert planned(hourly, action) == {"finish": (1, noon + 21 * hour)}
    assert tick(hourly, noon + 21 * hour) == [("action.overdue", "finish", ["Alice", "Olga"])]


def test_a_share_of_the_time_counts_no_waiting(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    clock.freeze(noon + hour)
    hourly.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + 21 * hour)
    assert hourly.alice.fire(action, "resume")["due_at"] == "2026-11-24T12:00:00Z"
    assert planned(hourly, action) == {"finish": (0, noon + 23 * hour)}


def test_what_was_due_as_it_began_to_wait_is_told_as_it_goes_on(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    clock.freeze(noon + 3 * hour)  # no tick comes between
    hourly.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + 10 * hour)
    hourly.alice.fire(action, "resume")
    assert tick(hourly, noon + 10 * hour) == [("action.due_soon", "finish", ["Alice"])]


def test_a_moved_date_begins_the_ladder_anew(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    tick(hourly, noon + 4 * hour)
    new = {"due_at": (noon + 24 * hour).isoformat(), "reason": "More time was asked for."}
    hourly.olga.expect(200, "PATCH", f"/actions/{action['id']}", new)
    assert planned(hourly, action) == {"finish": (0, noon + 18 * hour)}
    assert tick(hourly, noon + 24 * hour)[-1] == ("action.overdue", "finish", ["Alice", "Olga"])
    hourly.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"due_at": None, "reason": "No hurry."})
    assert planned(hourly, action) == {}


def test_rungs_that_are_past_when_planned_are_left_out(hourly: World, noon: datetime) -> None:
    action = given(hourly, due_at=(noon + timedelta(minutes=1)).isoformat())
    assert planned(hourly, action)["finish"] == (0, noon + timedelta(seconds=45))
    late = given(hourly, due_at=(noon - timedelta(hours=2, minutes=30)).isoformat())
    assert planned(hourly, late)["finish"] == (4, noon + timedelta(minutes=30))


def test_giving_it_to_somebody_else_begins_the_acceptance_anew(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    clock.freeze(noon + hour)
    seen = hourly.olga.fire(action, "reassign", assignee="bob@example.com", reason="On holiday.")
    assert (seen["accept_by"], seen["accept_met"], seen["due_at"]) == ("2026-11-23T14:00:00Z", None, action["due_at"])
    assert planned(hourly, action)["accept"] == (0, noon + 2 * hour)
    assert tick(hourly, noon + 2 * hour) == [("action.reminded", "accept", ["Bob"])]


def test_what_is_reopened_has_a_new_date_by_its_policy(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "complete", through=True, outcome="fixed")
    clock.freeze(noon + 30 * hour)
    seen = hourly.olga.fire(action, "reopen", reason="It came back.")
    assert (seen["due_at"], seen["finish_met"]) == ("2026-11-24T22:00:00Z", None)
    assert planned(hourly, action)["finish"] == (0, noon + 33 * hour)


def test_what_is_undone_is_reminded_of_again(hourly: World, noon: datetime) -> None:
    action = given(hourly)
    hourly.alice.fire(action, "complete", through=True, outcome="fixed")
    hourly.alice.fire(action, "undo")
    assert planned(hourly, action)["finish"] == (0, noon + timedelta(hours=3))


def test_an_undone_end_swallows_no_reminder(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    tick(hourly, noon + 3 * hour)
    clock.freeze(noon + 4 * hour - timedelta(minutes=5))
    hourly.alice.fire(action, "complete", outcome="fixed")
    assert tick(hourly, noon + 4 * hour) == []
    hourly.alice.fire(action, "undo")
    assert tick(hourly, noon + 4 * hour) == [("action.overdue", "finish", ["Alice", "Olga"])]


def test_what_waited_before_an_undone_end_has_waited_all_the_same(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    hourly.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + 10 * hour)
    hourly.alice.fire(action, "complete", outcome="fixed")
    clock.freeze(noon + 10 * hour + timedelta(minutes=5))
    hourly.alice.fire(action, "undo")
    assert tick(hourly, noon + 20 * hour) == []
    assert hourly.alice.fire(action, "resume")["due_at"] == "2026-11-24T12:00:00Z"
    assert planned(hourly, action) == {"finish": (0, noon + 23 * hour)}
    assert [pause["counted_seconds"] for pause in hourly.alice.get(f"/actions/{action['id']}/due")["pauses"]] == [
        72_000
    ]


def test_what_a_group_does_not_need_any_more_is_not_reminded_of(hourly: World) -> None:
    made = hourly.give("Alice", "Bob", completion="any", policy="hourly")["actions"]
    hourly.alice.fire(made[0], "complete", through=True, outcome="fixed")
    assert [planned(hourly, action) for action in made] == [{}, {}]


def test_late_ones_are_told_once_each_and_repetitions_as_one(hourly: World, noon: datetime) -> None:
    action = given(hourly)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    told = tick(hourly, noon + timedelta(hours=12, minutes=30))
    assert [kind for kind, _, _ in told] == ["action.due_soon", "action.overdue", *["action.escalated"] * 3]
    events = hourly.events(types=REMINDERS)
    assert all(event["data"]["reminder"]["late"] for event in events)
    assert events[-1]["data"]["reminder"]["planned_for"] == "2026-11-24T00:00:00Z"
    assert planned(hourly, action) == {"finish": (10, noon + timedelta(hours=13))}
    assert tick(hourly, noon + timedelta(hours=12, minutes=30)) == []


def test_who_has_seen_it_is_left_in_peace_for_two_business_days(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    tick(hourly, noon + 4 * hour)
    path = f"/actions/{action['id']}/acknowledge"
    hourly.mallory.expect(403, "POST", path)
    seen = hourly.alice.expect(200, "POST", path)
    assert seen["quiet_until"] == "2026-11-25T16:00:00Z"
    assert tick(hourly, noon + 51 * hour) == []
    assert tick(hourly, noon + 52 * hour) == [("action.escalated", "finish", ["Sam"])]
    hourly.alice.fire(action, "complete", outcome="fixed")
    hourly.alice.expect(409, "POST", path)


def test_the_default_policy_watches_dates_that_people_name(world: World, noon: datetime) -> None:
    action = world.action(due_on="2026-11-27")
    assert action["accept_by"] == "2026-11-24T12:00:00Z"
    alone = world.action()
    assert (alone["due_at"], set(planned(world, alone))) == (None, {"accept"})
    for each in (action, alone):
        world.alice.fire(each, "accept")
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    assert planned(world, action) == {"finish": (0, datetime(2026, 11, 26, 16, 45, tzinfo=UTC))}
    assert planned(world, alone) == {}
    assert [kind for kind, _, _ in tick(world, friday + timedelta(hours=18))] == ["action.due_soon", "action.overdue"]
    assert tick(world, friday + timedelta(days=3, hours=18)) == [("action.escalated", "finish", ["Alice", "Lea"])]


def test_work_keeps_the_version_it_was_given_under(hourly: World, noon: datetime) -> None:
    [policy] = [each for each in hourly.sam.get("/policies")["items"] if each["key"] == "hourly"]
    old = given(hourly)
    changed = hourly.sam.expect(200, "PATCH", f"/policies/{policy['id']}", {"targets": {"accept": "PT3H"}})
    assert (changed["version"], changed["targets"]["finish"]) == (2, "PT4H")
    assert given(hourly)["accept_by"] == "2026-11-23T15:00:00Z"
    hourly.alice.fire(old, "accept")
    assert hourly.alice.fire(old, "release")["accept_by"] == "2026-11-23T13:00:00Z"


def test_many_reminders_take_several_transactions_and_all_are_told(
    hourly: World, noon: datetime, monkeypatch: Any
) -> None:
    for _ in range(4):
        hourly.give("Alice", "Bob", policy="hourly")
    told = tick(hourly, noon + timedelta(hours=1))
    assert len(told) == 8
    assert hourly.events(types="action.reminded")[0]["data"]["actor"] == {"type": "system", "name": "clock"}


def test_a_date_that_is_moved_while_it_waits_is_reminded_of_once_it_goes_on(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    hourly.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    new = {"due_at": (noon + 24 * hour).isoformat(), "reason": "More time was asked for."}
    hourly.olga.expect(200, "PATCH", f"/actions/{action['id']}", new)
    assert tick(hourly, noon + 19 * hour) == []
    hourly.alice.fire(action, "resume")
    assert planned(hourly, action) == {"finish": (0, noon + 19 * hour)}
    assert tick(hourly, noon + 19 * hour) == [("action.due_soon", "finish", ["Alice"])]


def test_a_calendar_that_hardly_works_any_more_holds_up_nobody(world: World, noon: datetime) -> None:
    week = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    always = world.sam.expect(201, "POST", "/calendars", {"name": "Always", "time_zone": "UTC", "week": week})
    rung = {"after": {"business": "PT200H"}, "to": ["lead"]}
    slow = {
        "key": "slow",
        "name": "Slow",
        "calendar": always["id"],
        "targets": {
            "accept": {"business": "PT200H"},
            "start": {"business": "PT200H"},
            "finish": {"business": "PT200H"},
        },
        "ladders": {"accept": [rung], "start": [rung], "finish": [{"after": "PT0S", "to": ["assignee"]}, rung]},
    }
    world.sam.expect(201, "POST", "/policies", slow)
    action = world.action(policy="slow")
    other = world.action(due_at=(noon + timedelta(hours=4)).isoformat())
    world.sam.expect(200, "PATCH", f"/calendars/{always['id']}", {"week": {"mon": [["09:00", "09:01"]]}})
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until="2026-11-23T13:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + timedelta(hours=1))
    resume_due(world.service)
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "accepted"
    world.olga.fire(action, "reassign", assignee="bob@example.com", reason="On holiday.")
    world.alice.fire(other, "accept")
    told = tick(world, noon + timedelta(days=60))
    assert ("action.overdue", "finish", ["Alice"]) in told and ("action.overdue", "finish", ["Bob"]) in told


def test_waiting_does_not_end_the_quiet(hourly: World, noon: datetime) -> None:
    late = {"after": "PT0S", "to": ["assignee"]}
    plain = {"key": "plain", "name": "Plain", "targets": {"finish": "PT4H"}, "ladders": {"finish": [late]}}
    hourly.sam.expect(201, "POST", "/policies", plain)
    action, hour = hourly.action(policy="plain"), timedelta(hours=1)
    hourly.alice.fire(action, "accept")
    hourly.alice.post(f"/actions/{action['id']}/acknowledge")
    hourly.alice.fire(action, "wait", until="2026-12-24T12:00:00Z", reason="The airline has to answer.")
    clock.freeze(noon + hour)
    hourly.alice.fire(action, "resume")
    assert tick(hourly, noon + 48 * hour - timedelta(seconds=1)) == []
    assert tick(hourly, noon + 48 * hour) == [("action.overdue", "finish", ["Alice"])]


def test_what_one_person_has_seen_does_not_quiet_the_next(hourly: World, noon: datetime) -> None:
    action, hour = given(hourly), timedelta(hours=1)
    hourly.alice.post(f"/actions/{action['id']}/acknowledge")
    seen = hourly.olga.fire(action, "reassign", assignee="bob@example.com", reason="On holiday.")
    assert seen["quiet_until"] is None
    assert tick(hourly, noon + hour) == [("action.reminded", "accept", ["Bob"])]


def test_for_who_is_gone_the_lead_is_reminded(hourly: World, noon: datetime) -> None:
    action = given(hourly)
    hourly.alice.fire(action, "accept")
    hourly.alice.fire(action, "start")
    hourly.ada.expect(200, "PATCH", f"/users/{hourly.alice.id}", {"active": False})
    assert tick(hourly, noon + timedelta(hours=3)) == [("action.due_soon", "finish", ["Lea"])]


def test_work_of_before_there_were_policies_goes_by_the_default_one(world: World, noon: datetime) -> None:
    dated, given_anew = world.action(), world.action()
    none = {"policy_version_id": None, "planned": 0, "promised_at": None, "accept_by": None}

    def forget(session: Any) -> None:
        session.execute(delete(Reminder))
        session.execute(update(Action).values(none))

    world.service.database.transaction(forget)
    body = {"due_at": (noon + timedelta(hours=4)).isoformat(), "reason": "It is urgent."}
    world.olga.expect(200, "PATCH", f"/actions/{dated['id']}", body)
    assert tick(world, noon + timedelta(hours=4))[-1] == ("action.overdue", "finish", ["Alice"])
    world.olga.fire(given_anew, "reassign", assignee="bob@example.com", reason="On holiday.")
    assert set(planned(world, given_anew)) == {"accept"}


def test_one_action_with_several_reminders_does_not_end_the_round(hourly: World, noon: datetime) -> None:
    same = {"accept": [{"after": "PT0S", "to": ["assignee"]}], "start": [{"after": "PT0S", "to": ["assignee"]}]}
    both = {"key": "both", "name": "Both", "targets": {"accept": "PT1H", "start": "PT1H"}, "ladders": same}
    hourly.sam.expect(201, "POST", "/policies", both)
    for _ in range(2):
        hourly.action(policy="both")
    clock.freeze(noon + timedelta(hours=1))
    fired = [hourly.service.database.transaction(lambda session: fire_due(session, now=clock.now(), count=2))]
    assert fired == [2]  # a full batch: there may be more
