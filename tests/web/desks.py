"""Pages as people see them: who is signed in, and in which language, width and colours. No tests here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser import Visit, visit
from tests.web.browsing import cookie
from tests.world import Person, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@dataclass(frozen=True, slots=True)
class Look:
    """A language, a width in CSS pixels and colours. `turn`: axe examines every other page in it, from this one on."""

    language: str
    width: int
    scheme: Literal["light", "dark"]
    turn: int | None = None

    @property
    def window(self) -> dict[str, Any]:
        return {"width": self.width, "scheme": self.scheme}

    def examines(self, number: int) -> bool:
        """Whether axe examines the page of this number."""
        return self.turn is None or number % 2 == self.turn

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}"


# Between them each language, width and colour once, and axe sees each page once; everything together takes eight times
# as long.
QUICK = (Look("ko", 1280, "light", turn=0), Look("en", 390, "dark", turn=1))
ALL = [Look(*look) for look in product(("en", "ko"), (1280, 390), ("light", "dark"))]
LOOKS = [*(pytest.param(look, id=str(look)) for look in QUICK),
         *(pytest.param(look, id=f"{look}-all", marks=pytest.mark.long) for look in ALL)]  # fmt: skip


class Desk:
    """Opens pages of a running service for somebody."""

    def __init__(self, browser: Browser, world: World, origin: str) -> None:
        self.browser, self.world, self.origin = browser, world, origin

    def open(self, person: Person | None, path: str, **more: Any) -> AbstractContextManager[Visit]:
        """A window in which this person is signed in (None: nobody is)."""
        cookies = {} if person is None else {"cfm_session": cookie(self.world, person)}
        return visit(self.browser, self.origin + path, cookies=cookies, **more)
