"""The lives of triggers: who did what to which version, and when, in the order of the log."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from domain.governance import (
    ControlSet,
    SentAsTest,
    TriggerApproved,
    TriggerPaused,
    TriggerPublished,
    TriggerReachChanged,
    TriggerRefused,
    TriggerResumed,
    TriggerSubmitted,
    TriggerWithdrawn,
)
from streams.database import Database
from streams.log import Log
from streams.mapper import Entry
from streams.publishing import read_entries

_WHAT: Mapping[type, str] = {
    TriggerSubmitted: "submitted",
    TriggerApproved: "approved",
    TriggerRefused: "refused",
    TriggerPublished: "published",
    TriggerReachChanged: "reach moved",
    TriggerWithdrawn: "withdrawn",
    TriggerPaused: "paused",
    TriggerResumed: "resumed",
    SentAsTest: "sent as test",
}


class Happened(Struct, frozen=True):
    """One thing that somebody did to a trigger. `hash`: of its version, if it is about one; `share`: of persons."""

    at: datetime
    by: str
    what: str
    hash: str = ""
    reason: str = ""
    share: float = 1.0


class Lives:
    """Reads them from the log."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def all(self) -> dict[str, list[Happened]]:
        """Trigger -> what was done to it, the earliest first."""
        with self._database.reading() as connection:
            return lives(read_entries(connection, self._log))


def lives(entries: Iterable[Entry]) -> dict[str, list[Happened]]:
    """What these governance facts say of each trigger."""
    found: dict[str, list[Happened]] = {}
    for entry in entries:
        fact: Any = entry.fact
        if isinstance(fact, ControlSet):
            if fact.scope == "trigger":
                what = "stopped" if fact.stopped else "let go on"
                found.setdefault(fact.name, []).append(Happened(fact.at, fact.by, what, reason=fact.reason))
        elif (named := _WHAT.get(type(fact))) is not None:
            found.setdefault(fact.trigger, []).append(
                Happened(
                    fact.at,
                    fact.by,
                    named,
                    getattr(fact, "hash", ""),
                    getattr(fact, "reason", "") or getattr(fact, "comment", ""),
                    getattr(fact, "share", 1.0),
                )
            )
    return found
