"""The rulebook: all published trigger versions with their reach, as the log's governance facts give it."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.core.ids import Names
from domain.core.timing import UTC, QuietHours, zone_of
from domain.core.workdays import WEEKDAYS, Workdays
from domain.rules.built_in_triggers import DIGEST, DIGEST_TRIGGER, DIGEST_VERSION
from domain.rules.event_types import Catalogue, setting_types
from domain.rules.triggers import Trigger


class Defaults(Struct, frozen=True):
    """A pack's values for persons who chose nothing. `cap_messages` in `cap_days` is the fatigue cap."""

    language: str
    languages: tuple[str, ...]
    zone_name: str
    quiet_hours: QuietHours
    cap_messages: int
    cap_days: int
    age_of_majority: int
    workdays: Workdays = WEEKDAYS

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone of that name."""
        return zone_of(self.zone_name)


class Version(Struct, frozen=True):
    """A published version of a trigger.

    `hash` addresses its content; `reach`: from which event time it looks; `ahead_from`: steps nominally due
    before it are not planned; `published`: its place in the order of publication (higher is later); `withdrawn`: it
    plans nothing any more, but what it planned can still be explained; `share`: it is for that part of all persons.
    """

    trigger: Trigger
    hash: str
    published: int
    reach: datetime
    ahead_from: datetime
    withdrawn: bool = False
    share: float = 1.0


class VersionWithoutEvent(NamedTuple):
    """A version that no event starts. `explained_by`: the event types that may, besides a person's first event."""

    version: Version
    explained_by: frozenset[str]


def _explaining(version: Version, catalogue: Catalogue) -> Iterator[str]:
    if version.trigger.entitlement is not None:
        benefit = version.trigger.entitlement.benefit
        yield from benefit.had_by
        yield from setting_types(catalogue, benefit.attributes)


_ALWAYS = datetime.min.replace(tzinfo=UTC)
_BUILT_IN = {DIGEST_VERSION: Version(DIGEST_TRIGGER, DIGEST_VERSION, 0, _ALWAYS, _ALWAYS)}


class Rulebook:
    """The published versions, found by event type, with the catalogue, the defaults and the names that plan needs.

    `publications`: every publication, with its reach and share; `versions`: by hash, the last publication of each.
    """

    def __init__(
        self, catalogue: Catalogue, defaults: Defaults, names: Names, versions: Sequence[Version] = ()
    ) -> None:
        self.catalogue, self.defaults, self.names = catalogue, defaults, names
        self.publications = tuple(versions)
        self.versions = {version.hash: version for version in versions}
        self._by_type: dict[str, list[list[Version]]] = {}
        self._spans: dict[str, tuple[list[datetime] | None, list[list[Version]]]] = {}
        self._step_names: dict[str, frozenset[str]] = {}
        self._active = [version for version in versions if not version.withdrawn]
        self.counted = frozenset(
            [each.trigger.on for each in self._active if each.trigger.needs and each.trigger.needs.count]
        )
        """The types whose events are counted, so that all of them are looked at, also behind every reach."""
        self.alone = tuple(
            VersionWithoutEvent(each, frozenset(_explaining(each, catalogue)))
            for each in self._active
            if each.trigger.alone
        )
        """The versions that start on no event, but on an entitlement that is about the person alone."""
        self.dated = frozenset([each.trigger.on for each in self._active if each.trigger.reads_the_day])
        """The types whose triggers read what changes with the day: an age, or the law."""
        self.mortal = {
            name: type_.subject for name, type_ in catalogue.types.items() if type_.ends_life and type_.subject
        }
        """The types that end a life -> in which role."""
        self.canaries = tuple(version for version in self._active if version.share < 1)
        """The versions in force for some persons only."""
        for name in sorted({version.trigger.name for version in self._active}):
            self._index([version for version in self._active if version.trigger.name == name])

    def _index(self, versions: list[Version]) -> None:
        """Index the versions by type in the order in which they are tried: the latest first.

        Of one version published several times in a row, the first goes first: whoever was in its canary keeps what
        they were told from then.
        """
        ordered = sorted(versions, key=lambda version: -version.published)
        runs = [list(run)[::-1] for _, run in groupby(ordered, key=lambda version: version.hash)]
        latest_first = [version for run in runs for version in run]
        for type_ in {version.trigger.on for version in versions}:
            self._by_type.setdefault(type_, []).append(latest_first)

    def applying(self, type_: str, time: datetime, person: str) -> Sequence[Version]:
        """Return, for each trigger that starts on the type, the latest-published version that applies.

        It applies if its reach covers the time and its share the person.
        """
        if (spans := self._spans.get(type_)) is None:
            spans = self._spans[type_] = self._spans_of(type_)
        reaches, applying = spans
        if reaches is None:
            return self._found(type_, time, person)
        return applying[bisect_right(reaches, time)]

    def _spans_of(self, type_: str) -> tuple[list[datetime] | None, list[list[Version]]]:
        """Return the reaches in order, and the versions that apply before the first and from each of them on.

        The reaches are None if the versions depend on the person.
        """
        versions = [version for each in self._by_type.get(type_, ()) for version in each]
        if any(version.share < 1 for version in versions):
            return None, []
        reaches = sorted({version.reach for version in versions})
        return reaches, [[], *(self._found(type_, reach, "") for reach in reaches)]

    def _found(self, type_: str, time: datetime, person: str) -> list[Version]:
        found = []
        for versions in self._by_type.get(type_, ()):
            for version in versions:
                if version.reach <= time and self.is_for(version, person):
                    if version.trigger.on == type_:
                        found.append(version)
                    break
        return found

    def is_for(self, version: Version, person: str) -> bool:
        """Return True if the version is for that person.

        They are drawn by a keyed hash of who they are, so a larger share contains every smaller one.
        """
        return version.share >= 1 or self.names.lot(version.trigger.name, version.hash, person) < version.share

    def find(self, version: str) -> Version | None:
        """Return the version with that hash, published or built in; None where the rulebook has forgotten it."""
        return self.versions.get(version) or _BUILT_IN.get(version)

    def version(self, version: str) -> Version:
        """Return the version with that hash, published or built in. Raises KeyError where there is none."""
        return _BUILT_IN[version] if version in _BUILT_IN else self.versions[version]

    def step_names(self, trigger: str) -> frozenset[str]:
        """Return the names of the steps, and of their repetitions, that any version of the trigger ever had."""
        if (found := self._step_names.get(trigger)) is None:
            versions = [version for version in self.versions.values() if version.trigger.name == trigger]
            found = frozenset(name for each in versions for step in each.trigger.steps for name in step.names)
            self._step_names[trigger] = found
        return found

    def versions_about(self, types: Collection[str]) -> list[Version]:
        """Return all versions that start on an event of these types, or are prevented by one."""
        return [
            version
            for version in self.versions.values()
            if version.trigger.on in types or any(unless.on in types for unless in version.trigger.unless)
        ]

    def has(self, trigger: str) -> bool:
        """Return True if any version of the trigger is in force."""
        return trigger == DIGEST or any(version.trigger.name == trigger for version in self._active)
