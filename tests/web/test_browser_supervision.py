"""Claims about the pages of supervision in a real browser: both languages, phone and desk, light and dark."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cfm_workflow import clock
from tests.browser import check
from tests.reports.walking import rolled_up
from tests.web.desks import LOOKS, Desk, Look
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = (
    "/supervision",
    "/supervision/process",
    "/supervision/trends",
    "/supervision/weekly",
    "/supervision/actions?finished=false&sort=due_at",
    "/supervision/feedback?needs_decision=true",
    "/supervision/stays",
    "/supervision/actions?overdue=true&finished=true",
)


@pytest.fixture
def desk(browser: Browser, small_world: World, live_server: str) -> Desk:
    world, now = small_world, clock.now()
    item = world.feedback(metric="nps", score=9, channel="web")
    world.feedback(metric="nps", score=2, channel="phone")
    done, waits = (world.action("Alice", item=item) for _ in range(2))
    for action in (done, waits):
        world.alice.fire(action, "accept")
        world.alice.fire(action, "start")
    world.alice.fire(done, "complete", outcome="fixed", root_cause="Import")
    world.alice.fire(waits, "wait", reason="Parts", until=(now + timedelta(days=60)).isoformat())
    undecided = world.action("Alice", item=world.feedback(text="다시 열어 주세요. " * 30))
    world.alice.fire(undecided, "decline", reason="No.")
    world.give("Bob", title="고객에게 다시 전화하기 " * 5, due_at=(now - timedelta(days=4)).isoformat())
    world.give(assignees=[{"team": "care", "mode": "pool"}], due_at=(now - timedelta(days=1)).isoformat())
    return Desk(browser, rolled_up(world), live_server)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_of_supervision_is_sound(desk: Desk, look: Look) -> None:
    desk.world.sam.expect(200, "PATCH", "/me", {"language": look.language})
    with desk.open(desk.world.sam, PAGES[0], **look.window) as visited:
        for number, path in enumerate(PAGES):
            visited.page.goto(desk.origin + path)
            for fold in visited.page.locator("main details.desk-fold").all():
                fold.evaluate("fold => { fold.open = true }")
            check(visited, origin=desk.origin, axe=look.examines(number))


def test_rows_are_picked_by_keys_and_counted(desk: Desk) -> None:
    with desk.open(desk.world.sam, "/supervision/actions?finished=false&sort=due_at") as visited:
        page = visited.page
        for key in "jxjx":
            page.keyboard.press(key)
        assert page.locator("[data-picked]").inner_text() == "2"
        page.locator("[data-pick-all]").check()
        assert page.locator("input[data-pick]:checked").count() == page.locator("input[data-pick]").count()


def test_curves_are_drawn_of_what_the_table_says(desk: Desk) -> None:
    with desk.open(desk.world.sam, "/supervision/trends") as visited:
        page = visited.page
        page.locator("[data-chart=flow] canvas").wait_for()
        assert page.locator("[data-chart=flow] .u-series").count() == 4
        assert page.locator("#flow tbody tr").count() == 28
