"""Service levels: by when work is to be accepted, started and finished, and who is reminded of it when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cfm_workflow.policy.ladders import Ladder, LadderError, Rung, Target, read_ladder
from cfm_workflow.policy.spans import AT_ONCE, Span, read_span

DEFAULT_KEY: Final = "default"
AT_TARGET: Final = Rung(to=(), after=AT_ONCE)
"""Where a ladder for the finish says nothing of the due date itself: that it has passed is told all the same."""

DEFAULT: Final[dict[str, Any]] = {
    "targets": {"accept": {"business_days": 1}, "start": None, "finish": None},
    "ladders": {
        "accept": [
            {"after": "PT0S", "to": ["assignee", "assigner"]},
            {"after": {"business_days": 1}, "to": ["assignee", "lead"]},
        ],
        "start": [{"after": "PT0S", "to": ["assignee"]}],
        "finish": [
            {"share": 75, "to": ["assignee"]},
            {"after": "PT0S", "to": ["assignee"]},
            {"after": {"business_days": 1}, "to": ["assignee", "lead"]},
            {"after": {"business_days": 3}, "to": ["assignee", "lead"]},
            {"after": {"business_days": 5}, "to": ["assignee", "lead", "supervisors"], "every": "P7D"},
        ],
    },
}
"""Useful untouched: a due date that people name is watched, and so is that work is accepted."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What a version of a policy promises. A target that is None is not watched, unless people name a due date."""

    key: str
    targets: Mapping[Target, Span | None]
    ladders: Mapping[Target, Ladder]


def read(key: str, document: Mapping[str, Any]) -> ServiceLevel:
    """The service level of a stored document, `targets` and `ladders`.

    Raises:
        LadderError: a ladder makes no sense; the places begin with `ladders.<target>`.
    """
    targets = {target: _target(document["targets"].get(target.value)) for target in Target}
    ladders: dict[Target, Ladder] = {}
    errors: dict[str, list[str]] = {}
    for target in Target:
        try:
            ladders[target] = _with_target(target, read_ladder(document["ladders"][target.value], targets[target]))
        except LadderError as wrong:
            errors |= {f"ladders.{target.value}.{place}": what for place, what in wrong.errors.items()}
    if errors:
        raise LadderError(errors)
    return ServiceLevel(key, targets, ladders)


def _target(written: Any) -> Span | None:
    return None if written is None else read_span(written)


def _with_target(target: Target, ladder: Ladder) -> Ladder:
    """That a due date has passed is a fact of its own: the ladder for the finish always has a rung for it."""
    if target is not Target.FINISH or any(rung.is_at_target for rung in ladder):
        return ladder
    before = [rung for rung in ladder if rung.is_before_target]
    return (*before, AT_TARGET, *(rung for rung in ladder if not rung.is_before_target))


def event_type(target: Target, ladder: Ladder, number: int) -> str:
    """What a rung is called in the ledger."""
    rung = ladder[min(number, len(ladder) - 1)]
    if target is Target.FINISH and rung.is_at_target and number < len(ladder):
        return "action.overdue"
    if rung.goes_up:
        return "action.escalated"
    is_first = number == 0 and rung.is_before_target
    return "action.due_soon" if target is Target.FINISH and is_first else "action.reminded"
