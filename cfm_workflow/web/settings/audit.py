"""The audit log: who changed what, and how it was before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cfm_workflow import limits
from cfm_workflow.queries import audit as audit_query
from cfm_workflow.texts import mark
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.settings.filling import further, number
from cfm_workflow.web.speech import say

NOUNS: Final = {
    "user": mark("Person"),
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


@page("GET", _PATH, "audit", right="events.audit")
def audit(visit: Visit) -> Shown:
    """What was changed, the newest first."""
    noun = visit.query.get("noun") or None
    before = number(visit.query.get("cursor", ""))
    position = min(before, limits.ID) if isinstance(before, int) else None
    entries, at = audit_query.page(visit.session, noun=noun, before=position)
    values = {
        "rows": [_shown(entry) for entry in entries],
        "next": further(visit, _PATH, None if at is None else str(at)),
        "noun": noun,
        "nouns": [(each, say(NOUNS[each])) for each in audit_query.nouns()],
    }
    return Shown("settings/audit.html", values)


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    noun, ident = entry["noun"], entry["subject"]["id"]
    return {
        "noun": say(NOUNS[noun]),
        "verb": say(VERBS.get(entry["verb"], entry["verb"])),
        "at": datetime.fromisoformat(entry["at"]),
        "actor": entry["actor"]["name"],
        "name": entry["name"] or f"#{ident}",
        "path": f"/settings/{PATHS[noun]}/{ident}" if noun in PATHS and entry["verb"] != "deleted" else None,
        "changes": [
            {"name": name, "from": _text(sides.get("from")), "to": _text(sides.get("to"))}
            for name, sides in entry["changes"].items()
            if isinstance(sides, Mapping)
        ],
    }


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
