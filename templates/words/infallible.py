"""Texts that cannot fail for some values: known from what they read, so that they need not be rendered to be tried.

Only what is plain to see counts. For all else (loops, sums, long values) the answer is no, and the text is tried.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from jinja2 import nodes
from msgspec import Struct

from domain.core.plain import PlainData
from templates.words.environment import Group
from templates.words.syntax import dotted

WRITTEN, LARGEST, LENGTHENED = 64, 10**15, 12
"""Characters of a date or of a number up to the largest, written out; bytes that a character may become in HTML."""
ORDERS = frozenset({"lt", "lteq", "gt", "gteq"})
_Names = frozenset[str]
_NONE: _Names = frozenset()


class Use(NamedTuple):
    """A variable, by its path, and the filter that it goes through; `needed`: the text fails without it."""

    path: tuple[str, ...]
    filter: str
    needed: bool


class Certain(Struct, frozen=True):
    """The condition under which texts cannot fail.

    `longest`: the greatest length of a value that keeps them short enough.
    """

    uses: tuple[Use, ...]
    longest: int

    def of(self, values: Mapping[str, Any]) -> bool:
        """Return True if the texts cannot fail for these values; False where that is unknown."""
        for use in self.uses:  # noqa: SIM110  (a generator takes twice the time)
            if not self._fits(use, _value(values, use.path)):
                return False
        return True

    def _fits(self, use: Use, value: PlainData) -> bool:
        if value is None:
            return not use.needed
        if type(value) is str:
            return len(value) <= self.longest and (not use.filter or (use.filter == "date" and _is_day(value)))
        if type(value) is int or type(value) is float:
            return use.filter != "date" and (use.filter != "money" or type(value) is int) and abs(value) < LARGEST
        if type(value) is bool:
            return not use.filter
        return isinstance(value, datetime) and use.filter in {"", "date"}


ALWAYS = Certain((), LARGEST)
"""Nothing has to hold: the text is always the same."""


def both(first: Certain | None, second: Certain | None) -> Certain | None:
    """Return the condition for both."""
    if first is None or second is None:
        return None
    return Certain(tuple(dict.fromkeys((*first.uses, *second.uses))), min(first.longest, second.longest))


def certain(text: str, tree: nodes.Template, longest_text: int) -> Certain | None:
    """Return the condition under which a text neither fails nor exceeds that size in bytes.

    None: it has to be tried.
    """
    try:
        uses = list(_statements(tree.body, _NONE))
    except _Unsure:
        return None
    room = longest_text // LENGTHENED - len(text)
    longest = room // max(len(uses), 1)
    return Certain(tuple(dict.fromkeys(uses)), longest) if longest >= WRITTEN else None


def _value(values: PlainData, path: tuple[str, ...]) -> PlainData:
    for part in path:
        if type(values) is Group:
            values = values.made
        elif type(values) is not dict:
            return None
        values = values.get(part)
    return values


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


class _Unsure(Exception):
    """The text has to be tried."""


def _statements(body: Iterable[nodes.Node], defined: _Names) -> Iterator[Use]:
    for node in body:
        match node:
            case nodes.Output():
                for each in node.nodes:
                    if not isinstance(each, nodes.TemplateData):
                        yield from _uses(each, defined)
            case nodes.If(test=test, body=then, elif_=others, else_=otherwise):
                yield from _uses(test, defined)
                yield from _statements(then, defined | _said(test, True))  # noqa: FBT003  (as the words say)
                yield from _statements([*others, *otherwise], defined | _said(test, False))  # noqa: FBT003  (what the test is in that branch)
            case _:
                raise _Unsure


def _uses(node: nodes.Node, defined: _Names, filter_: str = "") -> Iterator[Use]:
    """Yield the values that an expression reads, where the variables `defined` are known to have a value."""
    match node:
        case nodes.Const():
            return
        case nodes.Name() | nodes.Getattr() if name := dotted(node):
            yield Use(tuple(name.split(".")), filter_, needed=name not in defined)
        case nodes.Filter(node=nodes.Name() | nodes.Getattr() as inner, name="default") if name := dotted(inner):
            yield from _uses(inner, defined | {name})
        case nodes.Filter(node=nodes.Name() | nodes.Getattr() as inner, name=name) if not filter_:
            yield from _uses(inner, defined, "" if name == "upper_first" else name)
        case nodes.Test(node=nodes.Name() | nodes.Getattr()):
            return
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            yield from _uses(left, defined)
            yield from _uses(right, defined | _said(left, isinstance(node, nodes.And)))
        case nodes.Not(node=inner):
            yield from _uses(inner, defined)
        case nodes.Compare():
            yield from _compared(node, defined)
        case _:
            raise _Unsure


def _compared(node: nodes.Compare, defined: _Names) -> Iterator[Use]:
    """Yield the values that a comparison reads; for less and more only those that are compared with a number."""
    compared = (node.expr, *(operand.expr for operand in node.ops))
    if all(operand.op in {"eq", "ne"} for operand in node.ops):
        for each in compared:
            yield from _uses(each, defined)
        return
    match compared:
        case (nodes.Name() | nodes.Getattr() as value, nodes.Const(value=int() | float())) if (
            node.ops[0].op in ORDERS
        ):
            yield from _uses(value, defined, "number")
        case _:
            raise _Unsure


def _said(test: nodes.Node, holds: bool) -> _Names:  # noqa: FBT001  (whether the test holds)
    """Return the variables that have a value where the test holds, or where it does not."""
    match test:
        case nodes.Test(node=inner, name=kind) if (name := dotted(inner)) and (kind == "defined") == holds:
            return frozenset({name})
        case nodes.And(left=left, right=right) if holds:
            return _said(left, holds) | _said(right, holds)
        case nodes.Or(left=left, right=right) if not holds:
            return _said(left, holds) | _said(right, holds)
        case nodes.Not(node=inner):
            return _said(inner, not holds)
    return _NONE
