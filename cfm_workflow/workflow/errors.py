"""How this room says no: a workflow that cannot be loaded, a transition that cannot be fired. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from cfm_workflow.errors import CfmError


class WorkflowError(CfmError):
    """A workflow that breaks rules; `problems` holds every one found, each as (place, reason)."""

    def __init__(self, file: str, problems: Sequence[tuple[str, str]]) -> None:
        self.file = file
        self.problems = list(problems)
        super().__init__("\n".join(f"{file}: {place}: {reason}" for place, reason in problems))


class Code(StrEnum):
    """Why a transition is not possible, for programs."""

    UNKNOWN_TRANSITION = "unknown_transition"
    NOT_PERMITTED = "not_permitted"
    TAKEN = "taken"
    WRONG_STATE = "wrong_state"
    TOO_LATE = "too_late"
    MISSING_FIELD = "missing_field"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a transition is not possible: a code, a sentence, and what was missing.

    `missing` holds fields for `missing_field`, and for `not_permitted` the relations of which one would do.
    """

    code: Code
    reason: str
    missing: tuple[str, ...] = ()


class TransitionRefused(CfmError):
    """A transition that was not fired; nothing was changed."""

    codes: ClassVar[frozenset[Code]]

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.reason)


class UnknownTransition(TransitionRefused):
    """The workflow has no transition of this name."""

    codes = frozenset({Code.UNKNOWN_TRANSITION})


class NotPermitted(TransitionRefused):
    """Whoever asked is not one of those who may."""

    codes = frozenset({Code.NOT_PERMITTED})


class WrongState(TransitionRefused):
    """Not from this state, not any more, or somebody else was first."""

    codes = frozenset({Code.WRONG_STATE, Code.TAKEN, Code.TOO_LATE})


class RequiredMissing(TransitionRefused):
    """A field that this transition requires was not given."""

    codes = frozenset({Code.MISSING_FIELD})


_KINDS = {code: kind for kind in (UnknownTransition, NotPermitted, WrongState, RequiredMissing) for code in kind.codes}


def refused(refusal: Refusal) -> TransitionRefused:
    """The error that carries this refusal."""
    return _KINDS[refusal.code](refusal)
