"""Absences: one's own, and for supervisors those of others; who stands in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cfm_workflow import access
from cfm_workflow.forms.absences import AbsenceChange, AbsenceIn
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.operations import absences
from cfm_workflow.queries import absences as absences_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import ADDED, asked, beside, further, optional, worded
from cfm_workflow.web.settings.people import active
from cfm_workflow.web.settings.teams import NOBODY
from cfm_workflow.web.speech import say

RIGHT: Final = "absences.manage"
ENDED: Final = mark("It has ended; what went to somebody else comes back.")
NOT_THEN: Final = mark("They, or the deputy, are away then anyway; or it has ended.")
WORDING: Final = {
    "from": mark("Choose a day and a time."),
    "to": mark("Choose a time after the beginning that is still to come, within a year."),
    "deputy": NOBODY,
}
_OWN: Final = "/settings/absence"
_OF: Final = "/settings/people/<id:user_id>/absence"


@page("GET", _OWN, "absence", right="people.read")
def own(visit: Visit) -> Shown:
    """When the reader is away."""
    return _shown(visit, visit.caller.id or 0, _OWN)


@page("GET", _OF, "absence_of", right="people.read")
def of_person(visit: Visit, user_id: int) -> Shown:
    """When somebody is away."""
    return _shown(visit, user_id, _path(user_id))


def _path(user_id: int) -> str:
    return f"/settings/people/{user_id}/absence"


def _shown(visit: Visit, user_id: int, path: str) -> Shown:
    person = people_query.user_view(visit.session, people_query.find_user(visit.session, user_id))
    found = absences_query.page(visit.session, user_id, asked(visit, PageQuery()))
    rows = [
        {**row, "from_typed": typed(row["from"], visit.reader.zone), "to_typed": typed(row["to"], visit.reader.zone)}
        for row in found.items
    ]
    values = {
        "person": person,
        "is_own": user_id == visit.caller.id,
        "rows": rows,
        "next": further(visit, path, found.next_cursor),
        "may_change": access.allows(visit.caller, RIGHT, _relations(visit, user_id)),
        "people": [each for each in active(visit) if each["id"] != user_id],
    }
    return Shown("settings/absence.html", values)


def _relations(visit: Visit, user_id: int) -> set[str]:
    """As far as it can be said without asking; the operation asks."""
    return {"oneself"} if user_id == visit.caller.id else {"supervisor"} if visit.caller.is_supervisor else set()


def typed(at: datetime, zone: ZoneInfo) -> str:
    """An instant as a field for a day and a time holds it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def meant(text: str, zone: ZoneInfo) -> str | None:
    """The instant of such a field, with its offset; what is none stays for the form to refuse."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text or None
    return at.replace(tzinfo=zone).isoformat(timespec="seconds") if at.tzinfo is None else text


def _given(visit: Visit) -> dict[str, Any]:
    form: Mapping[str, str] = visit.form
    return {
        **optional(form, "deputy", "note"),
        "from": meant(form.get("from", ""), visit.reader.zone),
        "to": meant(form.get("to", ""), visit.reader.zone),
    }


@page("POST", _OF, "add_absence", right="people.read", again=of_person)
def add_absence(visit: Visit, user_id: int) -> See:
    """Say that somebody will be away."""
    with worded(WORDING), beside("to", NOT_THEN):
        absences.create(visit.session, visit.caller, user_id, load(AbsenceIn(), _given(visit)), now=visit.now)
    return See(_back(visit, user_id), Said(say(ADDED)))


def _back(visit: Visit, user_id: int) -> str:
    return _OWN if user_id == visit.caller.id else _path(user_id)


def _again(visit: Visit, user_id: int, absence_id: int) -> Shown:
    """The list once more, with the form of this one open."""
    shown = of_person(visit, user_id)
    return Shown(shown.template, {**shown.values, "changed": absence_id})


@page("POST", f"{_OF}/<id:absence_id>", "change_absence", right="people.read", again=_again, once=False)
def change_absence(visit: Visit, user_id: int, absence_id: int) -> See:
    """Change one; of one that has begun its end and the deputy."""
    given = {name: value for name, value in _given(visit).items() if name in visit.form}
    with worded(WORDING), beside("to", NOT_THEN):
        fields = load(AbsenceChange(), given)
        absences.change(visit.session, visit.caller, user_id, absence_id, fields, now=visit.now)
    return See(_back(visit, user_id), Said(say(SAVED)))


@page("POST", f"{_OF}/<id:absence_id>/end", "end_absence", right="people.read", again=_again, once=False)
def end_absence(visit: Visit, user_id: int, absence_id: int) -> See:
    """Forget one that is to come, end one that has begun."""
    absences.remove(visit.session, visit.caller, user_id, absence_id, now=visit.now)
    return See(_back(visit, user_id), Said(say(ENDED)))
