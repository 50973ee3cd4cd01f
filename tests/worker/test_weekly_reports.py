"""The weekly report by mail: once per person and week, about the week that ended, to those who may see reports."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cfm_workflow import access, clock
from cfm_workflow.access import Caller
from cfm_workflow.models import Account, Delivery
from cfm_workflow.models.people import Role
from cfm_workflow.policy import weekly as policy
from cfm_workflow.policy.calendars import Calendar
from cfm_workflow.policy.deliveries import MAILS_AN_HOUR
from cfm_workflow.policy.digests import read
from cfm_workflow.policy.leaving import hours
from cfm_workflow.worker.digests import send_digests
from cfm_workflow.worker.weekly import send_reports
from tests.letters.test_letters import Seen
from tests.mailing import Post, links, receivers
from tests.reports.walking import rolled_up
from tests.smtp import Taken
from tests.web.browsing import signed_in

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
MONDAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
"""When the report of week 48 comes, which the world's noon lies in."""


@pytest.fixture
def awaited(post: Post) -> Post:
    """It is known when everybody's report comes, and something has happened in the week."""
    send_reports(post.service)
    worked(post)
    return post


def worked(post: Post) -> None:
    """One action of Alice's is done, one is new; Mallory, who is in no team, has one."""
    world = post.world
    done = world.action("Alice")
    for step in ("accept", "start"):
        world.alice.fire(done, step)
    world.alice.fire(done, "complete", outcome="fixed")
    world.action("Alice")
    world.action("Mallory")
    post.later()


def at(post: Post, instant: datetime) -> list[Taken]:
    """The reports that come by then."""
    clock.freeze(instant)
    post.send()
    send_reports(post.service)
    return post.send()


def chooses(post: Post, name: str, **fields: Any) -> None:
    post.world.people[name].expect(200, "PATCH", "/me/preferences", fields)


def weeks(post: Post) -> list[tuple[str, str]]:
    query = select(Account.name, Delivery.week).join(Account, Account.id == Delivery.account_id)
    rows = post.rows(query.where(Delivery.week.is_not(None)).order_by(Account.name, Delivery.week))
    return [tuple(row) for row in rows]


def text(taken: Taken) -> str:
    return taken.part("plain").replace("\r\n", "\n")


def test_supervisors_get_the_week_that_ended_with_the_figures_of_the_report(awaited: Post) -> None:
    rolled_up(awaited.world)
    assert at(awaited, MONDAY - timedelta(minutes=1)) == []
    [mail] = at(awaited, MONDAY)
    assert mail.recipient == awaited.world.sam.email
    report = awaited.world.sam.get("/reports/weekly")
    assert report["week"] == "2026-W48" and report["week"] in str(mail.message["Subject"])
    told = {each["figure"]: each["value"] for each in report["figures"]}
    assert (told["opened"], told["done"]) == (3, 1)
    assert "Opened: 3 (Week before: 0; ▲ 3)\n" in text(mail) and "Actions done: 1 (" in text(mail)
    for meaning in report["definitions"].values():
        assert meaning["definition"] in text(mail)


def test_each_figure_leads_to_its_rows_and_each_name_to_its_definition(awaited: Post) -> None:
    rolled_up(awaited.world)
    [mail] = at(awaited, MONDAY)
    sam = signed_in(awaited.world, awaited.world.sam)
    found = [urlsplit(link) for link in Seen(mail.part("html")).links if "/supervision/" in link]
    lists = [link for link in found if link.path != "/supervision/weekly"]
    names = [link for link in found if "means=" in link.query]
    assert len(lists) >= 4 and len(names) == 14
    for link in lists:
        assert 'class="sup-count"' in sam.open(f"{link.path}?{link.query}").text
    for link in names:
        assert f'id="{link.fragment}" open>' in sam.open(f"{link.path}?{link.query}").text
    signed_in(awaited.world, awaited.world.alice).open(f"{lists[0].path}?{lists[0].query}", 403)


def test_it_is_one_mail_a_week_however_often_the_clock_looks(awaited: Post) -> None:
    assert receivers(at(awaited, MONDAY)) == ["sam"]
    for later in (timedelta(0), HOUR, DAY, 6 * DAY):
        assert at(awaited, MONDAY + later) == []
    chooses(awaited, "Sam", digest={"every": "day", "on": "mon", "at": "09:30"})
    awaited.world.sam.expect(200, "PATCH", "/me", {"time_zone": "America/Los_Angeles"})
    assert at(awaited, MONDAY + 6 * DAY) == []
    assert receivers(at(awaited, MONDAY + WEEK + 9.5 * HOUR)) == ["sam"]
    assert weeks(awaited) == [("Sam", "2026-W48"), ("Sam", "2026-W49")]


def test_a_week_without_a_clock_costs_no_more_than_the_old_reports(awaited: Post) -> None:
    assert receivers(at(awaited, MONDAY + 3 * WEEK - 7 * HOUR)) == ["sam"]
    assert receivers(at(awaited, MONDAY + 3 * WEEK)) == ["sam"]
    assert weeks(awaited) == [("Sam", "2026-W50"), ("Sam", "2026-W51")]


def test_administrators_choose_it_others_cannot_and_nobody_needs_it(awaited: Post) -> None:
    world = awaited.world
    shown = {name: world.people[name].get("/me/preferences")["weekly_report"] for name in ("Ada", "Sam", "Alice")}
    assert shown == {"Ada": False, "Sam": True, "Alice": False}
    refused = world.alice.expect(403, "PATCH", "/me/preferences", {"weekly_report": True})
    assert "reports.read" in str(refused)
    chooses(awaited, "Ada", weekly_report=True)
    chooses(awaited, "Sam", weekly_report=False)
    assert receivers(at(awaited, MONDAY)) == ["ada"]
    world.ada.expect(200, "PATCH", f"/users/{world.sam.id}", {"role": "agent"})
    chooses(awaited, "Ada", weekly_report=False)
    assert at(awaited, MONDAY + WEEK) == []
    changes = [each["data"]["changes"] for each in world.events(types="user.changed")]
    assert {"weekly_report": {"from": None, "to": True}} in changes


def test_who_wants_it_again_gets_the_next_one_and_no_old_one(awaited: Post) -> None:
    chooses(awaited, "Sam", weekly_report=False)
    assert at(awaited, MONDAY + WEEK) == []
    chooses(awaited, "Sam", weekly_report=True)
    assert at(awaited, MONDAY + WEEK + HOUR) == []
    assert receivers(at(awaited, MONDAY + 2 * WEEK)) == ["sam"]
    assert weeks(awaited) == [("Sam", "2026-W50")]


def test_what_is_lined_up_is_not_sent_once_it_is_not_wanted_or_not_theirs(awaited: Post) -> None:
    chooses(awaited, "Ada", weekly_report=True)
    clock.freeze(MONDAY)
    send_reports(awaited.service)
    chooses(awaited, "Ada", weekly_report=False)
    awaited.world.ada.expect(200, "PATCH", f"/users/{awaited.world.sam.id}", {"role": "agent"})
    before = awaited.states().count("cancelled")
    assert awaited.send() == [] and awaited.states().count("cancelled") == before + 2


def test_a_supervisor_of_teams_reads_of_these_teams_alone(awaited: Post) -> None:
    world = awaited.world
    legal = {"key": "legal", "name": "Legal", "restricted": True, "members": [world.mallory.email]}
    world.ada.post("/teams", legal)
    tom, uma = (
        world.person(name, "supervisor", supervises=[team]) for name, team in (("Tom", "care"), ("Uma", "legal"))
    )
    send_reports(awaited.service)
    taken = {each.recipient: text(each) for each in at(awaited, MONDAY)}
    assert "Work of Customer care\n" in taken[tom.email] and "Work of Legal\n" in taken[uma.email]
    assert "Opened: 2 (" in taken[tom.email] and "Opened: 1 (" in taken[uma.email]
    assert "Opened: 3 (" in taken[world.sam.email] and "Work of" not in taken[world.sam.email]
    assert "Legal" not in taken[tom.email]


def test_it_is_written_in_korean_and_everything_leads_somewhere(awaited: Post) -> None:
    awaited.world.sam.expect(200, "PATCH", "/me", {"language": "ko"})
    send_reports(awaited.service)
    [mail] = at(awaited, MONDAY)
    assert str(mail.message["Subject"]) == "주간 보고서 2026-W48: 신규 3건, 종료 1건, 신규 기한 초과 0건"
    assert "신규: 3 (지난주: 0; ▲ 3)\n" in text(mail) and "2026년 11월 23일" in text(mail)
    seen = Seen(mail.part("html"))
    assert seen.language == "ko" and "None" not in seen.text and "Opened" not in seen.text


@pytest.mark.parametrize("shape", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_in_the_mail_program_ends_it(awaited: Post, shape: str) -> None:
    [mail] = at(awaited, MONDAY)
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = urlsplit(str(mail.message["List-Unsubscribe"]).strip("<>")).path
    client = awaited.world.app.test_client()
    assert address == urlsplit(links(mail)["No more weekly reports"]).path
    assert "<form" in client.get(address).text
    assert awaited.world.sam.get("/me/preferences")["weekly_report"] is True
    for _ in range(2):
        done = client.post(address, data={"List-Unsubscribe": "One-Click"}, content_type=shape)
        assert done.status_code == 200
    assert awaited.world.sam.get("/me/preferences")["weekly_report"] is False
    assert "<form" not in client.get(address).text
    assert at(awaited, MONDAY + WEEK) == []


def test_many_mails_in_an_hour_neither_swallow_it_nor_stand_in_it(awaited: Post) -> None:
    world = awaited.world
    send_digests(awaited.service)
    clock.freeze(MONDAY)
    awaited.send()
    for _ in range(MAILS_AN_HOUR + 2):
        world.olga.post(f"/actions/{world.action('Sam')['id']}/comments", {"comment": "Look."})
    send_reports(awaited.service)
    taken = awaited.later(timedelta(minutes=5)) + awaited.later(2 * HOUR)
    mine = [each for each in taken if each.recipient == world.sam.email]
    assert sum("Weekly report" in str(each.message["Subject"]) for each in mine) == 1
    assert sum(text(each).count("assigned “") for each in mine) >= MAILS_AN_HOUR + 2


@pytest.mark.parametrize("wanted", [None, "yes", 1, {}, ["true"]])
def test_a_choice_that_is_none_names_its_field(small_post: Post, wanted: Any) -> None:
    answer = small_post.world.sam.expect(422, "PATCH", "/me/preferences", {"weekly_report": wanted})
    assert list(answer["errors"]) == ["weekly_report"]


def test_the_page_of_preferences_shows_it_to_those_who_may_see_reports(small_post: Post) -> None:
    world = small_post.world
    path, field = "/settings/preferences", 'name="weekly_report" value="yes"'
    assert field not in signed_in(world, world.alice).open(path).text
    ada = signed_in(world, world.ada)
    assert f"{field} checked" not in ada.open(path).text
    ada.fill(path, weekly_report="yes")
    assert f"{field} checked" in ada.open(path).text
    form = ada.form(path, path)
    del form.fields["weekly_report"]
    ada.send(form)
    assert world.ada.get("/me/preferences")["weekly_report"] is False
    sam = signed_in(world, world.sam)
    sam.fill(path)  # which he does not choose by saving the rest
    assert small_post.rows(select(Account.weekly_report).where(Account.id == world.sam.id)) == [(None,)]


# -- when it comes, without a database -------------------------------------------------------------------------------

NEW_YORK, SEOUL, UTC_ZONE = ZoneInfo("America/New_York"), ZoneInfo("Asia/Seoul"), ZoneInfo("UTC")
OFFICE: Calendar = hours({day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}, "UTC")


def comes(monday: str, zone: ZoneInfo, own: ZoneInfo, works: Calendar = OFFICE, **rhythm: str) -> str:
    return str(policy.comes_at(date.fromisoformat(monday), zone, read(rhythm), own, works).astimezone(own))


def test_it_comes_with_the_first_digest_after_the_week_has_ended_where_the_service_is() -> None:
    assert comes("2026-11-16", UTC_ZONE, UTC_ZONE) == "2026-11-23 08:00:00+00:00"
    assert comes("2026-11-16", NEW_YORK, SEOUL) == "2026-11-24 08:00:00+09:00"  # on Monday it was Sunday there
    assert comes("2026-11-16", SEOUL, NEW_YORK) == "2026-11-23 08:00:00-05:00"
    assert comes("2026-11-16", UTC_ZONE, UTC_ZONE, at="00:00") == "2026-11-23 00:00:00+00:00"
    assert comes("2026-11-16", UTC_ZONE, UTC_ZONE, every="week", on="wed") == "2026-11-25 08:00:00+00:00"
    assert comes("2026-11-16", UTC_ZONE, UTC_ZONE, every="never", at="07:15") == "2026-11-23 07:15:00+00:00"
    tuesdays = hours({"tue": [["09:00", "17:00"]]}, "UTC")
    assert comes("2026-11-16", UTC_ZONE, UTC_ZONE, tuesdays) == "2026-11-24 08:00:00+00:00"


@pytest.mark.parametrize("zone", [NEW_YORK, ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe"), SEOUL])
@pytest.mark.parametrize("own", [NEW_YORK, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")])
def test_each_week_of_a_year_is_told_once_across_the_changes_of_clocks(zone: ZoneInfo, own: ZoneInfo) -> None:
    monday, told = date(2026, 1, 5), []
    for _ in range(52):
        instant = policy.comes_at(monday, zone, read(None), own, OFFICE)
        assert instant.astimezone(own).time() == time(8)
        assert policy.last_ended(zone, instant) == monday
        told.append(instant)
        monday += policy.WEEK
    assert told == sorted(set(told))


def test_the_roles_that_can_have_it_are_those_that_may_see_reports() -> None:
    may = {role.value for role in Role if access.allows(Caller("user", 1, "Ann", role.value), "reports.read")}
    assert set(policy.USUAL) == may and not policy.is_wanted("agent", chosen=True)
