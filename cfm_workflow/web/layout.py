"""The frame around every page: what the navigation leads to, and what templates find without importing it."""

from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, g, request

from cfm_workflow import access
from cfm_workflow.queries import health, inbox
from cfm_workflow.texts import LANGUAGES, mark
from cfm_workflow.web import assets, door, pages


@dataclass(frozen=True, slots=True)
class Entry:
    """A way to a page, shown to those who have the right, once the page is there. `key` presses it after `g`; under
    which heading it stands, `section` says."""

    path: str
    label: str
    icon: str
    right: str
    key: str = ""
    section: str = ""


MAIN: Final = (
    #     path             label                  icon          right              key
    Entry("/work",         mark("My work"),       "checklist",  "action.read",     "KeyW"),
    Entry("/inbox",        mark("Inbox"),          "bell",       "self.read",       "KeyI"),
    Entry("/feedback",     mark("Feedback"),      "message-2",  "feedback.read",   "KeyF"),
    Entry("/supervision",  mark("Supervision"),   "chart-bar",  "action.bulk",     "KeyS"),
    Entry("/settings",     mark("Settings"),      "settings",   "self.read",       "KeyE"),
)  # fmt: skip

YOURS: Final = mark("Yours")
PEOPLE: Final = mark("People")
RULES: Final = mark("Rules of work")
WORDS: Final = mark("Words")
PROGRAMS: Final = mark("Programs")
SERVICE: Final = mark("The service")

SETTINGS: Final = (
    #     path                       label                       icon              right              under
    Entry("/settings/me",            mark("Profile"),            "adjustments",    "self.read",       section=YOURS),
    Entry("/settings/preferences",   mark("What you hear of"),   "bell",           "self.read",       section=YOURS),
    Entry("/settings/absence",       mark("Absence"),            "calendar",       "people.read",     section=YOURS),
    Entry("/settings/password",      mark("Password"),           "key",            "self.read",       section=YOURS),
    Entry("/settings/sessions",      mark("Signed-in browsers"), "device-desktop", "self.read",       section=YOURS),
    Entry("/settings/tokens",        mark("Tokens"),             "plug",           "self.read",       section=YOURS),
    Entry("/settings/people",        mark("People"),             "user",           "people.read",     section=PEOPLE),
    Entry("/settings/teams",         mark("Teams"),              "users",          "people.read",     section=PEOPLE),
    Entry("/settings/workflows",     mark("Workflows"),          "route",          "settings.read",   section=RULES),
    Entry("/settings/policies",      mark("Policies"),           "alarm",          "settings.read",   section=RULES),
    Entry("/settings/calendars",     mark("Calendars"),          "clock",          "settings.read",   section=RULES),
    Entry("/settings/labels",        mark("Labels"),             "tags",           "settings.read",   section=WORDS),
    Entry("/settings/templates",     mark("Templates"),          "template",       "settings.read",   section=WORDS),
    Entry("/settings/outcomes",      mark("Outcomes"),           "circle-check",   "settings.read",   section=WORDS),
    Entry("/settings/root-causes",   mark("Root causes"),        "sitemap",        "settings.read",   section=WORDS),
    Entry("/settings/webhooks",      mark("Webhooks"),           "webhook",        "webhook.manage",  section=PROGRAMS),
    Entry("/settings/integrations",  mark("Integrations"),       "plug",           "people.manage",   section=PROGRAMS),
    Entry("/settings/notices",       mark("Default notices"),    "bell",           "settings.manage", section=SERVICE),
    Entry("/settings/mails",         mark("Mail log"),           "mail",           "mails.read",      section=SERVICE),
    Entry("/settings/audit",         mark("Audit log"),          "history",        "events.audit",    section=SERVICE),
    Entry("/settings/system",        mark("System"),             "server",         "settings.manage", section=SERVICE),
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
        "unseen": unseen,
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


def unseen() -> str:
    """How much of the reader's inbox is new to them, as the bell says it; nothing when nothing is."""
    found = g.get("signed_in")
    if found is None:
        return ""
    with pages.service_here().database.reading() as session:
        count = inbox.unseen(session, found.caller)
    return f"{inbox.COUNTED}+" if count > inbox.COUNTED else str(count or "")


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
