"""The log of mails: what was to be sent to whom, and what became of it. Never what they say."""

from typing import Final

from cfm_workflow.forms.mails import MailQuery
from cfm_workflow.policy.deliveries import Verdict
from cfm_workflow.queries import mails as mails_query
from cfm_workflow.texts import mark
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.settings import people
from cfm_workflow.web.settings.filling import asked, further
from cfm_workflow.web.speech import say

STATE_NAMES: Final = {
    "pending": (mark("To be sent"), "blue"),
    "delivered": (mark("Sent"), "green"),
    "kept": (mark("Kept"), "amber"),
    "gathered": (mark("In another mail"), "plain"),
    "cancelled": (mark("Cancelled"), "plain"),
    "dead": (mark("Given up"), "red"),
}
VERDICTS: Final = {
    Verdict.DELIVERED: mark("Arrived"),
    Verdict.KEPT: mark("Kept"),
    Verdict.LATER: mark("Later again"),
    Verdict.NEVER: mark("Never"),
    Verdict.GONE: mark("Wants nothing more"),
    Verdict.NEEDLESS: mark("Not needed any more"),
    Verdict.UNKNOWN: mark("Nobody knows"),
}
_PATH: Final = "/settings/mails"


def verdicts() -> dict[str, str]:
    """How an attempt ended, in words."""
    return {verdict.value: say(name) for verdict, name in VERDICTS.items()}


@page("GET", _PATH, "mails", right="mails.read")
def mails(visit: Visit) -> Shown:
    """Mails to people, the newest first."""
    found = mails_query.page(visit.session, asked(visit, MailQuery()))
    values = {
        "rows": found.items,
        "next": further(visit, _PATH, found.next_cursor),
        "query": visit.query,
        "people": people.active(visit),
        "states": [(state, say(name)) for state, (name, _) in STATE_NAMES.items()],
        "state_names": {state: (say(name), tone) for state, (name, tone) in STATE_NAMES.items()},
        "verdicts": verdicts(),
    }
    return Shown("settings/mails.html", values)
