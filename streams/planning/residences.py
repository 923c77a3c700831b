"""Where persons live, as rows of the view."""

from collections.abc import Iterable

from domain.core.events import Effective
from domain.core.ids import Names
from domain.rules.event_types import Catalogue
from domain.rules.residence import Residences
from projections.residents import Resident
from projections.tables import micros, optional_micros


class Residing:
    """Makes the rows; places are few and their names are hashes, so these are kept."""

    def __init__(self, catalogue: Catalogue, names: Names) -> None:
        self.catalogue, self._residences = catalogue, Residences(catalogue)
        self._levels, self._names = catalogue.area_levels, names
        self._homes: dict[tuple[str, str | None], str] = {}

    @property
    def types(self) -> frozenset[str]:
        """The event types that have a part in where anybody lives."""
        return self._residences.types

    def rows(self, person: str, facts: Iterable[Effective]) -> list[Resident]:
        """The rows that the facts of a person's history give."""
        return [
            Resident(person, micros(one.since), self._home(one.area, one.zone), optional_micros(one.until), one.only)
            for one in self._residences.of(person, facts)
        ]

    def _home(self, area: str, zone: str | None) -> str:
        if (found := self._homes.get((area, zone))) is None:
            found = self._homes[area, zone] = self._names.home(area, zone, self._levels)
        return found
