"""The tables, by noun: facts about one row, nothing else."""

from cfm_workflow.models.actions import Action, ActionFeedback, ActionGroup, Outcome, PassedOver
from cfm_workflow.models.customers import Customer
from cfm_workflow.models.events import Event, LedgerHead
from cfm_workflow.models.feedback import Feedback
from cfm_workflow.models.imports import Import, ImportProblem
from cfm_workflow.models.installation import Installation
from cfm_workflow.models.people import Account, SupervisedTeam, Team, TeamMember
from cfm_workflow.models.tokens import IdempotencyKey, Token
from cfm_workflow.models.workflows import WorkflowVersion

__all__ = [
    "Account",
    "Action",
    "ActionFeedback",
    "ActionGroup",
    "Customer",
    "Event",
    "Feedback",
    "IdempotencyKey",
    "Import",
    "ImportProblem",
    "Installation",
    "LedgerHead",
    "Outcome",
    "PassedOver",
    "SupervisedTeam",
    "Team",
    "TeamMember",
    "Token",
    "WorkflowVersion",
]
