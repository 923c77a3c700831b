"""Finds the events of a history for which a condition holds beside another event: by look-ups, as far as it can.

A condition such as `later.kind == event.kind && later.issued_on > event.issued_on` need not be asked of each pair of
events. Its equalities are keys of an index, one comparison is a place in a sorted list, and what reads only one of
the two events is asked once for that event. All of that only leaves out events for which the condition cannot hold.
The whole condition is then asked of those that are left, so the answer is the engine's own.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import merge
from operator import attrgetter, ge, gt, le, lt
from typing import Any, NamedTuple

from domain.conditions.cost import TooCostly
from domain.conditions.language import LATER, Condition, name_in_event
from domain.conditions.tree import AND, EQUAL, OR, Node
from domain.core.events import Effective
from domain.core.plain import PlainData

MOST_COMPARISONS = 1_000_000
"""So many times one plan may look at an event beside another: at a thousand events beside a thousand others."""

FEW_EVENTS = 4
"""So many events are asked one by one: to index them takes longer."""

ALL_TIMES = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_MIRRORED = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
"""A comparison -> the same one with its sides exchanged."""
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {"_<_": lt, "_<=_": le, "_>_": gt, "_>=_": ge}
_GREATER = ("_>_", "_>=_")
_HASHED = (str, datetime, float)


class ComparisonLimit:
    """Counts the comparisons of pairs of events, up to the limit."""

    def __init__(self, most: int = MOST_COMPARISONS) -> None:
        self.most, self.taken = most, 0

    def count(self) -> None:
        """Count one more look. Raises TooCostly."""
        self.taken += 1
        if self.taken > self.most:
            raise TooCostly(
                f"a rule compares too many events of a person: more than {self.most} pairs were looked at"
            )


class Matcher:
    """The events of one history by type, in its order. `looks`: what it costs to find them."""

    def __init__(self, facts: Mapping[str, Sequence[Effective]], looks: ComparisonLimit | None = None) -> None:
        self._facts, self.looks = facts, looks or ComparisonLimit()
        self._indexes: dict[tuple[str, int], list[_Index]] = {}
        self._texts: dict[tuple[str, str], dict[str, list[Effective]]] = {}
        self._conditions: list[Condition] = []  # kept, for indexes are found by their addresses

    def matching(
        self,
        type_: str,
        condition: Condition | None,
        values: Mapping[str, Any],
        within: tuple[datetime, datetime] = ALL_TIMES,
        besides: Effective | None = None,
    ) -> Iterator[Effective]:
        """Yield the events of that type, in their order, for which the condition holds; of times between those two.

        `values`: what the condition reads of the other event and of the person. `besides`: an event that is left out.

        Raises:
            TooCostly: events were looked at too often.
        """
        facts = self._facts.get(type_)
        if not facts:
            return
        if condition is None or len(facts) <= FEW_EVENTS:
            places: Iterable[int] = range(*_places(facts, within))
        else:
            places = self._possible(type_, facts, condition, values, within)
        for at in places:
            if (fact := facts[at]) is besides:
                continue
            self.looks.count()
            if condition is None or condition.holds(values, fact.values):
                yield fact

    def by_text(self, type_: str, name: str) -> Mapping[str, Sequence[Effective]]:
        """Return the events of that type by a value of theirs, as a text in lower case."""
        if (found := self._texts.get((type_, name))) is None:
            found = self._texts[type_, name] = {}
            for fact in self._facts.get(type_, ()):
                found.setdefault(str(fact.values.get(name)).lower(), []).append(fact)
        return found

    def _possible(
        self,
        type_: str,
        facts: Sequence[Effective],
        condition: Condition,
        values: Mapping[str, Any],
        within: tuple[datetime, datetime],
    ) -> Iterator[int]:
        """Yield the places of the events for which it may hold, each once, in their order."""
        key = (type_, id(condition))
        if (indexes := self._indexes.get(key)) is None:
            indexes = self._indexes[key] = [_Index(each, facts) for each in alternatives(condition)]
            self._conditions.append(condition)
        first, end = _places(facts, within)
        if len(indexes) == 1:
            yield from indexes[0].possible(values, first, end)
            return
        before = -1
        for at in merge(*(each.possible(values, first, end) for each in indexes)):
            if at != before:
                yield at
            before = at


_time = attrgetter("event.time")


def _places(facts: Sequence[Effective], within: tuple[datetime, datetime]) -> tuple[int, int]:
    if within is ALL_TIMES:
        return 0, len(facts)
    earliest, latest = within
    return bisect_left(facts, earliest, key=_time), bisect_right(facts, latest, key=_time)


def by_type(facts: Iterable[Effective]) -> dict[str, list[Effective]]:
    """Return the events by their type, in their order."""
    found: dict[str, list[Effective]] = {}
    for fact in facts:
        found.setdefault(fact.event.type, []).append(fact)
    return found


class Alternative(NamedTuple):
    """A way in which a condition can hold: one side of an `||`, taken apart at each `&&`.

    `own` and `later`: what reads only one of the two events. `keys`: values that are equal, by their names of the
    start and of the later event. `compared`: values of the later event that are to be more (`_>_`, `_>=_`) or less
    than one of the start: the name, the operator and the name of the other.
    """

    own: tuple[Condition, ...]
    later: tuple[Condition, ...]
    keys: tuple[tuple[str, str], ...]
    compared: tuple[tuple[str, str, str], ...]

    @property
    def sorted_by(self) -> tuple[str, str, str] | None:
        """Return the comparison by which events are found."""
        return next(iter(self.compared), None)


def alternatives(condition: Condition) -> list[Alternative]:
    """Return all ways in which it can hold: where none of them is possible, it does not."""
    return [_alternative(condition, list(_split(each, AND))) for each in _split(condition.tree, OR)]


def _split(node: Node, operator: str) -> Iterator[Node]:
    if node.kind == "call" and node.name == operator:
        for part in node.parts:
            yield from _split(part, operator)
    else:
        yield node


def _alternative(condition: Condition, parts: Sequence[Node]) -> Alternative:
    own: list[Condition] = []
    later: list[Condition] = []
    keys: list[tuple[str, str]] = []
    compared: list[tuple[str, str, str]] = []
    for part in parts:
        read = {name.startswith(LATER) for name in part.names() & set(condition.reads)}
        if read == {True}:
            later.append(condition.part(part))
        elif read == {False}:
            own.append(condition.part(part))
        elif (comparison := _compared(part, condition)) is not None:
            theirs, operator, mine = comparison
            if operator == EQUAL:
                keys.append((mine, theirs))
            else:
                compared.append(comparison)
    return Alternative(tuple(own), tuple(later), tuple(keys), tuple(compared))


def _compared(part: Node, condition: Condition) -> tuple[str, str, str] | None:
    """Return name of the later event's value, operator and name of the other one; None for no such comparison."""
    if part.name not in (EQUAL, *_MIRRORED) or not all(
        each.kind == "name" and each.name in condition.reads for each in part.parts
    ):
        return None
    left, right = (each.name for each in part.parts)
    if left.startswith(LATER):
        return (name_in_event(left), part.name, right)
    return (name_in_event(right), _MIRRORED.get(part.name, part.name), left)


class _Index:
    """The places of a type's events, as one way of a condition finds them."""

    def __init__(self, way: Alternative, facts: Sequence[Effective]) -> None:
        self._way = way
        self._mine = [mine for mine, _ in way.keys]
        places: dict[tuple[Any, ...], list[int]] = {}
        theirs = [name for _, name in way.keys]
        for at, fact in enumerate(facts):
            if all(part.holds({}, fact.values) for part in way.later):
                key = _key(theirs, fact.values)
                if key is not None:
                    places.setdefault(key, []).append(at)
        self._places = places
        self._ranks: dict[tuple[Any, ...], _RankedPlaces] = {}
        self._facts = facts

    def possible(self, values: Mapping[str, Any], first: int, end: int) -> Iterator[int]:
        """Return the places from `first` to `end` of the events for which the way may be possible, in their order."""
        key = _key(self._mine, values)
        if key is None or (places := self._places.get(key)) is None:
            return iter(())
        if not all(part.holds(values) for part in self._way.own):
            return iter(())
        if self._way.sorted_by is not None:
            _, operator, mine = self._way.sorted_by
            return self._ranked(key, places).possible(operator, values.get(mine), first, end)
        if first == 0 and end == len(self._facts):
            return iter(places)
        return iter(places[bisect_left(places, first) : bisect_left(places, end)])

    def _ranked(self, key: tuple[Any, ...], places: list[int]) -> "_RankedPlaces":
        assert self._way.sorted_by is not None
        if (ranks := self._ranks.get(key)) is None:
            name = self._way.sorted_by[0]
            ranks = self._ranks[key] = _RankedPlaces([(self._facts[at].values.get(name), at) for at in places])
        return ranks


def _key(names: Sequence[str], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return the index key of these values, None where one is missing. Values that may be equal have the same key.

    The engine takes numbers for equal that differ after the 53rd bit, if one of them is a decimal number.
    """
    key = []
    for name in names:
        value = values.get(name)
        if value is None:
            return None
        try:
            key.append(
                float(value) if isinstance(value, int) else value if isinstance(value, _HASHED) else type(value)
            )
        except OverflowError:  # no number of the engine's
            return None
    return tuple(key)


class _RankedPlaces:
    """Places of events with a value of each; gives those with a greater or a lesser one, in their order.

    Where the values are of no kind that we sort as the engine does, it gives all of them.
    """

    def __init__(self, valued: Sequence[tuple[Any, int]]) -> None:
        self._all = [at for _, at in valued]
        known = [(value, at) for value, at in valued if value is not None and value == value]  # noqa: PLR0124  (no NaN)
        kinds = {_kind(value) for value, _ in known}
        self._kind = kinds.pop() if len(kinds) == 1 else None
        self._places = [at for _, at in known]
        self._extremes = _Extremes([value for value, _ in known]) if self._kind else None

    def possible(self, operator: str, value: PlainData, first: int, end: int) -> Iterator[int]:
        """Return the places from `first` to `end` whose value compares so with it (`later <operator> value`)."""
        if value is None:
            return iter(())
        if self._extremes is None or _kind(value) != self._kind:
            return iter(self._all[bisect_left(self._all, first) : bisect_left(self._all, end)])
        start, stop = bisect_left(self._places, first), bisect_left(self._places, end)
        return (self._places[at] for at in self._extremes.compared(operator, value, start, stop))


EXACT = 2**53
"""Up to it, a decimal number holds every whole number."""


def _kind(value: PlainData) -> type | None:
    """Return the type among whose values this one is sorted; None where the engine might sort it otherwise."""
    if isinstance(value, (int, float)):
        return float if -EXACT < value < EXACT else None
    return next((each for each in (str, datetime) if isinstance(value, each)), None)


class _Extremes:
    """Values in some order; finds those that compare so with another one, in that order: log n steps for each.

    A segment tree: each node holds the least and the greatest value below it, so stretches without any are left out.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self._number = len(values)
        self._size = 1 << max(0, len(values) - 1).bit_length()
        leaves = [*values, *(values[-1] for _ in range(self._size - len(values)))]  # it changes no extreme
        self._least = self._tree(leaves, min)
        self._most = self._tree(leaves, max)

    def _tree(self, leaves: list[Any], extreme: Callable[[Any, Any], Any]) -> list[Any]:
        tree = [*leaves, *leaves]
        for at in range(self._size - 1, 0, -1):
            tree[at] = extreme(tree[2 * at], tree[2 * at + 1])
        return tree

    def compared(self, operator: str, value: PlainData, first: int, end: int) -> Iterator[int]:
        """Yield the positions from `first` to `end` whose value compares so with that one, in their order."""
        tree = self._most if operator in _GREATER else self._least
        holds = _HOLDS[operator]
        waiting = [(1, 0, self._size)] if self._number else []
        while waiting:
            node, low, high = waiting.pop()
            if high <= first or low >= end or not holds(tree[node], value):
                continue
            if high - low == 1:
                yield low
            else:
                middle = (low + high) // 2
                waiting += ((2 * node + 1, middle, high), (2 * node, low, middle))
