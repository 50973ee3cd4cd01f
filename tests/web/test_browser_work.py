"""Claims about the pages of work in a real browser: a day by keyboard alone, two people on one action, how it looks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cfm_workflow import clock
from tests.browser import Visit, check
from tests.web.desks import LOOKS, Desk, Look
from tests.world import World

if TYPE_CHECKING:
    pass


def state_of(world: World, action: Any) -> str:
    return str(world.sam.get(f"/actions/{action['id']}")["state"])


def look_at(visited: Visit, desk: Desk, *, axe: bool = True) -> None:
    """Check a page; that there was no place for one more stream is no mistake: pages ask again and again then."""
    visited.said[:] = [line for line in visited.said if "503" not in line]
    check(visited, origin=desk.origin, axe=axe)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_of_work_is_sound(desk: Desk, look: Look) -> None:
    world, now = desk.world, clock.now()
    world.alice.expect(200, "PATCH", "/me", {"language": look.language})
    actions = world.give("Alice", "Bob", due_at=(now + timedelta(minutes=1)).isoformat(), goal="No miles lost")[
        "actions"
    ]
    world.action("Alice", title="고객에게 다시 전화하기 " * 6, priority="urgent")
    world.pool_action()
    at = (now + timedelta(days=1)).isoformat()
    asked = world.give("Bob", by="Alice", due_at=(now + timedelta(hours=1)).isoformat())["actions"][0]
    for person, action in ((world.bob, asked), (world.alice, actions[0])):
        more = {"due_in": "P2D", "reason": "The part arrives on Thursday. 부품이 목요일에 도착합니다."}
        person.post(f"/actions/{action['id']}/extension", more)
    reminder = world.alice.post("/reminders", {"action": actions[0]["id"], "text": "Call back", "remind_at": at})
    one = f"/actions/{actions[0]['id']}"
    paths = ("/work", "/work?group=offered", "/work?state=waiting", one, f"{one}?do=complete", f"{one}?do=edit",
             f"{one}?do=ask-time", f"/actions/{asked['id']}", f"/actions/{asked['id']}?do=answer-time",
             "/inbox", "/reminders", f"/reminders/{reminder['id']}")  # fmt: skip

    with desk.open(world.alice, "/work", **look.window) as visited:
        for number, path in enumerate(paths):
            visited.page.goto(desk.origin + path)
            for fold in visited.page.locator("details.desk-fold > summary").all():
                fold.click()
            look_at(visited, desk, axe=look.examines(number))
        visited.page.goto(f"{desk.origin}/work")
        row = visited.page.locator(f"#action-{actions[0]['id']}")
        row.locator("summary").click()
        row.locator(".desk-menu-list a").first.click()
        visited.page.locator("[data-step]").wait_for()
        look_at(visited, desk)


def test_a_day_by_keyboard_alone(desk: Desk) -> None:
    world, now = desk.world, clock.now()
    first, second, third, fourth = (
        world.action("Alice", title=f"number {n}", due_at=(now + timedelta(days=n)).isoformat()) for n in (1, 2, 3, 4)
    )
    with desk.open(world.alice, "/") as visited:
        page, press = visited.page, visited.page.keyboard.press
        page.wait_for_url("**/work")
        row = page.locator(f"#action-{first['id']}")

        press("j")
        press("a")
        row.locator(".desk-pill.is-active").wait_for()
        assert row.evaluate("row => row === document.activeElement")
        assert state_of(world, first) == "accepted"
        press("u")
        page.locator(".desk-said").wait_for()
        assert state_of(world, first) == "assigned"

        press("j")
        press("s")
        row.locator("[value=release]").wait_for(state="attached")
        assert state_of(world, first) == "in_progress"
        press("w")
        row.locator("[data-step] [name=until]").wait_for()
        row.locator("[data-step] [name=reason]").focus()
        page.keyboard.type("Waiting for parts")
        press("Control+Enter")
        row.locator(".desk-pill.is-waiting").wait_for()
        assert state_of(world, first) == "waiting"

        press("j")
        press("d")
        row = page.locator(f"#action-{second['id']}")
        row.locator("[data-step] select").first.wait_for()
        page.keyboard.type("Fixed")
        press("Tab")
        press("Control+Enter")
        row.locator(".desk-pill.is-done").wait_for()
        assert state_of(world, second) == "done"
        press("u")
        row.locator(".desk-pill.is-done").wait_for(state="detached")
        assert state_of(world, second) != "done"

        page.goto(f"{desk.origin}/work")
        press("j")
        press("j")
        press("Shift+D")
        row = page.locator(f"#action-{third['id']}")
        row.locator("[data-step] textarea").first.wait_for()
        page.keyboard.type("Not for us")
        press("Control+Enter")
        row.locator(".desk-pill.is-dropped").wait_for()

        press("j")
        press("x")
        page.locator(".work-bulk.is-shown").wait_for()
        assert page.locator("[data-pick]:checked").get_attribute("value") == str(fourth["id"])
        press("Enter")
        page.wait_for_url(f"**/actions/{fourth['id']}")
        press("a")
        page.locator(".desk-said").wait_for()
        assert state_of(world, fourth) == "accepted"
        press("c")
        page.keyboard.type("On it")
        press("Control+Enter")
        page.get_by_text("On it").first.wait_for()
        press("g")
        press("i")
        page.wait_for_url("**/inbox")
        assert [line for line in visited.said if line.startswith(("error", "uncaught"))] == []


def test_news_that_arrives_while_a_row_is_asked_for_does_not_take_its_form(desk: Desk) -> None:
    world = desk.world
    first, second = (world.action("Alice", title=title) for title in ("The first", "The second"))
    held: dict[str, Any] = {}

    def hold(route: Any) -> None:
        name = "form" if "do=complete" in route.request.url else "news"
        if route.request.headers.get("hx-request") and name not in held:
            held[name] = route
        else:
            route.continue_()

    with desk.open(world.alice, "/work") as visited:
        page = visited.page
        rows = {each["id"]: page.locator(f"#action-{each['id']}") for each in (first, second)}
        rows[first["id"]].focus()
        page.route(lambda url: url.endswith("/work") or "do=complete" in url, hold)
        with page.expect_request(lambda request: request.url.endswith("/work") and request.method == "GET"):
            world.alice.fire(second, "accept")
        rows[second["id"]].focus()
        with page.expect_request(lambda request: "do=complete" in request.url):
            page.keyboard.press("d")
        with page.expect_response(lambda answer: answer.url.endswith("/work")) as news:
            held["news"].continue_()
        news.value.finished()
        held["form"].continue_()
        rows[second["id"]].locator("[data-step] select").first.wait_for()


def test_two_people_on_one_action_see_each_other_and_lose_nothing(desk: Desk) -> None:
    world = desk.world
    action = world.action("Alice")
    with desk.open(world.alice, "/work") as hers:
        row = hers.page.locator(f"#action-{action['id']}")
        hers.page.keyboard.press("j")
        hers.page.keyboard.press("Shift+D")
        row.locator("[data-step] textarea").first.wait_for()
        hers.page.keyboard.type("Not for us, because")
        world.sam.expect(200, "PATCH", f"/actions/{action['id']}", {"priority": "urgent"})
        hers.page.keyboard.press("Control+Enter")
        row.locator(".work-news").wait_for()
        assert "Sam" in row.locator(".work-news").inner_text()
        assert row.locator("[data-step] textarea").first.input_value() == "Not for us, because"

        with desk.open(world.olga, f"/actions/{action['id']}") as other:
            other.page.locator("[data-keep^=comment] textarea").fill("Half a sentence")
            row.locator("[data-step] textarea").first.focus()
            hers.page.keyboard.press("Control+Enter")
            row.locator(".desk-pill.is-dropped").wait_for()

            other.page.locator("[data-held] [data-show]").click()
            other.page.locator(".desk-pill.is-dropped").wait_for()
            assert other.page.locator("[data-keep^=comment] textarea").input_value() == "Half a sentence"


def test_what_others_do_changes_a_row_in_place(desk: Desk) -> None:
    world = desk.world
    action = world.action("Alice")
    with desk.open(world.alice, "/work") as visited:
        visited.page.locator(f"#action-{action['id']}").hover()
        world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"title": "Restore all miles"})

        visited.page.get_by_text("Restore all miles").wait_for()
