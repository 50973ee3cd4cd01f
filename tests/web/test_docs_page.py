"""Claims about the API's docs page: it keeps to its own host and can be used by eye, keyboard and token."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cfm_workflow import web
from tests.browser import visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STATIC = Path(web.__file__).parent / "static"
VENDOR = STATIC / "vendor"
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("form", "action"), ("base", "href")}


class Markup(HTMLParser):
    """What a page loads, and what in it runs or styles inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        self.loaded += [value or "" for name, value in attrs if (tag, name) in LOADING or name == "data-openapi"]
        self.inline += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    web.register(app)
    return app.test_client()


def markup(client: FlaskClient, base_url: str | None = None) -> Markup:
    return Markup(client.get("/docs", base_url=base_url).text)


def vendored() -> dict[str, str]:
    """File name -> SHA-256 as written down in VENDOR.txt."""
    text = (VENDOR / "VENDOR.txt").read_text(encoding="utf-8")
    return {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", text, flags=re.MULTILINE)}


# --- the page and its files, without a browser ---


def test_the_page_needs_no_sign_in(client: FlaskClient) -> None:
    answer = client.get("/docs")

    assert answer.status_code == 200
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize("path", ["/docs", "/assets/docs.js", "/assets/vendor/swagger-ui/swagger-ui.css"])
def test_a_page_and_its_files_may_load_run_and_be_framed_by_nothing_foreign(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))

        assert policy["default-src"] == "'self'"
        assert policy["img-src"] == "'self' data:"
        assert policy["frame-ancestors"] == "'none'"
        assert not policy.keys() & {"script-src", "style-src", "connect-src"}  # nothing is wider than default-src
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_has_no_script_or_style_inline(client: FlaskClient) -> None:
    assert markup(client).inline == []


def test_everything_the_page_loads_is_named_relative_to_it(client: FlaskClient) -> None:
    loaded = markup(client).loaded

    assert len(loaded) >= 6
    assert [address for address in loaded if not re.match(r"data:|[a-z0-9]+[/.]", address)] == []


def test_the_page_is_the_same_under_a_prefix(client: FlaskClient) -> None:
    assert markup(client, "http://localhost/some/prefix").loaded == markup(client).loaded


def test_every_file_the_page_names_is_there(client: FlaskClient) -> None:
    named = [address for address in markup(client).loaded if address.startswith("assets/")]

    assert len(named) == 4
    for address in named:
        with client.get("/" + address) as answer:
            assert answer.status_code == 200, address


@pytest.mark.parametrize("sheet", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_a_stylesheet_loads_nothing_but_what_it_holds(sheet: Path) -> None:
    text = sheet.read_text(encoding="utf-8")

    assert "@import" not in text
    assert [url for url in re.findall(r"url\(\s*['\"]?([^)]{0,40})", text) if not url.startswith("data:")] == []


def test_our_script_names_no_host() -> None:
    assert "//" not in re.sub(r"\s// .*", "", (STATIC / "docs.js").read_text(encoding="utf-8"))


def test_vendored_files_are_those_written_down() -> None:
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path.name != "VENDOR.txt"]
    found = {path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert found == vendored()


# --- the page in a browser, on the running application ---

METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}


def operations(described: dict[str, Any], tag: str | None = None) -> list[dict[str, Any]]:
    """All that are described, or those under a tag."""
    paths = [*described["paths"].values(), *described["webhooks"].values()]
    found = [path[method] for path in paths for method in path.keys() & METHODS]
    return [each for each in found if tag is None or tag in each["tags"]]


def tags(described: dict[str, Any]) -> list[str]:
    """Every section there is to open."""
    return sorted({tag for each in operations(described) for tag in each["tags"]})


def test_the_page_shows_the_api_in_silence_and_asks_no_other_host(browser: Browser, live_server: str) -> None:
    with visit(browser, f"{live_server}/docs") as docs:
        docs.page.wait_for_selector(".opblock-tag")

        described = docs.page.evaluate("fetch('api/v1/openapi.json').then(answer => answer.json())")
        shown = docs.page.locator(".opblock-tag").evaluate_all("tags => tags.map(tag => tag.dataset.tag)")
        assert sorted(shown) == tags(described)
        docs.page.locator('.opblock-tag[data-tag="labels"]').click()
        docs.page.locator('[id^="operations-labels-"]').first.wait_for()
        assert docs.page.locator('[id^="operations-labels-"]').count() == len(operations(described, "labels"))
        assert docs.page.get_by_role("heading", name="Webhooks", exact=True).is_visible()
        assert docs.page.locator("#docs .plain code").inner_text() == f"{live_server}/api/v1"
        assert docs.page.locator("#docs .errors").count() == 0
        assert docs.said == []
        assert [address for address in docs.asked if not address.startswith((f"{live_server}/", "data:"))] == []


def test_a_pasted_token_goes_with_the_call_that_is_tried(browser: Browser, live_server: str) -> None:
    with visit(browser, f"{live_server}/docs") as docs:
        docs.page.wait_for_selector(".opblock-tag")
        docs.page.locator(".btn.authorize").focus()
        docs.page.keyboard.press("Enter")
        docs.page.locator("#auth-bearer-value").wait_for()
        docs.page.keyboard.type("cfm_pasted")  # the dialog takes the focus itself
        docs.page.keyboard.press("Enter")
        docs.page.get_by_text("Authorized", exact=True).wait_for()
        docs.page.keyboard.press("Escape")
        docs.page.locator("#auth-bearer-value").wait_for(state="hidden")
        docs.page.locator('.opblock-tag[data-tag="me"] .expand-operation').press("Enter")
        operation = docs.page.locator(".opblock-get").filter(has=docs.page.locator('[data-path="/me"]'))
        operation.locator(".opblock-summary-control").press("Enter")
        operation.get_by_role("button", name="Try it out").press("Enter")
        with docs.page.expect_request(f"{live_server}/api/v1/me") as sent:
            operation.get_by_role("button", name="Execute").press("Enter")

        assert sent.value.headers["authorization"] == "Bearer cfm_pasted"
        assert docs.page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_our_own_markup_is_accessible_and_fits_a_phone(browser: Browser, live_server: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    with visit(browser, f"{live_server}/docs", width=375) as docs:
        docs.page.wait_for_selector(".opblock-tag")
        assert docs.page.evaluate("document.documentElement.scrollWidth") == 375
        found = Axe().run(docs.page, context={"exclude": [["#docs .swagger-ui"]]}).response["violations"]

        assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
