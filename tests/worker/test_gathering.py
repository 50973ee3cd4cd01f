"""Mails that are one with others: reminders within a quarter of an hour, one list a morning, a night without mail."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from cfm_workflow import clock
from cfm_workflow.ledger import outbox
from cfm_workflow.operations import reminders
from cfm_workflow.worker.reminders import tell_reminders
from tests.mailing import Post, links, receivers
from tests.smtp import Taken

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WEEK = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
LADDER = [
    {"after": "PT0S", "to": ["assignee"]},
    {"after": "PT30M", "to": ["lead"]},
    {"after": "PT40M", "to": ["lead"], "urgent": True},
]


@pytest.fixture
def hourly(post: Post) -> Post:
    """Work is to be accepted within an hour; the team's lead is told half an hour later, urgently at last."""
    ladders = {"accept": LADDER, "finish": []}
    policy = {"key": "hourly", "name": "Hourly", "targets": {"accept": "PT1H"}, "ladders": ladders}
    post.world.sam.expect(201, "POST", "/policies", policy)
    return post


def given(post: Post, *names: str, **fields: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = post.world.give(*names, policy="hourly", **fields)["actions"]
    return made


def at(post: Post, instant: datetime) -> list[Taken]:
    """Let the clock tell what is due by then, and what is due of the mails leave."""
    clock.freeze(instant)
    tell_reminders(post.service)
    return post.send()


def subjects(taken: list[Taken], name: str) -> list[str]:
    return [str(each.message["Subject"]) for each in taken if each.recipient.startswith(name.lower())]


def test_reminders_of_one_person_within_a_quarter_are_one_mail_but_for_the_first(hourly: Post, noon: datetime) -> None:
    for minutes in range(0, 20, 4):
        clock.freeze(noon + minutes * MINUTE)
        given(hourly, "Alice", title=f"Number {minutes}")
    at(hourly, noon + 59 * MINUTE)
    due = noon + HOUR
    assert subjects(at(hourly, due), "alice") == ["Reminder: Number 0"]
    for minutes in (4, 8, 12):
        assert subjects(at(hourly, due + minutes * MINUTE), "alice") == []
    [gathered] = subjects(at(hourly, due + 15 * MINUTE), "alice")
    assert gathered == "Reminder: Number 4 (and 2 more)"
    assert subjects(at(hourly, due + 16 * MINUTE), "alice") == []  # the next window
    assert subjects(at(hourly, due + 30 * MINUTE), "alice") == ["Reminder: Number 16"]


def test_those_above_have_one_list_in_the_morning_but_for_what_is_urgent(hourly: Post, noon: datetime) -> None:
    for minutes in (0, 45):
        clock.freeze(noon + minutes * MINUTE)
        given(hourly, "Alice", title=f"Number {minutes}")
    at(hourly, noon + 89 * MINUTE)
    assert subjects(at(hourly, noon + 90 * MINUTE), "lea") == []
    assert subjects(at(hourly, noon + 100 * MINUTE), "lea") == ["Late: Number 0"]  # urgent
    assert subjects(at(hourly, noon + 135 * MINUTE), "lea") == []
    assert subjects(at(hourly, noon + 145 * MINUTE), "lea") == ["Late: Number 45"]
    morning = noon + 21 * HOUR  # Tuesday at nine
    assert subjects(at(hourly, morning - MINUTE), "lea") == []
    [listed] = subjects(at(hourly, morning), "lea")
    assert listed == "Late: Number 0 (and 1 more)"


def test_of_several_reminders_of_an_action_a_mail_tells_the_latest(hourly: Post, noon: datetime) -> None:
    given(hourly, "Alice")
    clock.freeze(noon + 100 * MINUTE)  # two of those for the lead were missed
    [mail] = [each for each in at(hourly, noon + 100 * MINUTE) if each.recipient.startswith("lea")]
    assert str(mail.message["Subject"]) == "Late: Restore the miles"
    assert len(hourly.world.events(types="action.escalated")) == 2


def test_a_reminder_can_be_quieted_from_its_mail_by_whoever_it_reminds(hourly: Post, noon: datetime) -> None:
    given(hourly, "Alice")
    at(hourly, noon + 90 * MINUTE)
    told = at(hourly, noon + 100 * MINUTE)
    [mail] = [each for each in told if each.recipient.startswith("lea")]
    assert set(links(mail)) >= {"Acknowledge"}
    assert "Accept" not in links(mail)  # she leads, and has nothing to accept
    path = urlsplit(links(mail)["Acknowledge"]).path
    client = hourly.world.app.test_client()
    assert client.get(path).status_code == 200
    done = client.post(path)
    assert done.status_code == 200 and "quiet for two business days" in done.text
    [event] = hourly.world.events(types="action.acknowledged")
    assert event["data"]["actor"]["name"] == "Lea"
    assert event["data"]["action"]["quiet_until"] == "2026-11-25T13:40:00Z"
    assert client.post(path).status_code == 410
    assert at(hourly, noon + 24 * HOUR) == []


def test_nobody_is_reminded_in_the_morning_of_what_was_finished_in_the_night(hourly: Post, noon: datetime) -> None:
    [action] = given(hourly, "Alice")
    at(hourly, noon + 90 * MINUTE)
    hourly.world.alice.fire(action, "complete", through=True, outcome="fixed")
    assert "lea" not in receivers(at(hourly, noon + 2 * HOUR)) + receivers(at(hourly, noon + 48 * HOUR))


def test_nobody_is_reminded_of_what_somebody_else_does_by_now(hourly: Post, noon: datetime) -> None:
    works(hourly, "Alice", {"tue": [["09:00", "18:00"]]})
    [action] = given(hourly, "Alice")
    hourly.later()
    at(hourly, noon + HOUR)
    hourly.world.olga.fire(action, "reassign", assignee="bob@example.com", reason="On holiday.")
    [mail] = [each for each in at(hourly, noon + 21 * HOUR) if each.recipient.startswith("alice")]
    body = mail.message.get_body(("plain",))
    assert body is not None and "waits for you" not in body.get_content()


def test_a_long_night_ends_with_one_list(hourly: Post, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAILS_LOOKED_AT", 2)
    for minutes in range(5):
        clock.freeze(noon + minutes * MINUTE)
        given(hourly, "Alice", title=f"Number {minutes}")
    hourly.later()
    for minutes in range(6):
        at(hourly, noon + (90 + minutes) * MINUTE)
    clock.freeze(noon + 21 * HOUR)
    [listed] = subjects(hourly.send(), "lea")
    assert listed == "Late: Number 0 (and 4 more)"


def test_what_is_late_is_one_mail_however_many_batches_it_takes(
    hourly: Post, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    item = hourly.world.feedback()
    for _ in range(5):
        given(hourly, "Alice", item=item)
    hourly.later()
    clock.freeze(noon + 70 * MINUTE)
    for seconds in range(4):
        clock.freeze(noon + 70 * MINUTE + timedelta(seconds=seconds))
        hourly.service.database.transaction(lambda session: reminders.fire_due(session, now=clock.now(), count=2))
        assert subjects(hourly.send(), "alice") == []
    assert subjects(at(hourly, noon + 71 * MINUTE), "alice") == ["Reminder: Restore the miles (and 4 more)"]


def works(post: Post, name: str, week: Any = WEEK) -> None:
    post.world.people[name].expect(200, "PATCH", "/me/preferences", {"working_hours": week})


def test_a_night_without_mail_ends_with_one(post: Post, noon: datetime) -> None:
    works(post, "Alice")
    clock.freeze(noon + 8 * HOUR)
    action, *_ = (post.world.give("Alice", "Bob", title=f"Number {n}")["actions"][0] for n in range(3))
    assert receivers(post.later()) == ["bob"] * 3
    post.world.olga.fire(action, "cancel", reason="It is over.")
    assert receivers(post.later()) == []
    clock.freeze(noon + 21 * HOUR - MINUTE)
    assert post.send() == []
    [listed] = post.later()
    assert listed.recipient.startswith("alice") and "(and 3 more)" in str(listed.message["Subject"])
    assert post.later(timedelta(days=1)) == []


def test_what_was_undone_in_the_night_is_never_told(post: Post, noon: datetime) -> None:
    works(post, "Olga")
    action = post.world.action()
    post.later()
    clock.freeze(noon + 10 * HOUR)
    post.world.alice.fire(action, "complete", through=True, outcome="fixed")
    clock.freeze(noon + 10 * HOUR + 5 * MINUTE)
    post.world.alice.fire(action, "undo")
    assert "olga" not in receivers(post.later(timedelta(days=1)))


def test_urgent_work_does_not_wait_for_the_morning(post: Post, noon: datetime) -> None:
    works(post, "Alice")
    clock.freeze(noon + 8 * HOUR)
    post.world.give("Alice", priority="urgent")
    assert receivers(post.later()) == ["alice"]


def test_working_hours_are_those_of_the_persons_own_clock(post: Post, noon: datetime) -> None:
    works(post, "Alice")
    post.world.alice.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})
    post.world.give("Alice")  # 21:00 in Seoul
    assert receivers(post.later()) == []
    assert receivers(post.later(11 * HOUR)) == []
    assert receivers(post.later(HOUR)) == ["alice"]
    assert post.world.alice.get("/me/preferences")["working_hours"] == WEEK
    works(post, "Alice", None)
    clock.freeze(noon + 34 * HOUR)
    post.world.give("Alice")
    assert receivers(post.later()) == ["alice"]


@pytest.mark.parametrize(
    ("week", "place"),
    [
        ({}, "working_hours"),
        ({"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}, "working_hours.mon.1"),
        ({"mon": [["9", "12"]]}, "working_hours.mon.0.0"),
        ({"someday": []}, "working_hours.someday"),
        ("always", "working_hours"),
    ],
)
def test_hours_without_sense_name_the_place(small_post: Post, week: Any, place: str) -> None:
    answer = small_post.world.alice.expect(422, "PATCH", "/me/preferences", {"working_hours": week})
    assert place in answer["errors"]
