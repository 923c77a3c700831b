"""The rulebook: all published trigger versions with their reach, as the log's governance facts give it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from domain.event_types import Catalogue
from domain.ids import Names
from domain.timing import QuietHours
from domain.triggers import Trigger
from domain.workdays import WEEKDAYS, Workdays


class Defaults(Struct, frozen=True):
    """What holds where a person said nothing, per pack. `cap`: so many messages in so many days."""

    language: str
    languages: tuple[str, ...]
    zone: str
    quiet_hours: QuietHours
    cap_messages: int
    cap_days: int
    age_of_majority: int
    workdays: Workdays = WEEKDAYS


class Version(Struct, frozen=True):
    """A published version of a trigger.

    `hash` addresses its content; `reach`: from which event time it looks; `ahead_from`: steps nominally due
    before it are not planned; `published`: its place in the order of publication (higher is later); `withdrawn`: it
    plans nothing any more, but what it planned can still be explained.
    """

    trigger: Trigger
    hash: str
    published: int
    reach: datetime
    ahead_from: datetime
    withdrawn: bool = False


class Rulebook:
    """All published versions, found by event type; with the catalogue, the defaults and the names that plan needs."""

    def __init__(
        self, catalogue: Catalogue, defaults: Defaults, names: Names, versions: Sequence[Version] = ()
    ) -> None:
        self.catalogue, self.defaults, self.names = catalogue, defaults, names
        self.versions = {version.hash: version for version in versions}
        self._by_type: dict[str, list[list[Version]]] = {}
        self._active = [version for version in versions if not version.withdrawn]
        self.counted = frozenset(
            [each.trigger.on for each in self._active if each.trigger.needs and each.trigger.needs.count]
        )
        """The types whose events are counted, so that all of them are looked at, also behind every reach."""
        for name in sorted({version.trigger.name for version in self._active}):
            self._index([version for version in self._active if version.trigger.name == name])

    def _index(self, versions: list[Version]) -> None:
        latest_first = sorted(versions, key=lambda version: -version.published)
        for type_ in {version.trigger.on for version in versions}:
            self._by_type.setdefault(type_, []).append(latest_first)

    def applying(self, type_: str, time: datetime) -> list[Version]:
        """For each trigger, the latest-published version whose reach covers the time, if it starts on the type."""
        found = []
        for versions in self._by_type.get(type_, ()):
            for version in versions:
                if version.reach <= time:
                    if version.trigger.on == type_:
                        found.append(version)
                    break
        return found

    def has(self, trigger: str) -> bool:
        """Whether any version of the trigger is in force."""
        return any(version.trigger.name == trigger for version in self._active)
