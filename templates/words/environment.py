"""Jinja for words: sandboxed, strict about what is missing, and without attributes of Python objects."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from domain.core.plain import PlainData
from templates.words.filters import filters_of
from templates.words.markdown import mark
from templates.words.policy import LOOP, TESTS

COLLECTED = "\0collected"
"""The name of the list of values, in a context of `markdown_environment`; no words can name it."""
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ue000-\uf8ff]+")


class Group(Mapping[str, Any]):
    """Values of an event or a person by name, read-only; it knows its own dotted name.

    Most words read of one or two groups only: the others are never made.
    """

    __slots__ = ("_make", "_name", "_values")

    def __init__(self, name: str, make: Callable[[], Mapping[str, Any]]) -> None:
        self._name, self._make = name, make
        self._values: Mapping[str, Any] | None = None

    @property
    def made(self) -> Mapping[str, Any]:
        """Return the values by their last names."""
        if self._values is None:
            self._values = self._make()
        return self._values

    def __getitem__(self, key: str) -> PlainData:
        return self.made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)

    def dotted(self, attribute: str) -> str:
        """Return the full name of something in the group."""
        return f"{self._name}.{attribute}"


class Missing(StrictUndefined):
    """A variable without a value; it says its name when it is used."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:  # what `money` and `number` do with a value
        return str(self)

    @property
    def name(self) -> str:
        """Return the variable's dotted name."""
        return self._undefined_hint or self._undefined_name or "a variable"


def group(name: str, values: Mapping[str, Any], zone: tzinfo | None) -> Group:
    """Return dotted names ("event.address.area") as nested groups; what is null is missing, times are made local."""
    return Group(name, lambda: _nested(name, values, zone))


def _nested(name: str, values: Mapping[str, Any], zone: tzinfo | None) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    deeper: dict[str, dict[str, Any]] = {}
    for dotted, value in values.items():
        if value is None:
            continue
        _, _, rest = dotted.partition(".")
        inner, _, below = rest.partition(".")
        if below:
            deeper.setdefault(inner, {})[rest] = value
        else:
            nested[rest] = value.astimezone(zone) if isinstance(value, datetime) else value
    for inner, some in deeper.items():
        nested[inner] = group(f"{name}.{inner}", some, zone)
    return nested


class _Environment(ImmutableSandboxedEnvironment):
    """Names are looked up in groups only, never as attributes of objects."""

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401  (overrides)
        if isinstance(obj, Group):
            try:
                return obj[attribute]
            except KeyError:
                return Missing(hint=obj.dotted(attribute))
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        return Missing(hint=f"{obj.name}.{attribute}" if isinstance(obj, Missing) else attribute)


def printable(value: PlainData) -> str:
    """Return the value as text of one line that cannot hide or reorder what is around it."""
    text = str(value)
    return text if text.isprintable() else _UNPRINTABLE.sub(" ", text)


def collect(values: Mapping[str, Any], value: PlainData) -> str:
    """Collect the value, and return the mark that stands for it."""
    collected: list[str] = values[COLLECTED]
    collected.append(printable(value))
    return mark(len(collected) - 1)


@pass_context
def _collect(context: Context, value: PlainData) -> str:
    return collect(context.parent, value)


@lru_cache(maxsize=64)
def plain_environment(language: str) -> ImmutableSandboxedEnvironment:
    """Return the environment for subject, push and SMS: a value becomes one line."""
    return _environment(language, printable)


@lru_cache(maxsize=64)
def markdown_environment(language: str) -> ImmutableSandboxedEnvironment:
    """Return the environment for Markdown: a mark stands for each value, and the value is collected."""
    return _environment(language, _collect)


def _environment(language: str, finalize: Callable[..., str]) -> ImmutableSandboxedEnvironment:
    # autoescape is off because values never meet HTML here: templates.words.markdown escapes them in their places
    environment = _Environment(undefined=Missing, finalize=finalize, lstrip_blocks=True, autoescape=False)
    environment.globals.clear()
    environment.filters = filters_of(language) | {"default": environment.filters["default"]}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment
