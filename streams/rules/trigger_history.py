"""The history of triggers: who did what to which version and when; published titles, and rules of old versions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.translatable import Titles
from domain.facts.governance import (
    ControlSet,
    SentAsTest,
    TriggerApproved,
    TriggerCommented,
    TriggerPaused,
    TriggerPublished,
    TriggerReachChanged,
    TriggerRefused,
    TriggerResumed,
    TriggerSubmitted,
    TriggerWithdrawn,
)
from domain.rules.rulebook import Rulebook
from projections import governance
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.rules.in_force import Rules
from streams.rules.publishing import read_entries
from streams.storage.database import Database

_WHAT: Mapping[type, str] = {
    TriggerSubmitted: "submitted",
    TriggerApproved: "approved",
    TriggerRefused: "refused",
    TriggerCommented: "commented",
    TriggerPublished: "published",
    TriggerReachChanged: "reach moved",
    TriggerWithdrawn: "withdrawn",
    TriggerPaused: "paused",
    TriggerResumed: "resumed",
    SentAsTest: "sent as test",
}


class TriggerAction(Struct, frozen=True):
    """One action on a trigger. `hash`: of its version, if it is about one; `share`: of persons (0 to 1)."""

    at: datetime
    by: str
    what: str
    hash: str = ""
    reason: str = ""
    share: float = 1.0


class TriggerHistories:
    """Reads the histories of all triggers from the log."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def all(self) -> dict[str, list[TriggerAction]]:
        """Return trigger -> the actions on it, the earliest first."""
        with self._database.reading() as connection:
            return trigger_histories(read_entries(connection, self._log))


def trigger_histories(entries: Iterable[Entry]) -> dict[str, list[TriggerAction]]:
    """Return trigger -> the actions on it, from governance facts in the order of the log."""
    found: dict[str, list[TriggerAction]] = {}
    for entry in entries:
        fact: Any = entry.fact
        if isinstance(fact, ControlSet):
            if fact.scope == "trigger":
                what = "stopped" if fact.stopped else "let go on"
                found.setdefault(fact.name, []).append(TriggerAction(fact.at, fact.by, what, reason=fact.reason))
        elif (named := _WHAT.get(type(fact))) is not None:
            found.setdefault(fact.trigger, []).append(
                TriggerAction(
                    fact.at,
                    fact.by,
                    named,
                    getattr(fact, "hash", ""),
                    getattr(fact, "reason", "") or getattr(fact, "comment", ""),
                    getattr(fact, "share", 1.0),
                )
            )
    return found


def agency_titles(rules: Rules) -> dict[str, Titles]:
    """Return agency -> its titles."""
    return {name: office.title for name, office in rules.catalogue.offices.items()}


def rules_of(connection: Connection, log: Log, rulebook: Rulebook, version: str) -> Mapping[str, Any] | None:
    """Return a version's rules as plain data, by its hash; None if no version with that hash was ever published."""
    if (found := rulebook.find(version)) is not None:
        return found.trigger.content
    for entry in log.read(connection, governance.positions(connection)):  # the rulebook forgets what was withdrawn
        if isinstance(entry.fact, TriggerPublished) and entry.fact.hash == version:
            return entry.fact.rules
    return None
