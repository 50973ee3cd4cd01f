"""Workflows: drawn, and in words: states, transitions, who may fire them and what they ask for."""

from typing import Final

from cfm_workflow.errors import NotFound
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.operations.definitions import definition_of, latest
from cfm_workflow.queries import workflows as workflows_query
from cfm_workflow.texts import mark
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.settings.drawing import draw
from cfm_workflow.web.settings.filling import asked, further
from cfm_workflow.web.speech import say
from cfm_workflow.workflow.parts import Category, Relation

CATEGORY_NAMES: Final = {
    Category.OPEN: mark("Open"),
    Category.ACTIVE: mark("Active"),
    Category.WAITING: mark("Waiting"),
    Category.DONE: mark("Done"),
    Category.DROPPED: mark("Dropped"),
}
RELATION_NAMES: Final = {
    Relation.ASSIGNEE: mark("Assignee"),
    Relation.POOL_MEMBER: mark("Member of the pool"),
    Relation.ASSIGNER: mark("Assigner"),
    Relation.LEAD: mark("Lead"),
    Relation.SUPERVISOR: mark("Supervisor"),
    Relation.DOER: mark("Who did it"),
    Relation.SYSTEM: mark("The service"),
    Relation.ADMINISTRATOR: mark("Administrator"),
}
FIELD_NAMES: Final = {
    "reason": mark("Reason"),
    "outcome": mark("Outcome"),
    "assignee": mark("Assignee"),
    "until": mark("Until when"),
    "root_cause": mark("Root cause"),
    "resolution": mark("Resolution"),
}
_PATH: Final = "/settings/workflows"


@page("GET", _PATH, "workflows", right="settings.read")
def workflows(visit: Visit) -> Shown:
    """All workflows that new actions can follow."""
    found = workflows_query.page(visit.session, asked(visit, PageQuery()))
    return Shown("settings/workflows.html", {"rows": found.items, "next": further(visit, _PATH, found.next_cursor)})


@page("GET", f"{_PATH}/<key>", "workflow", right="settings.read")
def workflow(visit: Visit, key: str) -> Shown:
    """One of them."""
    if not key.isprintable():
        raise NotFound("workflow")  # a database could not even be asked for it
    row = latest(visit.session, key)
    definition = definition_of(visit.session, row.id)
    values = {
        "workflow": workflows_query.view(row),
        "drawing": draw(definition),
        "definition": definition,
        "category_names": {category.value: say(name) for category, name in CATEGORY_NAMES.items()},
        "relation_names": {relation.value: say(name) for relation, name in RELATION_NAMES.items()},
        "field_names": {field: say(name) for field, name in FIELD_NAMES.items()},
    }
    return Shown("settings/workflow.html", values)
