"""What is said of each event, and to whom: one table. English here, the other languages in `translations/`.

`who` begins every sentence, so that the system can be called by a capital; `title` is the action's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cfm_workflow.texts import mark


@dataclass(frozen=True, slots=True)
class Words:
    """The beginning of the subject, and a sentence."""

    label: str
    sentence: str


OTHERS: Final = ""
"""Stands for every relation that has no words of its own."""

WORDS: Final[Mapping[str, Mapping[str, Words]]] = {
    "action.assigned": {
        "assignee": Words(mark("Assigned to you"), mark("%(who)s assigned “%(title)s” to you.")),
        "pool_member": Words(
            mark("Offered to your team"),
            mark("%(who)s offered “%(title)s” to %(receiver)s. Whoever accepts it first takes it on."),
        ),
        OTHERS: Words(mark("Assigned"), mark("%(who)s assigned “%(title)s” to %(receiver)s.")),
    },
    "action.reassigned": {
        "assignee": Words(mark("Assigned to you"), mark("%(who)s reassigned “%(title)s” to you.")),
        "former_assignee": Words(
            mark("No longer yours"),
            mark("%(who)s gave “%(title)s” to %(receiver)s. You have nothing more to do for it."),
        ),
        OTHERS: Words(mark("Reassigned"), mark("%(who)s reassigned “%(title)s” to %(receiver)s.")),
    },
    "action.reopened": {
        "assignee": Words(mark("Reopened"), mark("%(who)s reopened “%(title)s”. It is yours to do again.")),
        "former_assignee": Words(
            mark("Reopened, no longer yours"), mark("%(who)s reopened “%(title)s” and gave it to %(receiver)s.")
        ),
        "pool_member": Words(
            mark("Offered to your team again"), mark("%(who)s reopened “%(title)s”. It is offered to %(receiver)s.")
        ),
        OTHERS: Words(mark("Reopened"), mark("%(who)s reopened “%(title)s”.")),
    },
    "action.sent_back": {
        "assignee": Words(mark("Sent back to you"), mark("%(who)s sent “%(title)s” back to you.")),
        OTHERS: Words(mark("Sent back"), mark("%(who)s sent “%(title)s” back to %(receiver)s.")),
    },
    "action.submitted": {
        "assigner": Words(mark("Approval asked for"), mark("%(who)s asks you to approve “%(title)s”.")),
        OTHERS: Words(mark("Approval asked for"), mark("%(who)s handed in “%(title)s” for approval.")),
    },
    "action.declined": {
        "assignee": Words(mark("Declined"), mark("%(who)s declined “%(title)s” in your place.")),
        OTHERS: Words(mark("Declined"), mark("%(who)s declined “%(title)s”.")),
    },
    "action.cancelled": {
        "assignee": Words(
            mark("Cancelled"), mark("%(who)s cancelled “%(title)s”. You have nothing more to do for it.")
        ),
        OTHERS: Words(mark("Cancelled"), mark("%(who)s cancelled “%(title)s”.")),
    },
    "action.escalated": {
        "assignee": Words(mark("Overdue, reported"), mark("“%(title)s” is late, and those above you are told of it.")),
        OTHERS: Words(mark("Late"), mark("“%(title)s” of %(receiver)s is late.")),
    },
    "action.raised": {
        "assignee": Words(mark("Reported"), mark("%(who)s reported “%(title)s” to those above you.")),
        OTHERS: Words(mark("Reported to you"), mark("%(who)s reported “%(title)s” of %(receiver)s to you.")),
    },
    "action.overdue": {
        "assignee": Words(mark("Overdue"), mark("“%(title)s” is due now and not finished.")),
        OTHERS: Words(mark("Overdue"), mark("“%(title)s” of %(receiver)s is due now and not finished.")),
    },
    "action.due_soon": {
        "assignee": Words(mark("Due soon"), mark("“%(title)s” is due soon.")),
        OTHERS: Words(mark("Due soon"), mark("“%(title)s” of %(receiver)s is due soon.")),
    },
    "action.reminded": {
        "assignee": Words(mark("Reminder"), mark("“%(title)s” waits for you.")),
        OTHERS: Words(mark("Reminder"), mark("“%(title)s” still waits for %(receiver)s.")),
    },
    "reminder.fired": {
        OTHERS: Words(mark("Reminder"), mark("You are reminded of feedback #%(item)s: “%(title)s”")),
    },
    "reminder.set": {
        OTHERS: Words(mark("Reminder set"), mark("%(who)s set a reminder for you on feedback #%(item)s: “%(title)s”")),
    },
    "reminder.changed": {
        OTHERS: Words(
            mark("Reminder changed"), mark("%(who)s changed a reminder for you on feedback #%(item)s: “%(title)s”")
        ),
    },
    "reminder.cancelled": {
        OTHERS: Words(
            mark("Reminder cancelled"),
            mark("%(who)s cancelled a reminder for you on feedback #%(item)s: “%(title)s”"),
        ),
    },
    "note.added": {
        "mentioned": Words(
            mark("You were mentioned"), mark("%(who)s mentioned you in a note on feedback #%(item)s: “%(title)s”")
        ),
        OTHERS: Words(mark("Note"), mark("%(who)s wrote a note on feedback #%(item)s: “%(title)s”")),
    },
    "note.changed": {
        OTHERS: Words(
            mark("You were mentioned"), mark("%(who)s mentioned you in a note on feedback #%(item)s: “%(title)s”")
        ),
    },
    "action.acknowledged": {
        OTHERS: Words(mark("Reminders seen"), mark("%(who)s has seen the reminders of “%(title)s”.")),
    },
    "feedback.undecided": {
        OTHERS: Words(
            mark("Decision needed"),
            mark("All actions on feedback #%(item)s have ended and none is done. Please decide what is to happen."),
        ),
    },
    "feedback.resolved": {
        OTHERS: Words(mark("Resolved"), mark("Feedback #%(item)s is resolved: nothing is left to do for it.")),
    },
    "action.extension_requested": {
        OTHERS: Words(mark("More time asked for"), mark("%(who)s asks for more time for “%(title)s”.")),
    },
    "action.extension_granted": {
        "assignee": Words(mark("More time for you"), mark("%(who)s gave you more time for “%(title)s”.")),
        OTHERS: Words(mark("More time given"), mark("%(who)s gave more time for “%(title)s”.")),
    },
    "action.extension_refused": {
        "assignee": Words(
            mark("No more time"), mark("%(who)s gave you no more time for “%(title)s”. It is due as it was.")
        ),
        OTHERS: Words(mark("No more time"), mark("%(who)s gave no more time for “%(title)s”.")),
    },
    "action.extension_withdrawn": {
        OTHERS: Words(
            mark("More time not needed"), mark("%(who)s took back the request for more time for “%(title)s”.")
        ),
    },
    "action.completed": {
        "assignee": Words(mark("Done"), mark("%(who)s completed “%(title)s” in your place.")),
        OTHERS: Words(mark("Done"), mark("%(who)s completed “%(title)s”.")),
    },
    "action_group.failed": {
        OTHERS: Words(
            mark("Can no longer be completed"),
            mark(
                "The group of actions on feedback #%(item)s can no longer be completed: too many ended without success."
            ),
        ),
    },
    "action_group.completed": {
        OTHERS: Words(
            mark("Group completed"),
            mark("The group of actions on feedback #%(item)s is completed: as many are done as were asked for."),
        ),
    },
    "action.commented": {
        OTHERS: Words(mark("Comment"), mark("%(who)s commented on “%(title)s”.")),
    },
    "action.undone": {
        OTHERS: Words(mark("Taken back"), mark("%(who)s took back the last step of “%(title)s”.")),
    },
    "action.released": {
        "pool_member": Words(
            mark("Offered to your team again"), mark("%(who)s gave back “%(title)s”. It is offered to %(receiver)s.")
        ),
        OTHERS: Words(mark("Given back"), mark("%(who)s gave back “%(title)s”.")),
    },
    "action.watched": {
        OTHERS: Words(mark("You follow it now"), mark("%(who)s added you to those who follow “%(title)s”.")),
    },
    "feedback.watched": {
        OTHERS: Words(mark("You follow it now"), mark("%(who)s added you to those who follow feedback #%(item)s.")),
    },
    "action.unwatched": {
        OTHERS: Words(mark("You no longer follow it"), mark("%(who)s took you off those who follow “%(title)s”.")),
    },
    "feedback.unwatched": {
        OTHERS: Words(
            mark("You no longer follow it"), mark("%(who)s took you off those who follow feedback #%(item)s.")
        ),
    },
    "feedback.reopened": {
        OTHERS: Words(mark("Open again"), mark("Feedback #%(item)s is open again: there is something left to do.")),
    },
    "feedback.closed": {
        OTHERS: Words(mark("Closed"), mark("%(who)s closed feedback #%(item)s.")),
    },
    "feedback.checked": {
        OTHERS: Words(
            mark("Answer of the customer"), mark("The customer of feedback #%(item)s has answered: %(answer)s.")
        ),
    },
    "feedback.silent": {
        OTHERS: Words(
            mark("No word to the customer"),
            mark("The customer of feedback #%(item)s has been waiting for a word for long."),
        ),
    },
    "action.accepted": {
        OTHERS: Words(mark("Accepted"), mark("%(who)s accepted “%(title)s”.")),
    },
    "action.started": {
        OTHERS: Words(mark("Started"), mark("%(who)s started on “%(title)s”.")),
    },
    "action.waiting": {
        OTHERS: Words(mark("Waiting"), mark("%(who)s lets “%(title)s” wait.")),
    },
    "action.resumed": {
        OTHERS: Words(mark("Resumed"), mark("%(who)s resumed “%(title)s”.")),
    },
    "action.changed": {
        OTHERS: Words(mark("Changed"), mark("%(who)s changed “%(title)s”.")),
    },
    "action.linked": {
        OTHERS: Words(mark("Serves more feedback"), mark("%(who)s linked “%(title)s” to another feedback item.")),
    },
    "action.unlinked": {
        OTHERS: Words(mark("Serves less feedback"), mark("%(who)s unlinked “%(title)s” from a feedback item.")),
    },
    "action.passed_over": {
        OTHERS: Words(mark("Passed over"), mark("%(who)s left “%(title)s” to the others of %(receiver)s.")),
    },
    "action_group.reopened": {
        OTHERS: Words(
            mark("Group under way again"), mark("The group of actions on feedback #%(item)s is under way again.")
        ),
    },
    "feedback.changed": {
        OTHERS: Words(mark("Changed"), mark("%(who)s changed feedback #%(item)s.")),
    },
    "message.failed": {
        OTHERS: Words(
            mark("Not delivered"), mark("Your message on feedback #%(item)s cannot be delivered: “%(title)s”")
        ),
    },
    "message.received": {
        OTHERS: Words(
            mark("The customer answered"), mark("%(who)s recorded a word of the customer on feedback #%(item)s.")
        ),
    },
    "scheduler.stalled": {
        OTHERS: Words(
            mark("The clock stands still"),
            mark("No scheduler is running: reminders do not come, and what waits does not go on."),
        ),
    },
    "scheduler.resumed": {OTHERS: Words(mark("The clock goes again"), mark("A scheduler is running again."))},
    "webhook.failing": {
        OTHERS: Words(
            mark("Webhook fails"),
            mark(
                "Your webhook %(title)s takes nothing that is sent to it. After five days of that it is switched off."
            ),
        ),
    },
    "webhook.disabled": {
        OTHERS: Words(
            mark("Webhook switched off"),
            mark(
                "Your webhook %(title)s is switched off. Once it works again, switch it on and replay what it missed."
            ),
        ),
    },
}

STEP: Final = Words("%(step)s", mark("%(who)s moved “%(title)s” on: %(step)s."))
"""A transition that only its workflow knows: it is called as the workflow calls it."""

ANYTHING: Final = Words("%(step)s", mark("%(who)s changed something: %(step)s."))

WHY: Final[Mapping[str, str]] = {
    "assignee": mark("You hear of this because it is yours to do."),
    "former_assignee": mark("You hear of this because it was yours to do."),
    "assigner": mark("You hear of this because you gave this work."),
    "watcher": mark("You hear of this because you follow it."),
    "lead": mark("You hear of this because you lead the team that does it."),
    "pool_member": mark("You hear of this because it is offered to a team of yours."),
    "sibling": mark("You hear of this because you have another action of the same group."),
    "owner": mark("You hear of this because it is yours."),
    "supervisor": mark("You hear of this because you supervise the team that does it."),
    "receiver": mark("You hear of this because it is meant for you."),
    "mentioned": mark("You hear of this because you were mentioned."),
    OTHERS: mark("You hear of this because you take part in it or follow it."),
}

ACTORS: Final[Mapping[str, str]] = {
    "user": mark("%(name)s"),
    "integration": mark("The program %(name)s"),
    "system": mark("The system"),
}
"""Who did it. In Korean each of them ends in a consonant, so that the particle behind it is always the same."""

SYSTEM_ACTORS: Final[Mapping[str, str]] = {
    "absence": mark("The absence rule"),
    "clock": mark("The clock"),
    "group policy": mark("The group policy"),
    "calendar": mark("The calendar"),
    "customer": mark("The customer"),
    "mail": mark("The mail"),
    "customer's answer": mark("The customer's answer"),
    "closed loop": mark("The closing rule"),
    "extension": mark("The rule for more time"),
}

CALENDAR_CHANGED: Final = mark("The calendar has changed.")
RULES_CHANGED: Final = mark("All dates were reckoned anew, by the calendars and time zones as they are now.")
REASONS: Final = frozenset(
    {
        mark("The group is complete without it."),
        mark("Whoever it was given to is away."),
        mark("Whoever it was given to is back."),
        mark("The customer has answered."),
        mark("The feedback was erased."),
        mark("Nobody is left whom it is for."),
        mark("No customer is known."),
        mark("The customer has no e-mail address."),
        mark("The customer does not want to be contacted."),
        mark("Nothing arrives at the address of the customer."),
        mark("The customer says that it is not solved."),
        mark("The customer wrote again."),
        mark("The action has ended."),
        mark("Somebody else has the action now."),
        mark("The due date was moved."),
        CALENDAR_CHANGED,
        RULES_CHANGED,
    }
)
"""Reasons that the service itself gives."""

TEAM: Final = mark("the team %(name)s")
NOBODY: Final = mark("nobody")

ANSWERS: Final[Mapping[str, str]] = {
    "confirmed": mark("It is solved"),
    "denied": mark("It is not solved"),
    "assumed": mark("No answer"),
}
STATUSES: Final[Mapping[str, str]] = {
    "new": mark("New"),
    "open": mark("Open"),
    "resolved": mark("Resolved"),
    "closed": mark("Closed"),
}
PRIORITIES: Final[Mapping[str, str]] = {
    "low": mark("Low"),
    "normal": mark("Normal"),
    "high": mark("High"),
    "urgent": mark("Urgent"),
}
FIELDS: Final[Mapping[str, str]] = {
    "title": mark("Title"),
    "description": mark("Description"),
    "priority": mark("Priority"),
    "due_at": mark("Due"),
    "first_due_at": mark("First due date"),
    "accept_by": mark("Accept by"),
    "start_by": mark("Start by"),
    "quiet_until": mark("Quiet until"),
    "remind_at": mark("Reminder"),
    "every": mark("Repeats every"),
    "if_answered": mark("When the customer answers"),
    "for": mark("Reminder for"),
    "goal": mark("Goal"),
    "benefit": mark("Benefit"),
    "text": mark("Text"),
    "channel": mark("Channel"),
    "touchpoint": mark("Touchpoint"),
    "language": mark("Language"),
    "metric": mark("Metric"),
    "score": mark("Score"),
}
"""Fields whose change is shown with old and new value, as far as they are short."""

BUTTONS: Final[Mapping[str, str]] = {
    "grant": mark("Grant more time"),
    "accept": mark("Accept"),
    "complete": mark("Finish"),
    "acknowledge": mark("Acknowledge"),
    "comment": mark("Write a comment"),
    "snooze": mark("Remind me later"),
}
"""What a signed link can be for, in the order of the buttons."""
