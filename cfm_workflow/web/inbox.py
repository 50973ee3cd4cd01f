"""The inbox: everything that would have been mailed to whoever is signed in, and what of it is new."""

from itertools import groupby
from typing import Any, Final

from cfm_workflow.operations import inbox
from cfm_workflow.queries import inbox as inbox_query
from cfm_workflow.texts import mark
from cfm_workflow.web import problems, told
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say

PAGE: Final = 50
ALL_READ: Final = mark("Everything is marked as read.")


@page("GET", "/inbox", "inbox", right="self.read")
def show_inbox(visit: Visit) -> Shown:
    """What happened that concerns me, the newest first, by day."""
    only = "mentions" if visit.query.get("only") == "mentions" else None
    wanted = {"limit": PAGE, "cursor": visit.query.get("cursor"), "mentions": only is not None}
    found = inbox_query.page(visit.session, visit.caller, wanted)
    seen = inbox_query.seen(visit.session, visit.caller)
    entries = told.tell(visit, [(row.relation, row.body) for row in found.items])
    for entry, row in zip(entries, found.items, strict=True):
        entry |= {"id": row.position, "is_new": row.position > seen, "at": row.at, "path": _path(entry)}
    zone = visit.reader.zone
    days = [list(group) for _, group in groupby(entries, key=lambda entry: entry["at"].astimezone(zone).date())]
    narrowed = {"only": only} if only else {}
    values = {
        "days": days,
        "only": only,
        "fresh": inbox_query.unseen(visit.session, visit.caller),
        "first": _address(**narrowed) if visit.query.get("cursor") else None,
        "next": _address(**narrowed, cursor=found.next_cursor) if found.next_cursor else None,
    }
    return Shown("inbox/page.html", values, fragment="inbox/list.html")


def _path(entry: dict[str, Any]) -> str | None:
    """Where the thing is that it is about."""
    for kind, folder in (("reminder_id", "reminders"), ("action_id", "actions"), ("feedback_id", "feedback")):
        if entry[kind] is not None:
            return f"/{folder}/{entry[kind]}"
    return None


def _address(**query: str) -> str:
    return f"/inbox?{problems.encoded(**query)}" if query else "/inbox"


@page("GET", "/inbox/bell", "inbox_bell", right="self.read")
def bell(visit: Visit) -> Shown:
    """How much is new, for the bell of pages that are open."""
    return Shown("inbox/bell.html", fragment="inbox/bell.html")


@page("POST", "/inbox/read", "inbox_read", right="self.read", once=False)
def read_inbox(visit: Visit) -> See:
    """Mark all as read."""
    inbox.read_all(visit.session, visit.caller)
    return See("/inbox", Said(say(ALL_READ)))
