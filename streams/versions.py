"""The rules of a trigger version as they were published, also of one that is not in force any more."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from domain.governance import TriggerPublished
from domain.rulebook import Rulebook
from projections import governance
from streams.log import Log


def rules_of(connection: Connection, log: Log, rulebook: Rulebook, version: str) -> Mapping[str, Any] | None:
    """A version's rules as plain data, by its hash; None where nothing with that hash was ever published."""
    if (found := rulebook.find(version)) is not None:
        return found.trigger.content
    for entry in log.read(connection, governance.positions(connection)):  # the rulebook forgets what was withdrawn
        if isinstance(entry.fact, TriggerPublished) and entry.fact.hash == version:
            return entry.fact.rules
    return None
