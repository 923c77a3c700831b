"""The triggers that new events affect: whoever has only new events is planned for these triggers alone.

Each trigger is planned by itself. So the plan by the affected triggers alone, from the facts of the types that they
read, equals the whole plan as far as these triggers go; and of the others nothing changes.
"""

from functools import lru_cache

from msgspec import Struct

from domain.planning.relevant_types import deciding
from domain.rules.rulebook import Rulebook


class RulebookPart(Struct, frozen=True):
    """The part of a rulebook that is planned, and what of a history it reads.

    `triggers`: their names (None: all); `types`: of the facts that it reads (None: all); `areas`: True if it reads
    area events.
    """

    rulebook: Rulebook
    triggers: frozenset[str] | None = None
    types: frozenset[str] | None = None
    areas: bool = True

    @property
    def is_whole(self) -> bool:
        """Return True if it is the whole rulebook."""
        return self.triggers is None

    @property
    def decides(self) -> bool:
        """Return True if it has any trigger."""
        return self.triggers != frozenset()


class AffectedTriggers:
    """Finds the part of one rulebook that new events of given types affect."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.everything = RulebookPart(rulebook)
        self._rulebook = rulebook
        self._deciding: dict[str, frozenset[str]] = {}
        for version in rulebook.versions.values():
            name = version.trigger.name
            self._deciding[name] = self._deciding.get(name, frozenset()).union(
                deciding(version.trigger, rulebook.catalogue)
            )
        self.by = lru_cache(maxsize=512)(self._by)

    def _by(self, types: frozenset[str]) -> RulebookPart:
        """Return the part that new events of these types affect, if none is a person's first: that may be any."""
        if not types.isdisjoint(self._rulebook.mortal):
            return self.everything
        names = frozenset([name for name, decide in self._deciding.items() if not decide.isdisjoint(types)])
        versions = [each for each in self._rulebook.publications if each.trigger.name in names]
        catalogue = self._rulebook.catalogue
        part = Rulebook(catalogue, self._rulebook.defaults, self._rulebook.names, versions)
        if any(each.trigger.alone for each in versions):
            return RulebookPart(part, names)  # it begins with the person's first event, of whatever type
        if not names and types.isdisjoint(catalogue.personal):
            return RulebookPart(part, names, frozenset(), areas=False)
        read = catalogue.personal.union(*(self._deciding[name] for name in names))
        areas = any(catalogue.types[type_].area for type_ in read if type_ in catalogue.types)
        return RulebookPart(part, names, read, areas)
