"""A workflow as a drawing: a line per state, a column per transition, from the states it leaves to the one it enters.

Lines and columns never cross where it means something, however many transitions there are. Places only: the template
draws.
"""

from dataclasses import dataclass, field
from typing import Final

from cfm_workflow.workflow import Definition
from cfm_workflow.workflow.parts import State, Transition

LEFT: Final = 172
TOP: Final = 44
ROW: Final = 50
COLUMN: Final = 64
"""In units of the drawing: where the first line and column begin, and how far apart they are."""


@dataclass(frozen=True, slots=True)
class Line:
    """A state."""

    state: State
    y: int
    is_initial: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A transition: where it leaves, where it leads; `is_open` when that depends on the past of the action."""

    transition: Transition
    x: int
    leaves: list[int]
    enters: list[int]
    is_open: bool

    @property
    def top(self) -> int:
        return min(self.leaves + self.enters)

    @property
    def bottom(self) -> int:
        return max(self.leaves + self.enters)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it, with how wide and high it is."""

    width: int
    height: int
    lines: list[Line] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)


def draw(definition: Definition) -> Drawing:
    """The places of everything in the drawing of a workflow."""
    places = {name: TOP + ROW // 2 + n * ROW for n, name in enumerate(definition.states)}
    lines = [Line(state, places[name], name == definition.initial) for name, state in definition.states.items()]
    columns = [_column(definition, each, n, places) for n, each in enumerate(definition.transitions.values())]
    return Drawing(LEFT + len(columns) * COLUMN + 16, TOP + len(lines) * ROW + 8, lines, columns)


def _column(definition: Definition, transition: Transition, n: int, places: dict[str, int]) -> Column:
    ends = {end for targets in definition.routes[transition.name].values() for end in targets}
    return Column(
        transition,
        LEFT + n * COLUMN + COLUMN // 2,
        sorted(places[name] for name in transition.from_states),
        sorted(places[name] for name in ends),
        not transition.has_fixed_target,
    )
