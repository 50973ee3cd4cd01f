"""The audit log: who changed what, and how it was before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cfm_workflow.errors import Invalid
from cfm_workflow.forms.audit import AuditQuery
from cfm_workflow.forms.loading import load
from cfm_workflow.letters.words import SYSTEM_ACTORS
from cfm_workflow.queries import audit as audit_query
from cfm_workflow.texts import mark
from cfm_workflow.web.moments import begin_of
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.problems import problem_of
from cfm_workflow.web.settings import people
from cfm_workflow.web.settings.filling import further
from cfm_workflow.web.speech import say

NOUNS: Final = {
    "user": mark("User"),
    "team": mark("Team"),
    "token": mark("Token"),
    "calendar_feed": mark("Calendar address"),
    "integration": mark("Integration"),
    "customer": mark("Customer"),
    "label": mark("Label"),
    "outcome": mark("Outcome"),
    "root_cause": mark("Root cause"),
    "template": mark("Template"),
    "calendar": mark("Calendar"),
    "policy": mark("Policy"),
    "workflow": mark("Workflow"),
    "webhook": mark("Webhook"),
    "preferences": mark("Default notices"),
}
VERBS: Final = {
    "created": mark("added"),
    "changed": mark("changed"),
    "deleted": mark("taken away"),
    "merged": mark("merged"),
    "away": mark("away"),
    "back": mark("back"),
    "failing": mark("takes nothing"),
}
PATHS: Final = {
    "user": "people",
    "team": "teams",
    "integration": "integrations",
    "label": "labels",
    "outcome": "outcomes",
    "root_cause": "root-causes",
    "template": "templates",
    "calendar": "calendars",
    "policy": "policies",
    "webhook": "webhooks",
}
"""Where the pages of a noun are, below the settings."""
LONGEST: Final = 200
_PATH: Final = "/settings/audit"
_FILTERS: Final = ("noun", "person", "since", "until")
FIELDS: Final = {
    "active": mark("Active"),
    "benefits_customer": mark("Good for the customer"),
    "body": mark("Text"),
    "calendar": mark("Calendar"),
    "colour": mark("Colour"),
    "country": mark("Country"),
    "default": mark("Default"),
    "description": mark("Description"),
    "digest": mark("Digest"),
    "do_not_contact": mark("No contact"),
    "email": mark("E-mail"),
    "event_types": mark("Events"),
    "headers": mark("Headers"),
    "holidays": mark("Days off"),
    "include_contact": mark("With the customer's address"),
    "include_customer": mark("With the customer's address"),
    "include_imported": mark("With imported events"),
    "key": mark("Key"),
    "kind": mark("Kind"),
    "kinds": mark("Kinds"),
    "label": mark("Name"),
    "ladders": mark("Reminders"),
    "language": mark("Language"),
    "lead": mark("Lead"),
    "members": mark("Members"),
    "mode": mark("How work is given"),
    "name": mark("Name"),
    "notices": mark("Notices"),
    "password": mark("Password"),
    "payload": mark("Body"),
    "phone": mark("Telephone"),
    "position": mark("Order"),
    "priorities": mark("Priorities"),
    "region": mark("Region"),
    "requires_reason": mark("Needs a reason"),
    "restricted": mark("Restricted"),
    "role": mark("Role"),
    "secret": mark("Secret"),
    "state": mark("State"),
    "subject": mark("Subject"),
    "supervises": mark("Supervises"),
    "targets": mark("Targets"),
    "team": mark("Team"),
    "teams": mark("Teams"),
    "time_zone": mark("Time zone"),
    "url": mark("Address"),
    "week": mark("Working hours"),
    "workflows": mark("Workflows"),
    "working_days": mark("Working days"),
    "working_hours": mark("Working hours"),
}
"""The fields that can have been changed; any other goes by its name."""
SYSTEM: Final = {
    **SYSTEM_ACTORS,
    "command line": mark("Command line"),
    "import": mark("Import"),
    "setup": mark("Setup"),
    "start": mark("Start of the service"),
    "webhooks": mark("Webhooks"),
}
"""The parts of the service that change something by themselves."""


@page("GET", _PATH, "audit", right="events.audit")
def audit(visit: Visit) -> Shown:
    """What was changed, the newest first."""
    errors: Mapping[str, str] = {}
    rows, cursor = [], None
    try:
        found = audit_query.page(visit.session, load(AuditQuery(), _wanted(visit)))
        rows, cursor = [_shown(entry) for entry in found.items], found.next_cursor
    except Invalid as wrong:
        errors = problem_of(wrong).errors
    values = {
        "rows": rows,
        "next": further(visit, _PATH, cursor),
        "query": visit.query,
        "errors": errors,
        "is_narrowed": any(visit.query.get(name) for name in _FILTERS),
        "people": people.active(visit),
        "nouns": [(each, say(NOUNS[each])) for each in audit_query.nouns()],
    }
    return Shown("settings/audit.html", values, status=422 if errors else 200)


def _wanted(visit: Visit) -> dict[str, str]:
    """The filters; the days as instants in the zone of the reader, the last one included."""
    given = {name: text for name in (*_FILTERS, "cursor") if (text := visit.query.get(name, "").strip())}
    for name, later in (("since", 0), ("until", 1)):
        if name in given:
            given[name] = begin_of(given[name], visit.reader, later=later)
    return given


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    noun, ident = entry["noun"], entry["subject"]["id"]
    return {
        "noun": say(NOUNS[noun]),
        "verb": say(VERBS.get(entry["verb"], entry["verb"])),
        "at": datetime.fromisoformat(entry["at"]),
        "actor": _who(entry["actor"]),
        "name": entry["name"] or f"#{ident}",
        "path": f"/settings/{PATHS[noun]}/{ident}" if noun in PATHS and entry["verb"] != "deleted" else None,
        "changes": [
            {
                "name": say(FIELDS[name]) if name in FIELDS else name,
                "from": _text(sides.get("from")),
                "to": _text(sides.get("to")),
            }
            for name, sides in entry["changes"].items()
            if isinstance(sides, Mapping)
        ],
    }


def _who(actor: Mapping[str, Any]) -> str:
    """Who did it; of the service itself which part of it."""
    return say(SYSTEM[actor["name"]]) if actor["type"] == "system" and actor["name"] in SYSTEM else str(actor["name"])


def _text(value: Any) -> str:
    """A value as it is read, cut where it is long."""
    text = "–" if value is None or value == [] else value if isinstance(value, str) else _flat(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
