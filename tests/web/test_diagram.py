"""Claims about the layout of the process map: nothing lies on anything else, and the usual way is straight."""

from itertools import combinations

import pytest

from cfm_workflow.web.supervision.diagram import SPACE, Box, Drawing, Edge, State, draw

STATES = [
    State(name, 100, is_end)
    for name, is_end in (("given", False), ("taken", False), ("begun", False), ("waits", False), ("done", True))
] + [State("dropped", 100, True)]


def edges(*ways: tuple[str, str, int]) -> list[Edge]:
    return [Edge(left, entered, 80, 36, weight) for left, entered, weight in ways]


USUAL = edges(("given", "taken", 90), ("taken", "begun", 80), ("begun", "done", 70))
EVERYTHING = edges(*((one.name, other.name, 3) for one in STATES for other in STATES))


def boxes(drawing: Drawing) -> list[Box]:
    return [*drawing.states.values(), *(line.label for line in drawing.lines)]


def touch(one: Box, other: Box) -> bool:
    apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not apart_x and one.y + one.height + SPACE / 2 > other.y and other.y + other.height + SPACE / 2 > one.y


@pytest.mark.parametrize("ways", [[], USUAL, USUAL + edges(("done", "given", 2), ("given", "dropped", 3)), EVERYTHING])
def test_no_state_and_no_label_lies_on_another(ways: list[Edge]) -> None:
    drawing = draw(STATES, ways)
    assert [pair for pair in combinations(boxes(drawing), 2) if touch(*pair)] == []
    assert all(box.x >= 0 and box.y >= 0 for box in boxes(drawing))
    assert all(box.x + box.width <= drawing.width and box.y + box.height <= drawing.height for box in boxes(drawing))


def test_the_way_that_most_take_is_straight_and_goes_right() -> None:
    rare = edges(("begun", "given", 2), ("given", "dropped", 3), ("begun", "waits", 5), ("waits", "begun", 5))
    states = draw(STATES, USUAL + rare).states
    middles = [states[name].y + states[name].height / 2 for name in ("given", "taken", "begun", "done")]
    assert max(middles) - min(middles) <= 30
    assert [states[name].x for name in ("given", "taken", "begun", "done")] == sorted(
        states[name].x for name in ("given", "taken", "begun", "done")
    )


def test_the_same_is_drawn_each_time() -> None:
    assert draw(STATES, EVERYTHING) == draw(STATES, EVERYTHING)
