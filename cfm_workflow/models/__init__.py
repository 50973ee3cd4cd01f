"""The tables, by noun: facts about one row, nothing else."""

from cfm_workflow.models.absences import Absence
from cfm_workflow.models.actions import Action, ActionFeedback, ActionGroup, Outcome, PassedOver, RootCause
from cfm_workflow.models.calendars import Calendar
from cfm_workflow.models.checks import Check
from cfm_workflow.models.customers import Customer
from cfm_workflow.models.deliveries import Attempt, DeadAddress, Delivery, Notice
from cfm_workflow.models.events import Event, LedgerHead
from cfm_workflow.models.feedback import Feedback
from cfm_workflow.models.following import ActionWatcher, FeedbackWatcher, NoticeChoice, NoticeDefault
from cfm_workflow.models.imports import Import, ImportProblem
from cfm_workflow.models.installation import Installation
from cfm_workflow.models.labels import Label, Labelling
from cfm_workflow.models.links import Link
from cfm_workflow.models.messages import Message, Share, ShareOpening, Template
from cfm_workflow.models.notes import Note, NoteMention, NoteVersion
from cfm_workflow.models.people import Account, SupervisedTeam, Team, TeamMember
from cfm_workflow.models.personal_reminders import PersonalReminder, PersonalReminderReceiver
from cfm_workflow.models.policies import Policy, PolicyVersion, Reminder
from cfm_workflow.models.reports import FlowDay, ReportProgress, ReportReview, Stay
from cfm_workflow.models.sessions import BrowserSession, Password
from cfm_workflow.models.throttles import Throttle
from cfm_workflow.models.tokens import CalendarFeed, IdempotencyKey, Token
from cfm_workflow.models.webhooks import Webhook
from cfm_workflow.models.workflows import WorkflowVersion

__all__ = [
    "Absence",
    "Account",
    "Action",
    "ActionFeedback",
    "ActionGroup",
    "ActionWatcher",
    "Attempt",
    "BrowserSession",
    "Calendar",
    "CalendarFeed",
    "Check",
    "Customer",
    "DeadAddress",
    "Delivery",
    "Event",
    "Feedback",
    "FeedbackWatcher",
    "FlowDay",
    "IdempotencyKey",
    "Import",
    "ImportProblem",
    "Installation",
    "Label",
    "Labelling",
    "LedgerHead",
    "Link",
    "Message",
    "Note",
    "NoteMention",
    "NoteVersion",
    "Notice",
    "NoticeChoice",
    "NoticeDefault",
    "Outcome",
    "PassedOver",
    "Password",
    "PersonalReminder",
    "PersonalReminderReceiver",
    "Policy",
    "PolicyVersion",
    "Reminder",
    "ReportProgress",
    "ReportReview",
    "RootCause",
    "Share",
    "ShareOpening",
    "Stay",
    "SupervisedTeam",
    "Team",
    "TeamMember",
    "Template",
    "Throttle",
    "Token",
    "Webhook",
    "WorkflowVersion",
]
