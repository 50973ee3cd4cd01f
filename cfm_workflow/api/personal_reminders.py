"""Routes of personal reminders."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.pages import page_of
from cfm_workflow.forms.personal_reminders import ReminderChange, ReminderIn, ReminderOut, ReminderQuery
from cfm_workflow.operations import personal_reminders
from cfm_workflow.queries import personal_reminders as reminders_query

TAG = "reminders"
_ONE = "/reminders/<id:reminder_id>"


@route(
    "GET",
    "/reminders",
    "listReminders",
    tag=TAG,
    right="reminder.read",
    query=ReminderQuery,
    answers={200: page_of(ReminderOut)},
)
def list_reminders(ask: Ask) -> Any:
    """The reminders that the caller set or that are for them; with `for` those of somebody else."""
    return reminders_query.page(ask.session, ask.caller, ask.query).as_answer()


@route(
    "POST",
    "/reminders",
    "setReminder",
    tag=TAG,
    right="reminder.set",
    body=ReminderIn,
    answers={201: ReminderOut},
    example={"feedback": 1, "remind_at": "2099-12-01T17:00:00+09:00", "text": "Call back", "every": "P7D"},
)
def set_reminder(ask: Ask) -> Any:
    """Be reminded of a feedback item or an action at a date and time, or let others be."""
    return Reply(personal_reminders.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getReminder", tag=TAG, right="reminder.read", answers={200: ReminderOut}, etag=True)
def get_reminder(ask: Ask, reminder_id: int) -> Any:
    """One reminder."""
    return reminders_query.show(ask.session, reminders_query.find(ask.session, ask.caller, reminder_id))


@route(
    "PATCH",
    _ONE,
    "changeReminder",
    tag=TAG,
    right="reminder.change",
    body=ReminderChange,
    answers={200: ReminderOut},
    etag=True,
    matches=True,
    example={"remind_at": "2099-12-02T09:00:00+09:00"},
)
def change_reminder(ask: Ask, reminder_id: int) -> Any:
    """Snooze a reminder, or change it. A snoozed repetition does not move the others, unless `every` comes with it."""
    return personal_reminders.change(ask.session, ask.caller, reminder_id, ask.body, now=ask.now, if_match=ask.if_match)


@route("DELETE", _ONE, "cancelReminder", tag=TAG, right="reminder.change", answers={204: None})
def cancel_reminder(ask: Ask, reminder_id: int) -> Any:
    """Cancel a planned reminder; it stays to be seen, as `cancelled`."""
    personal_reminders.cancel(ask.session, ask.caller, reminder_id, now=ask.now)
