"""Routes of workflows: what actions can follow."""

from typing import Any

from cfm_workflow.api.routing import Ask, route
from cfm_workflow.errors import NotFound
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.forms.workflows import WorkflowOut, WorkflowWithDiagramOut
from cfm_workflow.operations.definitions import definition_of, latest
from cfm_workflow.queries import workflows as workflows_query
from cfm_workflow.workflow import mermaid

TAG = "settings"


@route(
    "GET",
    "/workflows",
    "listWorkflows",
    tag=TAG,
    right="settings.read",
    query=PageQuery,
    answers={200: page_of(WorkflowOut)},
)
def list_workflows(ask: Ask) -> Any:
    """The workflows that new actions can follow, in their latest version."""
    return workflows_query.page(ask.session, ask.query).as_answer()


@route("GET", "/workflows/<key>", "getWorkflow", tag=TAG, right="settings.read", answers={200: WorkflowWithDiagramOut})
def get_workflow(ask: Ask, key: str) -> Any:
    """A workflow: states, transitions, who may fire them, what they require; and as a mermaid diagram."""
    if not key.isprintable():
        raise NotFound("workflow")  # a database could not even be asked for it
    row = latest(ask.session, key)
    return workflows_query.view(row) | {"mermaid": mermaid(definition_of(ask.session, row.id), ask.caller.language)}
