"""Parts that triggers and benefits are both made of, compiled with the place of what is wrong in them."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from domain.conditions.language import Amount, BadCondition, Condition, Conditions
from domain.core.timing import InvalidTime, Offset, parse_offset
from domain.core.translatable import Words
from domain.rules.errors import BadTrigger
from domain.rules.event_types import Catalogue, EventType

Path = tuple[str | int, ...]
Compiled = TypeVar("Compiled")
Bad = TypeVar("Bad", bound=BadTrigger)
P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="Collector")


def first_of(bad: Sequence[Bad]) -> Bad:
    """Return the first of what is bad, with the rest as its `others`."""
    bad[0].others = tuple(bad[1:])
    return bad[0]


class Collector:
    """A compiler that keeps what is `bad` for the end."""

    def __init__(self) -> None:
        self.bad: list[BadTrigger] = []


def collected(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """Return the method, with what is bad kept for the end, so that the rest is looked at too."""

    @wraps(method)
    def attempt(compiler: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(compiler, *args, **kwargs)
        except BadTrigger as bad:
            compiler.bad += (bad, *bad.others)
            return cast("R", None)  # never used: nothing is given out of what has anything bad

    return attempt


def condition_at(path: Path, text: str, variables: Mapping[str, str]) -> Condition:
    """Compile the condition at a path. Raises BadTrigger."""
    return _placed(path, text, Conditions(variables).compile)


def amount_at(path: Path, text: str, variables: Mapping[str, str]) -> Amount:
    """Compile the amount at a path. Raises BadTrigger."""
    return _placed(path, text, Conditions(variables).amount)


def _placed(path: Path, text: str, compile_: Callable[[str], Compiled]) -> Compiled:
    try:
        return compile_(text)
    except BadCondition as bad:
        every = [BadTrigger(path, each.problem, each.line, each.column) for each in (bad, *bad.others)]
        raise first_of(every) from None


def offset_at(path: Path, text: str) -> Offset:
    """Read the offset at a path. Raises BadTrigger."""
    try:
        return parse_offset(text)
    except InvalidTime as error:
        raise BadTrigger(path, error.problem) from None


def type_at(path: Path, name: str, catalogue: Catalogue) -> EventType:
    """Return the event type named at a path. Raises BadTrigger."""
    if (found := catalogue.types.get(name)) is None:
        raise BadTrigger(path, Words("no event type is called {name!r}", name=name))
    return found


def prefixed(prefix: str, type_: EventType) -> dict[str, str]:
    """Return dotted name -> type of what conditions may read of an event of that type."""
    return {f"{prefix}.{name}": kind for name, kind in type_.variables().items()}
