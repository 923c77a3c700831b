"""Rows of the view `residents` from the facts of a person's history."""

from collections.abc import Iterable
from functools import cache, partial

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
        self._home = cache(partial(names.home, levels=catalogue.area_levels))

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
