"""What people can choose to hear of, by name and in sections, as the page of preferences lists it."""

from collections.abc import Mapping
from typing import Final

from cfm_workflow.policy.audiences import SIBLINGS, Level
from cfm_workflow.texts import mark

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    mark("Actions"): {
        "action.assigned": mark("Assigned"),
        "action.reassigned": mark("Reassigned"),
        "action.accepted": mark("Accepted"),
        "action.started": mark("Started"),
        "action.waiting": mark("Waiting"),
        "action.resumed": mark("Resumed"),
        "action.submitted": mark("Approval asked for"),
        "action.sent_back": mark("Sent back"),
        "action.completed": mark("Done"),
        "action.declined": mark("Declined"),
        "action.cancelled": mark("Cancelled"),
        "action.released": mark("Given back"),
        "action.passed_over": mark("Passed over"),
        "action.reopened": mark("Reopened"),
        "action.undone": mark("Taken back"),
        "action.due_soon": mark("Due soon"),
        "action.overdue": mark("Overdue"),
        "action.reminded": mark("Reminder"),
        "action.escalated": mark("Escalated"),
        "action.raised": mark("Reported to those above"),
        "action.extension_requested": mark("More time asked for"),
        "action.extension_granted": mark("More time given"),
        "action.extension_refused": mark("No more time"),
        "action.extension_withdrawn": mark("More time not needed"),
        "action.acknowledged": mark("Reminders acknowledged"),
        "action.commented": mark("Comment"),
        "action.changed": mark("Changed"),
        "action.linked": mark("Serves more feedback"),
        "action.unlinked": mark("Serves less feedback"),
        "action.watched": mark("You were added as a watcher"),
        "action.unwatched": mark("You were removed as a watcher"),
        SIBLINGS: mark("Others of the same group"),
    },
    mark("Feedback"): {
        "feedback.undecided": mark("Decision needed"),
        "feedback.resolved": mark("Resolved"),
        "feedback.reopened": mark("Open again"),
        "feedback.closed": mark("Closed"),
        "feedback.checked": mark("Answer of the customer"),
        "feedback.silent": mark("No word to the customer"),
        "feedback.changed": mark("Changed"),
        "feedback.watched": mark("You were added as a watcher"),
        "feedback.unwatched": mark("You were removed as a watcher"),
    },
    mark("Messages"): {
        "message.received": mark("The customer answered"),
        "message.failed": mark("Not delivered"),
    },
    mark("Notes"): {
        "note.added": mark("Note"),
        "note.changed": mark("You were mentioned later"),
    },
    mark("Personal reminders"): {
        "reminder.fired": mark("Reminder"),
        "reminder.set": mark("Reminder set"),
        "reminder.changed": mark("Reminder changed"),
        "reminder.cancelled": mark("Reminder cancelled"),
    },
    mark("Groups of actions"): {
        "action_group.completed": mark("Group completed"),
        "action_group.failed": mark("Can no longer be completed"),
        "action_group.reopened": mark("Group under way again"),
    },
    mark("The service"): {
        "scheduler.stalled": mark("The clock stands still"),
        "scheduler.resumed": mark("The clock goes again"),
    },
    mark("Webhooks of yours"): {
        "webhook.failing": mark("Takes nothing"),
        "webhook.disabled": mark("Switched off"),
    },
}
"""Every kind of policy/audiences.py, in the order of a work's life."""

LEVELS: Final[Mapping[Level, str]] = {
    Level.AT_ONCE: mark("At once"),
    Level.DIGEST: mark("Daily digest"),
    Level.NEVER: mark("Never"),
}
