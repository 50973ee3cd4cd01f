"""Headless Chromium for tests of pages, and what a page said and asked for meanwhile. It knows no page of ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

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
def visit(browser: Browser, address: str, *, width: int = 1280) -> Iterator[Visit]:
    """Opens `address` in a window of `width` CSS pixels that shares nothing with other windows."""
    context = browser.new_context(viewport={"width": width, "height": 900})
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


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"", "0", "false"}:
        pytest.skip(f"no browser: {reason}")
    pytest.fail(f"no browser: {reason}")
