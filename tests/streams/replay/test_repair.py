"""Repair: what the plan asks and the log has not is found exactly, and planned once; nothing is sent by it."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from domain.facts.principals import Principal, Role
from domain.planning.plan import Intent
from projections import tables
from streams.queues.jobs import NothingToDo, Step, plan_of
from streams.replay.repair import ChangeKind, Gap, GapFilter, GapReason, RepairBatch
from streams.storage.tables import log
from tests.streams.weather import ALMATY, ASTANA, DISTRICT, OTHER_DISTRICT, TRIGGERS, settled, storm, write_weather
from tests.streams.working import counted_by_many
from tests.world import LONG_AGO, NOON, World, annulled, card, corrected, fine, iin, registered

PEOPLE = [iin(number) for number in range(1, 7)]
AIGERIM, DANA, SAULE = PEOPLE[:3]
HOUR = timedelta(hours=1)
EVERYTHING = GapFilter()


def missing(world: World, selection: GapFilter = EVERYTHING) -> list[Gap]:
    """What is missing."""
    return gaps(world.platform.replay.repair.look(selection))


def mend(world: World, selection: GapFilter = EVERYTHING) -> list[Gap]:
    """Repair; gives what was missing."""
    return gaps(world.platform.replay.repair.repair(selection))


def gaps(looked: Iterable[RepairBatch]) -> list[Gap]:
    """All gaps, by nudge; everybody could be planned."""
    found = list(looked)
    assert not any(each.unplannable for each in found)
    return sorted((gap for each in found for gap in each.gaps), key=lambda gap: gap.nudge.int)


def ids(found: Sequence[Gap] | Sequence[Intent]) -> list[UUID]:
    """Which nudges."""
    return sorted(each.nudge if isinstance(each, Gap) else each.id for each in found)


def planned_intents(world: World) -> list[Intent]:
    """The intents of all nudges, whatever became of them, by id."""
    return sorted((one.intent for one in world.nudges()), key=lambda each: each.id.int)


def forget(world: World, nudges: Iterable[UUID]) -> None:
    """As if these had never been planned, although their persons are marked as planned."""
    gone = list(nudges)

    def work(connection: Connection) -> None:
        connection.execute(delete(log).where(log.c.originator_id.in_(gone)))
        connection.execute(delete(tables.nudges).where(tables.nudges.c.nudge.in_(gone)))
        connection.execute(delete(tables.due).where(tables.due.c.nudge.in_(gone)))

    world.platform.database.write(work)


def mark(world: World, persons: Iterable[str] | None = None, *, planned: bool) -> None:
    """Mark everybody's facts, or those of these persons, as planned or not."""
    those = update(tables.history).values(planned=planned)
    if persons is not None:
        those = those.where(tables.history.c.person.in_(list(persons)))
    world.platform.database.write(lambda connection: connection.execute(those))


def peopled(world: World, persons: Sequence[str] = PEOPLE) -> None:
    """Citizens with a card each, two of the six with a fine; who was born that long ago has a nudge that is over."""
    for person in persons:
        born_on, number = LONG_AGO if person == AIGERIM else "1990-01-01", PEOPLE.index(person)
        world.take(*registered(person, born_on), card(person, f"2026-0{number + 1}-20", f"N{number}"))
    world.take(*[fine(one, f"F{one[-4:]}", "2025-05-30T12:00:00+05:00") for one in (AIGERIM, DANA) if one in persons])


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a platform on which everybody is planned."""
    folder = tmp_path_factory.mktemp("planned")
    world = World(folder)
    peopled(world)
    world.plan()
    world.close()
    return world.file


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_was_dropped_is_restored(data: st.DataObject, planned: Path, tmp_path: Path) -> None:
    """Drop any plans, marked as planned or not: exactly these are missing, and repair restores the very intents."""
    world = World(Path(mkdtemp(dir=tmp_path)), copy_of=planned)
    before = planned_intents(world)
    dropped = data.draw(st.lists(st.sampled_from(ids(before)), unique=True))
    waiting = data.draw(st.lists(st.sampled_from(PEOPLE), unique=True))
    forget(world, dropped)
    mark(world, map(world.name, waiting), planned=False)
    found = missing(world)
    assert ids(found) == sorted(dropped)
    over = {each.id for each in before if each.expires is not None and each.expires <= NOON}
    assert all(gap.what is (ChangeKind.WITHHOLD if gap.nudge in over else ChangeKind.PLAN) for gap in found)
    names = {world.name(person) for person in waiting}
    assert all(gap.why is (GapReason.WAITING if gap.person in names else GapReason.OVERLOOKED) for gap in found)
    assert mend(world) == found
    assert planned_intents(world) == before
    assert (missing(world), mend(world), world.health().unplanned) == ([], [], 0)
    world.close()


def test_it_is_counted_by_many_as_by_one(world: World) -> None:
    """Wherever a count is taken up by another process it comes to the same; on the way it says how many there are."""
    peopled(world)
    repairing = world.platform.replay.repair
    whole = plan_of(repairing.work(EVERYTHING))
    repairing.batch = 1
    assert counted_by_many(lambda: repairing.work(EVERYTHING)) == plan_of(repairing.work(EVERYTHING)) == whole
    assert (whole.what.startswith("repair: "), whole.count) == (True, len(missing(world)))
    first = repairing.work(EVERYTHING).count("")
    assert isinstance(first, Step)
    assert (first.done, first.unit, (first.of or 0) >= 1) == (1, "persons", True)
    mend(world)
    with pytest.raises(NothingToDo, match="6 persons looked at"):
        counted_by_many(lambda: repairing.work(EVERYTHING))


def test_a_count_begins_anew_by_other_rules(world: World) -> None:
    """What was counted by rules that have moved meanwhile is counted once more, by those that hold."""
    peopled(world)
    world.platform.replay.repair.batch = 1
    work = world.platform.replay.repair.work(EVERYTHING)
    half = work.count(str(getattr(work.count(""), "cursor", "")))
    assert isinstance(half, Step)
    assert half.done == 2
    before = world.platform.rules.library.rules().position
    world.platform.rules.switches.pause(
        "identity_card_expiry", Principal("saule", "interior", frozenset([Role.APPROVER]))
    )
    anew = work.count(half.cursor)
    assert isinstance(anew, Step)
    assert anew.done == 1
    plan = counted_by_many(lambda: world.platform.replay.repair.work(EVERYTHING))
    assert (plan.count, plan.rules) == (len(missing(world)), world.platform.rules.library.rules().position)
    assert plan.rules != before


def test_an_hour_without_planning_is_made_up_for(world: World) -> None:
    """With planning and the reconciler off for an hour, just that is missing, and each is planned once."""
    peopled(world, PEOPLE[:5])
    world.plan()
    began, before = NOON + HOUR, world.pending()
    world.at(began)
    world.take(card(AIGERIM, "2026-09-01", "A2"), fine(SAULE, "F3", "2025-06-02T11:00:00+05:00"))
    world.at(began + HOUR / 2)
    peopled(world, PEOPLE[5:])
    world.take(card(SAULE, "2026-10-01", "A3", "2025-02-10T12:00:00+05:00"))
    world.at(began + HOUR)
    outage = GapFilter(since=began, until=began + HOUR)
    swallowed = sorted(set(ids(world.intents())) - set(ids(before)))
    gone = sorted(set(ids(before)) - set(ids(world.intents())))
    found = missing(world, outage)
    assert ids(found) == sorted([*swallowed, *gone])
    assert swallowed
    assert gone
    assert {gap.why for gap in found} == {GapReason.WAITING}
    assert world.name(PEOPLE[5]) not in {gap.person for gap in missing(world, GapFilter(until=began))}
    assert missing(world, GapFilter(since=began + HOUR)) == []
    assert mend(world, outage) == found
    assert world.pending() == world.intents()
    assert (mend(world, outage), mend(world), world.health().unplanned) == ([], [], 0)


async def test_what_is_over_is_withheld_with_the_reason(world: World) -> None:
    """What has expired by now is kept as withheld because it expired, and not sent; the rest goes."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    mark(world, planned=True)
    world.at("2025-07-21T12:00:00+05:00")
    world.take(*registered(DANA, LONG_AGO), card(DANA, "2025-08-25"))
    found = mend(world)
    over = [gap for gap in found if gap.what is ChangeKind.WITHHOLD]
    assert {(gap.person, gap.why) for gap in over} == {(world.name(AIGERIM), GapReason.OVERLOOKED)}
    assert len(over) == 3
    states = {(one.intent.person, one.state.value, one.deliveries[0].reason) for one in world.nudges()}
    assert states == {(world.name(AIGERIM), "withheld", "expired"), (world.name(DANA), "planned", None)}
    assert len(await world.settle("2025-07-27T12:00:00+05:00")) == 1
    assert missing(world) == []


def test_what_should_have_moved_or_gone_is_found(world: World) -> None:
    """A correction and an annulment whose plans were lost are a reschedule and a cancellation each."""
    first, second = card(AIGERIM, "2025-12-20", "N1"), card(DANA, "2025-12-20", "N2")
    world.take(*registered(AIGERIM, LONG_AGO), *registered(DANA, LONG_AGO), first, second)
    world.plan()
    world.take(corrected(first, 2, expires_on="2026-01-20"), annulled(second, 2))
    mark(world, planned=True)
    found = {(gap.person, gap.what) for gap in missing(world)}
    assert found == {(world.name(AIGERIM), ChangeKind.RESCHEDULE), (world.name(DANA), ChangeKind.CANCEL)}
    mend(world)
    assert world.pending() == world.intents()
    assert missing(world) == []


def test_one_trigger_or_one_person(world: World) -> None:
    """A repair of one trigger plans nothing else, and its persons wait on; one of a person leaves the others."""
    peopled(world)
    only = missing(world, GapFilter(trigger="traffic_fine_discount"))
    assert {gap.trigger for gap in only} == {"traffic_fine_discount"}
    assert mend(world, GapFilter(trigger="traffic_fine_discount")) == only
    assert {one.trigger for one in world.pending()} == {"traffic_fine_discount"}
    assert world.name(AIGERIM) in world.platform.planning.planning.waiting()
    mend(world, GapFilter(person=world.name(AIGERIM)))
    assert world.name(AIGERIM) not in world.platform.planning.planning.waiting()
    assert world.name(DANA) in world.platform.planning.planning.waiting()
    mend(world)
    assert planned_intents(world) == world.intents()


def test_one_person_of_an_outage(world: World) -> None:
    """A person and a time together: only that person, and only if the outage concerned them."""
    peopled(world)
    who, now = world.name(AIGERIM), world.clock()
    before, then = GapFilter(until=now, person=who), GapFilter(since=now, person=who)
    assert missing(world, before) == []
    assert {gap.person for gap in missing(world, then)} == {who}


def test_two_at_once_plan_each_once(world: World) -> None:
    """Two repairs at the same moment close each gap once between them."""
    peopled(world)
    asked = ids(world.intents())
    with ThreadPoolExecutor(2) as pool:
        both = [future.result() for future in [pool.submit(mend, world) for _ in range(2)]]
    assert ids([*both[0], *both[1]]) == asked
    every = [[fact.TOPIC for fact in world.facts(id_)] for id_ in asked]
    assert {each.count("nudge-planned/1") for each in every} == {1}


def test_repair_calls_no_provider(world: World) -> None:
    """To look three times and to repair three times calls no notifier, and changes the log once."""
    peopled(world)
    world.at(NOON + timedelta(days=60))
    lengths = set()
    for work in (missing, mend):
        for _ in range(3):
            work(world)
            lengths.add(len(world.entries()))
    assert (world.sent, len(lengths)) == ([], 2)


@pytest.fixture
def weather(tmp_path: Path) -> Iterator[World]:
    """A platform with warnings to residents, some of whom live in Almaty."""
    made = World(tmp_path, packs=write_weather(tmp_path, {"at_event": TRIGGERS["at_event"]}))
    for number, home in enumerate((DISTRICT, OTHER_DISTRICT, ASTANA), 1):
        made.take(*settled(number, home, LONG_AGO))
    made.plan()
    yield made
    made.close()


def test_what_an_area_event_left_out_is_found(weather: World) -> None:
    """A storm whose plan was lost is missing for exactly its residents, and found by when it was recorded."""
    before = ids(weather.intents())
    weather.at(NOON + HOUR)
    weather.take(storm(ALMATY, "storm", "2025-06-02T12:00:00+05:00", data={"on": "2025-06-20"}))
    swallowed = sorted(set(ids(weather.intents())) - set(before))
    assert {gap.why for gap in missing(weather)} == {GapReason.WAITING}
    weather.platform.database.write(lambda connection: connection.execute(delete(tables.area_plans)))
    outage = GapFilter(since=NOON + HOUR)
    found = missing(weather, outage)
    assert (ids(found), {gap.why for gap in found}) == (swallowed, {GapReason.OVERLOOKED})
    assert {gap.person for gap in found} == {weather.name(PEOPLE[0]), weather.name(PEOPLE[1])}
    assert missing(weather, GapFilter(area=ASTANA)) == []
    assert {gap.person for gap in missing(weather, GapFilter(area=DISTRICT))} == {weather.name(PEOPLE[0])}
    assert ids(mend(weather, GapFilter(area=ALMATY, trigger="at_event"))) == swallowed
    assert missing(weather) == []


def test_an_area_is_looked_at_alone(weather: World) -> None:
    """Of an area only those are planned who live there by their plan, or who wait for one; with a time, both."""
    late, early = settled(4, ASTANA, LONG_AGO), NOON + HOUR
    assert [persons(weather, GapFilter(area=area)) for area in (ALMATY, DISTRICT, "999999999")] == [2, 1, 0]
    weather.at(early)
    weather.take(*late, storm(ASTANA, "storm", "2025-06-02T12:00:00+05:00", data={"on": "2025-06-20"}))
    assert [persons(weather, GapFilter(area=area)) for area in (ASTANA, ALMATY, "999999999")] == [2, 3, 1]
    found = missing(weather, GapFilter(area=ASTANA))
    assert {gap.person for gap in found} == {weather.name(person) for person in (PEOPLE[2], PEOPLE[3])}
    assert missing(weather, GapFilter(area=ALMATY)) == []
    assert missing(weather, GapFilter(since=early, area=ASTANA)) == found
    assert persons(weather, GapFilter(since=early, area=ALMATY)) == 1
    assert persons(weather, GapFilter(until=NOON - HOUR, area=ASTANA)) == 0


def persons(world: World, selection: GapFilter) -> int:
    """How many are looked at."""
    return sum(each.persons for each in world.platform.replay.repair.look(selection))


def test_both_databases_repair_alike(url: str, tmp_path: Path) -> None:
    """On SQLite and PostgreSQL an hour's set is found by its time, and planned once."""
    world = World(tmp_path, url=url)
    peopled(world, PEOPLE[:2])
    world.plan()
    world.at(NOON + HOUR)
    peopled(world, PEOPLE[2:4])
    outage = GapFilter(since=NOON + HOUR, until=NOON + 2 * HOUR)
    found = missing(world, outage)
    assert {gap.person for gap in found} == {world.name(person) for person in PEOPLE[2:4]}
    assert mend(world, outage) == found
    assert (planned_intents(world), missing(world)) == (world.intents(), [])
    world.close()
