"""The residence of a person and its beginning, as their own facts give it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from domain.core.events import Effective
from domain.persons.person import Fold
from domain.rules.event_types import HOME, ZONE, Catalogue, setting_types


class Residence(Struct, frozen=True):
    """A stay of somebody in an area from one moment to another (None: still), in that time zone (None: the pack's).

    `only`: they have lived nowhere else, in no other zone since, and are alive: all of a person that the plan of an
    area event reads, where its triggers read nothing else of the citizen.
    """

    area: str
    since: datetime
    until: datetime | None
    zone: str | None
    only: bool


class Residences:
    """Folds residences out of histories; most facts have no part in them, and cost one look each."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.types = frozenset(setting_types(catalogue, {"area", "zone"})) | {
            name for name, type_ in catalogue.types.items() if type_.ends_life
        }

    def of(self, person: str, facts: Iterable[Effective]) -> tuple[Residence, ...]:
        """Return the person's residences, in their order; `facts` in the order of the history."""
        told = [one for one in facts if one.event.type in self.types and one.event.area is None]
        return tuple(self._periods(person, told)) if told else ()

    def _periods(self, person: str, told: list[Effective]) -> Iterator[Residence]:
        fold = Fold(person, self._catalogue)
        changes: list[tuple[datetime, Any, Any]] = []
        for one in told:
            fold.take(one.event)
            home = (fold.attributes.get(HOME), fold.attributes.get(ZONE))
            if changes and changes[-1][0] == one.event.time:
                changes[-1] = (one.event.time, *home)
            elif not changes or changes[-1][1:] != home:
                changes.append((one.event.time, *home))
        only = (
            fold.died is None and sum(area is not None for _, area, _ in changes) == 1 and changes[-1][1] is not None
        )
        ends = [since for since, _, _ in changes[1:]]
        for (since, area, zone), until in zip(changes, [*ends, None], strict=True):
            if area is not None:
                yield Residence(area, since, until, zone, only)
