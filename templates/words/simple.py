"""Texts that only name values: rendered as Jinja would, without being compiled to Python first.

Most subjects, push messages and SMS are of this kind, and compiling one takes a hundred times as long as rendering it
(benchmarks/lint.py).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import Environment, nodes

from templates.words.policy import FILTERS

Part = Callable[[Mapping[str, Any]], str]


class Simple:
    """A text whose parts are words and values."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    def generate(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Return the text in pieces, as `jinja2.Template.generate` gives it."""
        return (part(values) for part in self._parts)


def simple(tree: nodes.Template, environment: Environment) -> Simple | None:
    """Return the text as its parts; None where it has more in it than values and filters."""
    parts: list[Part] = []
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            return None
        for each in node.nodes:
            part = _words(each.data) if isinstance(each, nodes.TemplateData) else _shown(each, environment)
            if part is None:
                return None
            parts.append(part)
    return Simple(parts)


def _words(text: str) -> Part:
    return lambda _: text


def _shown(node: nodes.Expr, environment: Environment) -> Part | None:
    found, finalize = _value(node, environment), environment.finalize
    if found is None or finalize is None:
        return None
    value = found
    return lambda values: str(finalize(value(values)))


def _value(node: nodes.Node | None, environment: Environment) -> Callable[[Mapping[str, Any]], Any] | None:
    match node:
        case nodes.Name(name=name):
            return lambda values: values[name] if name in values else environment.undefined(name=name)
        case nodes.Getattr(node=inner, attr=attribute):
            holder = _value(inner, environment)
            return holder and (lambda values: environment.getattr(holder(values), attribute))
        case nodes.Filter(node=inner, name=name, args=[], kwargs=[]) if name in FILTERS:
            value, apply = _value(inner, environment), environment.filters[name]
            return value and (lambda values: apply(value(values)))
    return None
