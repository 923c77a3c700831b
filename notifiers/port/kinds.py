"""The kinds of provider there are: entry points of the group `habarshy.notifiers`, ours and other packages'."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pydantic import BaseModel

from notifiers.port.interface import Inbound, Incoming, Notifier, Report

GROUP = "habarshy.notifiers"
Method = Literal["GET", "POST", "PUT"]


@dataclass(frozen=True, slots=True)
class Tools:
    """The platform's objects for a notifier: a clock with aware times, and the way in for what comes back."""

    clock: Callable[[], datetime]
    inbound: Inbound


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a provider over HTTP, as it came `at` that time; names of headers are in lower case.

    `query` holds the parameters of its address, so it has all of a call by GET.
    """

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at: datetime


class NotTheirs(Exception):
    """Raised for a call that does not come from the provider."""

    def __init__(self) -> None:
        super().__init__("The call does not come from the provider: its signature or token is wrong or too old.")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of provider: its channel, what an operator can set, and how it is made from that.

    `make` raises ValueError, with what to do about it, for options that could never work together. `read_call` reads,
    by the options, what such a provider reports by a call; it raises NotTheirs where the caller is not the provider,
    and ValueError for what cannot be read. It runs in another process than what `make` made, and in several threads.
    `methods`: of HTTP, by which such a provider calls.
    """

    channel: str
    options: type[BaseModel]
    make: Callable[[Any, Tools], Notifier]
    read_call: Callable[[Any, Call], Sequence[Report | Incoming]] | None = None
    methods: frozenset[Method] = frozenset({"POST"})


class NoSuchKind(ValueError):
    """Raised when no kind of provider has that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"No kind of provider is called {name!r}. Install the package that brings it, or use one of: "
            f"{', '.join(sorted(known))}."
        )


@cache
def _installed() -> Mapping[str, EntryPoint]:
    """Return the entry points by name, read once: that takes milliseconds, and nothing is installed meanwhile."""
    return {point.name: point for point in reversed(tuple(entry_points(group=GROUP)))}


def names() -> frozenset[str]:
    """Return the kinds that are installed."""
    return frozenset(_installed())


def kind(name: str) -> Kind:
    """Return the kind of that name; only its own modules are loaded.

    Raises:
        NoSuchKind: nothing that is installed brings it.
    """
    if (point := _installed().get(name)) is None:
        raise NoSuchKind(name, names())
    found: Kind = point.load()
    return found
