"""The frame around every page: what the navigation leads to, and what templates find without importing it."""

from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, g, request

from cfm_workflow import access
from cfm_workflow.queries import health
from cfm_workflow.texts import LANGUAGES, mark
from cfm_workflow.web import assets, door, pages


@dataclass(frozen=True, slots=True)
class Entry:
    """A way to a page, shown to those who have the right, once the page is there. `key` presses it after `g`."""

    path: str
    label: str
    icon: str
    right: str
    key: str = ""


MAIN: Final = (
    #     path             label                  icon          right              key
    Entry("/work",         mark("My work"),       "checklist",  "action.read",     "KeyW"),
    Entry("/feedback",     mark("Feedback"),      "message-2",  "feedback.read",   "KeyF"),
    Entry("/supervision",  mark("Supervision"),   "chart-bar",  "action.bulk",     "KeyS"),
    Entry("/settings",     mark("Settings"),      "settings",   "self.read",       "KeyE"),
)  # fmt: skip

SETTINGS: Final = (
    Entry("/settings/me",        mark("Profile"),            "adjustments",  "self.read"),
    Entry("/settings/password",  mark("Password"),           "key",          "self.read"),
    Entry("/settings/sessions",  mark("Signed-in browsers"), "device-desktop", "self.read"),
    Entry("/settings/people/invite", mark("Invite somebody"), "user-plus", "people.manage"),
    Entry("/settings/people",    mark("People"),             "users",        "people.read"),
)  # fmt: skip
"""The pages of settings, in their order; those of one's own come first."""

LANGUAGE_NAMES: Final = {"en": "English", "ko": "한국어"}


def register(app: Flask) -> None:
    """Give every template the addresses, the files, the navigation and the proof for its forms."""
    app.jinja_env.globals |= {
        "asset": asset,
        "address": address,
        "navigation": navigation,
        "is_here": is_here,
        "may": may,
        "me": lambda: getattr(g.get("signed_in"), "caller", None),
        "csrf": lambda: door.csrf(pages.service_here()),
        "form_key": lambda: g.get("form_key", ""),
        "theme": lambda: door.theme(pages.service_here()),
        "languages": lambda: [(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        "remarks": remarks,
        "MAIN": MAIN,
        "SETTINGS": SETTINGS,
    }


def address(path: str) -> str:
    """A path of ours as the browser has to ask for it."""
    return door.prefix(pages.service_here()) + path


def asset(path: str) -> str:
    """The address of a file below `static/`."""
    return address(assets.address(path))


def navigation(entries: tuple[Entry, ...]) -> list[Entry]:
    """Those of the entries that lead somewhere for this reader."""
    return [entry for entry in entries if pages.is_declared(entry.path) and may(entry.right)]


def is_here(path: str) -> bool:
    """Whether the page of this request is that one, or below it."""
    return request.path == path or request.path.startswith(f"{path}/")


def may(right: str) -> bool:
    """Whether the reader has this right, whatever it is about."""
    found = g.get("signed_in")
    return found is not None and access.allows(found.caller, right)


def remarks() -> list[dict[str, Any]]:
    """What the reader has to know of the service itself: a sentence each, with how bad it is."""
    found = g.get("signed_in")
    service = pages.service_here()
    if found is None:
        return []
    said = []
    if service.settings.mail_server is None and found.caller.is_administrator:
        said.append({"sentence": NO_MAIL, "is_bad": False})
    if found.caller.is_administrator or found.caller.is_supervisor:
        with service.database.reading() as session:
            is_stalled = health.is_clock_stalled(session)
        said += [{"sentence": NO_CLOCK, "is_bad": True}] if is_stalled else []
    return said


NO_MAIL: Final = mark("There is no mail server: mails are kept in the outbox and reach nobody.")
NO_CLOCK: Final = mark("The clock stands still: reminders do not come, and what waits does not go on.")
