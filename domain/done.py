"""When the thing itself happened that a nudge would ask for."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from domain.events import Effective


class Done(NamedTuple):
    """The thing itself happened at that time; `patient`: its trigger waits for late reports of it.

    `area`: it ends only what is about homes there.
    """

    time: datetime
    patient: bool
    area: str | None = None


def moot_from(done: Sequence[Done]) -> datetime | None:
    """When the thing happened, after the deadline; with a grace, only what happened by the deadline counts."""
    return min((each.time for each in done if not each.patient), default=None)


def names_nudge(reply: Effective, ids: AbstractSet[str]) -> bool:
    """Whether a reply answers one of the nudges with these ids."""
    return str(reply.values.get("event.nudge")).lower() in ids
