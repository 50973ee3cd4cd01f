"""Headless Chromium for tests of pages, what a page said and asked for meanwhile, and what axe finds wrong with it. It
knows no page of ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",  # it opens nothing but our own pages, and root has no sandbox
    "--disable-dev-shm-usage",  # containers give /dev/shm too little
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Visit:
    """A page with what it wrote to the console (errors among it) and the addresses it asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Without one the test is skipped with the reason; in CI (`CI` set) it fails."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("the Python package playwright is not installed")
    executable = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if executable is None:
        _missing(f"none of {', '.join(EXECUTABLES)} is on PATH; .ci/install-browser installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser,
    address: str,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    cookies: Mapping[str, str] | None = None,
    locale: str = "en",
) -> Iterator[Visit]:
    """Opens `address` in a window of `width` CSS pixels that shares nothing with other windows."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale)
    for name, value in (cookies or {}).items():
        context.add_cookies([{"name": name, "value": value, "url": "/".join(address.split("/")[:3])}])
    context.set_default_timeout(60_000)  # milliseconds; on a busy machine the page of the API takes its time
    try:
        visited = Visit(context.new_page())
        visited.page.on("console", lambda message: visited.said.append(f"{message.type}: {message.text}"))
        visited.page.on("pageerror", lambda error: visited.said.append(f"uncaught: {error}"))
        visited.page.on("request", lambda request: visited.asked.append(request.url))
        visited.page.goto(address)
        yield visited
    finally:
        context.close()


RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds against WCAG 2.2 AA: the rule, and where."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found = Axe().run(page, options={"runOnly": list(RULES)}).response["violations"]
    return [(each["id"], [str(node["target"]) for node in each["nodes"]]) for each in found]


def check(visited: Visit, *, origin: str, axe: bool = True) -> None:
    """No error in the console (a violated CSP is one), nothing from elsewhere, nothing wider than the window, nothing
    that axe finds where it is to look: it takes longer than all the rest."""
    page = visited.page
    said = [line for line in visited.said if not line.startswith(("debug", "info", "log"))]
    assert said == [], f"{page.url}: {said}"
    assert [address for address in visited.asked if not address.startswith((origin, "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the window"
    wrong = violations(page) if axe else []
    assert wrong == [], f"{page.url}: {wrong}"


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"", "0", "false"}:
        pytest.skip(f"no browser: {reason}")
    pytest.fail(f"no browser: {reason}")
