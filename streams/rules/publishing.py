"""Save the aggregates of the rules, and wake in the same transaction everybody whose plan may change by them.

Those who are woken are planned at leisure: once nobody else waits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.utils import Environment, EnvType
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.core.translatable import Words
from domain.facts.governance import PackPublished, TriggerPublished, TriggerReachChanged, TriggerSubmitted
from domain.facts.submissions import Subject
from domain.rules.benefit_compiling import BadBenefit
from domain.rules.errors import BadTrigger
from projections import area_plans, governance, happened_in_areas, history, positions
from projections.tables import micros
from streams.log.decoding import LIFE
from streams.log.fact_events import FactEvent
from streams.log.fact_mapper import FactMapper
from streams.log.log import PAGE, Log
from streams.log.mapper import Entry
from streams.log.recorder import FactRecorder
from streams.rules.aggregates import (
    GovernedPack,
    GovernedTrigger,
    KillSwitch,
    Publication,
    RestoredLog,
    RuleAggregate,
)
from streams.rules.governed import Governed, governed
from streams.storage.advisory_locks import take_turns
from streams.storage.database import Database, Priority
from templates.checks.loader import Pack, TriggerSource
from templates.reading.catalogue import catalogue_of, defaults_of, live_from_of, pack_zone, stated_time


def wake(
    connection: Connection, log: Log, names: Names, moved: Mapping[datetime, AbstractSet[str]], now: datetime
) -> None:
    """Wake the persons and areas that such events happened to, in the caller's transaction.

    `moved`: since when -> the types of events that may start other nudges than before.

    It cannot see what comes in before its commit, and others plan that by the old rules: `wake_latecomers` does.
    """
    if not positions.hold(connection, positions.PUBLICATION):
        positions.save(connection, positions.PUBLICATION, FactRecorder.last_position(connection) + 1)
    originals: set[UUID] = set()
    for since, wanted in moved.items():
        history.wake_types(connection, sorted(wanted), micros(since), micros(now))
        originals.update(_area_events(connection, log, names, wanted, since))
    _begin_again(connection, originals)


def _begin_again(connection: Connection, originals: Iterable[UUID]) -> None:
    """Have these area events planned again; plans being made meanwhile notice that their position has changed."""
    position = area_plans.latest(connection) + 1
    for original in sorted(originals):
        area_plans.begin(connection, original, position)


def wake_latecomers(database: Database, log: Log, names: Names) -> None:
    """Wake whom events concern that came in while a publication committed. A publication ends with it.

    Where its process died before, the reconciler does it. Done twice it does no harm.
    """
    with database.reading() as connection:
        if not positions.position_of(connection, positions.PUBLICATION):
            return
    database.write(lambda connection: _wake_latecomers(connection, log, names), Priority.PLANNING)


def _wake_latecomers(connection: Connection, log: Log, names: Names) -> None:
    after = positions.hold(connection, positions.PUBLICATION) - 1
    while after >= 0 and (entries := log.page(connection, after, topics=(LIFE,), limit=PAGE)):
        events = [entry.fact for entry in entries if isinstance(entry.fact, LifeEvent)]
        corrected = {names.stream(event.source, event.original) for event in events if event.corrects is not None}
        revisions = [at for some in history.revisions_of(connection, sorted(corrected)).values() for at in some]
        earlier = [*log.streams(connection, corrected, (LIFE,)), *log.read(connection, revisions)]
        events += [entry.fact for entry in earlier if isinstance(entry.fact, LifeEvent)]
        persons = sorted({person for event in events for person in event.everybody})
        history.wake_at_leisure(connection, persons, micros(log.clock()))
        _begin_again(connection, {names.stream(event.source, event.original) for event in events if event.area})
        after = entries[-1].position
    positions.save(connection, positions.PUBLICATION, 0)


def _area_events(
    connection: Connection, log: Log, names: Names, types: AbstractSet[str], since: datetime
) -> Iterator[UUID]:
    """Yield the originals of such events that happened to areas."""
    for entry in log.read(connection, happened_in_areas.areas_since(connection, micros(since))):
        event = entry.fact
        if isinstance(event, LifeEvent) and event.type in types:
            yield names.stream(event.source, event.original)


GOVERNANCE_LOCK = 0x4841_4247  # an arbitrary number, the same for all who govern one database
PUBLISHING = PackPublished | TriggerPublished | TriggerReachChanged
"""The facts by which plans may change."""
A = TypeVar("A", bound=RuleAggregate)
T = TypeVar("T")


class BreaksVersions(Exception):
    """Raised when a published trigger or benefit does not work with the event types that are to be published."""

    def __init__(self, trigger: str, problem: str) -> None:
        super().__init__(
            Words(
                "The published {trigger} does not work with these event types ({problem}). Keep what it reads.",
                trigger=trigger,
                problem=problem,
            )
        )


class Rulemaking(Application[UUID]):
    """The aggregates of the rules, each read once and saved in the transaction of whoever holds the lock.

    `before`: the state of all of them, before anything is saved.
    """

    name = "rules"

    def __init__(self, connection: Connection, log: Log, names: Names) -> None:
        self.connection, self._log, self._names = connection, log, names
        self._known: dict[UUID, RuleAggregate] = {}
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:  # noqa: ARG002  (eventsourcing's)
        """Return no settings, whatever stands in the process's environment."""
        return Environment(name)

    def construct_mapper(self) -> FactMapper:
        """Return the mapper of eventsourcing's port."""
        return FactMapper()

    def construct_recorder(self) -> FactRecorder:
        """Return the recorder of eventsourcing's port, in this transaction."""
        return self._log.facts.within(self.connection)

    @cached_property
    def before(self) -> Governed:
        """Return the state of all of them."""
        return read_governed(self.connection, self._log)

    def trigger(self, name: str) -> GovernedTrigger:
        """Return the trigger, which may have no fact yet."""
        return self._read(GovernedTrigger, name)

    def pack(self, name: str) -> GovernedPack:
        """Return the pack, which may have no fact yet."""
        return self._read(GovernedPack, name)

    def version(self, about: Subject) -> GovernedPack | GovernedTrigger:
        """Return the pack or trigger."""
        return self.pack(about.name) if about.kind == "pack" else self.trigger(about.name)

    def switch(self, scope: str, name: str) -> KillSwitch:
        """Return the kill switch."""
        return self._read(KillSwitch, f"{scope}/{name}")

    def restored(self) -> RestoredLog:
        """Return the restores of the log."""
        return self._read(RestoredLog, "restored")

    def _read(self, kind: type[A], name: str) -> A:
        empty = kind.empty(self._names.registry_stream(kind.TOPIC, name), name)

        def project(_: RuleAggregate | None, events: Iterable[FactEvent]) -> RuleAggregate:
            for event in events:
                empty.take(event)
            return empty

        if empty.id not in self._known:
            self._known[empty.id] = self.repository.get(empty.id, projector_func=project)
        return cast("A", self._known[empty.id])

    def store(self) -> None:
        """Save the new facts of all aggregates that were read, after waking everybody whose plan may change by them.

        Raises:
            BreaksVersions: a published version does not work with the event types that would be.
            IntegrityError: another transaction appended a fact to one of the aggregates first.
            NoDefaults: no published pack would have any.
        """
        facts = [fact for one in self._known.values() for fact in one.new_facts]
        if published := [fact for fact in facts if isinstance(fact, PUBLISHING)]:
            wake(self.connection, self._log, self._names, _types_to_wake(self.before, published), published[0].at)
        for recording in self.save(*self._known.values()) if facts else ():
            governance.note(self.connection, recording.notification.id, recording.notification.topic)


class Publisher:
    """Publishes packs without approval, as an empty log needs it."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self._names = database, log, names

    def publish(self, packs: Sequence[Pack], *, by: str, now: datetime) -> int:
        """Append what is new in these packs; return the number of facts (0: everything is published already).

        Raises:
            BreaksVersions: the packs' event types no longer have what a published version reads.
            NoDefaults: no published pack would have any.
        """
        return govern(self._database, self._log, self._names, lambda rules: self._publish(rules, packs, by, now))

    def _publish(self, rules: Rulemaking, packs: Sequence[Pack], by: str, now: datetime) -> int:
        new = 0
        for pack in packs:
            new += rules.pack(pack.name).install(PackPublished(now, by, pack.name, pack.hash, pack.content))
            for one in pack.triggers:
                trigger, source = rules.trigger(one.name), submission_of(one, pack.name, by, now)
                new += trigger.install(publication(source, pack.content, trigger.publications, by, now))
        return new


def govern(
    database: Database,
    log: Log,
    names: Names,
    work: Callable[[Rulemaking], T],
    priority: Priority = Priority.PLANNING,
) -> T:
    """Run work on the aggregates of the rules while nobody else does, and store them; then wake latecomers.

    The lock is needed because facts of different streams can contradict each other, such as a new trigger and a pack
    without the field that it reads.
    """

    def alone(connection: Connection) -> T:
        take_turns(connection, GOVERNANCE_LOCK)
        rules = Rulemaking(connection, log, names)
        done = work(rules)
        rules.store()
        return done

    done = database.write(alone, priority)
    wake_latecomers(database, log, names)
    return done


def read_governed(connection: Connection, log: Log) -> Governed:
    """Return the state that the governance facts of now lead to."""
    return governed(read_entries(connection, log))


def read_entries(connection: Connection, log: Log) -> list[Entry]:
    """Return the governance facts, in the order of the log."""
    return log.read(connection, governance.positions(connection))


def _types_to_wake(
    before: Governed, facts: Sequence[PackPublished | TriggerPublished | TriggerReachChanged]
) -> dict[datetime, set[str]]:
    """Return since when events may start other nudges -> their types. Compiles all versions with the new packs.

    Any trigger may read a pack's other content (parameters, benefits, attributes, zones), so a changed pack wakes for
    all. A withdrawn trigger that is published again wakes for its earlier versions too, which had planned before.
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
    found: dict[datetime, set[str]] = {}
    for publication in (*before.publications, *new):
        name = publication.fact.trigger
        try:
            trigger = publication.version(catalogue).trigger
        except BadTrigger as bad:
            raise BreaksVersions(name, str(bad)) from None
        own = publication.fact.reach
        if name in back or (repacked and not publication.withdrawn):
            first = min(own, since.get(name, own))
        elif name in since and not publication.withdrawn:
            first = since[name]
        else:
            continue
        # An entitlement about the person alone starts on all types.
        found.setdefault(first, set()).update(catalogue.types if trigger.alone else (trigger.on,))
    return found


def submission_of(
    source: TriggerSource, pack: str, by: str, now: datetime, written_by: tuple[str, ...] = ()
) -> TriggerSubmitted:
    """Return the fact that submits a trigger of a pack."""
    owner = str(source.rules["owner"])
    return TriggerSubmitted(now, by, pack, source.name, owner, source.hash, source.rules, source.words, written_by)


def publication(
    source: TriggerSubmitted,
    pack: Mapping[str, Any],
    earlier: Sequence[Publication],
    by: str,
    now: datetime,
    share: float = 1.0,
) -> TriggerPublished:
    """Return a publication of a trigger that had these earlier ones.

    Its stated reach is for its first version; later versions only look ahead. A first version that leaves its canary
    keeps its reach, but not the steps that are due by now.
    """
    widened = {one.fact.hash for one in earlier} == {source.hash} and earlier[-1].fact.share < share
    live_from = live_from_of(pack) or now
    reach, ahead, zone = now, now, pack_zone(pack)
    if not earlier:
        reach = stated_time(source.rules, "reach", live_from, zone)
        ahead = stated_time(source.rules, "ahead_from", live_from, zone)
    elif widened:
        reach = earlier[0].fact.reach
    return TriggerPublished(
        now, by, source.pack, source.trigger, source.hash, source.rules, source.words, reach, ahead, share
    )
