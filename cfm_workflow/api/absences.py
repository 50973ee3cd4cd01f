"""Routes of absences."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.absences import AbsenceChange, AbsenceIn, AbsenceOut
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.operations import absences as absences_operations
from cfm_workflow.queries import absences as absences_query

TAG = "people"
RIGHT = "absences.manage"
_ALL = "/users/<id:user_id>/absences"
_ONE = f"{_ALL}/<id:absence_id>"


@route("GET", _ALL, "listAbsences", tag=TAG, right="people.read", query=PageQuery, answers={200: page_of(AbsenceOut)})
def list_absences(ask: Ask, user_id: int) -> Any:
    """When a person was, is and will be away; the latest first."""
    return absences_query.page(ask.session, user_id, ask.query).as_answer()


@route(
    "POST",
    _ALL,
    "createAbsence",
    tag=TAG,
    right=RIGHT,
    body=AbsenceIn,
    answers={201: AbsenceOut},
    example={
        "from": "2100-08-02T18:00:00+09:00",
        "to": "2100-08-16T09:00:00+09:00",
        "deputy": "bob@example.com",
        "note": "On holiday.",
    },
)
def create_absence(ask: Ask, user_id: int) -> Any:
    """Say that a person will be away; what is theirs then goes to the deputy, else to the lead, and comes back."""
    return Reply(absences_operations.create(ask.session, ask.caller, user_id, ask.body, now=ask.now), 201)


@route(
    "PATCH",
    _ONE,
    "changeAbsence",
    tag=TAG,
    right=RIGHT,
    body=AbsenceChange,
    answers={200: AbsenceOut},
    example={"deputy": "lea@example.com"},
)
def change_absence(ask: Ask, user_id: int, absence_id: int) -> Any:
    """Change an absence; `to` in the past ends it."""
    return absences_operations.change(ask.session, ask.caller, user_id, absence_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deleteAbsence", tag=TAG, right=RIGHT, answers={204: None})
def delete_absence(ask: Ask, user_id: int, absence_id: int) -> Any:
    """Forget an absence that is to come; end one that has begun."""
    absences_operations.remove(ask.session, ask.caller, user_id, absence_id, now=ask.now)
