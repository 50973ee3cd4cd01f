"""Every event there is: one table. A type not in it, nor in a workflow file, cannot be recorded. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class EventType:
    """`subject` is what it is about; `audit` ones are read by administrators only and are not part of `*`."""

    subject: str
    meaning: str
    audit: bool = False
    schema_version: int = 1


def _audit(noun: str, verb: str, subject: str | None = None) -> EventType:
    return EventType(subject or noun, f"An administrator's change: the {noun} was {verb}.", audit=True)


REMINDERS: Final = ("action.due_soon", "action.overdue", "action.reminded", "action.escalated")
"""What a rung of a ladder is called when it is told; each says which one it was and who is told."""

PERSONAL_REMINDER: Final = "reminder.fired"

EVENT_TYPES: Final[dict[str, EventType]] = {
    "feedback.received": EventType("feedback", "A feedback item was stored."),
    "feedback.changed": EventType("feedback", "Fields of an item changed; `changes` holds old and new."),
    "feedback.labelled": EventType("feedback", "Somebody put `label` on it."),
    "feedback.unlabelled": EventType("feedback", "Somebody took `label` off it."),
    "feedback.resolved": EventType("feedback", "Its last unfinished action ended and at least one is done."),
    "feedback.undecided": EventType("feedback", "All its actions ended and none is done: somebody must decide."),
    "feedback.reopened": EventType("feedback", "It was resolved or closed and has unfinished work again."),
    "feedback.closed": EventType(
        "feedback", "It needs nothing more: `customer_told`, or a `reason` why not. Somebody or the service closed it."
    ),
    "feedback.checked": EventType(
        "feedback", "The customer was asked whether it is solved; `check` says what the answer was, or that none came."
    ),
    "feedback.silent": EventType("feedback", "Its customer has had no word for long; once, until there is one again."),
    "feedback.watched": EventType("feedback", "Somebody wants to hear of it from now on: `watcher`."),
    "feedback.unwatched": EventType("feedback", "`watcher` does not watch it any more."),
    "feedback.erased": EventType("feedback", "Its personal data was erased, here and in earlier events."),
    "action.assigned": EventType("action", "An action was given to somebody, or offered to a team (`assignee` null)."),
    "action.accepted": EventType("action", "The assignee took it on; of a pool the first one who did."),
    "action.started": EventType("action", "Work on it began."),
    "action.waiting": EventType("action", "It waits until an instant or for the customer."),
    "action.resumed": EventType("action", "Waiting ended; it is back in the state it came from."),
    "action.completed": EventType("action", "It is done, with an outcome."),
    "action.declined": EventType("action", "The assignee will not do it, and says why."),
    "action.released": EventType("action", "It was given back to be accepted again."),
    "action.reassigned": EventType("action", "Somebody else is to do it."),
    "action.cancelled": EventType("action", "It is not needed any more."),
    "action.reopened": EventType("action", "It had ended and is to be done again."),
    "action.undone": EventType("action", "Its end was taken back a moment later."),
    "action.submitted": EventType("action", "The work waits for approval (workflow `callback`)."),
    "action.sent_back": EventType("action", "Approval was refused with a reason (workflow `callback`)."),
    "action.changed": EventType("action", "Fields changed; `changes` holds old and new."),
    "action.linked": EventType("action", "It serves one more feedback item."),
    "action.unlinked": EventType("action", "It serves one feedback item less."),
    "action.passed_over": EventType("action", "A member of the team said that somebody else should take it."),
    "action.commented": EventType("action", "Somebody had a word to say; nothing else changed."),
    "action.watched": EventType("action", "Somebody wants to hear of it from now on: `watcher`."),
    "action.unwatched": EventType("action", "`watcher` does not watch it any more."),
    "action.due_soon": EventType("action", "Its due date is near; once per due date. `told` says who is reminded."),
    "action.overdue": EventType("action", "Its due date has passed; once per due date."),
    "action.reminded": EventType("action", "Somebody is reminded of it again, or that it is not accepted or started."),
    "action.escalated": EventType("action", "Those above the assignee are told that it is late: `told` says who."),
    "action.raised": EventType(
        "action", "Somebody in charge reported it to those above the assignee: `told` says who, `reason` why."
    ),
    "action.extension_requested": EventType(
        "action", "The assignee asks for more time: `extension_request` says until when, `reason` why."
    ),
    "action.extension_granted": EventType("action", "More time was given; `changes` holds the old and new due date."),
    "action.extension_refused": EventType("action", "More time was not given; `reason` says why."),
    "action.extension_withdrawn": EventType(
        "action", "The request for more time was taken back, or has become pointless: then `reason` says why."
    ),
    "action.acknowledged": EventType("action", "Somebody has seen the reminders: it is quiet until `quiet_until`."),
    "action_group.completed": EventType("action_group", "As many of its actions are done as were asked for."),
    "action_group.failed": EventType("action_group", "It can no longer be completed."),
    "action_group.reopened": EventType("action_group", "It had ended and is under way again."),
    "scheduler.stalled": EventType("scheduler", "No scheduler has ticked for five minutes: no reminder comes."),
    "scheduler.resumed": EventType("scheduler", "It ticks again."),
    "reminder.set": EventType("reminder", "Somebody set a personal reminder; `told` says for whom."),
    "reminder.changed": EventType("reminder", "It was snoozed or changed; `changes` holds old and new."),
    "reminder.fired": EventType(
        "reminder", "Its time has come: `told` are reminded. `late`: the service was down then."
    ),
    "reminder.cancelled": EventType("reminder", "It will not be told; `reason` where the service itself cancelled it."),
    "message.queued": EventType("message", "A mail to a customer or a colleague was written; it waits for an undo."),
    "message.cancelled": EventType("message", "It was taken back before it left, or must not be sent: `reason`."),
    "message.sent": EventType("message", "It was sent, kept for want of a mail server, or said elsewhere: `state`."),
    "message.received": EventType("message", "A word of the customer was recorded."),
    "message.failed": EventType("message", "It cannot be delivered; `reason` says why, and its writer is told."),
    "share.revoked": EventType("share", "Nobody can read the item by that link any more."),
    "note.added": EventType("note", "Somebody wrote a note on a feedback item; `mentioned` are told of it."),
    "note.changed": EventType("note", "A note was written anew; `mentioned` are those who were not before."),
    "note.deleted": EventType("note", "A note was deleted."),
    "import.finished": EventType("import", "A file of feedback was read to its end."),
    "customer.created": EventType("customer", "A customer became known.", audit=True),
    "customer.changed": EventType("customer", "What is known of a customer changed.", audit=True),
    "customer.unsubscribed": EventType("customer", "The customer wants no mail that they did not ask for."),
    "customer.resubscribed": EventType("customer", "The customer took that back."),
    "customer.erased": EventType("customer", "Personal data was erased, here and in earlier events."),
    "user.created": _audit("user", "created"),
    "user.changed": _audit("user", "changed"),
    "user.deleted": _audit("user", "switched off for good"),
    "user.away": EventType("user", "Somebody is away from now on; `absence` says until when.", audit=True),
    "user.back": EventType("user", "Somebody who was away is back.", audit=True),
    "team.created": _audit("team", "created"),
    "team.changed": _audit("team", "changed"),
    "team.deleted": _audit("team", "deleted"),
    "token.created": _audit("token", "created"),
    "token.deleted": _audit("token", "revoked"),
    "calendar_feed.created": EventType("calendar_feed", "Somebody's calendar has a new secret address.", audit=True),
    "calendar_feed.deleted": EventType("calendar_feed", "Somebody's calendar has no address any more.", audit=True),
    "integration.created": _audit("integration", "created"),
    "integration.deleted": _audit("integration", "switched off"),
    "label.created": EventType("label", "A label was made, or first used.", audit=True),
    "label.changed": EventType("label", "A label was renamed, or looks different.", audit=True),
    "label.deleted": EventType("label", "A label was retired; where it is, it stays.", audit=True),
    "label.merged": EventType("label", "A label is a further name of another one from now on: `into`.", audit=True),
    "outcome.created": _audit("outcome", "created"),
    "outcome.changed": _audit("outcome", "changed"),
    "outcome.deleted": _audit("outcome", "deleted"),
    "root_cause.created": _audit("root cause", "created", subject="root_cause"),
    "root_cause.changed": _audit("root cause", "changed", subject="root_cause"),
    "root_cause.deleted": _audit("root cause", "deleted", subject="root_cause"),
    "template.created": _audit("template", "created"),
    "template.changed": _audit("template", "changed"),
    "template.deleted": _audit("template", "deleted"),
    "calendar.created": _audit("calendar", "created"),
    "calendar.changed": _audit("calendar", "changed"),
    "calendar.deleted": _audit("calendar", "deleted"),
    "policy.created": _audit("policy", "created"),
    "policy.changed": _audit("policy", "changed"),
    "policy.deleted": _audit("policy", "deleted"),
    "workflow.created": _audit("workflow", "published"),
    "webhook.created": _audit("webhook", "created"),
    "webhook.changed": _audit("webhook", "changed"),
    "webhook.deleted": _audit("webhook", "deleted"),
    "webhook.failing": EventType("webhook", "For one day, then for three, nothing has arrived at it.", audit=True),
    "webhook.disabled": EventType("webhook", "It was switched off: it wants nothing more, or failed for five days."),
    "webhook.enabled": EventType("webhook", "It was switched on again."),
    "webhook.test": EventType("webhook", "Somebody tries an endpoint; sent to that one alone."),
    "preferences.changed": EventType("preferences", "What people hear of who chose nothing was changed.", audit=True),
}


def known(event_type: str) -> EventType:
    """The entry of a type; one that a workflow file adds is an action's."""
    return EVENT_TYPES.get(event_type) or EventType("action", "A transition that a workflow file adds.")
