"""Fixtures: one browser for all tests of a process, and a desk in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium
from tests.web.desks import Desk
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def desk(browser: Browser, small_world: World, live_server: str) -> Desk:
    return Desk(browser, small_world, live_server)
