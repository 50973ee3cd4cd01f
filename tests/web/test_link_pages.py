"""The pages behind links in a browser: by eye, keyboard and phone, light and dark, in English and Korean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import Visit, visit
from tests.web.sent_links import reminded, sent
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PURPOSES = ("accept", "complete", "comment", "preferences", "snooze", "weekly_report")
LOOKS = (("en", "light"), ("ko", "dark"))


def speak(world: World, language: str) -> None:
    about = {"language": language, "time_zone": "Asia/Seoul"}
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", about)


def action(world: World) -> dict[str, object]:
    """Words that break no line by themselves, as they come in from machines."""
    item = world.feedback("x" * 300 + " My miles are missing.\n" + "마일리지가 적립되지 않았습니다. " * 20)
    more = {"title": "Restore_the_miles_" * 8, "description": "y" * 500, "due_at": "2026-12-01T16:00:00Z"}
    made: dict[str, object] = world.give("Alice", item=item, **more)["actions"][0]
    return made


def violations(visited: Visit) -> list[tuple[str, list[object]]]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found = Axe().run(visited.page).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_fits_a_phone_and_asks_no_other_host(
    browser: Browser, live_server: str, small_world: World, language: str, scheme: str
) -> None:
    speak(small_world, language)
    work, call = action(small_world), reminded(small_world, small_world.alice, "Call_them_back_" * 30)
    for purpose in PURPOSES:
        link = sent(small_world, small_world.alice, purpose, work, call)
        with visit(browser, live_server + link, width=320) as visited:
            assert visited.page.locator("html").get_attribute("lang") == language
            assert visited.page.evaluate("document.documentElement.scrollWidth") == 320, purpose
            visited.page.emulate_media(color_scheme=scheme)
            assert violations(visited) == [], purpose
            assert visited.said == []
            assert [address for address in visited.asked if not address.startswith((f"{live_server}/", "data:"))] == []


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_what_was_done_and_what_was_wrong_is_accessible_too(
    browser: Browser, live_server: str, small_world: World, language: str, scheme: str
) -> None:
    speak(small_world, language)
    work = action(small_world)
    wrong = sent(small_world, small_world.alice, "complete", work)
    accept = sent(small_world, small_world.alice, "accept", work)
    for link, marked in ((wrong, 1), (accept, 0), (accept, 0), ("/l/nothing", 0)):
        with visit(browser, live_server + link, width=320) as visited:
            if visited.page.get_by_role("button").count():
                visited.page.get_by_role("button").click()
            assert visited.page.locator("[aria-invalid]").count() == marked
            visited.page.emulate_media(color_scheme=scheme)
            assert violations(visited) == [], link
            assert visited.page.evaluate("document.documentElement.scrollWidth") == 320


def test_work_is_finished_by_keyboard_alone(browser: Browser, live_server: str, small_world: World) -> None:
    work = small_world.action("Alice")
    with visit(browser, live_server + sent(small_world, small_world.alice, "complete", work)) as visited:
        page = visited.page
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type("No outcome yet.")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("Choose an outcome.").wait_for()
        assert page.get_by_label("Reason").input_value() == "No outcome yet."
        outcome = page.get_by_label("Outcome")
        assert outcome.evaluate("field => field === document.activeElement")  # the first that is wrong
        described = outcome.get_attribute("aria-describedby")
        assert page.locator(f"#{described}").inner_text() == "Choose an outcome."
        page.keyboard.type("Fixed")
        for _ in range(4):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("status").wait_for()
        assert page.get_by_role("button").count() == 0
    shown = small_world.ada.get(f"/actions/{work['id']}")
    assert (shown["state"], shown["outcome"]) == ("done", "fixed")


def test_a_reminder_is_put_off_by_keyboard(browser: Browser, live_server: str, small_world: World) -> None:
    call = reminded(small_world, small_world.alice)
    with visit(browser, live_server + sent(small_world, small_world.alice, "snooze", reminder=call)) as visited:
        page = visited.page
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("status").wait_for()
        assert page.get_by_role("button").count() == 0
    assert small_world.alice.get(f"/reminders/{call['id']}")["remind_at"] < call["remind_at"]


def test_choices_are_saved_and_shown_as_saved(browser: Browser, live_server: str, small_world: World) -> None:
    with visit(browser, live_server + sent(small_world, small_world.alice, "preferences")) as visited:
        page = visited.page
        page.get_by_label("Accepted").select_option(label="Never")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").wait_for()
        assert page.get_by_label("Accepted").input_value() == "never"
    chosen = {kind: held["level"] for kind, held in small_world.alice.get("/me/preferences")["notices"].items()
              if held["source"] == "own"}  # fmt: skip
    assert chosen == {"action.accepted": "never"}
