"""Claims about the pages as people see them, in a real browser: every page, both languages, phone and desk, light and
dark; and what the keyboard does, also while Hangul is being composed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cfm_workflow import clock
from tests.browser import check
from tests.web.browsing import cookie
from tests.web.desks import LOOKS, Desk, Look
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser


INSIDE = (
    "/work",
    "/settings/me",
    "/settings/password",
    "/settings/sessions",
    "/settings/people/invite",
)
OUTSIDE = ("/sign-in", "/sign-in/link", "/nowhere", "/enter/nothing")


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_sound(desk: Desk, look: Look) -> None:
    world = desk.world
    now = clock.now()
    world.ada.expect(200, "PATCH", "/me", {"language": look.language})
    world.give("Ada", priority="urgent", due_at=(now - timedelta(days=1)).isoformat())
    world.give("Ada", title="고객에게 다시 전화하기 " * 5, due_at=(now + timedelta(days=1)).isoformat())

    with desk.open(world.ada, INSIDE[0], **look.window) as visited:
        for number, path in enumerate(INSIDE):
            visited.page.goto(desk.origin + path)
            assert visited.page.locator("html").get_attribute("lang") == look.language
            assert visited.page.locator("html").get_attribute("data-bs-theme") == look.scheme
            check(visited, origin=desk.origin, axe=look.examines(number))
        visited.page.locator(".desk-menu summary").click()
        visited.page.get_by_role("button", name="?", exact=True)
        check(visited, origin=desk.origin)
        visited.page.keyboard.press("Escape")
        visited.page.keyboard.press("Shift+Slash")
        visited.page.locator("dialog#keys[open]").wait_for()
        check(visited, origin=desk.origin)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_before_signing_in_is_sound(desk: Desk, look: Look) -> None:
    with desk.open(None, OUTSIDE[0], locale=look.language, **look.window) as visited:
        for number, path in enumerate(OUTSIDE):
            visited.page.goto(desk.origin + path)
            visited.said[:] = [line for line in visited.said if "404" not in line and "410" not in line]
            assert visited.page.locator("html").get_attribute("lang") == look.language
            check(visited, origin=desk.origin, axe=look.examines(number))


def test_enter_while_hangul_is_composed_sends_nothing_and_then_everything_once(desk: Desk) -> None:
    with desk.open(desk.world.ada, "/settings/me") as visited:
        page = visited.page
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
        page.locator("#name").fill("")
        page.locator("#name").focus()
        keyboard = page.context.new_cdp_session(page)
        for composed in ("ㄱ", "기", "김"):
            keyboard.send("Input.imeSetComposition", {"text": composed, "selectionStart": 1, "selectionEnd": 1})
        keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "code": "Enter"})
        assert sent == []
        keyboard.send("Input.insertText", {"text": "김"})
        page.keyboard.insert_text("하늘")
        with page.expect_navigation():
            page.keyboard.press("Enter")

        assert len(sent) == 1
        assert desk.world.ada.get("/me")["name"] == "김하늘"


def test_no_shortcut_acts_while_somebody_types_or_composes(desk: Desk) -> None:
    with desk.open(desk.world.ada, "/settings/me") as visited:
        page = visited.page
        page.locator("#name").press("g")
        page.locator("#name").press("w")
        page.locator("#name").press("Shift+Slash")
        assert page.url.endswith("/settings/me") and page.locator("dialog[open]").count() == 0
        page.locator("#name").evaluate("element => element.blur()")
        page.evaluate(
            "document.body.dispatchEvent(new KeyboardEvent('keydown',"
            " {code: 'Slash', key: 'Process', shiftKey: true, keyCode: 229, bubbles: true}))"
        )
        assert page.locator("dialog[open]").count() == 0

        page.keyboard.press("g")
        page.keyboard.press("w")
        page.wait_for_url("**/work")


def test_rows_are_walked_by_keys_and_the_sheet_lists_them(desk: Desk) -> None:
    for _ in range(3):
        desk.world.action("Alice")
    with desk.open(desk.world.alice, "/work") as visited:
        page = visited.page
        for key in "jjjjk":
            page.keyboard.press(key)
        rows = page.locator("[data-row]")
        assert rows.nth(1).evaluate("row => row === document.activeElement")
        page.keyboard.press("Shift+Slash")
        keys = page.locator("#keys kbd").all_inner_texts()
        assert {"J", "K", "G", "W", "?"} <= set(keys)
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0


def test_typed_text_comes_back_after_the_session_has_ended(desk: Desk) -> None:
    world = desk.world
    with desk.open(world.ada, "/settings/people/invite") as visited:
        page = visited.page
        page.locator("#email").fill("nora@example.com")
        page.locator("#name").fill("Nora")
        page.context.clear_cookies()
        page.locator("#name").press("Enter")
        page.wait_for_url("**/sign-in?next=*")
        page.context.add_cookies([{"name": "cfm_session", "value": cookie(world, world.ada), "url": desk.origin}])
        page.goto(f"{desk.origin}/settings/people/invite")

        assert page.locator("#email").input_value() == "nora@example.com"
        page.locator(".desk-kept").wait_for()
        check(visited, origin=desk.origin)
        with page.expect_navigation():
            page.locator("#name").press("Enter")
        page.goto(f"{desk.origin}/settings/people/invite")
        assert page.locator("#email").input_value() == ""


def test_a_double_click_sends_once(desk: Desk) -> None:
    with desk.open(desk.world.ada, "/settings/people/invite") as visited:
        page = visited.page
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        page.locator("#email").fill("nora@example.com")
        page.locator("#name").fill("Nora")
        page.locator("form[data-keep] button").dblclick()
        page.locator(".desk-said").wait_for()

        assert len(sent) == 1


def test_an_open_page_shows_what_others_do_and_holds_what_would_move_the_row_in_use(desk: Desk) -> None:
    world = desk.world
    first = world.action("Alice", due_at="2099-01-01T12:00:00Z")
    with desk.open(world.alice, "/work") as visited:
        page = visited.page
        row = page.locator(f"#action-{first['id']}")
        page.keyboard.press("j")
        world.alice.fire(first, "accept")
        row.get_by_text("Accepted").wait_for()
        assert row.evaluate("row => row === document.activeElement")

        sooner = world.action("Alice", due_at="2098-01-01T12:00:00Z")
        page.locator(".desk-held").wait_for()
        assert page.locator(f"#action-{sooner['id']}").count() == 0
        page.locator("[data-show]").click()
        page.locator(f"#action-{sooner['id']}").wait_for()
        check(visited, origin=desk.origin)


def test_it_works_without_javascript(browser: Browser, small_world: World, live_server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "cfm_session", "value": cookie(small_world, small_world.ada), "url": live_server}])
    page = context.new_page()
    page.goto(f"{live_server}/settings/me")
    page.locator("#name").fill("Ada Lovelace")
    page.locator("#name").press("Enter")
    page.locator(".desk-said").wait_for()
    page.locator(".desk-menu summary").click()
    page.locator(".desk-menu button[value=dark]").click()

    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    context.close()
