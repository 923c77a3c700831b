"""Texts of values and conditions: rendered as Jinja would, without being compiled to Python first.

Nearly all texts are of this kind. Compiling one takes a hundred times as long as rendering it (benchmarks/lint.py),
and the compiled one renders no faster.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jinja2 import Environment, nodes

from templates.words.policy import FILTERS, TESTS

Values = Mapping[str, Any]
Value = Callable[[Values], Any]
Part = Callable[[Values], str]
Generate = Callable[[Values], Iterator[str]]
"""Makes a text of values, in pieces, as `jinja2.Template.generate` does."""
Finalize = Callable[[Values, Any], str]
"""Makes the text of a value; it is given all values as well."""

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}


class _NotSimple(Exception):
    """Raised for a text with more in it than values, filters and conditions."""


def compile_simple(tree: nodes.Template, environment: Environment, finalize: Finalize) -> Generate | None:
    """Return what makes the text; None where it has more in it than values, filters and conditions."""
    try:
        parts = _Reader(environment, finalize).parts(tree.body)
    except _NotSimple:
        return None
    return lambda values: (part(values) for part in parts)


class _Reader(NamedTuple):
    environment: Environment
    finalize: Finalize

    def parts(self, body: Iterable[nodes.Node]) -> list[Part]:
        return [part for node in body for part in self._statement(node)]

    def _statement(self, node: nodes.Node) -> list[Part]:
        match node:
            case nodes.Output():
                return [self._shown(each) for each in node.nodes]
            case nodes.If():
                return [self._chosen(node)]
        raise _NotSimple

    def _shown(self, node: nodes.Expr) -> Part:
        if isinstance(node, nodes.TemplateData):
            text = node.data
            return lambda _: text
        value, finalize = self._value(node), self.finalize
        return lambda values: finalize(values, value(values))

    def _chosen(self, node: nodes.If) -> Part:
        branches = [(self._value(each.test), self.parts(each.body)) for each in (node, *node.elif_)]
        otherwise = self.parts(node.else_)

        def chosen(values: Values) -> str:
            said = next((parts for test, parts in branches if test(values)), otherwise)
            return "".join([part(values) for part in said])

        return chosen

    def _value(self, node: nodes.Node | None) -> Value:
        environment = self.environment
        match node:
            case nodes.Const(value=constant):
                return lambda _: constant
            case nodes.Name(name=name):
                return lambda values: values[name] if name in values else environment.undefined(name=name)
            case nodes.Getattr(node=inner, attr=attribute):
                holder = self._value(inner)
                return lambda values: environment.getattr(holder(values), attribute)
            case nodes.Filter(node=inner, name=name, args=args, kwargs=[]) if name in FILTERS:
                value, given = self._value(inner), [self._value(each) for each in args]
                apply = environment.filters[name]
                return lambda values: apply(value(values), *(each(values) for each in given))
        return self._condition(node)

    def _condition(self, node: nodes.Node | None) -> Value:
        match node:
            case nodes.Test(node=inner, name=name, args=[], kwargs=[]) if name in TESTS:
                value = self._value(inner)
                holds: Any = self.environment.tests[name]
                return lambda values: holds(value(values))
            case nodes.Compare(expr=expr, ops=[nodes.Operand(op=op, expr=other)]) if op in _COMPARE:
                one, two, compare = self._value(expr), self._value(other), _COMPARE[op]
                return lambda values: compare(one(values), two(values))
            case nodes.Not(node=inner):
                value = self._value(inner)
                return lambda values: not value(values)
            case nodes.And(left=left, right=right):
                one, two = self._value(left), self._value(right)
                return lambda values: one(values) and two(values)
            case nodes.Or(left=left, right=right):
                one, two = self._value(left), self._value(right)
                return lambda values: one(values) or two(values)
        raise _NotSimple
