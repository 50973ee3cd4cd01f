"""Claims about the pages of settings in a real browser: each of them, in both languages, on a phone and a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import check, visit
from tests.web.browsing import cookie
from tests.web.desks import LOOKS, Look
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = (
    "/settings/preferences",
    "/settings/absence",
    "/settings/tokens",
    "/settings/people",
    "/settings/people/4",
    "/settings/teams",
    "/settings/teams/1",
    "/settings/workflows",
    "/settings/workflows/standard",
    "/settings/policies",
    "/settings/policies/1",
    "/settings/calendars",
    "/settings/calendars/1",
    "/settings/labels",
    "/settings/labels/1",
    "/settings/templates",
    "/settings/templates/1",
    "/settings/outcomes",
    "/settings/outcomes/1",
    "/settings/root-causes",
    "/settings/root-causes/new",
    "/settings/webhooks",
    "/settings/webhooks/1",
    "/settings/webhooks/1/change",
    "/settings/deliveries/{delivery}",
    "/settings/integrations",
    "/settings/integrations/{integration}",
    "/settings/notices",
    "/settings/mails",
    "/settings/audit",
    "/settings/system",
)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_of_settings_is_sound(
    browser: Browser,
    small_world: World,
    live_server: str,
    names: dict[str, list[str]],
    look: Look,
) -> None:
    names["hooks.example.com"] = ["93.184.216.34"]
    ada = small_world.ada
    ada.expect(200, "PATCH", "/me", {"language": look.language})
    item = small_world.feedback()
    ada.expect(200, "PUT", f"/feedback/{item['id']}/labels/a-very-long-label-without-any-place-to-break-it-{'x' * 40}")
    small_world.action("Ada")
    hook = {"url": f"https://hooks.example.com/{'long/' * 30}", "event_types": ["action.*"], "state": "paused"}
    made = ada.post("/webhooks", hook)
    crm = ada.post("/integrations", {"name": "CRM", "scopes": ["events:read"]})
    known = {"delivery": ada.post(f"/webhooks/{made['id']}/test")["id"], "integration": crm["id"]}
    ada.expect(200, "PATCH", f"/users/{small_world.bob.id}", {"name": "Robert " * 20})

    cookies = {"cfm_session": cookie(small_world, ada)}
    with visit(browser, f"{live_server}/settings/me", cookies=cookies, **look.window) as visited:
        for number, path in enumerate(PAGES):
            visited.page.goto(live_server + path.format(**known))
            visited.page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
            check(visited, origin=live_server, axe=look.examines(number))


def test_a_preview_and_its_saving_by_mouse(browser: Browser, small_world: World, live_server: str) -> None:
    cookies = {"cfm_session": cookie(small_world, small_world.ada)}
    with visit(browser, f"{live_server}/settings/calendars/1", cookies=cookies) as visited:
        page = visited.page
        page.locator("#holidays").fill("2027-03-02 Company day")
        page.locator("button[value=preview]").click()
        page.locator("#preview").wait_for()
        check(visited, origin=live_server)
        page.locator("button[value=save]").click()
        page.locator(".desk-said").wait_for()

        assert small_world.ada.get("/calendars/1")["holidays"] == [{"date": "2027-03-02", "name": "Company day"}]
