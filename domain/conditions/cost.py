"""An upper bound of a condition's cost, computed from its tree for values of a given size.

The unit is about a byte that is read or written; one step of the engine counts as STEP of them. The engine ends loops
after LOOPS rounds in all, and takes no expression that is nested more than 32 deep.
"""

from collections.abc import Mapping
from typing import NamedTuple

from domain.conditions.pattern_cost import pattern_weight
from domain.conditions.tree import Node

MOST_COST = 2**24
"""No condition may cost more for one event: a tenth of a second, and 16 MB, at the very worst."""
USUAL_TEXT, USUAL_ITEMS = 1024, 200
"""A text so long, and a list of so many, are taken for granted when a rule is checked."""
MOST_CHARACTERS = 10_000
"""The longest text of a condition."""
STEP, LOOPS, ENTRY = 64, 10_000, 32
"""The cost of a step, the rounds of all loops together, and the cost of an entry of a list or mapping."""
_WRITTEN_OUT = 32
"""Characters of a number or a time."""
_AT_ONCE = 16
"""Bytes that are compared in one step."""


class TooCostly(Exception):
    """Something costs more than a rule may; its text says what."""


class Shape(NamedTuple):
    """An upper bound of a value's size: its bytes in all, its entries, and the shape of each entry.

    `is_either`: it may be a text as well as a list.
    """

    size: int
    entries: int = 0
    entry: "Shape | None" = None
    is_either: bool = False

    def or_(self, other: "Shape") -> "Shape":
        """Return the bound of a value that is one of the two."""
        entry = (
            self.entry if other.entry is None else other.entry if self.entry is None else self.entry.or_(other.entry)
        )
        differ = (self.entry is None) != (other.entry is None)
        both = differ and min(self.size, other.size) > 0  # an empty list is no text
        is_either = self.is_either or other.is_either or both
        return Shape(max(self.size, other.size), max(self.entries, other.entries), entry, is_either)

    def and_(self, other: "Shape") -> "Shape":
        """Return the bound of the two joined."""
        return self.or_(other)._replace(size=self.size + other.size, entries=self.entries + other.entries)

    @property
    def joining(self) -> int:
        """Return the cost of making it of two: a text is copied, of a list only its entries."""
        return self.size if self.entry is None or self.is_either else self.entries * ENTRY


class Cost(NamedTuple):
    """The cost of a part without its loops, the rounds of its loops, and `round`: the dearest round without inner
    loops.
    """

    own: int = 0
    loops: int = 0
    round: int = 0

    def and_(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(self.own + other.own, self.loops + other.loops, max(self.round, other.round))


_SMALL = Shape(_WRITTEN_OUT)


def cost_of(tree: Node, types: Mapping[str, str], text: int = USUAL_TEXT, items: int = USUAL_ITEMS) -> int:
    """Return the condition's highest cost where no text is longer than `text` and no list has more than `items`
    items.

    `types`: of the variables, as event types call them.
    """
    kinds = {"string": Shape(text), "date": Shape(text), "strings": Shape(text * items, items, Shape(text))}
    cost, _ = _measured(tree, {name: kinds.get(type_, _SMALL) for name, type_ in types.items()})
    return cost.own + cost.loops


def _measured(node: Node, known: Mapping[str, Shape]) -> tuple[Cost, Shape]:
    if node.kind == "loop":
        return _loop(node, known)
    measured = [_measured(part, known) for part in node.parts]
    cost = Cost(own=STEP)
    for each, _ in measured:
        cost = cost.and_(each)
    shapes = [shape for _, shape in measured]
    match node.kind:
        case "constant":
            return cost, Shape(len(node.text or b"") + _WRITTEN_OUT)
        case "name":
            return cost, known.get(node.name, _SMALL)
        case "call":
            own, shape = _call(node, shapes)
            return cost._replace(own=cost.own + own), shape
    entry: Shape | None = None
    for shape in shapes:
        entry = shape if entry is None else entry.or_(shape)
    if node.kind == "select":
        return cost, entry or _SMALL
    return cost, Shape(sum(shape.size + ENTRY for shape in shapes), len(shapes), entry)


def _call(node: Node, shapes: list[Shape]) -> tuple[int, Shape]:  # noqa: PLR0911  (one for each kind of function)
    """Return the cost of the call itself and the shape of its result."""
    sizes = [shape.size for shape in shapes]
    match node.name:
        case "_+_":
            both = shapes[0].and_(shapes[1])
            return both.joining, both
        case "_?_:_":
            return 0, shapes[1].or_(shapes[2])
        case "_[_]":
            return sizes[1], shapes[0].entry or shapes[0]  # the error for a missing key repeats the key
        case "matches":
            pattern = node.parts[1].text
            weight = MOST_COST if pattern is None else pattern_weight(pattern.decode("utf-8", "replace"))
            return weight * (sizes[0] + STEP), _SMALL
        case "contains":
            return sizes[0] * (1 + sizes[1] // _AT_ONCE), _SMALL
        case "@in":
            return min(sizes[1], shapes[1].entries * sizes[0]) + shapes[1].entries * STEP, _SMALL
        case "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" | "startsWith" | "endsWith":
            return min(sizes) // _AT_ONCE, _SMALL
        case "dyn":
            return 0, shapes[0]
        case "string" | "bytes":
            written = Shape(4 * sum(sizes) + _WRITTEN_OUT)
            return written.size, written
    return sum(sizes) // _AT_ONCE, _SMALL


def _loop(node: Node, known: Mapping[str, Shape]) -> tuple[Cost, Shape]:
    range_, begun, condition, step, result = node.parts
    cost, over = _measured(range_, known)
    first, start = _measured(begun, known)
    cost = cost.and_(first)
    rounds = min(over.entries, LOOPS)
    element, second, gathered = node.bound
    inside = {**known, element: over.entry or _SMALL, second: over.entry or _SMALL, gathered: start}
    tested, _ = _measured(condition, inside)
    done, after = _measured(step, inside)
    more = max(0, after.entries - start.entries)
    grown = Shape(start.size + rounds * max(0, after.size - start.size), start.entries + rounds * more, after.entry)
    once = tested.and_(done).and_(Cost(own=grown.entries * ENTRY if more else 0))  # what is gathered may be copied
    each = max(once.own, once.round)
    cost = cost.and_(Cost(0, min(rounds * (once.own + once.loops), LOOPS * each), each))
    inside[gathered] = grown
    last, shape = _measured(result, inside)
    return cost.and_(last), shape
