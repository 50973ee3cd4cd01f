"""Where everything of a process map stands. Pure: states in columns, one step further right; no line crosses a box or a
label.

Every second layer holds states, and between them the labels of lines; a line that passes a layer has a place of its own
in it. The order in each layer is that of its neighbours' mean (Sugiyama's way); their heights likewise, the busiest
lines counting most, so that the usual way is straight. Long lines run level where they can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

STATE_HEIGHT: Final = 64
PORT: Final = 13
"""Between two lines on one side of a box."""
GAP: Final = 28
"""Between a label and the boxes beside it: as long is the bend of a line."""
SPACE: Final = 14
"""Between two things in a layer."""
THIN: Final = 6
"""How high a line is that passes a layer of boxes."""
SWEEPS: Final = 24
STRAIGHT: Final = 8
"""How much more than its ends the middle of a long line counts."""
TIP: Final = 7


@dataclass(frozen=True, slots=True)
class State:
    """A box: its name, how wide its words are, and whether it is an end."""

    name: str
    width: float
    is_end: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from state to state, the size of its label, and how busy it is."""

    left: str
    entered: str
    width: float
    height: float
    weight: float


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """The path of a line, its arrowhead, and the box of its label."""

    path: str
    tip: str
    label: Box


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    states: Mapping[str, Box]
    lines: Sequence[Line]


@dataclass(eq=False, slots=True)
class _Node:
    """Something that takes room in a layer."""

    layer: int
    width: float
    height: float
    x: float = 0
    y: float = 0  # of its middle
    busy: float = 0  # the weight of its heaviest line
    column: tuple[float, float] = (0, 0)  # from where to where lines run level through it
    beside: list[tuple["_Node", float]] = field(default_factory=list)


def draw(states: Sequence[State], edges: Sequence[Edge]) -> Drawing:
    """Lay out a workflow: `states` in the order of its file, which is the direction of reading."""
    ranks = _ranks(states, edges)
    nodes = {state.name: _Node(2 * ranks[state.name], state.width, STATE_HEIGHT) for state in states}
    chains = [_chain(nodes, edge) for edge in edges]
    for name, node in nodes.items():
        node.height = max(STATE_HEIGHT, PORT * (_busiest_side(name, node, nodes, edges) + 1))
    layers = _layers([*nodes.values(), *(node for chain in chains for node in chain[1:-1])])
    _order(layers)
    _settle(layers)
    _level(layers, chains)
    _across(layers)
    top = min(node.y - node.height / 2 for layer in layers for node in layer) - SPACE
    for layer in layers:
        for node in layer:
            node.y -= top
    ports = _ports(chains)
    lines = [_line(chain, edge, ports, n) for n, (chain, edge) in enumerate(zip(chains, edges, strict=True))]
    return Drawing(
        width=max(node.x + node.width for layer in layers for node in layer) + SPACE,
        height=max(node.y + node.height / 2 for layer in layers for node in layer) + SPACE,
        states={name: _box(node) for name, node in nodes.items()},
        lines=lines,
    )


def _ranks(states: Sequence[State], edges: Sequence[Edge]) -> dict[str, int]:
    """The column of each state: behind all from which work goes forward to it; the ends stand in the last."""
    places = {state.name: n for n, state in enumerate(states)}
    ends = {state.name for state in states if state.is_end}
    ranks = dict.fromkeys(places, 0)
    for state in states:  # in the order of the file, so what comes before is known
        for edge in edges:
            if edge.entered == state.name and places[edge.left] < places[state.name]:
                ranks[state.name] = max(ranks[state.name], ranks[edge.left] + 1)
    last = max((rank for name, rank in ranks.items() if name not in ends), default=0) + 1
    return {name: last if name in ends else rank for name, rank in ranks.items()}


def _chain(nodes: Mapping[str, _Node], edge: Edge) -> list[_Node]:
    """The places of a line from state to state, its label beside the state that it leaves."""
    first, final = nodes[edge.left], nodes[edge.entered]
    step = 1 if final.layer > first.layer else -1
    is_aside = first.layer == final.layer  # out to the right, and back
    between = [first.layer + 1] if is_aside else list(range(first.layer + step, final.layer, step))
    inner = [_Node(layer, 0, THIN if layer % 2 == 0 else SPACE) for layer in between]
    inner[0].width, inner[0].height = edge.width, edge.height
    chain = [first, *inner, final]
    for one, other in pairwise(chain):
        weight = edge.weight * (STRAIGHT if one in inner and other in inner else 1)
        one.beside.append((other, weight))
        other.beside.append((one, weight))
    for node in inner:
        node.busy = edge.weight
    for end in (first, final):
        end.busy = max(end.busy, edge.weight)
    return chain


def _busiest_side(name: str, node: _Node, nodes: Mapping[str, _Node], edges: Sequence[Edge]) -> int:
    sides = {-1: 0, 1: 0}
    for edge in edges:
        if name in (edge.left, edge.entered):
            other = nodes[edge.entered if edge.left == name else edge.left]
            sides[-1 if other.layer < node.layer else 1] += 2 if other is node else 1
    return max(sides.values())


def _layers(nodes: Sequence[_Node]) -> list[list[_Node]]:
    layers: list[list[_Node]] = [[] for _ in range(max(node.layer for node in nodes) + 1)]
    for node in nodes:
        layers[node.layer].append(node)
    return [layer for layer in layers if layer]


def _order(layers: list[list[_Node]]) -> None:
    """The order within each layer; the ends stand in that of the file."""
    for layer in layers:
        _stack(layer, [0.0] * len(layer))
    for sweep in range(SWEEPS):
        for layer in layers[:-1] if sweep % 2 == 0 else reversed(layers[:-1]):
            wished = {id(node): _mean(node, is_weighed=False) for node in layer}
            layer.sort(key=lambda node: wished[id(node)])
            _stack(layer, [wished[id(node)] for node in layer])


def _settle(layers: list[list[_Node]]) -> None:
    """The heights: everything near what it is tied to."""
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _stack(layer, [_mean(node, is_weighed=True) for node in layer])


def _mean(node: _Node, *, is_weighed: bool) -> float:
    weights = [(other.y, weight if is_weighed else 1) for other, weight in node.beside]
    total = sum(weight for _, weight in weights)
    return sum(y * weight for y, weight in weights) / total if total else node.y


def _level(layers: list[list[_Node]], chains: Sequence[list[_Node]]) -> None:
    """Let long lines run level where there is room for it: the lowest first, then the ones above it."""
    around = {id(node): _neighbours(layer, n) for layer in layers for n, node in enumerate(layer)}
    inner = sorted(
        (chain[1:-1] for chain in chains if len(chain) > 3), key=lambda nodes: -max(node.y for node in nodes)
    )
    for nodes in inner:
        begin = 0
        while begin < len(nodes):
            end = next(end for end in range(len(nodes), begin, -1) if _at_one_height(nodes[begin:end], around))
            begin = end


def _at_one_height(nodes: Sequence[_Node], around: Mapping[int, tuple[_Node | None, _Node | None]]) -> bool:
    """Put them at one height; False if there is none at which they fit."""
    heights = [node.y for node in nodes]
    for wish in (max(heights), min(heights), sum(heights) / len(heights)):
        if len(nodes) == 1 or all(_fits(node, wish, *around[id(node)]) for node in nodes):
            for node in nodes:
                node.y = wish
            return True
    return False


def _neighbours(layer: list[_Node], place: int) -> tuple[_Node | None, _Node | None]:
    return layer[place - 1] if place else None, layer[place + 1] if place + 1 < len(layer) else None


def _fits(node: _Node, y: float, above: _Node | None, below: _Node | None) -> bool:
    high, low = y - node.height / 2 - SPACE, y + node.height / 2 + SPACE
    is_free_above = above is None or above.y + above.height / 2 <= high + 0.1
    return is_free_above and (below is None or below.y - below.height / 2 >= low - 0.1)


def _stack(layer: list[_Node], wished: list[float]) -> None:
    """Put each as near as possible to where it would like to be, in this order and without touching: those that would
    touch move together, and the busier one less."""
    offsets = [0.0]
    for one, other in pairwise(layer):
        offsets.append(offsets[-1] + (one.height + other.height) / 2 + SPACE)
    pools: list[tuple[float, float, int]] = []  # sum of wishes by weight, sum of weights, how many
    for node, wish, offset in zip(layer, wished, offsets, strict=True):
        weight = node.busy + 0.01
        pools.append(((wish - offset) * weight, weight, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            pools[-2:] = [(pools[-2][0] + pools[-1][0], pools[-2][1] + pools[-1][1], pools[-2][2] + pools[-1][2])]
    flat = [total / weight for total, weight, count in pools for _ in range(count)]
    for node, place, offset in zip(layer, flat, offsets, strict=True):
        node.y = place + offset


def _across(layers: list[list[_Node]]) -> None:
    """Columns from left to right; everything in a column stands in its middle."""
    x = float(SPACE)
    for layer in layers:
        is_labels = layer[0].layer % 2 == 1
        width = max(node.width for node in layer)
        x += GAP if is_labels else 0
        for node in layer:
            node.x = x + (width - node.width) / 2
            node.column = (x, x + width)
        x += width + (GAP if is_labels else 0)


def _ports(chains: Sequence[list[_Node]]) -> dict[tuple[int, bool], float]:
    """The height at which each line (by number, and whether it is its end) meets its box: spread along the side, in the
    order of where the lines go."""
    sides: dict[tuple[int, bool], list[tuple[float, int, bool, _Node]]] = {}
    for n, chain in enumerate(chains):
        for is_end, node, other in ((False, chain[0], chain[1]), (True, chain[-1], chain[-2])):
            aside = 0.5 if is_end else 0.0
            sides.setdefault((id(node), other.layer > node.layer), []).append((other.y + aside, n, is_end, node))
    ports = {}
    for side in sides.values():
        side.sort(key=lambda each: each[:3])
        for place, (_, n, is_end, node) in enumerate(side):
            room = min(PORT * 1.5, node.height / (len(side) + 1))
            ports[n, is_end] = node.y + (place - (len(side) - 1) / 2) * room
    return ports


def _line(chain: list[_Node], edge: Edge, ports: Mapping[tuple[int, bool], float], n: int) -> Line:
    first, label, final = chain[0], chain[1], chain[-1]
    points: list[tuple[float, float]] = []
    if first.layer == final.layer:
        out, back = first.x + first.width, final.x + final.width
        ways = [(out, ports[n, False]), (label.x, label.y - 5), (label.x, label.y + 5), (back + TIP, ports[n, True])]
        points, forward = ways, False
    else:
        forward = final.layer > first.layer
        points.append((first.x + (first.width if forward else 0), ports[n, False]))
        for node in chain[1:-1]:
            ends = [(side, node.y) for side in node.column]
            points += ends if forward else reversed(ends)
        at = final.x - TIP if forward else final.x + final.width + TIP
        points.append((at, ports[n, True]))
    x, y = points[-1]
    ahead = TIP if forward else -TIP
    tip = f"M{x:.1f} {y - 4:.1f}L{x + ahead:.1f} {y:.1f}L{x:.1f} {y + 4:.1f}Z"
    return Line(_curve(points), tip, _box(label))


def _curve(points: Sequence[tuple[float, float]]) -> str:
    x, y = points[0]
    path = f"M{x:.1f} {y:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(y0 - y1) < 0.1:
            path += f"L{x1:.1f} {y1:.1f}"
        else:
            middle = (x0 + x1) / 2
            path += f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    return path


def _box(node: _Node) -> Box:
    return Box(round(node.x, 1), round(node.y - node.height / 2, 1), node.width, node.height)
