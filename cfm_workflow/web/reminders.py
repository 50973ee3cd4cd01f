"""Personal reminders: what somebody wants to be told and when, one of them, snoozing it, changing it, dropping it."""

from datetime import timedelta
from typing import Any, Final

from cfm_workflow import access
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.personal_reminders import ReminderChange
from cfm_workflow.operations import personal_reminders
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.texts import mark
from cfm_workflow.web import problems
from cfm_workflow.web.door import Said
from cfm_workflow.web.moments import read_moment, tomorrow, written
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say

PAGE: Final = 50
STATES: Final = {"planned": mark("Planned"), "fired": mark("Told"), "cancelled": mark("Cancelled")}
EVERY: Final = {"": mark("Once"), "P1D": mark("Every day"), "P7D": mark("Every week"), "P14D": mark("Every two weeks")}
SNOOZES: Final = {
    "hour": (mark("In 1 hour"), timedelta(hours=1)),
    "day": (mark("In 1 day"), timedelta(days=1)),
    "three_days": (mark("In 3 days"), timedelta(days=3)),
}
_ONE: Final = "/reminders/<id:reminder_id>"


@page("GET", "/reminders", "reminders", right="reminder.read")
def reminders(visit: Visit) -> Shown:
    """What is planned for me or by me, the next first; with `state` what was told or cancelled, the last first."""
    state = visit.query.get("state")
    state = state if state in STATES else "planned"
    sort = "remind_at" if state == "planned" else "-remind_at"
    wanted = {"state": [state], "sort": sort, "limit": PAGE, "cursor": visit.query.get("cursor")}
    found = reminders_query.page(visit.session, visit.caller, wanted)
    narrowed = {} if state == "planned" else {"state": state}
    values = {
        "reminders": found.items,
        "state": state,
        "states": [(name, say(label)) for name, label in STATES.items()],
        "next": f"/reminders?{problems.encoded(**narrowed, cursor=found.next_cursor)}" if found.next_cursor else None,
    }
    return Shown("reminders/page.html", values)


@page("GET", _ONE, "reminder", right="reminder.read")
def reminder(visit: Visit, reminder_id: int) -> Shown:
    """One reminder, and what can be changed of it."""
    row = reminders_query.find(visit.session, visit.caller, reminder_id)
    people = reminders_query.receivers(visit.session, [reminder_id])[reminder_id]
    seen = reminders_query.view(row, people)
    relations = reminders_query.relations(visit.caller, row, people)
    typed = visit.typed
    values = {
        "reminder": seen | {"for_names": [person.name for person in people]},
        "may_change": access.allows(visit.caller, "reminder.change", relations),
        "remind_at": typed.get("remind_at") or written(row.remind_at, visit.reader),
        "every": [(code, say(label)) for code, label in _repetitions(row.every).items()],
        "snoozes": [(name, say(label)) for name, (label, _) in SNOOZES.items()],
        "state_label": say(STATES[row.state]),
    }
    return Shown("reminders/one.html", values)


def _repetitions(now: str | None) -> dict[str, str]:
    return EVERY if not now or now in EVERY else EVERY | {now: now}


@page("POST", _ONE, "change_reminder", right="reminder.read", again=reminder)
def change_reminder(visit: Visit, reminder_id: int) -> See:
    """Snooze it (`by`), or change when and what is told."""
    row = reminders_query.find(visit.session, visit.caller, reminder_id)
    fields = load(ReminderChange(), _given(visit, row))
    personal_reminders.change(visit.session, visit.caller, reminder_id, fields, now=visit.now)
    return See(f"/reminders/{reminder_id}", Said(say(CHANGED)))


CHANGED: Final = mark("The reminder is set anew.")


def _given(visit: Visit, row: Any) -> dict[str, Any]:
    form = visit.form
    if (by := form.get("by")) in SNOOZES:
        return {"remind_at": (visit.now + SNOOZES[by][1]).isoformat(timespec="seconds")}
    if by == "tomorrow":
        return {"remind_at": tomorrow(visit.now, visit.reader, hour=9).isoformat()}
    given: dict[str, Any] = {"text": form.get("text", "")}
    if form.get("remind_at", "") != written(row.remind_at, visit.reader):
        given["remind_at"] = read_moment(form.get("remind_at", ""), visit.reader)
    if form.get("every", "") != (row.every or ""):
        given["every"] = form.get("every") or None
    return given


@page("POST", f"{_ONE}/cancel", "cancel_reminder", right="reminder.read", again=reminder)
def cancel_reminder(visit: Visit, reminder_id: int) -> See:
    """Drop it."""
    personal_reminders.cancel(visit.session, visit.caller, reminder_id, now=visit.now)
    return See("/reminders", Said(say(CANCELLED)))


CANCELLED: Final = mark("The reminder is cancelled.")
