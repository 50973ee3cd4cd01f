"""The diagram shows every state and every step of the machine, and nothing mermaid could take for its own signs."""

import pytest

from cfm_workflow.workflow import LANGUAGES, load_text, mermaid

from .test_loading import changed
from .work import CALLBACK, STANDARD


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("definition", [STANDARD, CALLBACK], ids=["standard", "callback"])
def test_every_step_is_drawn(definition, language) -> None:
    lines = {line.strip() for line in mermaid(definition, language).splitlines()}
    steps = {
        f"{left} --> {target} : {definition.transitions[name].label[language]}"
        for name, ways in definition.routes.items()
        for left, targets in ways.items()
        for target in targets
    }
    states = {f'state "{state.label[language]}" as {state.name}' for state in definition.states.values()}
    ends = {f"{state.name} --> [*]" for state in definition.states.values() if state.finished}
    assert lines == {"stateDiagram-v2", f"[*] --> {definition.initial}", *states, *steps, *ends}


def test_a_resumed_action_is_drawn_to_every_state_it_can_have_come_from() -> None:
    text = mermaid(STANDARD)
    assert "waiting --> accepted : Resume" in text
    assert "waiting --> in_progress : Resume" in text
    assert "waiting --> assigned : Resume" not in text


def test_labels_cannot_break_the_diagram() -> None:
    text = mermaid(load_text(changed(("states.doing.label.en", 'a"; b')), "small.yaml"))
    assert 'state "a#34;#59; b" as doing' in text
