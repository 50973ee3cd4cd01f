"""Claims about the pages of supervision: each number leads to its rows, and many actions are changed at once."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from cfm_workflow import clock
from tests.api.statements import counted
from tests.reports.walking import rolled_up
from tests.web.browsing import Browser, signed_in
from tests.world import World

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PAGES = ("/supervision", "/supervision/process", "/supervision/trends", "/supervision/weekly?week=2026-W47")
_NUMBER = re.compile(r'<a class="sup-number[^"]*" href="(/supervision/(?:actions|feedback|stays)\?[^"]+)">([^<]+)</a>')
_COUNT = re.compile(r'class="sup-count">.*?<span class="desk-count">([0-9,]+)</span>', re.DOTALL)


@pytest.fixture
def week(small_world: World) -> World:
    """A week of work: two late, one of them put off before, one waiting for long, one finished, one undecided."""
    world = small_world
    clock.freeze(START)
    item = world.feedback(metric="nps", score=9, channel="web")
    late, kept, waits = (
        world.action("Alice", item=item, due_at=(START + timedelta(days=days)).isoformat()) for days in (2, 3, 30)
    )
    world.action("Bob", due_at=(START + timedelta(days=7)).isoformat())
    for action in (kept, waits):
        clock.freeze(START + timedelta(hours=3))
        world.alice.fire(action, "accept")
        world.alice.fire(action, "start")
    clock.freeze(START + timedelta(days=1))
    world.alice.fire(kept, "complete", outcome="fixed", root_cause="Import")
    world.alice.fire(waits, "wait", reason="Parts", until=(START + timedelta(days=60)).isoformat())
    change = {"due_at": (START + timedelta(days=5)).isoformat(), "reason": "The customer agreed."}
    world.olga.expect(200, "PATCH", f"/actions/{late['id']}", change)
    world.alice.fire(world.action("Alice", item=world.feedback()), "decline", reason="Nothing to do.")
    clock.freeze(NOW)
    return rolled_up(world)


def numbers(text: str) -> list[tuple[str, str]]:
    return [(unescape(path), said) for path, said in _NUMBER.findall(text)]


def listed(browser: Browser, path: str) -> int:
    found = _COUNT.search(browser.open(path).text)
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("path", PAGES)
def test_every_number_of_a_page_is_the_number_of_its_rows(week: World, path: str) -> None:
    sam = signed_in(week, week.sam)
    told = [(rows, said) for rows, said in numbers(sam.open(path).text) if said.isdecimal() and "metric=" not in rows]
    assert told
    assert [(rows, said) for rows, said in told if listed(sam, rows) != int(said)] == []


def test_the_first_look_tells_what_is_late_and_since_when_it_is_new(week: World) -> None:
    sam = signed_in(week, week.sam)
    assert [said for rows, said in numbers(sam.open("/supervision").text)[:4]] == ["2", "2", "1", "1"]

    sam.send(sam.form("/supervision", "/supervision/reviewed"))
    assert "overdue=true&amp;due_from=" not in sam.open("/supervision").text
    clock.freeze(NOW + timedelta(days=3))
    week.action("Bob", due_at=(NOW + timedelta(days=4)).isoformat())
    clock.freeze(NOW + timedelta(days=5))
    fresh = re.search(r'href="(/supervision/actions\?overdue=true&amp;due_from=[^"]+)"', sam.open("/supervision").text)

    assert fresh is not None and listed(sam, unescape(fresh[1])) == 1


def test_the_map_shows_states_ways_and_the_slowest_and_says_the_same_as_a_table(week: World) -> None:
    text = signed_in(week, week.sam).open("/supervision/process").text
    drawing = text.partition("<svg viewBox")[2].partition("</svg>")[0]
    assert drawing.count("sup-state-name") == 7
    assert drawing.count('class="sup-edge is-slowest"') == 1
    ways = set(re.findall(r'aria-label="(\w[^",:]*, \w+): ', drawing))
    assert {"Assigned → Accepted, Accept", "In progress → Done, Complete"} <= {unescape(way) for way in ways}
    assert text.partition("</svg>")[2].count("<tr>") >= len(ways)


def send(browser: Browser, ids: list[Any], status: int = 200, **typed: Any) -> str:
    """Pick rows and press a button; the page that comes."""
    form = browser.form("/supervision/actions?finished=false&sort=due_at", "/supervision/actions/bulk")
    return browser.send(form, status, ids=[str(ident) for ident in ids], **typed).text


def test_many_are_handed_on_and_put_off_each_for_itself(week: World) -> None:
    sam = signed_in(week, week.sam)
    mine = week.sam.expect(200, "GET", f"/actions?finished=false&assignee={week.alice.email}")["items"]
    open_ids = [action["id"] for action in mine]
    ended = week.sam.expect(200, "GET", "/actions?finished=true")["items"][0]["id"]

    told = send(sam, [*open_ids, ended], do="reassign", assignee=week.bob.email, reason="Alice is ill.")

    assert told.count('<li class="is-done">') == len(open_ids) and told.count('<li class="is-bad">') == 1
    assert {week.sam.get(f"/actions/{ident}")["assignee"]["name"] for ident in open_ids} == {"Bob"}
    send(sam, open_ids, do="extend", due_on="2026-12-04", reason="Parts are late.")
    assert {week.sam.get(f"/actions/{ident}")["due_at"][:10] for ident in open_ids} == {"2026-12-04"}
    send(sam, open_ids[:1], do="escalate", reason="The customer threatens to leave.")
    [raised] = week.events(types="action.raised")
    assert raised["data"]["action"]["id"] == open_ids[0]


@pytest.mark.parametrize(
    ("ids", "typed"),
    [
        ([], {"do": "reassign", "assignee": "bob@example.com", "reason": "Why not."}),
        ([1], {"do": "reassign", "assignee": "bob@example.com", "reason": " "}),
        ([1], {"do": "reassign", "reason": "Why not."}),
        ([1], {"do": "extend", "due_on": "soon", "reason": "Why not."}),
        ([1], {"do": "vanish", "reason": "Why not."}),
        (["x"], {"do": "extend", "due_on": "2026-12-04", "reason": "Why not."}),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(week: World, ids: list[Any], typed: dict[str, str]) -> None:
    before = week.sam.get("/actions/1")
    text = send(signed_in(week, week.sam), ids, 422, **typed)

    assert "desk-said is-bad" in text
    if typed["reason"].strip():
        assert f'value="{typed["reason"]}"' in text
    assert week.sam.get("/actions/1") == before


@pytest.mark.parametrize(
    "path",
    [
        "/supervision?team=nobody",
        "/supervision/process?from=2026-11-24&to=2026-11-01",
        "/supervision/trends?by=century",
        "/supervision/weekly?week=2026-W60",
        "/supervision/actions?state=&sort=colour",
        "/supervision/actions?cursor=nonsense",
        "/supervision/stays?left_from=yesterday",
        "/supervision/feedback?metric=love",
    ],
)
def test_an_address_that_asks_for_nothing_sensible_is_refused_in_words(week: World, path: str) -> None:
    assert "desk-problem" in signed_in(week, week.sam).open(path, 422).text


def test_the_pages_are_for_supervisors_of_the_teams(week: World) -> None:
    for path in (*PAGES, "/supervision/actions", "/supervision/feedback", "/supervision/stays"):
        signed_in(week, week.mallory).open(path, 403)
    tom = signed_in(week, week.person("Tom", "supervisor", supervises=["care"]))
    legal = week.ada.post("/teams", {"key": "legal", "name": "Legal"})
    for path in ("/supervision", "/supervision/process", "/supervision/trends", "/supervision/weekly"):
        tom.open(path)
        tom.open(f"{path}?team={legal['id']}", 403)


def test_lists_go_on_page_by_page_with_their_filters(week: World) -> None:
    for _ in range(60):
        week.action("Bob")
    sam = signed_in(week, week.sam)
    first = sam.open("/supervision/actions?assignee=" + week.bob.email).text
    after = re.search(r'rel="next" href="([^"]+)"', first)
    assert after is not None

    assert first.count("data-pick aria-label") + sam.open(unescape(after[1])).text.count("data-pick aria-label") == 61


def test_pages_ask_the_database_as_often_whatever_there_is(week: World) -> None:
    sam = signed_in(week, week.sam)
    pages = (*PAGES, "/supervision/actions?finished=false")

    def asked() -> list[int]:
        found = []
        for path in pages:
            with counted(week.service) as statements:
                sam.open(path)
            found.append(sum(statements.values()))
        return found

    asked()  # what is kept in memory from the first time on
    few = asked()
    for name in ("Alice", "Bob", "Lea", "Mallory") * 3:
        week.action(name, due_at=(NOW - timedelta(hours=1)).isoformat())

    assert asked() == few
