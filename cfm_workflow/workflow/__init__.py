"""The workflow engine: definitions, their checks, the shared machine, and the one door to a new state.

Pure: no database, no clock, nothing read but YAML files. What is listed here is all that other rooms use.
"""

from cfm_workflow.workflow.definition import Definition
from cfm_workflow.workflow.diagram import mermaid
from cfm_workflow.workflow.errors import (
    Code,
    NotPermitted,
    Refusal,
    RequiredMissing,
    TransitionRefused,
    UnknownTransition,
    WorkflowError,
    WrongState,
)
from cfm_workflow.workflow.firing import Fired, begin, fire
from cfm_workflow.workflow.loading import from_content, load_file, load_folder, load_text
from cfm_workflow.workflow.parts import (
    BEFORE,
    FIELDS,
    FINISHED,
    LANGUAGES,
    PREVIOUS,
    Category,
    Effect,
    Field,
    FieldType,
    Limit,
    Milestone,
    Relation,
    State,
    Transition,
)
from cfm_workflow.workflow.paths import giving_on, leading_to, path
from cfm_workflow.workflow.refusals import choices, why_not
from cfm_workflow.workflow.subject import Subject

__all__ = [
    "BEFORE",
    "FIELDS",
    "FINISHED",
    "LANGUAGES",
    "PREVIOUS",
    "Category",
    "Code",
    "Definition",
    "Effect",
    "Field",
    "FieldType",
    "Fired",
    "Limit",
    "Milestone",
    "NotPermitted",
    "Refusal",
    "Relation",
    "RequiredMissing",
    "State",
    "Subject",
    "Transition",
    "TransitionRefused",
    "UnknownTransition",
    "WorkflowError",
    "WrongState",
    "begin",
    "choices",
    "fire",
    "from_content",
    "giving_on",
    "leading_to",
    "load_file",
    "load_folder",
    "load_text",
    "mermaid",
    "path",
    "why_not",
]
