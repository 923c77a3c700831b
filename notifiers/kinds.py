"""The kinds of provider there are: entry points of the group `habarshy.notifiers`, ours and other packages'."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel

from notifiers.port import Inbox, Notifier

GROUP = "habarshy.notifiers"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a notifier is given beside its options: aware times, and where what comes back goes."""

    clock: Callable[[], datetime]
    inbox: Inbox


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of provider: its channel, what an operator can set, and how it is made from that.

    `make` raises ValueError, with what to do about it, for options that could never work together.
    """

    channel: str
    options: type[BaseModel]
    make: Callable[[Any, Tools], Notifier]


def kinds() -> dict[str, Kind]:
    """Name -> kind, of everything that is installed."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}
