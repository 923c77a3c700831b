"""Rows of the view `residents` from the facts of a person's history."""

from collections.abc import Iterable

from domain.core.events import Effective
from domain.core.ids import Names
from domain.persons.residence import Residences
from domain.rules.event_types import Catalogue
from projections.residents import Resident
from projections.tables import micros, optional_micros


class ResidenceRows:
    """Makes the rows. There are few places and naming one costs a hash, so the names are cached."""

    def __init__(self, catalogue: Catalogue, names: Names) -> None:
        self.catalogue, self._residences = catalogue, Residences(catalogue)
        self._levels, self._names = catalogue.area_levels, names
        self._homes: dict[tuple[str, str | None], str] = {}

    @property
    def types(self) -> frozenset[str]:
        """The event types that decide where a person lives."""
        return self._residences.types

    def rows(self, person: str, facts: Iterable[Effective]) -> list[Resident]:
        """Return the person's rows."""
        return [
            Resident(person, micros(one.since), self._home(one.area, one.zone), optional_micros(one.until), one.only)
            for one in self._residences.of(person, facts)
        ]

    def _home(self, area: str, zone: str | None) -> str:
        if (found := self._homes.get((area, zone))) is None:
            found = self._homes[area, zone] = self._names.home(area, zone, self._levels)
        return found
