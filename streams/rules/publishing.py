"""Publishing: what is new of packs and triggers goes into the log, and whoever it concerns is planned anew.

Waking all whose plan may be another by other rules; they are planned once nobody else waits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.core.timing import utc, zone_of
from domain.facts.governance import (
    LogRestored,
    PackPublished,
    TriggerPublished,
    TriggerReachChanged,
    TriggerSubmitted,
)
from domain.facts.submissions import subject_of
from domain.rules.benefits import BadBenefit
from domain.rules.event_types import Catalogue
from domain.rules.triggers import BadTrigger, Trigger
from projections import area_plans, governance, happened_in_areas, history
from projections.tables import micros
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.recorder import take_turns
from streams.rules.governed import Governed, Publication, governed
from streams.storage.database import Database, Priority
from templates.checks.loader import Pack
from templates.reading.catalogue import catalogue_of, defaults_of, live_from_of


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


GOVERNANCE_LOCK = 0x4841_4247  # an arbitrary number that all who govern one database share
T = TypeVar("T")


class BreaksVersions(Exception):
    """The published {trigger} does not work with these event types ({problem}). Keep what it reads."""

    def __init__(self, trigger: str, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(trigger=trigger, problem=problem))


class Publisher:
    """Puts packs into the log as they are, without anybody's approval: how an empty log begins."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self._names = database, log, names

    def publish(self, packs: Sequence[Pack], *, by: str, now: datetime) -> int:
        """Append what is new in these packs; returns how many facts that took (0: all was there already).

        Raises:
            BreaksVersions: the packs' event types no longer have what a published version reads.
            NoDefaults: no published pack would have any.
        """
        return govern(self._database, lambda connection: self._publish(connection, packs, by, now))

    def _publish(self, connection: Connection, packs: Sequence[Pack], by: str, now: datetime) -> int:
        before = read_governed(connection, self._log)
        facts = [
            fact
            for pack in packs
            for fact in _facts(pack, before, by, now)
            if fact.hash != before.hash_of(subject_of(fact))
        ]
        append_governance(connection, self._log, self._names, facts, before, now)
        return len(facts)


def govern(database: Database, work: Callable[[Connection], T], priority: Priority = Priority.PLANNING) -> T:
    """Run work that reads what holds and appends to it; nobody else governs meanwhile.

    Facts of different streams may not go together, such as a pack without the field that a new trigger reads.
    """

    def alone(connection: Connection) -> T:
        take_turns(connection, GOVERNANCE_LOCK)
        return work(connection)

    return database.write(alone, priority)


def read_governed(connection: Connection, log: Log) -> Governed:
    """What the governance facts add up to now."""
    return governed(read_entries(connection, log))


def read_entries(connection: Connection, log: Log) -> list[Entry]:
    """The facts about the rules, in the order of the log."""
    return log.read(connection, governance.positions(connection))


def append_governance(
    connection: Connection, log: Log, names: Names, facts: Sequence[Any], before: Governed, now: datetime
) -> None:
    """Append governance facts, having woken all whose plan may be another by them.

    Raises:
        BreaksVersions: a published version does not work with the event types that would be.
        NoDefaults: no published pack would have any.
    """
    if not facts:
        return
    published = [fact for fact in facts if isinstance(fact, PackPublished | TriggerPublished | TriggerReachChanged)]
    if published:
        wake(connection, log, names, _moved(before, published), now)
    versions = dict(before.streams)
    entries = []
    for fact in facts:
        stream = stream_of(names, fact)
        versions[stream] = versions.get(stream, 0) + 1
        entries.append(Entry(stream, versions[stream], fact))
    position = log.append(connection, entries)
    for at, fact in enumerate(facts, position + 1):
        governance.note(connection, at, fact.TOPIC)


def stream_of(names: Names, fact: Any) -> UUID:  # noqa: ANN401  (any governance fact)
    """The stream that the fact belongs to."""
    if hasattr(fact, "scope"):
        return names.registry_stream("control", f"{fact.scope}/{fact.name}")
    if isinstance(fact, LogRestored):
        return names.registry_stream("log", "restored")
    about = subject_of(fact)
    return names.registry_stream(about.kind, about.name)


def _moved(before: Governed, facts: Sequence[PackPublished | TriggerPublished | TriggerReachChanged]) -> list[Moved]:
    """From when on which types have another rule, all versions compiled against what the packs would say.

    What a pack says besides (parameters, benefits, attributes, zones) may be read by any of them. Where a withdrawn
    trigger is published again, what its versions planned before waits no longer for anything.
    """
    packs = {**before.packs, **{fact.pack: fact for fact in facts if isinstance(fact, PackPublished)}}
    contents = [pack.content for pack in packs.values()]
    defaults_of(contents)
    try:
        catalogue = catalogue_of(contents)
    except BadBenefit as bad:
        raise BreaksVersions(str(bad.path[0]), str(bad)) from None
    new = [Publication(0, fact) for fact in facts if isinstance(fact, TriggerPublished)]
    since = {fact.trigger: fact.reach for fact in facts if not isinstance(fact, PackPublished)}
    back = {name for name in since if before.current(name) is None}
    repacked = any(isinstance(fact, PackPublished) for fact in facts)
    found = []
    for publication in (*before.publications, *new):
        name = publication.fact.trigger
        try:
            trigger = publication.version(catalogue).trigger
        except BadTrigger as bad:
            raise BreaksVersions(name, str(bad)) from None
        own = publication.fact.reach
        if name in back or (repacked and not publication.withdrawn):
            found += _starting(trigger, catalogue, min(own, since.get(name, own)))
        elif name in since and not publication.withdrawn:
            found += _starting(trigger, catalogue, since[name])
    return found


def _starting(trigger: Trigger, catalogue: Catalogue, since: datetime) -> list[Moved]:
    """The events on which the trigger starts; an entitlement about the person alone may rest on any."""
    return [Moved(name, since) for name in (catalogue.types if trigger.alone else (trigger.on,))]


def _facts(pack: Pack, before: Governed, by: str, now: datetime) -> list[PackPublished | TriggerPublished]:
    found: list[PackPublished | TriggerPublished] = [PackPublished(now, by, pack.name, pack.hash, pack.content)]
    for each in pack.triggers:
        source = TriggerSubmitted(
            now, by, pack.name, each.name, str(each.rules["owner"]), each.hash, each.rules, each.words
        )
        found.append(publication(source, pack.content, before, by, now))
    return found


def publication(
    source: TriggerSubmitted, pack: Mapping[str, Any], before: Governed, by: str, now: datetime, share: float = 1.0
) -> TriggerPublished:
    """The trigger's publication. What it and its pack say of reach is for its first version: later ones look ahead.

    A first version that leaves its canary looks as far back as it did there; its steps that are due are behind it.
    """
    known = [each.fact for each in before.publications if each.fact.trigger == source.trigger]
    widened = bool(known) and {each.hash for each in known} == {source.hash} and known[-1].share < share
    live_from = live_from_of(pack) or now
    zone = zone_of((pack.get("defaults") or {}).get("zone", "UTC"))
    reach = ahead = now
    if not known:
        reach = _stated(source.rules, "reach", live_from, zone)
        ahead = _stated(source.rules, "ahead_from", live_from, zone)
    elif widened:
        reach = known[0].reach
    return TriggerPublished(
        now, by, source.pack, source.trigger, source.hash, source.rules, source.words, reach, ahead, share
    )


def _stated(rules: Mapping[str, Any], key: str, otherwise: datetime, zone: ZoneInfo) -> datetime:
    """A date means its start in the pack's zone; a time keeps its own, if it has one."""
    if (text := rules.get(key)) is None:
        return otherwise
    stated = datetime.fromisoformat(text)
    return utc(stated.replace(tzinfo=stated.tzinfo or zone))
