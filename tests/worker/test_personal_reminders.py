"""Personal reminders are told: once, on the wall of whoever set them, by mail, and put off by a link in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.operations import personal_reminders
from cfm_workflow.queries import callers
from cfm_workflow.worker.reminders import tell_reminders
from tests import invariants
from tests.concurrency.at_once import at_once
from tests.mailing import Post, links
from tests.web.sent_links import get, post
from tests.world import Person, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def mailbox(post: Post) -> Post:
    return post


def remind(person: Person, item: Any, at: datetime, **fields: Any) -> Any:
    body = {"feedback": item["id"], "remind_at": at.isoformat(), "text": "Call back"} | fields
    return person.expect(201, "POST", "/reminders", body)


def tick(world: World, at: datetime) -> list[Any]:
    """Let the clock tell what is due by then; the data of each event."""
    before = len(world.events(types="reminder.fired"))
    clock.freeze(at)
    tell_reminders(world.service)
    return [event["data"] for event in world.events(types="reminder.fired")[before:]]


def seen(world: World, reminder: Any) -> Any:
    return world.ada.get(f"/reminders/{reminder['id']}")


def test_it_is_told_once_when_its_time_has_come(world: World, noon: datetime) -> None:
    item = world.feedback()
    made = remind(world.olga, item, noon + DAY, **{"for": [world.alice.email, world.bob.email]})
    assert tick(world, noon + DAY - timedelta(microseconds=1)) == []
    [told] = tick(world, noon + DAY)
    assert told["reminder"] == seen(world, made)
    assert (told["reminder"]["state"], told["reminder"]["occurrence"]) == ("fired", 1)
    assert (told["planned_for"], told["late"]) == ("2026-11-24T12:00:00Z", False)
    assert told["actor"] == {"type": "system", "name": "clock"} and told["feedback"]["id"] == item["id"]
    assert [(person["name"], person["as"]) for person in told["told"]] == [("Alice", "receiver"), ("Bob", "receiver")]
    assert tick(world, noon + 2 * DAY) == []
    invariants.check(world.service.database)


def test_what_came_due_while_the_service_was_down_is_told_late_and_once(world: World, noon: datetime) -> None:
    remind(world.olga, world.feedback(), noon + HOUR)
    assert tick(world, noon + HOUR + timedelta(minutes=5))[0]["late"] is False
    remind(world.olga, world.feedback(), noon + 2 * HOUR)
    daily = remind(world.olga, world.feedback(), noon + 3 * HOUR, every="P1D")
    told = tick(world, noon + 10 * DAY)
    assert [data["late"] for data in told] == [True, True]
    assert told[1]["planned_for"] == "2026-11-23T15:00:00Z"
    again = seen(world, daily)
    assert (again["state"], again["remind_at"], again["occurrence"]) == ("planned", "2026-12-03T15:00:00Z", 1)
    assert tick(world, noon + 10 * DAY) == []


def test_it_comes_again_at_the_same_time_on_the_wall_of_whoever_set_it(world: World, noon: datetime) -> None:
    world.olga.expect(200, "PATCH", "/me", {"time_zone": "Europe/Berlin"})
    clock.freeze(datetime(2027, 3, 27, 8, 0, tzinfo=UTC))
    made = remind(world.olga, world.feedback(), datetime(2027, 3, 27, 16, 0, tzinfo=UTC), every="P1D")  # 17:00 there
    for day, hour in ((27, 16), (28, 15), (29, 15)):
        at = datetime(2027, 3, day, hour, 0, tzinfo=UTC)
        assert seen(world, made)["remind_at"] == at.isoformat().replace("+00:00", "Z")
        assert len(tick(world, at)) == 1
    assert seen(world, made)["occurrence"] == 3
    world.olga.expect(204, "DELETE", f"/reminders/{made['id']}")
    assert tick(world, datetime(2027, 5, 1, tzinfo=UTC)) == []


def test_a_snoozed_repetition_does_not_move_the_others_unless_that_is_asked_for(world: World, noon: datetime) -> None:
    made = remind(world.olga, world.feedback(), noon + HOUR, every="P1D")
    later = (noon + 3 * HOUR).isoformat()
    world.olga.expect(200, "PATCH", f"/reminders/{made['id']}", {"remind_at": later})
    assert tick(world, noon + 2 * HOUR) == []
    assert len(tick(world, noon + 3 * HOUR)) == 1
    assert seen(world, made)["remind_at"] == "2026-11-24T13:00:00Z"
    changes = {"remind_at": (noon + DAY + 5 * HOUR).isoformat(), "every": "P2D"}
    world.olga.expect(200, "PATCH", f"/reminders/{made['id']}", changes)
    assert len(tick(world, noon + DAY + 5 * HOUR)) == 1
    assert seen(world, made)["remind_at"] == "2026-11-26T17:00:00Z"
    world.olga.expect(200, "PATCH", f"/reminders/{made['id']}", {"every": None})
    assert len(tick(world, noon + 3 * DAY + 5 * HOUR)) == 1
    assert seen(world, made)["state"] == "fired"


def test_many_clocks_tell_each_once(world: World, noon: datetime) -> None:
    item = world.feedback()
    for n in range(20):
        remind(world.olga, item, noon + HOUR, every="P1D" if n % 2 else None)
    clock.freeze(noon + HOUR)
    at_once([lambda: tell_reminders(world.service)] * 6)
    tell_reminders(world.service)
    ids = [event["data"]["subject"]["id"] for event in world.events(types="reminder.fired")]
    assert len(ids) == len(set(ids)) == 20
    invariants.check(world.service.database)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_what_another_process_is_telling_is_left_to_it(world: World, noon: datetime) -> None:
    """On SQLite there is one writer at a time."""
    remind(world.olga, world.feedback(), noon + HOUR)
    with Session(world.service.database.writer) as first, Session(world.service.database.writer) as second:
        assert personal_reminders.fire_due(first, now=noon + HOUR) == 1
        assert personal_reminders.fire_due(second, now=noon + HOUR) == 0
        first.commit()
        assert personal_reminders.fire_due(second, now=noon + HOUR) == 0
    assert len(world.events(types="reminder.fired")) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_what_is_snoozed_in_the_same_moment_is_not_told(world: World, noon: datetime) -> None:
    made = remind(world.olga, world.feedback(), noon + HOUR)
    clock.freeze(noon + HOUR)
    with Session(world.service.database.writer) as session:
        caller = callers.by_id(session, world.olga.id)
        assert caller is not None
        later = {"remind_at": noon + 2 * HOUR}
        personal_reminders.change(session, caller, made["id"], later, now=noon + HOUR)
        assert tick(world, noon + HOUR) == []
        session.commit()
    assert tick(world, noon + HOUR) == []
    assert len(tick(world, noon + 2 * HOUR)) == 1


def test_what_is_due_is_told_some_at_a_time(world: World, noon: datetime) -> None:
    item = world.feedback()
    for _ in range(5):
        remind(world.olga, item, noon + HOUR)

    def some(session: Session) -> int:
        return personal_reminders.fire_due(session, now=noon + HOUR, count=2)

    assert [world.service.database.transaction(some) for _ in range(4)] == [2, 2, 1, 0]


def test_the_mail_says_what_was_to_be_remembered_and_can_put_it_off(mailbox: Post, noon: datetime) -> None:
    world = mailbox.world
    world.alice.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})
    made = remind(world.olga, world.feedback("My miles are <missing>."), noon + HOUR, **{"for": [world.alice.email]})
    mailbox.later()
    tick(world, noon + HOUR)
    [taken] = mailbox.later()
    assert (taken.recipient, taken.message["Subject"]) == ("alice@example.com", "Reminder: Call back")
    text = taken.part("plain").replace("\r\n", "\n")
    for words in ("You are reminded of feedback #", "> Call back", "Set by: Olga", "> My miles are <missing>."):
        assert words in text
    assert list(links(taken)) == ["Remind me later", "Choose what you hear of"]

    link = "/l/" + links(taken)["Remind me later"].rsplit("/", 1)[1]
    page = get(world, link)
    assert page.status_code == 200 and "Call back" in page.text and "&lt;missing&gt;" in page.text
    assert seen(world, made)["state"] == "fired"  # looking at it changes nothing
    for form in ({}, {"by": "century"}):
        wrong = post(world, link, **form)
        assert wrong.status_code == 422 and "Choose for how long." in wrong.text
    done = post(world, link, by="hour")
    assert done.status_code == 200 and "You will be reminded again." in done.text
    now = clock.now()
    assert "Mon 23 Nov 2026, 23:01" in done.text
    again = seen(world, made)
    assert (again["state"], again["remind_at"]) == ("planned", (now + HOUR).isoformat().replace("+00:00", "Z"))
    [event] = world.events(types="reminder.changed")
    assert event["data"]["actor"]["name"] == "Alice"
    for answer in (get(world, link), post(world, link, by="day")):
        assert answer.status_code == 410 and "used already" in answer.text and "<form" not in answer.text
    assert len(tick(world, now + HOUR)) == 1


def test_of_an_action_the_mail_tells_how_it_stands_and_what_can_be_done(mailbox: Post, noon: datetime) -> None:
    world = mailbox.world
    action = world.action("Alice")
    mailbox.later()
    body = {"action": action["id"], "remind_at": (noon + HOUR).isoformat(), "text": "Look at it"}
    world.alice.expect(201, "POST", "/reminders", body)
    tick(world, noon + HOUR)
    [taken] = mailbox.later()
    assert taken.message["Subject"] == "Reminder: Look at it"
    text = taken.part("plain").replace("\r\n", "\n")
    for words in ("Restore the miles\n", "State: Assigned", "> Look at it", f"/actions/{action['id']}\n"):
        assert words in text
    expected = ["Accept", "Finish", "Write a comment", "Remind me later", "Choose what you hear of"]
    assert list(links(taken)) == expected


def test_a_link_to_put_it_off_ends_with_the_reminder_and_with_its_person(mailbox: Post, noon: datetime) -> None:
    world = mailbox.world
    made = remind(
        world.olga, world.feedback(), noon + HOUR, every="P1D", **{"for": [world.alice.email, world.bob.email]}
    )
    tick(world, noon + HOUR)
    sent = {taken.recipient: "/l/" + links(taken)["Remind me later"].rsplit("/", 1)[1] for taken in mailbox.later()}
    assert post(world, sent["alice@example.com"], by="three_days").status_code == 200
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    assert get(world, sent["alice@example.com"]).status_code == 410
    world.olga.expect(204, "DELETE", f"/reminders/{made['id']}")
    closed = get(world, sent["bob@example.com"])
    assert closed.status_code == 200 and "not possible now" in closed.text and "<form" not in closed.text
    assert post(world, sent["bob@example.com"], by="day").status_code == 409


def test_reminders_that_are_told_together_are_one_mail(mailbox: Post, noon: datetime) -> None:
    world = mailbox.world
    for n in range(3):
        remind(world.olga, world.feedback(), noon + n * HOUR, text=f"Call {n}")
    assert len(tick(world, noon + 5 * HOUR)) == 3
    [taken] = mailbox.later()
    assert taken.message["Subject"].endswith("(and 2 more)")
    assert all(f"Call {n}" in taken.part("plain") for n in range(3))


def test_who_wants_no_reminders_gets_none_and_korean_readers_korean_ones(mailbox: Post, noon: datetime) -> None:
    world = mailbox.world
    world.alice.expect(200, "PATCH", "/me/preferences", {"notices": {"reminder.fired": "never"}})
    world.bob.expect(200, "PATCH", "/me", {"language": "ko"})
    remind(world.olga, world.feedback(), noon + HOUR, **{"for": [world.alice.email, world.bob.email]})
    tick(world, noon + HOUR)
    [taken] = mailbox.later()
    assert (taken.recipient, taken.message["Subject"]) == ("bob@example.com", "알림: Call back")
    assert "나중에 다시 알림" in taken.part("html")
