"""A person's own calendar as an iCalendar file (RFC 5545), in their language. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from icalendar import Calendar
from icalendar import Event as CalendarEvent

from cfm_workflow import limits, texts
from cfm_workflow.letters.news import as_block, on_one_line
from cfm_workflow.letters.places import address_of

LENGTH: Final = timedelta(minutes=30)
"""How long what is due stands in the calendar: it ends when it is due."""
ASK_AGAIN: Final = timedelta(hours=1)
EXCERPT: Final = 300
PRIORITIES: Final = {"urgent": 1, "high": 3, "normal": 5, "low": 9}
"""RFC 5545, 3.8.1.9: 1 is the highest, 5 stands between."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a person's calendar: an action or whatever else `places` knows an address of. `state` and `priority`
    are those of an action; `excerpt` is of the feedback item `feedback_id`."""

    kind: str
    id: int
    at: datetime
    title: str
    version: int
    created_at: datetime
    changed_at: datetime
    state: str | None = None
    priority: str | None = None
    feedback_id: int | None = None
    excerpt: str | None = None


def feed(entries: Iterable[Entry], language: str, *, installation: str, base_url: str) -> bytes:
    """The file; the same entries always make the same one. `installation` tells it from all others."""
    gettext = texts.translations(language).gettext
    stamp = hashlib.sha256(installation.encode()).hexdigest()[:16]
    calendar = Calendar()
    calendar.add("prodid", "-//cfm-workflow//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", gettext("My work"))
    calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})  # RFC 7986, 5.7
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry, language, stamp, base_url))
    file: bytes = calendar.to_ical()
    return file


def _event(entry: Entry, language: str, stamp: str, base_url: str) -> CalendarEvent:
    address = address_of(base_url, entry.kind, entry.id)
    event = CalendarEvent()
    event.add("uid", f"{entry.kind}-{entry.id}@{stamp}")
    event.add("dtstamp", entry.changed_at)  # without METHOD it says when this was last changed (RFC 5545, 3.8.7.2)
    event.add("created", entry.created_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.version)
    event.add("dtstart", entry.at - LENGTH)
    event.add("dtend", entry.at)
    event.add("summary", on_one_line(entry.title, limits.TITLE))
    event.add("description", "\n".join([*_lines(entry, language), address]))
    event.add("url", address)
    event.add("transp", "TRANSPARENT")  # being due keeps nobody busy
    if entry.priority is not None:
        event.add("priority", PRIORITIES[entry.priority])
    return event


def _lines(entry: Entry, language: str) -> list[str]:
    gettext = texts.translations(language).gettext
    found = []
    if entry.state is not None:
        found.append(f"{gettext('State')}: {on_one_line(entry.state, limits.NAME)}")
    if entry.excerpt:
        item = gettext("Feedback #%(item)s") % {"item": entry.feedback_id}
        found.append(f"{item}: {as_block(entry.excerpt, EXCERPT)}")
    return found
