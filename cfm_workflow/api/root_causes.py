"""Routes of root causes."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.pages import page_of
from cfm_workflow.forms.root_causes import RootCauseChange, RootCauseIn, RootCauseOut, RootCauseQuery
from cfm_workflow.operations import root_causes as causes_operations
from cfm_workflow.queries import root_causes as causes_query

TAG = "settings"
_ONE = "/root-causes/<id:cause_id>"


@route(
    "GET",
    "/root-causes",
    "listRootCauses",
    tag=TAG,
    right="settings.read",
    query=RootCauseQuery,
    answers={200: page_of(RootCauseOut)},
)
def list_root_causes(ask: Ask) -> Any:
    """What can have caused what customers complain of."""
    return causes_query.page(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/root-causes",
    "createRootCause",
    tag=TAG,
    right="settings.manage",
    body=RootCauseIn,
    answers={201: RootCauseOut},
    example={"key": "billing_error", "label": {"en": "Billing error", "ko": "청구 오류"}},
)
def create_root_cause(ask: Ask) -> Any:
    """Add a root cause; from the first active one on, actions name one of the list."""
    return Reply(causes_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getRootCause", tag=TAG, right="settings.read", answers={200: RootCauseOut})
def get_root_cause(ask: Ask, cause_id: int) -> Any:
    """One root cause."""
    return causes_query.view(causes_query.find(ask.session, cause_id))


@route(
    "PATCH",
    _ONE,
    "changeRootCause",
    tag=TAG,
    right="settings.manage",
    body=RootCauseChange,
    answers={200: RootCauseOut},
    example={"active": False},
)
def change_root_cause(ask: Ask, cause_id: int) -> Any:
    """Change a root cause, or set it out of use."""
    return causes_operations.change(ask.session, ask.caller, cause_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deleteRootCause", tag=TAG, right="settings.manage", answers={204: None})
def delete_root_cause(ask: Ask, cause_id: int) -> Any:
    """Delete a root cause that no action names."""
    causes_operations.remove(ask.session, ask.caller, cause_id, now=ask.now)
