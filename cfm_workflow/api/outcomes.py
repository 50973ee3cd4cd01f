"""Routes of outcomes."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.outcomes import OutcomeChange, OutcomeIn, OutcomeOut, OutcomeQuery
from cfm_workflow.forms.pages import page_of
from cfm_workflow.operations import outcomes as outcomes_operations
from cfm_workflow.queries import outcomes as outcomes_query

TAG = "settings"
_ONE = "/outcomes/<id:outcome_id>"


@route(
    "GET",
    "/outcomes",
    "listOutcomes",
    tag=TAG,
    right="settings.read",
    query=OutcomeQuery,
    answers={200: page_of(OutcomeOut)},
)
def list_outcomes(ask: Ask) -> Any:
    """How an action can end."""
    return outcomes_query.page(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/outcomes",
    "createOutcome",
    tag=TAG,
    right="settings.manage",
    body=OutcomeIn,
    answers={201: OutcomeOut},
    example={"key": "refunded", "label": {"en": "Refunded", "ko": "환불됨"}},
)
def create_outcome(ask: Ask) -> Any:
    """Add a way in which actions can end."""
    return Reply(outcomes_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getOutcome", tag=TAG, right="settings.read", answers={200: OutcomeOut})
def get_outcome(ask: Ask, outcome_id: int) -> Any:
    """One outcome."""
    return outcomes_query.view(outcomes_query.find(ask.session, outcome_id))


@route(
    "PATCH",
    _ONE,
    "changeOutcome",
    tag=TAG,
    right="settings.manage",
    body=OutcomeChange,
    answers={200: OutcomeOut},
    example={"active": False},
)
def change_outcome(ask: Ask, outcome_id: int) -> Any:
    """Change an outcome, or set it out of use."""
    return outcomes_operations.change(ask.session, ask.caller, outcome_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deleteOutcome", tag=TAG, right="settings.manage", answers={204: None})
def delete_outcome(ask: Ask, outcome_id: int) -> Any:
    """Delete an outcome that no action ended with."""
    outcomes_operations.remove(ask.session, ask.caller, outcome_id, now=ask.now)
