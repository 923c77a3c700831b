"""The reconciler: whoever was forgotten is planned after a delay, and every find is counted."""

from collections.abc import Mapping
from datetime import UTC, timedelta

import pytest
from psycopg import DataError
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.compose import Platform
from projections import history
from projections.history import News
from streams.log.audit import Audit
from streams.log.chain import count_of_facts
from streams.log.chain_builder import ChainBuilder
from streams.log.signing import Signer
from streams.planning.areas import AreaPlanning
from streams.planning.person_plans import Plans
from streams.planning.planning import Planning
from streams.planning.reconciler import RECONCILE_AFTER, Reconciler, count_of_finds
from streams.queues.dead_letters import LetterFilter
from streams.rules.in_force import Rules
from streams.runtime.schedule import Schedule
from streams.runtime.upkeep import Beside, Upkeep, UpkeepParts
from tests.streams.distributed import Country, eventually, everyday, planned, running
from tests.world import LONG_AGO, NOON, World, card, iin, registered

AIGERIM, DANA, SAULE = iin(1), iin(2), iin(3)
OFTEN = timedelta(seconds=0.02)
LATER = NOON + RECONCILE_AFTER + timedelta(seconds=1)


def reconciler(world: World, planning: Planning | None = None) -> Reconciler:
    """The reconciler of that platform."""
    on = world.platform
    return Reconciler(on.database, planning or on.planning.planning, on.planning.quarantine, world.clock, nobody)


def kept(
    land: Country,
    on: Platform | None = None,
    chain_builder: ChainBuilder | None = None,
    areas: AreaPlanning | None = None,
    own: Reconciler | None = None,
) -> Beside:
    """The upkeep of a worker on that land, which looks for who was forgotten at every turn."""
    on = on or land.platform
    own = own or Reconciler(on.database, on.planning.planning, on.planning.quarantine, land.clock, nobody)
    parts = UpkeepParts(
        areas or on.planning.areas,
        on.replay.follower,
        chain_builder or on.runtime.chain_builder,
        own,
        on.queries.backlog,
        Schedule(on.database, land.clock, {}, lambda: UTC, land.told.append),
        land.told.append,
    )
    return Beside(Upkeep(on.database, parts, OFTEN, OFTEN))


class NoAreas(AreaPlanning):
    """Plans no area: it has a defect, or the store gives up whatever it does."""

    def __init__(self, on: Platform, error: Exception) -> None:
        super().__init__(
            on.database, on.log, on.rules.library, on.planning.planning, on.queues.dead_letter_queue, on.clock
        )
        self._error, self.tried = error, 0

    def turn(self, *, leads: bool = True) -> bool:  # noqa: ARG002  (the signature)
        self.tried += 1
        raise self._error


class EndlessAreas(AreaPlanning):
    """There is always something more to plan at leisure."""

    tried = 0

    def turn(self, *, leads: bool = True) -> bool:  # noqa: ARG002  (the signature)
        self.tried += 1
        return True


def nobody() -> None:
    """No publication was left in its midst."""


class EndlessReconciler(Reconciler):
    """There is always somebody more who was forgotten."""

    tried = 0

    def turn(self) -> int:
        self.tried += 1
        return 1


class Fails(Planning):
    """Fails on everybody."""

    def plan_batch(self, news: Mapping[str, News]) -> int:
        raise LookupError(next(iter(news)))


class FailsOn(Planning):
    """Fails on one person, or on everything (None)."""

    def __init__(self, world: World, person: str | None, error: Exception) -> None:
        on = world.platform
        super().__init__(on.database, on.log, on.rules.library, world.clock)
        self._person, self._error = person, error

    def plans(self, news: Mapping[str, News], rules: Rules) -> Plans:
        if self._person is None or self._person in news:
            raise self._error
        return super().plans(news, rules)


def test_who_waits_for_too_long_is_planned(world: World) -> None:
    """Whoever waits for longer than the delay is planned; who came since then is left to the others."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-12-20"))
    world.at(LATER)
    world.take(card(DANA, "2025-12-20"))
    assert reconciler(world).turn() == 1
    assert world.platform.planning.planning.waiting() == [world.name(DANA)]
    assert world.nudges()


def test_finds_are_counted_for_good(world: World) -> None:
    """How many were found, and when last, stands in the health and outlives the process."""
    assert (world.health().reconciled, world.health().reconciled_at) == (0, None)
    world.take(card(AIGERIM, "2025-12-20"), card(DANA, "2025-12-20"))
    world.at(LATER)
    reconciler(world).turn()
    world.take(card(SAULE, "2025-12-20"))
    assert reconciler(world).turn() == 0
    assert (world.health().reconciled, world.health().reconciled_at) == (2, LATER)
    world.at(LATER + timedelta(hours=1))
    reconciler(world).turn()
    assert (world.health().reconciled, world.health().reconciled_at) == (3, LATER + timedelta(hours=1))


@pytest.mark.parametrize(
    "error", [AttributeError(), AssertionError(), RecursionError(), MemoryError(), KeyError(), DataError()]
)
def test_whatever_one_person_raises_stops_nobody(world: World, error: Exception) -> None:
    """Whoever makes planning fail, by whatever exception, becomes a dead letter; everybody else is planned."""
    world.take(card(AIGERIM, "2025-12-20"), card(DANA, "2025-12-20"), card(SAULE, "2025-12-20"))
    world.at(LATER)
    assert reconciler(world, FailsOn(world, world.name(DANA), error)).turn() == 3
    assert world.platform.planning.planning.waiting() == [world.name(DANA)]
    assert [letter.cause for letter in world.platform.runtime.dead_letters.letters(LetterFilter())] == [
        type(error).__name__
    ]


@pytest.mark.parametrize(
    ("person", "error"),
    [
        (None, AttributeError()),
        (iin(2), ProgrammingError("", {}, Exception())),
        (iin(2), OperationalError("", {}, Exception())),
    ],
)
def test_what_is_no_single_persons_puts_nobody_aside(world: World, person: str | None, error: Exception) -> None:
    """What fails for nobody too, or is the store's, is raised as it is, and there is no letter about anybody."""
    world.take(card(AIGERIM, "2025-12-20"), card(DANA, "2025-12-20"))
    world.at(LATER)
    failing = FailsOn(world, None if person is None else world.name(person), error)
    with pytest.raises(type(error)):
        reconciler(world, failing).turn()
    assert world.health().dead_letters == 0


def test_who_cannot_be_planned_is_found_once(world: World) -> None:
    """A person who cannot be planned becomes a dead letter, and is no find ever after."""
    world.take(card(AIGERIM, "2025-12-20"), card(DANA, "2025-12-20"))
    world.at(LATER)
    on = world.platform
    failing = Fails(on.database, on.log, on.rules.library, world.clock)
    assert reconciler(world, failing).turn() == 2
    assert world.health().dead_letters == 2
    assert reconciler(world, failing).turn() == 0
    assert world.health().reconciled == 2
    with on.database.reading() as connection:
        waiting = history.unplanned(connection, 10)
        assert set(on.planning.quarantine.among(connection, waiting)) == {world.name(AIGERIM), world.name(DANA)}


def test_without_a_wake_the_upkeep_plans(land: Country) -> None:
    """Where Kafka loses everything, everybody is planned all the same, later, and the health says so."""
    land.take(*everyday(10))
    waited = len(land.platform.planning.planning.waiting())
    land.clock.advance_to(LATER)
    upkeep = kept(land)
    with running(upkeep.run, upkeep.stop):
        eventually(lambda: not land.unplanned())
        eventually(lambda: any("the reconciler planned" in each for each in land.told))
    assert planned(land.platform) != b"[]"
    with land.platform.database.reading() as connection:
        assert count_of_finds(connection)[0] == waited


def test_the_upkeep_makes_the_chain(land: Country) -> None:
    """What the roles append comes into the chain without anybody's doing, and an audit of it finds nothing."""
    signer = Signer(b"s" * 32)
    land.take(*everyday(10))
    upkeep = kept(land, chain_builder=ChainBuilder(land.platform.database, signer, land.clock))
    audit = Audit(land.platform.database, signer.public)
    with running(upkeep.run, upkeep.stop):
        eventually(lambda: audit.unchained == 0)
    assert list(audit.findings()) == []
    assert audit.facts > 10


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LookupError("somebody's data"), "LookupError"),
        (OperationalError("", {}, Exception("canceling statement due to lock timeout")), "canceling statement due"),
    ],
)
def test_what_one_part_fails_with_keeps_no_other_from_its_work(
    land: Country, caplog: pytest.LogCaptureFixture, error: Exception, words: str
) -> None:
    """Where no area can be planned, that is told once, and reconciler, views, chain and samples go on."""
    signer, on = Signer(b"s" * 32), land.platform
    land.take(*everyday(10))
    land.clock.advance_to(LATER)
    areas = NoAreas(on, error)
    upkeep = kept(land, chain_builder=ChainBuilder(on.database, signer, land.clock), areas=areas)
    with running(upkeep.run, upkeep.stop):
        eventually(
            lambda: (
                not land.unplanned() and not on.replay.follower.behind() and on.queries.backlog.latest() is not None
            )
        )
        eventually(lambda: chained(land) > 0 and areas.tried > 2)
    told = [each for each in caplog.messages if "areas failed" in each]
    assert (len(told), words in told[0], "data" in caplog.text) == (1, True, False)


def test_what_never_ends_keeps_no_other_part_from_its_work(land: Country) -> None:
    """While a country is planned at leisure, or after Kafka was lost, views, chain and samples go on meanwhile."""
    signer, on = Signer(b"s" * 32), land.platform
    land.take(*everyday(10))
    areas = EndlessAreas(
        on.database, on.log, on.rules.library, on.planning.planning, on.queues.dead_letter_queue, on.clock
    )
    own = EndlessReconciler(on.database, on.planning.planning, on.planning.quarantine, land.clock, nobody)
    upkeep = kept(land, chain_builder=ChainBuilder(on.database, signer, land.clock), areas=areas, own=own)
    with running(upkeep.run, upkeep.stop):
        eventually(
            lambda: not on.replay.follower.behind() and on.queries.backlog.latest() is not None and chained(land) > 0
        )
        eventually(lambda: min(areas.tried, own.tried) > 2)
        eventually(lambda: any("the reconciler planned" in each for each in land.told))


def chained(land: Country) -> int:
    """How many facts are in the chain."""
    with land.platform.database.reading() as connection:
        return count_of_facts(connection)


def test_one_of_several_does_the_upkeep(land: Country) -> None:
    """Of two workers one plans who was forgotten, so that each find is counted once; the other takes over."""
    other = land.process()
    first, second = kept(land), kept(land, other)
    with running(first.run, first.stop):
        eventually(lambda: first.upkeep.turn.active)
        with running(second.run, second.stop):
            assert not second.upkeep.turn.active
            first.stop()
            eventually(lambda: second.upkeep.turn.active)
    other.database.close()
