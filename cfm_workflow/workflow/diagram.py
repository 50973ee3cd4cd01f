"""A definition as a mermaid state diagram, drawn from the loaded machine so that it shows what really happens."""

import re
from collections.abc import Iterator
from typing import Final

from cfm_workflow.workflow.definition import Definition
from cfm_workflow.workflow.parts import LANGUAGES

_NOT_IDS: Final = frozenset({"state", "note", "end", "direction", "as", "default", "class", "click", "style", "hide"})


def mermaid(definition: Definition, language: str = LANGUAGES[0]) -> str:
    """The text of a `stateDiagram-v2` with labels in `language`. Raises: `KeyError` for a language without labels."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _lines(definition, language))]) + "\n"


def _lines(definition: Definition, language: str) -> Iterator[str]:
    for state in definition.states.values():
        yield f'state "{_text(state.label[language])}" as {_id(state.name)}'
    yield f"[*] --> {_id(definition.initial)}"
    for name, event in definition.machine.events.items():
        label = _text(definition.transitions[name].label[language])
        for ways in event.transitions.values():
            for way in ways:
                yield f"{_id(way.source)} --> {_id(str(way.dest))} : {label}"
    for state in definition.states.values():
        if state.finished:
            yield f"{_id(state.name)} --> [*]"


def _id(name: str) -> str:
    return f"{name}_" if name in _NOT_IDS else name


def _text(label: str) -> str:
    """What mermaid would read as its own signs, as its character codes."""
    return re.sub(r'[#;:"<>{}]', lambda sign: f"#{ord(sign[0])};", label)
