"""Pages as people see them: who is signed in, and in which language, width and colours. No tests here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import Visit, visit
from tests.web.browsing import cookie
from tests.world import Person, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Between them each language, width and colour once; every combination of them takes four times as long.
LOOKS = tuple(
    pytest.param(
        language,
        {"width": width, "scheme": scheme},
        id=f"{language}-{width}-{scheme}",
        marks=[] if (language, width, scheme) in {("ko", 1280, "light"), ("en", 390, "dark")} else pytest.mark.long,
    )
    for language in ("en", "ko")
    for width in (1280, 390)
    for scheme in ("light", "dark")
)


class Desk:
    """Opens pages of a running service for somebody."""

    def __init__(self, browser: Browser, world: World, origin: str) -> None:
        self.browser, self.world, self.origin = browser, world, origin

    def open(self, person: Person | None, path: str, **more: Any) -> AbstractContextManager[Visit]:
        """A window in which this person is signed in (None: nobody is)."""
        cookies = {} if person is None else {"cfm_session": cookie(self.world, person)}
        return visit(self.browser, self.origin + path, cookies=cookies, **more)
