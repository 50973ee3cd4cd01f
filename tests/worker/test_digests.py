"""Digests: one mail a day or a week with the figures of one's lists and what happened since."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock
from cfm_workflow.worker.digests import send_digests
from tests.mailing import Post, receivers
from tests.smtp import Taken

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def daily(post: Post) -> Post:
    """It is known when everybody's digest comes: on working days at eight."""
    send_digests(post.service)
    return post


def at(post: Post, instant: datetime) -> list[Taken]:
    clock.freeze(instant)
    post.send()
    before = len(post.sink.taken)
    send_digests(post.service)
    post.send()
    return post.sink.taken[before:]


def chooses(post: Post, name: str, **fields: Any) -> None:
    post.world.people[name].expect(200, "PATCH", "/me/preferences", fields)


def of(taken: list[Taken], name: str) -> str:
    [only] = [each for each in taken if each.recipient.startswith(name.lower())]
    return only.part("plain").replace("\r\n", "\n")


def test_what_waited_comes_in_the_morning_with_the_figures_of_the_lists(daily: Post, noon: datetime) -> None:
    world = daily.world
    works = [world.action("Alice", due_at=(noon + hours * HOUR).isoformat()) for hours in (1, 22, 100)]
    for action in works[:2]:
        world.alice.fire(action, "accept")
    world.pool_action()
    assert at(daily, noon + 19 * HOUR) == []
    told = at(daily, noon + 20 * HOUR)
    assert receivers(told) == ["alice", "olga"]
    [subject] = [str(each.message["Subject"]) for each in told if each.recipient.startswith("alice")]
    assert subject.startswith("Your digest: 3 unfinished, 1 overdue")
    text = of(told, "Alice")
    me = {"count": "true", "limit": 1}
    midnight = (noon + 36 * HOUR).isoformat()
    assert f"Unfinished actions of yours: {world.alice.get('/me/actions', **me)['total']}\n" in text
    assert f"Overdue: {world.alice.get('/me/actions', overdue='true', **me)['total']}\n" in text
    mine = {"assignee": "me", "overdue": "false", "finished": "false", "due_before": midnight}
    today = world.alice.get("/actions", **mine, **me)["total"]
    assert f"Due today: {today}\n" in text and today == 1
    assert f"Offered to your teams: {world.alice.get('/me/actions', offered='true', **me)['total']}\n" in text
    assert "2 pieces of news" in of(told, "Olga") and of(told, "Olga").count("Alice accepted") == 2


def test_a_piece_of_news_is_in_one_digest_only(daily: Post, noon: datetime) -> None:
    action = daily.world.action("Alice")
    daily.world.alice.fire(action, "accept")
    assert receivers(at(daily, noon + 20 * HOUR)) == ["olga"]
    assert receivers(at(daily, noon + 44 * HOUR)) == []
    daily.world.alice.fire(action, "start")
    assert "started" in of(at(daily, noon + 68 * HOUR), "Olga")


def test_it_comes_on_working_days_only(daily: Post, noon: datetime) -> None:
    friday = noon + 4 * DAY
    clock.freeze(friday)
    send_digests(daily.service)
    daily.send()
    daily.world.alice.fire(daily.world.action("Alice"), "accept")
    assert receivers(at(daily, friday + 20 * HOUR)) == receivers(at(daily, friday + 44 * HOUR)) == []
    assert receivers(at(daily, friday + 68 * HOUR)) == ["olga"]


def test_it_comes_when_the_person_chose_on_their_own_clock(daily: Post, noon: datetime) -> None:
    chooses(daily, "Olga", digest={"every": "week", "on": "wed", "at": "17:30"})
    daily.world.olga.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})
    send_digests(daily.service)  # knows the new instant
    shown = daily.world.olga.get("/me/preferences")["digest"]
    assert shown == {"every": "week", "on": "wed", "at": "17:30"}
    daily.world.alice.fire(daily.world.action("Alice"), "accept")
    wednesday = datetime.fromisoformat("2026-11-25T08:30:00+00:00")
    assert receivers(at(daily, wednesday - timedelta(minutes=1))) == []
    assert receivers(at(daily, wednesday)) == ["olga"]


def test_who_wants_none_gets_none(daily: Post, noon: datetime) -> None:
    chooses(daily, "Olga", digest={"every": "never"})
    daily.world.alice.fire(daily.world.action("Alice"), "accept")
    assert receivers(at(daily, noon + 20 * HOUR)) == receivers(at(daily, noon + 9 * DAY)) == []
    chooses(daily, "Olga", digest={"every": "day"})
    assert receivers(at(daily, noon + 12 * DAY)) == ["olga"]


def test_two_clocks_make_one_digest(daily: Post, noon: datetime) -> None:
    daily.world.alice.fire(daily.world.action("Alice"), "accept")
    clock.freeze(noon + 20 * HOUR)
    daily.send()
    for _ in range(2):
        send_digests(daily.service)
    assert receivers(daily.send()) == ["olga"]


@pytest.mark.parametrize(
    ("digest", "place"),
    [
        ({"every": "hour"}, "digest.every"), ({"on": "monday"}, "digest.on"), ({"at": "25:00"}, "digest.at"),
        ({"at": "24:00"}, "digest.at"), ({"when": "now"}, "digest.when"), ("daily", "digest"), (None, "digest"),
    ],
)  # fmt: skip
def test_a_rhythm_without_sense_names_the_place(small_post: Post, digest: Any, place: str) -> None:
    answer = small_post.world.alice.expect(422, "PATCH", "/me/preferences", {"digest": digest})
    assert place in answer["errors"]
