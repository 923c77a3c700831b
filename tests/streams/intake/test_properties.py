"""Any order, repetition and batches: the same facts give the same histories and, byte by byte, the same intents."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.simulation.population import simulate
from domain.rules.event_types import EventType
from streams.intake.cloudevents import Envelope, envelope_of
from templates.checks.loader import shipped
from templates.reading.catalogue import catalogue_of
from tests.beginnings import packs_in
from tests.examples import examples
from tests.world import LONG_AGO, NOON, World, annulled, corrected, event, iin, registered

Delivery = tuple[Envelope, datetime | None]
"""An event and the load by which it comes: live, or historical from a moment on."""

EARLIER = datetime(2025, 3, 1, tzinfo=UTC)
NEW_YEAR = datetime(2025, 1, 1, 7, tzinfo=UTC)  # noon in Almaty


LOADS: Sequence[Sequence[datetime | None]] = (
    [None],
    [None],
    [None],
    [EARLIER],
    [NOON, None],
    [NOON, EARLIER],
    [EARLIER, None],
)
"""The loads by which an event may come, in this order."""


def deliveries() -> list[Delivery]:
    """A few households' year: with corrections, annulments, and events that come by one load, another, or both.

    Some corrections name somebody else, come twice, by a load, or are of an event that never comes.
    """
    random = Random(3)  # noqa: S311  (a seeded test)
    found: list[Delivery] = []
    events = [envelope_of(each) for each in simulate(12, 263, date(2025, 1, 1), date(2026, 1, 1))]
    people = sorted({each.subject for each in events if each.subject is not None})
    for each in events:
        loads = random.choice(LOADS)
        found += [(each, load) for load in loads]
        if random.random() < 0.25:
            found.append((corrected(each, 2), None))
            found += [(annulled(each, 3), None)] if random.random() < 0.4 else []
        if each.subject is not None and random.random() < 0.15:
            another = replace(corrected(each, 4), subject=random.choice(people))
            found += [(another, random.choice((None, EARLIER)))]
            found += [(corrected(replace(another, id=f"{each.id}-lost"), 2), None)] if random.random() < 0.3 else []
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
    world = World(tmp_path_factory.mktemp("published"), packs=shipped())
    world.close()
    return world.file


@pytest.fixture(scope="module")
def expected(published: Path) -> tuple[bytes, ...]:
    """What comes of it when everything comes once, in order, in one batch."""
    numbers = range(len(EVERYTHING))
    return outcome(published, Arrival(numbers, (), (len(numbers),), (False,)))


def outcome(published: Path, arrival: Arrival) -> tuple[bytes, ...]:
    """The intents, the pending nudges and the histories after that arrival."""
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
        found = tuple(map(msgspec.json.encode, (world.intents(), world.pending(), world.concerned())))
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


def test_the_population_has_everything_in_it(expected: tuple[bytes, ...]) -> None:
    """What the property is tried on has many nudges of several triggers, and revisions."""
    intents = msgspec.json.decode(expected[0])
    assert len(intents) > 30
    assert len({intent[2] for intent in intents}) >= 5
    assert sum(envelope.annuls is True for envelope, _ in EVERYTHING) >= 3


@settings(
    max_examples=examples(8),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arrival=arrivals())
def test_any_arrival_gives_the_same(published: Path, expected: tuple[bytes, ...], arrival: Arrival) -> None:
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


# Strange, but allowed: values at the edges of every schema.

PEOPLE = [iin(number) for number in range(1, 6)]
TEXTS = ("x", "\x00", "\u202e<b>&{{ 7*7 }}{% x %}", "Ә" * 300, "😀", "a\r\nSubject: x", "[a](javascript:1)")
DATES = (
    "0001-01-01",
    "1582-10-10",
    "1900-01-01",
    "2008-02-29",
    "2025-06-10",
    "2025-06-20",
    "2025-07-05",
    "9999-12-31",
)
TIMES = (
    "1900-01-01T00:00:00Z",
    "2025-05-01T00:00:00Z",
    "2025-06-01T12:00:00+05:00",
    "2025-06-03T12:00:00-23:59",
    "2199-12-31T00:00:00+14:00",
)
STARTING = ("kz.document.issued", "kz.traffic.fine_issued", "kz.civil.birth_registered", "kz.residence.registered")
WHOLE = (1, 3, 2**53, 2**63 - 1)
BY_NAME: Mapping[str, Sequence[str]] = {
    "language": ("kk", "zz"),
    "zone": ("Mars/Olympus", "Pacific/Kiritimati", "America/", "localtime"),
    "quiet_from": ("00:00", "23:59"),
    "quiet_to": ("00:00", "12:00"),
    "phone": ("+77011234567",),
    "email": ("a@example.org",),
    "area": ("000000000", "751110000"),
}


@cache
def types() -> list[EventType]:
    """The event types of the shipped packs; those that something starts on, more often."""
    found = catalogue_of([pack.content for pack in packs_in(shipped())]).types
    return [*found.values(), *(found[name] for name in STARTING * 4)]


def values_of(name: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema of a field may allow, rather the odd ones."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "null" in kinds:
        return st.none() | values_of(name, {**schema, "type": next(each for each in kinds if each != "null")})
    match kinds[0], schema.get("format"):
        case "string", "national-id":
            return st.sampled_from(PEOPLE)
        case "string", "date":
            return st.sampled_from(DATES)
        case "string", _:
            return st.sampled_from(schema.get("enum") or BY_NAME.get(name, TEXTS))
        case "array", _:
            return st.lists(values_of("category", schema["items"]), max_size=3, unique=True)
        case _:
            return st.sampled_from(WHOLE)


@st.composite
def strange(draw: st.DrawFn) -> Envelope:
    """An event of any type that may be allowed, perhaps a correction or an annulment of another."""
    type_ = draw(st.sampled_from(types()))
    fields, required = type_.schema.get("properties", {}), type_.schema.get("required", ())
    data = {
        name: draw(values_of(name, each)) for name, each in fields.items() if name in required or draw(st.booleans())
    }
    more: dict[str, Any] = {"id": str(draw(st.integers(0, 30)))}
    if draw(st.integers(0, 5)) == 0:
        more |= {"id": f"r{more['id']}", "corrects": more["id"], "revision": draw(st.integers(2, 3))}
    return event(type_.name, draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(TIMES)), data, **more)


@settings(
    max_examples=examples(12),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nothing_that_is_taken_in_stops_the_platform(published: Path, data: st.DataObject) -> None:
    """Whatever intake lets in can be planned, sent, followed and explained, and ends like anything else."""
    events = data.draw(st.lists(strange(), min_size=20, max_size=40))
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), copy_of=published)
        world.take(*(each for person in PEOPLE for each in registered(person, LONG_AGO)), *events)
        for days in (0, 8, 18, 33):
            uvloop.run(world.settle(NOON + timedelta(days=days)))
        assert all(world.why(one.intent.id).facts for one in world.nudges())
        stands = world.health()
        assert (stands.unplanned, stands.due_now, stands.open_attempts, stands.views_behind) == (0, 0, 0, 0)
        world.close()
