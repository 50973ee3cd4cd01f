"""Templates of messages: written with the variables in view, and tried on a real item before they are saved."""

from typing import Any, Final

from cfm_workflow.forms.loading import load
from cfm_workflow.forms.templates import PreviewIn, TemplateChange, TemplateIn, TemplateQuery
from cfm_workflow.operations import templates
from cfm_workflow.policy.templates import KINDS, VARIABLES
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import templates as templates_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings import people
from cfm_workflow.web.settings.filling import (
    ADDED,
    DELETED,
    REMOVE,
    asked,
    beside,
    filled,
    flags,
    further,
    number,
    worded,
)
from cfm_workflow.web.speech import say

KIND_NAMES: Final = {
    "reply": (mark("Reply"), mark("An answer, chosen while writing.")),
    "thank_you": (mark("Thank you"), mark("Thanks for the feedback.")),
    "solved": (mark("Solved"), mark("Tells that it is solved.")),
    "check": (mark("Check"), mark("Asks later whether it really is solved; it holds {{ link }}.")),
    "unasked": (mark("Unasked"), mark("What the customer did not ask for; it counts against the cap.")),
}
MEANINGS: Final = {
    "customer.name": mark("Name of the customer"),
    "customer.greeting": mark("Salutation with the name"),
    "feedback.id": mark("Number of the feedback"),
    "feedback.text": mark("What the customer wrote, cut"),
    "feedback.received_on": mark("The day on which it came"),
    "sender.name": mark("Who writes"),
    "link": mark("Where the customer answers; of checks only"),
}
WORDING: Final = {
    "subject": mark("One line of up to 200 characters, with the variables that are listed."),
    "body": mark("A text with the variables that are listed; {{ link }} in checks, and only there."),
    "feedback": mark("There is no such feedback."),
}
IN_USE: Final = mark("Messages were written by it. Take it out of use instead.")
_PATH: Final = "/settings/templates"
_ONE: Final = "/settings/templates/<id:template_id>"
_RECENT: Final = 20
_EXCERPT: Final = 60


@page("GET", _PATH, "templates", right="settings.read")
def all_templates(visit: Visit) -> Shown:
    """All templates."""
    found = templates_query.page(visit.session, asked(visit, TemplateQuery()))
    values = {
        "rows": found.items,
        "next": further(visit, _PATH, found.next_cursor),
        "query": visit.query,
        "kinds": [(kind, say(KIND_NAMES[kind][0])) for kind in KINDS],
    }
    return Shown("settings/templates.html", values)


def _form(visit: Visit, template: dict[str, Any] | None, tried: dict[str, Any] | None = None) -> Shown:
    values = {
        "template": template,
        "tried": tried,
        "kinds": [(kind, f"{say(KIND_NAMES[kind][0])}: {say(KIND_NAMES[kind][1])}") for kind in KINDS],
        "kind_names": {kind: say(name) for kind, (name, _) in KIND_NAMES.items()},
        "variables": [(name, say(MEANINGS[name])) for name in VARIABLES],
        "teams": [(team["id"], team["name"]) for team in people.teams(visit)],
        "items": _items(visit),
    }
    return Shown("settings/template.html", values | ({"typed": visit.form} if tried is not None else {}))


def _items(visit: Visit) -> list[tuple[int, str]]:
    """The newest items, to try a template on."""
    found = feedback_query.page(visit.session, visit.caller, {"limit": _RECENT}).items
    return [(item["id"], f"#{item['id']} {' '.join(item['text'].split())[:_EXCERPT]}") for item in found]


@page("GET", f"{_PATH}/new", "new_template", right="templates.manage")
def new_template(visit: Visit) -> Shown:
    """The form of a new one."""
    return _form(visit, None)


@page("GET", _ONE, "template", right="settings.read")
def template(visit: Visit, template_id: int) -> Shown:
    """One of them."""
    return _form(visit, templates_query.show(visit.session, templates_query.find(visit.session, template_id)))


def _given(visit: Visit) -> dict[str, Any]:
    return {
        **filled(visit.form, "name", "kind", "language", "subject", "body"),
        **flags(visit.form, "active"),
        "team": number(visit.form.get("team", "")),
    }


def _tried(visit: Visit) -> dict[str, Any]:
    """How what was typed reads on the chosen item."""
    given: dict[str, Any] = filled(visit.form, "kind", "language", "subject", "body")
    with worded(WORDING):
        fields = load(PreviewIn(), {**given, "feedback": number(visit.form.get("feedback", ""))})
        return templates.preview(visit.session, visit.caller, fields)


@page("POST", _PATH, "add_template", right="templates.manage", again=new_template)
def add_template(visit: Visit) -> See | Shown:
    """Add it, or try it first."""
    if visit.form.get("do") == "try":
        return _form(visit, None, _tried(visit))
    with worded(WORDING):
        made = templates.create(visit.session, visit.caller, load(TemplateIn(), _given(visit)), now=visit.now)
    return See(f"{_PATH}/{made['id']}", Said(say(ADDED)))


@page("POST", _ONE, "change_template", right="templates.manage", again=template, once=False)
def change_template(visit: Visit, template_id: int) -> See | Shown:
    """Change it, or try the change first."""
    if visit.form.get("do") == "try":
        stored = templates_query.show(visit.session, templates_query.find(visit.session, template_id))
        return _form(visit, stored, _tried(visit))
    with worded(WORDING):
        fields = load(TemplateChange(), _given(visit))
        templates.change(visit.session, visit.caller, template_id, fields, now=visit.now)
    return See(f"{_PATH}/{template_id}", Said(say(SAVED)))


@page("POST", f"{_ONE}/delete", "delete_template", right="templates.manage", again=template)
def delete_template(visit: Visit, template_id: int) -> See:
    """Delete one by which nothing was written."""
    with beside(REMOVE, IN_USE):
        templates.remove(visit.session, visit.caller, template_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))
