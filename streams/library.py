"""The library: the rules in force, folded from the log's governance facts and never read from disk."""

import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection

from domain.benefits import BadBenefit
from domain.compiling import compile_trigger
from domain.event_types import Catalogue
from domain.facts import ControlSet, PackPublished, TriggerPublished, TriggerWithdrawn
from domain.ids import Names
from domain.national_id import SCHEMES
from domain.rulebook import Defaults, Rulebook, Version
from domain.settle import Controls
from domain.timing import utc, zone_of
from domain.triggers import BadTrigger
from projections import governance
from streams.checking import Checker
from streams.database import Database, Priority
from streams.log import Log
from streams.mapper import Entry
from templates.catalogue import catalogue_of, defaults_of, live_from_of, national_id_of
from templates.loader import Pack
from templates.render import Renderer
from templates.renderers import Renderers, Source


class Rules(Struct, frozen=True):
    """All that is in force at one position of the log. `renderers`: version hash -> its words."""

    position: int
    catalogue: Catalogue
    defaults: Defaults
    rulebook: Rulebook
    controls: Controls
    checker: Checker
    renderers: Mapping[str, Renderer]


class NothingPublished(Exception):
    """No pack is published in this log, so no event type is known. Publish one: habarshy publish templates/kz."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class BreaksVersions(Exception):
    """The published {trigger} does not work with these event types ({problem}). Keep what it reads."""

    def __init__(self, trigger: str, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(trigger=trigger, problem=problem))


class Library:
    """Gives the rules in force, folded anew when a governance fact was appended."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self._names = database, log, names
        self._rules: Rules | None = None
        self._lock = threading.Lock()

    def rules(self) -> Rules:
        """The rules in force now.

        Raises:
            NothingPublished: the log has no pack.
        """
        with self._lock, self._database.reading() as connection:
            latest = governance.latest(connection)
            if self._rules is None or self._rules.position != latest:
                self._rules = self._fold(connection, latest)
            return self._rules

    def _fold(self, connection: Connection, latest: int) -> Rules:
        entries = self._log.read(connection, governance.positions(connection))
        packs = _latest_packs(entries)
        if not packs:
            raise NothingPublished
        contents = [pack.content for pack in packs]
        catalogue, defaults = catalogue_of(contents), defaults_of(contents)
        published = _published(entries)
        versions = [_version(each, catalogue) for each in published]
        rulebook = Rulebook(catalogue, defaults, self._names, versions)
        return Rules(
            position=latest, catalogue=catalogue, defaults=defaults,
            rulebook=rulebook, controls=_controls(entries, rulebook),
            checker=Checker(catalogue, self._names, _valid_id(contents)),
            renderers=Renderers(
                {fact.hash: Source(fact.trigger, fact.words, fact.rules) for _, fact, _ in published},
                defaults.language,
            ),
        )  # fmt: skip


def _latest_packs(entries: Sequence[Entry]) -> list[PackPublished]:
    latest: dict[str, PackPublished] = {}
    for entry in entries:
        if isinstance(entry.fact, PackPublished):
            latest[entry.fact.pack] = entry.fact
    return list(latest.values())


class _Publication(NamedTuple):
    """A published version, where in the log, and whether its trigger was withdrawn since."""

    position: int
    fact: TriggerPublished
    withdrawn: bool = False


def _published(entries: Sequence[Entry]) -> list[_Publication]:
    found: list[_Publication] = []
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, TriggerPublished):
            found.append(_Publication(entry.position, fact))
        elif isinstance(fact, TriggerWithdrawn):
            found = [each._replace(withdrawn=True) if each.fact.trigger == fact.trigger else each for each in found]
    return found


def _version(published: _Publication, catalogue: Catalogue) -> Version:
    fact = published.fact
    trigger = compile_trigger(fact.trigger, fact.rules, catalogue)
    return Version(trigger, fact.hash, published.position, fact.reach, fact.ahead_from, published.withdrawn)


def _controls(entries: Sequence[Entry], rulebook: Rulebook) -> Controls:
    stopped: dict[tuple[str, str], bool] = {}
    for entry in entries:
        if isinstance(entry.fact, ControlSet):
            stopped[entry.fact.scope, entry.fact.name] = entry.fact.stopped
    names = {version.trigger.name for version in rulebook.versions.values()}
    return Controls(
        frozenset(switch for switch, is_stopped in stopped.items() if is_stopped),
        withdrawn=frozenset(name for name in names if not rulebook.has(name)),
    )


def _valid_id(contents: Sequence[Mapping[str, Any]]) -> Callable[[str], bool]:
    schemes = [SCHEMES[name] for name in map(national_id_of, contents) if name is not None]
    return lambda national_id: any(valid(national_id) for valid in schemes)


class Publisher:
    """Puts packs into the log."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self._names = database, log, names

    def publish(self, packs: Sequence[Pack], *, by: str, now: datetime) -> int:
        """Append what is new in these packs; returns how many facts that took (0: all was there already).

        Raises:
            BreaksVersions: the packs' event types no longer have what a published version reads.
            NoDefaults: no published pack would have any.
        """
        return self._database.write(lambda connection: self._publish(connection, packs, by, now), Priority.PLANNING)

    def _publish(self, connection: Connection, packs: Sequence[Pack], by: str, now: datetime) -> int:
        entries = self._log.read(connection, governance.positions(connection))
        current = {fact.hash for fact in _latest_packs(entries)} | _current_hashes(entries)
        known = {each.fact.trigger for each in _published(entries)}
        facts = [
            (kind, name, fact) for pack in packs for kind, name, fact in _facts(pack, known, by, now)
            if fact.hash not in current
        ]  # fmt: skip
        _check_versions_still_work(entries, [fact for _, _, fact in facts])
        new = [self._entry(connection, kind, name, fact) for kind, name, fact in facts]
        if new:
            before = self._log.append(connection, new)
            for at, entry in enumerate(new, 1):
                governance.note(connection, before + at, entry.fact.TOPIC)
        return len(new)

    def _entry(self, connection: Connection, kind: str, name: str, fact: PackPublished | TriggerPublished) -> Entry:
        stream = self._names.registry_stream(kind, name)
        return Entry(stream, len(self._log.streams(connection, [stream])) + 1, fact)


def _current_hashes(entries: Sequence[Entry]) -> set[str]:
    """The hash of each trigger's latest version: publishing an earlier one again is a new publication."""
    latest = {each.fact.trigger: each.fact.hash for each in _published(entries) if not each.withdrawn}
    return set(latest.values())


def _check_versions_still_work(entries: Sequence[Entry], new: Sequence[PackPublished | TriggerPublished]) -> None:
    packs = {pack.pack: pack for pack in _latest_packs(entries)}
    packs |= {fact.pack: fact for fact in new if isinstance(fact, PackPublished)}
    contents = [pack.content for pack in packs.values()]
    try:
        catalogue, _ = catalogue_of(contents), defaults_of(contents)
    except BadBenefit as bad:
        raise BreaksVersions(str(bad.path[0]), str(bad)) from None
    for each in _published(entries):
        try:
            compile_trigger(each.fact.trigger, each.fact.rules, catalogue)
        except BadTrigger as bad:
            raise BreaksVersions(each.fact.trigger, str(bad)) from None


def _facts(
    pack: Pack, known: AbstractSet[str], by: str, now: datetime
) -> list[tuple[str, str, PackPublished | TriggerPublished]]:
    """The pack's facts. What it says of reach holds for the first version of a trigger: later ones look ahead."""
    live_from = live_from_of(pack.content) or now
    zone = zone_of((pack.content.get("defaults") or {}).get("zone", "UTC"))
    found: list[tuple[str, str, PackPublished | TriggerPublished]]
    found = [("pack", pack.name, PackPublished(now, by, pack.name, pack.hash, pack.content))]
    for trigger in pack.triggers:
        first = trigger.name not in known
        reach = _stated(trigger.rules, "reach", live_from, zone) if first else now
        ahead = _stated(trigger.rules, "ahead_from", live_from, zone) if first else now
        found.append(("trigger", trigger.name, TriggerPublished(
            now, by, pack.name, trigger.name, trigger.hash, trigger.rules, trigger.words, reach, ahead,
        )))  # fmt: skip
    return found


def _stated(rules: Mapping[str, Any], key: str, otherwise: datetime, zone: ZoneInfo) -> datetime:
    """A date means its start in the pack's zone; a time keeps its own, if it has one."""
    if (text := rules.get(key)) is None:
        return otherwise
    stated = datetime.fromisoformat(text)
    return utc(stated.replace(tzinfo=stated.tzinfo or zone))
