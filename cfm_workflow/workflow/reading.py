"""From plain dicts and lists to states and transitions: what is of the wrong kind or spelt wrongly is noted.

Judges each value by itself; how they fit together is the business of `rules.py`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from cfm_workflow.workflow import durations
from cfm_workflow.workflow.parts import (
    BEFORE,
    FIELDS,
    LANGUAGES,
    PREVIOUS,
    Category,
    Effect,
    Limit,
    Milestone,
    Relation,
    State,
    Transition,
)

_STATES_MOST: Final = 100
_TRANSITIONS_MOST: Final = 200
_LABEL_MOST: Final = 80
_WITHIN_MOST: Final = timedelta(days=30)

_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_EVENT: Final = re.compile(r"action\.[a-z][a-z0-9_]{1,39}", re.ASCII)

_REQUIRED, _OPTIONAL = True, False
_KEYS: Final[Mapping[str, Mapping[str, bool]]] = {
    "workflow": {
        "key": _REQUIRED, "name": _REQUIRED, "initial": _REQUIRED, "self_assigned": _OPTIONAL,
        "states": _REQUIRED, "transitions": _REQUIRED,
    },
    "state": {"category": _REQUIRED, "label": _REQUIRED, "milestone": _OPTIONAL},
    "transition": {
        "from": _REQUIRED, "to": _REQUIRED, "who": _REQUIRED, "requires": _OPTIONAL, "optional": _OPTIONAL,
        "event": _REQUIRED, "label": _REQUIRED, "limits": _OPTIONAL, "within": _OPTIONAL, "effect": _OPTIONAL,
    },
}  # fmt: skip

Word = TypeVar("Word", bound=StrEnum)


@dataclass(slots=True)
class Draft:
    """What could be read. A name is listed even when what it names could not be, so that one fault is told once."""

    key: str
    name: Mapping[str, str]
    initial: str
    self_assigned: str | None
    states: dict[str, State]
    transitions: dict[str, Transition]
    state_names: frozenset[str]
    transition_names: frozenset[str]


class Reader:
    """Collects the problems of one document while its values are read."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def draft(self, document: Any) -> Draft:
        """All that can be read of `document`."""
        top = self._sheet(document, "workflow", "workflow")
        states = dict(self._named(top.get("states", {}), "states", _STATES_MOST))
        transitions = dict(self._named(top.get("transitions", {}), "transitions", _TRANSITIONS_MOST))
        return Draft(
            key=self._identifier(top, "key", ""),
            name=self._label(top, "name", ""),
            initial=self._text(top, "initial", ""),
            self_assigned=self._text(top, "self_assigned", "") or None,
            states={name: state for name, body in states.items() if (state := self._state(name, body)) is not None},
            transitions={name: self._transition(name, body) for name, body in transitions.items()},
            state_names=frozenset(states),
            transition_names=frozenset(transitions),
        )

    def _state(self, name: str, body: Any) -> State | None:
        place = f"states.{name}"
        if name in (PREVIOUS, BEFORE):
            self._note(place, "is a word with a meaning of its own as a target; choose another name")
        sheet = self._sheet(body, place, "state")
        label = self._label(sheet, "label", place)
        milestone = self._word(sheet, "milestone", place, Milestone)
        category = self._word(sheet, "category", place, Category)
        return State(name, category, label, milestone) if category else None

    def _transition(self, name: str, body: Any) -> Transition:
        place = f"transitions.{name}"
        sheet = self._sheet(body, place, "transition")
        return Transition(
            name=name,
            from_states=self._words(sheet, "from", place, least=1),
            to=self._text(sheet, "to", place),
            who=frozenset(Relation(word) for word in self._words(sheet, "who", place, known=list(Relation), least=1)),
            requires=self._words(sheet, "requires", place, known=list(FIELDS)),
            optional=self._words(sheet, "optional", place, known=list(FIELDS)),
            event=self._event(sheet, place),
            label=self._label(sheet, "label", place),
            limits=self._limits(sheet, place),
            within=self._within(sheet, place),
            effect=self._word(sheet, "effect", place, Effect),
        )

    def _event(self, sheet: Mapping[str, Any], place: str) -> str:
        event = self._text(sheet, "event", place)
        if event and not _EVENT.fullmatch(event):
            self._note(f"{place}.event", f"{event!r} is not of the form action.<word in the past tense>")
        return event

    def _limits(self, sheet: Mapping[str, Any], place: str) -> Mapping[Relation, Limit]:
        place = f"{place}.limits"
        limits = self._mapping(sheet.get("limits", {}), place)
        read = {relation: self._word(limits, relation, place, Limit) for relation in Relation if relation in limits}
        for name in limits:
            if name not in read:
                self._note(f"{place}.{name}", f"unknown role{_choice_of(Relation)}")
        return MappingProxyType({relation: limit for relation, limit in read.items() if limit})

    def _within(self, sheet: Mapping[str, Any], place: str) -> timedelta | None:
        text = self._text(sheet, "within", place)
        duration = durations.parse(text) if text else None
        if text and (duration is None or duration > _WITHIN_MOST):
            self._note(
                f"{place}.within", f"{text!r} is not a duration such as PT10M, of at most {_WITHIN_MOST.days} days"
            )
        return duration

    def _named(self, value: Any, place: str, most: int) -> Iterator[tuple[str, Any]]:
        """The named parts of a file's mapping or of a normal form's list."""
        if not isinstance(value, Mapping | list) or not value:
            self._note(place, "must name at least one")
            return
        if len(value) > most:
            self._note(place, f"are {len(value)}, at most {most} are possible")
            return
        seen: set[str] = set()
        for name, body in value.items() if isinstance(value, Mapping) else map(_without_name, value):
            if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
                self._note(f"{place}.{name}", _NOT_A_NAME)
            elif name in seen:
                self._note(f"{place}.{name}", "is doubled")
            else:
                seen.add(name)
                yield name, body

    def _sheet(self, value: Any, place: str, kind: str) -> Mapping[str, Any]:
        sheet = self._mapping(value, place)
        known = _KEYS[kind]
        inside = "" if place == kind else f"{place}."
        for key in sheet:
            if key not in known:
                self._note(f"{inside}{key}", f"unknown key{_choice_of(known)}")
        for key, needed in known.items():
            if needed and key not in sheet:
                self._note(f"{inside}{key}", "is missing")
        return sheet

    def _mapping(self, value: Any, place: str) -> Mapping[str, Any]:
        """What is given, without what is given as nothing."""
        if isinstance(value, Mapping):
            return {key: inner for key, inner in value.items() if inner is not None}
        self._note(place, "must be a mapping of names to values")
        return {}

    def _label(self, sheet: Mapping[str, Any], key: str, place: str) -> Mapping[str, str]:
        place = _inside(place, key)
        texts = self._mapping(sheet.get(key, {}), place)
        for language in texts:
            if language not in LANGUAGES:
                self._note(f"{place}.{language}", f"unknown language{_choice_of(LANGUAGES)}")
        for language in LANGUAGES if key in sheet else ():
            text = texts.get(language)
            if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > _LABEL_MOST:
                self._note(f"{place}.{language}", f"needs a label: one line of 1 to {_LABEL_MOST} characters")
        return MappingProxyType({language: str(texts.get(language)) for language in LANGUAGES})

    def _identifier(self, sheet: Mapping[str, Any], key: str, place: str) -> str:
        text = self._text(sheet, key, place)
        if text and not _IDENTIFIER.fullmatch(text):
            self._note(_inside(place, key), _NOT_A_NAME)
        return text

    def _text(self, sheet: Mapping[str, Any], key: str, place: str) -> str:
        """The word given, or an empty one when it is absent (a missing key is noted by `_sheet`)."""
        value = sheet.get(key)
        if value is None:
            return ""
        if isinstance(value, str) and value:
            return value
        self._note(_inside(place, key), "must be a word")
        return ""

    def _word(self, sheet: Mapping[str, Any], key: str, place: str, kind: type[Word]) -> Word | None:
        text = self._text(sheet, key, place)
        if text and text not in list(kind):
            self._note(_inside(place, key), f"unknown {_NOUNS.get(kind, key)} {text!r}{_choice_of(kind)}")
        return kind(text) if text in list(kind) else None

    def _words(
        self, sheet: Mapping[str, Any], key: str, place: str, *, known: Collection[str] | None = None, least: int = 0
    ) -> tuple[str, ...]:
        place, value = _inside(place, key), sheet.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self._note(place, "must be a list of words")
            return ()
        if len(value) < least and key in sheet:
            self._note(place, "must name at least one")
        for word in sorted({word for word in value if value.count(word) > 1}):
            self._note(place, f"{word!r} is doubled")
        for word in value if known is not None else ():
            if word not in (known or ()):
                self._note(place, f"unknown {_NOUNS.get(key, 'field')} {word!r}{_choice_of(known or ())}")
        return tuple(dict.fromkeys(word for word in value if known is None or word in known))

    def _note(self, place: str, reason: str) -> None:
        self.problems.append((place, reason))


_NOUNS: Final[Mapping[object, str]] = {"who": "role"}
_NOT_A_NAME: Final = "a name is 1 to 40 of a-z, 0-9 and _, beginning with a letter"


def _without_name(body: Any) -> tuple[Any, Any]:
    if not isinstance(body, Mapping):
        return None, body
    return body.get("name"), {key: value for key, value in body.items() if key != "name"}


def _inside(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _choice_of(known: Collection[str] | type[StrEnum]) -> str:
    return f"; known are {', '.join(list(known))}"
