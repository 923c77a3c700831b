"""Waking all whose plan may be another by other rules; they are planned once nobody else waits."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.events import LifeEvent
from domain.ids import Names
from projections import area_plans, happened_in_areas, history
from projections.tables import micros
from streams.log import Log


class Moved(NamedTuple):
    """Events of that type, from that time on, may start something else than before."""

    type: str
    since: datetime


def wake(connection: Connection, log: Log, names: Names, moved: Iterable[Moved], now: datetime) -> None:
    """Have the persons and the areas to whom such events happened planned again, in the caller's transaction."""
    types: dict[datetime, set[str]] = {}
    for each in moved:
        types.setdefault(each.since, set()).add(each.type)
    originals: set[UUID] = set()
    for since, wanted in types.items():
        history.wake_types(connection, sorted(wanted), micros(since), micros(now))
        originals.update(_area_events(connection, log, names, wanted, since))
    position = area_plans.latest(connection) + 1  # who is planned meanwhile notices that it has moved
    for original in sorted(originals):
        area_plans.begin(connection, original, position)


def _area_events(
    connection: Connection, log: Log, names: Names, types: AbstractSet[str], since: datetime
) -> Iterator[UUID]:
    """The originals of those that happened to areas."""
    for entry in log.read(connection, happened_in_areas.areas_since(connection, micros(since))):
        event = entry.fact
        if isinstance(event, LifeEvent) and event.type in types:
            yield names.stream(event.source, event.original)
