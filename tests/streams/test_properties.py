"""Any order, any repetition, any batches: the same facts give the same intents, byte by byte, and the same nudges."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.simulation import simulate
from streams.cloudevents import Envelope, envelope_of
from tests.world import NOON, World, annulled, corrected

Delivery = tuple[Envelope, datetime | None]
"""An event and the load by which it comes: live, or historical from a moment on."""

EARLIER = datetime(2025, 3, 1, tzinfo=UTC)
NEW_YEAR = datetime(2025, 1, 1, 7, tzinfo=UTC)  # noon in Almaty


LOADS: Sequence[Sequence[datetime | None]] = (
    [None], [None], [None], [EARLIER], [NOON, None], [NOON, EARLIER], [EARLIER, None],
)  # fmt: skip
"""The loads by which an event may come, in this order."""


def deliveries() -> list[Delivery]:
    """A few households' year: with corrections, annulments, and events that come by one load, another, or both."""
    random = Random(3)  # noqa: S311  (a seeded test)
    found: list[Delivery] = []
    for each in map(envelope_of, simulate(12, 264, date(2025, 1, 1), date(2026, 1, 1))):
        loads = random.choice(LOADS)
        found += [(each, load) for load in loads]
        if random.random() < 0.25:
            found.append((corrected(each, 2), None))
            found += [(annulled(each, 3), None)] if random.random() < 0.4 else []
    return found


EVERYTHING = deliveries()


class Arrival(msgspec.Struct, frozen=True):
    """One way in which everything may come: in which order, what again, in which batches, planned after which."""

    order: Sequence[int]
    again: Sequence[int]
    batches: Sequence[int]
    plans: Sequence[bool]


@st.composite
def arrivals(draw: st.DrawFn) -> Arrival:
    """Everything at least once, some of it twice or more."""
    numbers = range(len(EVERYTHING))
    again = draw(st.lists(st.sampled_from(numbers), max_size=30))
    order = draw(st.permutations([*numbers, *again]))
    batches = draw(st.lists(st.integers(1, 60), min_size=1, max_size=20))
    return Arrival(order, again, batches, draw(st.lists(st.booleans(), min_size=1, max_size=20)))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the packs are published and nothing else has happened."""
    world = World(tmp_path_factory.mktemp("published"))
    world.close()
    return world.file


@pytest.fixture(scope="module")
def expected(published: Path) -> tuple[bytes, bytes]:
    """What comes of it when everything comes once, in order, in one batch."""
    numbers = range(len(EVERYTHING))
    return outcome(published, Arrival(numbers, (), (len(numbers),), (False,)))


def outcome(published: Path, arrival: Arrival) -> tuple[bytes, bytes]:
    """The intents and the pending nudges after that arrival."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), copy_of=published)
        come = [EVERYTHING[number] for number in arrival.order]
        turn = 0
        while come:
            size = arrival.batches[turn % len(arrival.batches)]
            _take(world, come[:size])
            come = come[size:]
            if arrival.plans[turn % len(arrival.plans)]:
                world.plan()
            turn += 1
        world.plan()
        found = msgspec.json.encode(world.intents()), msgspec.json.encode(world.pending())
        world.close()
    return found


def _take(world: World, batch: Sequence[Delivery]) -> None:
    """Take a batch in: one call for each run of events of the same load."""
    runs: list[tuple[datetime | None, list[Envelope]]] = []
    for envelope, load in batch:
        if not runs or runs[-1][0] != load:
            runs.append((load, []))
        runs[-1][1].append(envelope)
    for load, envelopes in runs:
        assert all(taken.refused is None for taken in world.take(*envelopes, ahead_from=load))


def test_the_population_has_everything_in_it(expected: tuple[bytes, bytes]) -> None:
    """What the property is tried on has many nudges of several triggers, and revisions."""
    intents = msgspec.json.decode(expected[0])
    assert len(intents) > 30
    assert len({intent[2] for intent in intents}) >= 5
    assert sum(envelope.annuls is True for envelope, _ in EVERYTHING) >= 3


@settings(max_examples=12, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(arrival=arrivals())
def test_any_arrival_gives_the_same(published: Path, expected: tuple[bytes, bytes], arrival: Arrival) -> None:
    """Whatever the order, the repetitions and the batches, and planned between or not, all comes out the same."""
    assert outcome(published, arrival) == expected


async def test_what_became_of_nudges_changes_no_intent(tmp_path: Path, published: Path) -> None:
    """Planning never reads outcomes: after everything due was sent, plan gives what it gave before."""
    world = World(tmp_path, copy_of=published, now=NEW_YEAR)
    _take(world, EVERYTHING)
    before = msgspec.json.encode(world.intents())
    for day in range(0, 360, 3):
        await world.settle(NEW_YEAR + timedelta(days=day))
    assert len(world.sent) > 5
    assert msgspec.json.encode(world.intents()) == before
    world.close()
