"""By which load an event counts: the earliest, and a live one above all."""

from collections.abc import Iterable
from uuid import UUID

from msgspec.structs import replace

from domain.events import LifeEvent
from domain.facts import AheadMoved
from streams.mapper import Entry

Placed = tuple[int, LifeEvent]
"""A life event and its position in the log."""


def as_loaded(entries: Iterable[Entry]) -> dict[UUID, Placed]:
    """Stream -> the original in it, with the load that counts."""
    found: dict[UUID, Placed] = {}
    for entry in entries:
        if isinstance(entry.fact, LifeEvent):
            found[entry.originator_id] = (entry.position, entry.fact)
        elif isinstance(entry.fact, AheadMoved):
            position, event = found[entry.originator_id]
            found[entry.originator_id] = (position, replace(event, ahead_from=entry.fact.ahead_from))
    return found
