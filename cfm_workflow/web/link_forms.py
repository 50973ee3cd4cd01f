"""What was typed into the form behind a link: what it says to the operation, and what is wrong with it in words.

Nothing is looked up here. The sentences are English; the page shows them in the reader's language.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from marshmallow import ValidationError

from cfm_workflow import limits
from cfm_workflow.errors import IncompleteTransition, Invalid
from cfm_workflow.forms.fields import storable
from cfm_workflow.operations.links import SNOOZES, Look
from cfm_workflow.policy.audiences import KINDS, Level
from cfm_workflow.security.links import Purpose
from cfm_workflow.texts import mark

TEXTS: Final[Mapping[str, int]] = {
    "comment": limits.COMMENT,
    "reason": limits.REASON,
    "resolution": limits.RESOLUTION,
    "root_cause": limits.ROOT_CAUSE,
}
"""The fields that are free text, and how long each may be."""

ENDING: Final = ("outcome", "reason", "resolution", "root_cause")
"""The fields that a page can ask for when work ends, in its order."""

TOO_LONG: Final = mark("At most %(most)s characters; these are %(given)s.")
UNSTORABLE: Final = mark("Some of these characters cannot be stored.")
WRONG: Final[Mapping[str, str]] = {
    "outcome": mark("Choose an outcome."),
    "reason": mark("Say the reason."),
    "comment": mark("Write a comment."),
    "resolution": mark("Say what was done."),
    "root_cause": mark("Say what caused it."),
}
WRONG_LEVEL: Final = mark("Choose one of the levels.")
WRONG_SNOOZE: Final = mark("Choose for how long.")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A sentence about a field, and what stands in its places."""

    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it came: what was typed, what it says to the operation, and what is wrong per field."""

    typed: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)


def asked(look: Look) -> tuple[str, ...]:
    """The fields that the page behind a link asks for; of preferences none, they are a table of their own."""
    if look.purpose is Purpose.COMMENT:
        return ("comment",)
    if look.purpose is not Purpose.COMPLETE or look.definition is None or look.transition is None:
        return ()
    return tuple(name for name in ENDING if name in look.definition.transitions[look.transition].fields)


def required(look: Look) -> tuple[str, ...]:
    """Those of `asked` without which nothing is done; an outcome can ask for a reason besides."""
    if look.purpose is Purpose.COMMENT:
        return ("comment",)
    needed = look.definition.transitions[look.transition].requires if look.definition and look.transition else ()
    return tuple(name for name in asked(look) if name in needed)


def read(look: Look, form: Mapping[str, str]) -> Filled:
    """The form, checked against what the page asked for; what else came with it is not looked at."""
    if look.purpose is Purpose.PREFERENCES:
        return _read_levels(form)
    if look.purpose is Purpose.WEEKLY_REPORT:
        return Filled()
    if look.purpose is Purpose.SNOOZE:
        by = form.get("by", "")
        return Filled(says={"by": by}) if by in SNOOZES else Filled(mistakes={"by": Mistake(WRONG_SNOOZE)})
    if look.purpose is Purpose.GRANT:
        return Filled(says={"asked_at": _moment(form.get("asked_at", ""))})
    typed = {name: form[name].replace("\r\n", "\n") for name in asked(look) if name in form}
    says = {name: text.strip() for name, text in typed.items() if text.strip()}
    return Filled(typed, says, dict(_mistakes(look, says)))


def _moment(text: str) -> datetime:
    """Which request the page showed; what is none is that of nobody."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _mistakes(look: Look, says: Mapping[str, str]) -> Iterator[tuple[str, Mistake]]:
    outcomes = {outcome["key"]: outcome for outcome in look.outcomes}
    outcome = outcomes.get(says.get("outcome", ""))
    known = {
        "outcome": "outcome" not in says or outcome is not None,
        "root_cause": "root_cause" not in says or _is_known_cause(look, says["root_cause"]),
    }
    needed = set(required(look)) | ({"reason"} if outcome and outcome["requires_reason"] else set())
    for name in asked(look):
        if (name in needed and name not in says) or not known.get(name, True):
            yield name, Mistake(WRONG[name])
        elif name in TEXTS and name in says and (wrong := _wrong(says[name], TEXTS[name])) is not None:
            yield name, wrong


def _is_known_cause(look: Look, said: str) -> bool:
    """Whether it is on the list, if there is one."""
    return not look.root_causes or said in {cause["key"] for cause in look.root_causes}


def _wrong(text: str, most: int) -> Mistake | None:
    if len(text) > most:
        return Mistake(TOO_LONG, {"most": most, "given": len(text)})
    try:
        storable(text)
    except ValidationError:
        return Mistake(UNSTORABLE)
    return None


_CHOICES: Final[Mapping[str, Level | None]] = {"": None, **{level.value: level for level in Level}}


def _read_levels(form: Mapping[str, str]) -> Filled:
    """A level per kind; a kind that did not come along stays as it is."""
    typed = {kind: form[kind] for kind in KINDS if kind in form}
    mistakes = {kind: Mistake(WRONG_LEVEL) for kind, level in typed.items() if level not in _CHOICES}
    says = {kind: _CHOICES[level] for kind, level in typed.items() if level in _CHOICES}
    return Filled(typed, {"notices": says}, mistakes)


def after_refusal(filled: Filled, refused: Invalid | IncompleteTransition) -> Filled:
    """The form with what the operation found wrong: something has changed since the page was made."""
    names = refused.missing if isinstance(refused, IncompleteTransition) else refused.errors
    mistakes = {name: Mistake(WRONG[name]) for name in names if name in WRONG}
    return Filled(filled.typed, filled.says, mistakes)
