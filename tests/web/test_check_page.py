"""The page on which customers say whether it is solved, in a browser: by keyboard, on a phone, for everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import Check
from cfm_workflow.security.letter_links import LetterPurpose, LetterSigner
from cfm_workflow.worker.closing import ask_customers
from tests.browser import visit
from tests.web.browsing import signed_in
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DAY = timedelta(days=1)


def asked(world: World, language: str) -> str:
    """The path of the link by which a customer of this language is asked now."""
    clock.freeze(clock.now() - 15 * DAY)
    customer = {"email": "kim@example.com", "language": language}
    item = world.feedback("x" * 300 + " My miles are missing.", customer=customer)
    action = world.give("Alice", item=item)["actions"][0]
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    call = {"channel": "phone", "direction": "out", "body": "Told her."}
    world.olga.post(f"/feedback/{item['id']}/messages", call)
    world.sam.post(f"/feedback/{item['id']}/close")
    clock.freeze(None)
    ask_customers(world.service)
    with world.service.database.reading() as session:
        message = session.scalars(select(Check.message_id).where(Check.feedback_id == item["id"])).one()
    token = LetterSigner(world.service.ring).sign(LetterPurpose.CHECK, message, expires_at=clock.now() + DAY)
    return f"/c/{token}"


def violations(page: Any) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    return [(each["id"], each["nodes"][0]["target"]) for each in Axe().run(page).response["violations"]]


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ko", "dark")])
def test_the_page_is_accessible_on_a_phone_and_answered_by_keyboard(
    browser: Browser, live_server: str, small_world: World, language: str, scheme: str
) -> None:
    with visit(browser, live_server + asked(small_world, language), width=320) as visited:
        page = visited.page
        page.emulate_media(color_scheme=scheme)
        assert page.locator("html").get_attribute("lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert violations(page) == [] and visited.said == []
        page.get_by_role("button").click()
        assert page.locator("[aria-invalid]").count() == 1 and violations(page) == []
        page.keyboard.press("Space")  # the first that is wrong has the focus: yes
        page.keyboard.press("Enter")
        page.get_by_role("status").wait_for()
        assert page.locator("input[value=yes]").is_checked() and violations(page) == []
    [event] = small_world.events(types="feedback.checked")
    assert event["data"]["check"]["answer"] == "confirmed"


def test_the_question_in_the_timeline_shows_no_place_that_is_still_to_be_filled(small_world: World) -> None:
    asked(small_world, "en")
    [item] = small_world.ada.get("/feedback")["items"]
    shown = signed_in(small_world, small_world.ada).open(f"/feedback/{item['id']}").text
    assert "Was it solved?" in shown and "{{" not in shown
