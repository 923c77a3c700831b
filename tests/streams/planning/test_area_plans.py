"""Area events for all residents: what is planned set-based is what plan gives for each, whatever happens."""

import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from domain.facts.facts import NudgePlanned, NudgeSent
from domain.planning.area_plan_sharing import ResidentPlan
from projections import tables
from projections.area_plans import AreaPlan, Chunk
from streams.intake.cloudevents import Envelope
from streams.planning.areas import AREA, AreaPlanning, _Chunk, letter_kind_of_areas
from streams.planning.planning import Planning
from streams.queues.dead_letters import DeadLetters, LetterFilter
from streams.rules.in_force import Rules
from streams.storage.database import Database, Priority
from tests.examples import examples
from tests.streams.meddling import MeddledDatabase, PowerCut, nothing
from tests.streams.rebuilding import rebuild
from tests.streams.weather import (
    ALMATY,
    ASTANA,
    AT_EVENT,
    DISTRICT,
    OTHER_DISTRICT,
    TRIGGERS,
    moved,
    settled,
    storm,
    told,
    write_weather,
)
from tests.world import NOON, World, annulled, card, corrected, event, iin

SETWISE = {name: TRIGGERS[name] for name in ("at_event", "at_due")}
BY_NUMBER = {
    "at_event": AT_EVENT,
    "numbered": "occurrence: event.number\ndue: {first: {from: event.on}}\n",
    "superseded": "due: {first: {offset: P2D}}\n"
    "unless:\n  - {on: weather.storm, when: later.number == event.number}\n",
}
"""Triggers for which other area events matter: they share an occurrence with this one, or end what it started."""
HOMES = (DISTRICT, OTHER_DISTRICT, ASTANA)
PEOPLE = [iin(number) for number in range(1, 7)]
TIMES = (
    "2020-02-01T00:00:00Z",
    "2025-05-20T00:00:00Z",
    "2025-06-05T00:00:00Z",
    "2025-06-05T02:00:00Z",
    "2025-06-17T04:00:00Z",
    "2025-06-20T01:00:00Z",
    "2025-06-21T00:00:00Z",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Databases in which the packs are published and six people live: one for all triggers, one for some of them."""
    found = {}
    for name, triggers in {"all": TRIGGERS, "setwise": SETWISE, "by_number": BY_NUMBER}.items():
        folder = tmp_path_factory.mktemp(name)
        world = World(folder, packs=write_weather(folder, triggers))
        births = ("1950-01-01", "1990-01-01", "2015-01-01")
        for number in range(1, 7):
            world.take(*settled(number, HOMES[number % 3], births[number // 3]))
        world.plan()
        world.close()
        found[name] = world.file
    return found


def planner(world: World, size: int, database: Database | None = None) -> AreaPlanning:
    """Area planning on the world's file, so many residents at a time."""
    platform = world.platform
    return AreaPlanning(
        database or platform.database,
        platform.log,
        platform.rules.library,
        platform.planning.planning,
        platform.queues.dead_letter_queue,
        world.clock,
        size,
    )


LOADS = (None, None, None, NOON, datetime(2025, 6, 19, tzinfo=UTC))


class Life(Struct, frozen=True):
    """What comes in, by which load, and what is planned after each: people, one chunk of an area, or nothing."""

    arrivals: Sequence[tuple[Envelope, datetime | None]]
    plans: Sequence[str]
    size: int


def happening(random: Random, what: str) -> list[tuple[Envelope, datetime | None]]:
    """Something happens, is perhaps corrected, annulled or reported twice, live or by a historical load."""
    made = reported(random, what)
    found: list[tuple[Envelope, datetime | None]] = [(made, random.choice(LOADS))]
    if random.random() < 0.3:
        change = {"area": random.choice((*HOMES, ALMATY))} if made.data and "area" in made.data else {}
        change |= {"number": random.choice(("S1", "S2"))} if what == "storm" else {}
        found.append((corrected(made, 2, **change), None))
    found += [(annulled(made, 3), None)] if random.random() < 0.15 else []
    return found + [(made, None)] * (random.random() < 0.2)


def reported(random: Random, what: str) -> Envelope:
    """A storm, its end, a move, a death, a paper, or another time zone."""
    person, time, number = random.choice(PEOPLE), random.choice(TIMES), random.randrange(3)
    area, tail = random.choice((*HOMES, ALMATY)), person[6:11]
    match what:
        case "storm":
            data = {"on": random.choice(("2025-06-20", "2025-06-10")), "number": random.choice(("S1", "S1", "S2"))}
            return storm(area, f"storm-{number}", time, data=data)
        case "cleared":
            return event("weather.cleared", None, time, {"area": area}, id=f"cleared-{number}")
        case "moved":
            return moved(person, random.choice(HOMES), time)
        case "died":
            return event("kz.civil.death_registered", person, time, {"died_on": time[:10]}, id=f"died-{tail}")
        case "card":
            return card(person, "2031-01-01", time=time)
        case _:
            zone = {"zone": random.choice(("Asia/Tokyo", "Europe/Berlin"))}
            return event("citizen.preferences_changed", person, time, zone, id=f"zone-{tail}-{time}")


def a_life(seed: int) -> Life:
    """Storms and moves, and some of everything else, in any order, planned now and then."""
    random = Random(seed)  # noqa: S311  (a seeded test)
    others = random.choices(("moved", "cleared", "died", "card", "zone", "storm"), k=random.randrange(5))
    groups = [happening(random, what) for what in ("storm", "storm", "moved", *others)]
    arrivals = [each for group in groups for each in group]
    random.shuffle(arrivals)
    plans = random.choices(("people", "area", "area", ""), k=7)
    return Life(arrivals, plans, random.randint(1, 4))


@pytest.mark.parametrize("packs", ["all", "setwise", "by_number"])
@settings(
    max_examples=examples(25),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_set_based_is_person_by_person(published: dict[str, Path], packs: str, seed: int) -> None:
    """However people move, die and are corrected, what waits is what plan gives for each, and the views follow."""
    life = a_life(seed)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), copy_of=published[packs])
        areas = planner(world, life.size)
        for number, (arrival, load) in enumerate(life.arrivals):
            world.take(arrival, ahead_from=load)
            match life.plans[number % len(life.plans)]:
                case "people":
                    world.platform.planning.planning.drain()
                case "area":
                    areas.turn()
        world.platform.planning.planning.drain()
        areas.drain()
        assert world.pending() == world.intents()
        world.platform.replay.follower.drain()
        platform = world.platform
        found = rebuild(
            platform.database,
            platform.log,
            platform.identity.names,
            platform.rules.library.rules().catalogue,
            swap=False,
        )
        assert found.equal, found.differences
        world.close()


@pytest.fixture
def world(tmp_path: Path, published: dict[str, Path]) -> Iterator[World]:
    """A platform on which six people live, two in each area, with triggers that only ask where."""
    made = World(tmp_path, copy_of=published["setwise"])
    yield made
    made.close()


def names(world: World, *numbers: int) -> set[str]:
    """The pseudonyms of some of the six; 3 and 6 live in the district, 1 and 4 in the other, 2 and 5 in Astana."""
    return {world.name(iin(number)) for number in numbers}


def planned(world: World) -> list[str]:
    """Whoever had a nudge of the storm planned, in the order of the log, as often as it was."""
    facts = [entry.fact for entry in world.entries()]
    return [fact.person for fact in facts if isinstance(fact, NudgePlanned) and fact.trigger == "at_event"]


def test_an_area_event_reaches_those_who_live_there(world: World) -> None:
    """The event of a district is planned for its residents, that of the city for those of all its districts."""
    world.take(storm(DISTRICT))
    world.plan()
    assert told(world) == names(world, 3, 6)
    world.take(storm(ALMATY, "of the city"))
    world.plan()
    assert told(world) == names(world, 1, 3, 4, 6)


def test_a_correction_and_an_annulment_follow(world: World) -> None:
    """A storm that a correction puts elsewhere is cancelled here and planned there; an annulled one is cancelled."""
    world.take(storm(DISTRICT))
    world.plan()
    world.take(corrected(storm(DISTRICT), 2, area=ASTANA))
    world.plan()
    assert told(world) == names(world, 2, 5)
    world.take(annulled(storm(DISTRICT), 3))
    world.plan()
    assert told(world) == set()
    assert {one.state for one in world.nudges() if one.intent.trigger == "at_event"} == {"cancelled"}


def test_a_storm_that_comes_live_after_a_load_is_planned_whole(world: World) -> None:
    """What a historical load left out is planned for all residents once the same event comes live."""
    world.take(storm(DISTRICT), ahead_from=datetime(2025, 12, 1, tzinfo=UTC))
    world.plan()
    assert told(world) == set()
    world.take(storm(DISTRICT))
    world.plan()
    assert told(world) == names(world, 3, 6)


def test_an_area_event_ends_what_earlier_ones_started(world: World) -> None:
    """Residents who are alike are no more told of a storm that is over, and of one elsewhere they are."""
    world.take(storm(DISTRICT), storm(DISTRICT, "second"), storm(ASTANA, "third"))
    world.plan()
    cleared = event("weather.cleared", None, "2025-06-05T00:30:00Z", {"area": DISTRICT}, id="cleared")
    world.take(cleared)
    world.platform.planning.areas.turn()
    assert (world.health().unplanned, told(world)) == (0, names(world, 2, 5))
    assert world.pending() == world.intents()
    world.take(annulled(cleared, 2))
    world.platform.planning.areas.turn()
    assert (world.health().unplanned, told(world)) == (0, names(world, 2, 3, 5, 6))


class Counting(AreaPlanning):
    """Counts the nudges that the chunks look up."""

    looked_up = 0

    def _chunk(self, connection: Connection, rules: Rules, now: datetime) -> _Chunk:
        made = CountingChunk(connection, self._log, self._quarantine, rules, now, self._size)
        made.planning = self
        return made


class CountingChunk(_Chunk):
    """A chunk that tells how many nudges it looks up."""

    planning: Counting

    def _store(self, plans: Sequence[ResidentPlan]) -> None:
        self.planning.looked_up += sum(len(plan.ids) for plan in plans)
        super()._store(plans)


def looked_up_for(world: World, announced: Envelope) -> int:
    """The number of nudges that are looked up for an area event."""
    on = world.platform
    letters = on.queues.dead_letter_queue
    areas = Counting(on.database, on.log, on.rules.library, on.planning.planning, letters, world.clock)
    world.take(announced)
    areas.drain()
    return areas.looked_up


def test_one_more_area_event_costs_what_the_first_did(tmp_path: Path, published: dict[str, Path]) -> None:
    """However many came before, only those nudges are looked up that it starts or may end."""
    world = World(tmp_path, copy_of=published["by_number"])
    storms = [storm(DISTRICT, f"storm-{number}", data={"number": f"S{number}"}) for number in range(12)]
    counts = [looked_up_for(world, each) for each in storms]
    assert counts == [counts[0]] * len(storms)
    again = looked_up_for(world, storm(DISTRICT, "again", data={"number": "S3"}))
    assert counts[0] < again <= 2 * counts[0], "what it supersedes is looked up too"
    assert world.pending() == world.intents()
    world.close()


def test_who_has_nothing_to_do_with_it_is_not_read(world: World) -> None:
    """Alike residents are planned without being woken: nobody waits for a plan of their own."""
    world.take(storm(ALMATY))
    world.platform.planning.areas.turn()
    assert (world.health().unplanned, told(world)) == (0, names(world, 1, 3, 4, 6))


def test_who_moved_is_left_to_planning_behind_everybody_else(world: World) -> None:
    """Who has lived in two places is planned by their whole history, after all who were woken by an event."""
    world.take(moved(iin(3), ASTANA, "2025-05-20T00:00:00Z"))
    world.plan()
    world.take(storm(DISTRICT, time="2025-05-10T00:00:00Z"))
    world.platform.planning.areas.turn()
    assert told(world) == names(world, 6)
    world.take(card(iin(2), "2031-01-01"))
    assert world.platform.planning.planning.waiting() == list(names(world, 2))
    world.plan()
    assert told(world) == names(world, 3, 6)


def test_an_area_event_that_comes_while_somebody_is_planned_is_in_their_plan(world: World) -> None:
    """Who is planned from what was known before an area event, and passed by its chunks, is planned again."""
    world.take(moved(iin(2), DISTRICT, "2025-05-20T00:00:00Z"))
    platform, database = world.platform, MeddledDatabase(world.platform.settings.database)

    def meanwhile() -> None:
        world.take(storm(DISTRICT))
        platform.planning.areas.turn()

    database.before_writes.append(meanwhile)
    Planning(database, platform.log, platform.rules.library, world.clock).drain()
    assert told(world) == names(world, 2, 3, 6)
    database.close()


@pytest.mark.parametrize("after", range(5))
def test_killed_between_or_in_chunks_it_goes_on_where_it_was(world: World, after: int) -> None:
    """Whatever transaction is the last, the rest is planned by the next process: nobody twice, nobody not at all."""
    world.take(storm(ALMATY))
    database = MeddledDatabase(world.platform.settings.database)
    areas = planner(world, 1, database)
    for _ in range(after):
        assert areas.turn()
    database.cut = True
    with pytest.raises(PowerCut):
        areas.turn()
    assert len(planned(world)) == min(after, 4) * 2, "two steps for each resident so far"

    planner(world, 1).drain()
    assert Counter(planned(world)) == dict.fromkeys(names(world, 1, 3, 4, 6), 2)
    assert world.pending() == world.intents()
    database.close()


async def test_an_urgent_nudge_goes_before_the_rest_of_the_area(world: World) -> None:
    """What comes in while an area is planned is planned and sent before the area's next chunk."""
    urgent = card(iin(2), "2025-07-01", time="2025-05-20T00:00:00Z")
    database = MeddledDatabase(world.platform.settings.database)
    meanwhile = lambda: world.take(urgent)  # noqa: E731  (it happens before the second chunk is written)
    database.before_reads.extend([nothing, meanwhile])
    engine = replace(world.engine, planning=replace(world.engine.planning, areas=planner(world, 1, database)))
    world.take(storm(ALMATY))
    await engine.until_idle()

    facts = [entry.fact for entry in world.entries()]
    area = [at for at, fact in enumerate(facts) if isinstance(fact, NudgePlanned) and fact.trigger == "at_event"]
    sent = [at for at, fact in enumerate(facts) if isinstance(fact, NudgeSent)]
    assert len(area) == 8
    assert area[3] < sent[0] < area[4], "two chunks of two steps, the urgent one, the others"
    database.close()


class Failing(AreaPlanning):
    """Fails on the area events of one place, until it is mended."""

    def __init__(self, world: World, place: str, size: int, error: Exception) -> None:
        on = world.platform
        super().__init__(
            on.database,
            on.log,
            on.rules.library,
            on.planning.planning,
            on.queues.dead_letter_queue,
            world.clock,
            size,
        )
        self.place, self.error = place, error

    def _chunk(self, connection: Connection, rules: Rules, now: datetime) -> _Chunk:
        made = FailingChunk(connection, self._log, self._quarantine, rules, now, self._size)
        made.planning = self
        return made


class FailingChunk(_Chunk):
    """A chunk in which the second page of residents makes planning fail."""

    planning: Failing

    def _plan_work(self, work: AreaPlan, chunk: Chunk | None) -> None:
        first = chunk is None or not chunk.after[1]
        if not first and self.planning.place in {event.area for event in self._revisions(work.original)}:
            raise self.planning.error
        super()._plan_work(work, chunk)


def test_an_area_event_that_cannot_be_planned_is_put_aside(world: World) -> None:
    """The one that makes planning fail becomes a dead letter, stops no other, and goes on where it was by a retry."""
    areas, letters = Failing(world, ALMATY, 1, LookupError("somebody's data")), world.platform.runtime.dead_letters
    world.take(storm(ALMATY), storm(ASTANA, "later"))
    areas.drain()
    assert [(each.kind, each.cause) for each in letters.groups()] == [("area", "LookupError")]
    [told_of] = [each.told for each in letters.letters(LetterFilter())]
    assert told_of.startswith("area event ")
    assert names(world, 2, 5) < told(world)
    before = planned(world)

    on, same = world.platform, letter_kind_of_areas(areas.retry)
    again = DeadLetters(on.database, on.queues.dead_letter_queue, {AREA: same}).retry(LetterFilter())
    assert (again.failed, planned(world)) == (1, before)
    assert letters.retry(LetterFilter()).handled == 1
    on.planning.areas.drain()
    assert told(world) == names(world, 1, 2, 3, 4, 5, 6)
    assert (letters.groups(), max(Counter(planned(world)).values())) == ([], 2)


def test_what_comes_of_an_area_event_takes_it_back(world: World) -> None:
    """One that was put aside is planned once something new comes of it, and is no dead letter then."""
    areas = Failing(world, DISTRICT, 1, LookupError())
    world.take(storm(DISTRICT))
    areas.drain()
    assert world.health().dead_letters == 1
    areas.place = "nowhere"
    world.take(corrected(storm(DISTRICT), 2, on="2025-06-22"))
    areas.drain()
    assert (told(world), world.health().dead_letters) == (names(world, 3, 6), 0)
    assert world.pending() == world.intents()


@pytest.mark.parametrize("error", [IntegrityError("", {}, Exception()), ProgrammingError("", {}, Exception())])
def test_what_is_no_area_events_puts_none_aside(world: World, error: Exception) -> None:
    """What the store is to blame for, or whoever came between, is raised as it is, and tried again."""
    areas = Failing(world, ALMATY, 1, error)
    world.take(storm(ALMATY))
    with pytest.raises(type(error)):
        areas.drain()
    assert world.health().dead_letters == 0
    areas.place = "nowhere"
    areas.drain()
    assert told(world) == names(world, 1, 3, 4, 6)


def test_a_commit_is_never_shared_with_a_chunk(world: World) -> None:
    """A write that waits together with a chunk of an area is committed before it and without it."""
    writer = world.platform.database._writer
    assert writer is not None
    done: list[tuple[str, Connection]] = []
    going, begun = threading.Event(), threading.Event()

    def busy(_: Connection) -> None:
        begun.set()
        assert going.wait(60)

    first = writer.submit(busy, Priority.DISPATCH)
    assert begun.wait(60)
    waiting = [("area", Priority.AREAS), ("one", Priority.INTAKE), ("other", Priority.INTAKE)]
    futures = [
        writer.submit(lambda connection, name=name: done.append((name, connection)), priority)  # type: ignore[misc]
        for name, priority in waiting
    ]
    going.set()
    for each in (first, *futures):
        each.result(60)
    assert [name for name, _ in done] == ["one", "other", "area"]
    assert done[0][1] is done[1][1]
    assert done[2][1] is not done[1][1]


def test_residents_are_rebuilt_from_the_log_alone(world: World) -> None:
    """A view of residents that has lost or changed rows is seen to differ, and mended."""
    platform = world.platform
    catalogue = platform.rules.library.rules().catalogue
    platform.replay.follower.drain()
    platform.database.write(lambda connection: connection.execute(update(tables.residents).values(home="x")))
    found = rebuild(platform.database, platform.log, platform.identity.names, catalogue, swap=True)
    assert found.differences["residents"] == 12
    world.take(storm(DISTRICT))
    world.plan()
    assert told(world) == names(world, 3, 6)


def test_where_people_live_is_not_in_the_view_in_clear(world: World) -> None:
    """The view says who lives together, not where: no code of an area is in it."""
    with world.platform.database.reading() as connection:
        rows = connection.execute(select(tables.residents)).fetchall()
    assert len(rows) == 6
    assert not any(home[:6] in row.home for row in rows for home in HOMES)


@pytest.mark.parametrize("triggers", [TRIGGERS, SETWISE], ids=["all", "setwise"])
def test_residents_who_wait_meanwhile_are_told_of_an_area_event(tmp_path: Path, triggers: dict[str, str]) -> None:
    """Whoever has news that waits while their part of an area event is planned is planned wholly afterwards."""
    world = World(tmp_path, packs=write_weather(tmp_path, triggers))
    world.take(*settled(1), *settled(2))
    world.plan()
    world.take(card(iin(1), "2035-01-01"), storm())
    world.platform.planning.areas.turn()
    world.plan()
    assert {one.id for one in world.pending()} == {one.id for one in world.intents()}
    assert world.name(iin(1)) in told(world)
    world.close()
