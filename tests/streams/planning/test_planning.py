"""Planning: the log is brought to the plan, whole or not at all, in whatever order and whenever facts come."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
import uvloop
from sqlalchemy import Connection

from app.identity.log_codes import codes_by
from domain.core.ids import Position
from domain.facts.facts import NudgeAttempted, NudgeCancelled, NudgePlanned, NudgeSent
from domain.facts.governance import ControlSet, SentAsTest, TriggerCommented
from projections import history, nudges
from projections.history import News
from projections.tables import micros
from streams.delivery.decide.awaited_plans import LONGEST_WAIT
from streams.intake.cloudevents import Envelope
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKeys
from streams.planning.batches import WOKEN_SIZE
from streams.planning.person_plans import RulesMoved
from streams.planning.planning import Planning
from tests.beginnings import KEYRING
from tests.streams.meddling import MeddledDatabase, PowerCut
from tests.templates.packs import write_town
from tests.world import LONG_AGO, NOON, World, annulled, birth, card, corrected, event, fine, iin, registered

AIGERIM, DANA, SAULE, MARAT = iin(1), iin(2), iin(3), iin(4)
BIRTH = birth(SAULE, AIGERIM, "2025-05-20")
TO_DANA = {"mother": DANA}
LATER = "2025-06-20T12:00+05:00"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two citizens of whom nothing else is known."""
    world = World(tmp_path_factory.mktemp("people"))
    world.take(*registered(AIGERIM, LONG_AGO), *registered(DANA, LONG_AGO))
    world.plan()
    world.close()
    return world.file


@pytest.fixture
def world(tmp_path: Path, people: Path) -> Iterator[World]:
    """A platform that knows two citizens."""
    made = World(tmp_path, copy_of=people)
    yield made
    made.close()


@pytest.fixture
def database(world: World) -> Iterator[MeddledDatabase]:
    """The same file, as a planner has it in whose way things come."""
    made = MeddledDatabase(world.platform.settings.database)
    yield made
    made.close()


class Noting(Planning):
    """A planner that notes whom it plans together."""

    def __init__(self, world: World, portion: int) -> None:
        platform = world.platform
        super().__init__(platform.database, platform.log, platform.rules.library, world.clock, portion)
        self.batches: list[set[str]] = []

    def plan_batch(self, news: Mapping[str, News]) -> int:
        """Note them, and plan them."""
        self.batches.append(set(news))
        return super().plan_batch(news)


def planner(world: World, database: MeddledDatabase, log: Log | None = None) -> Planning:
    """A second planner on the same file."""
    return Planning(database, log or world.platform.log, world.platform.rules.library, world.clock)


def plan(by: Planning, persons: Sequence[str]) -> int:
    """Plan what waits of the persons."""
    return by.plan_batch(by.news(persons))


def waiting(world: World) -> set[str]:
    """Whoever waits for a plan."""
    return set(world.platform.planning.planning.waiting())


def names(world: World, *persons: str) -> set[str]:
    """Their pseudonyms."""
    return {world.name(person) for person in persons}


def outcome(folder: Path, people: Path, arrivals: Iterable[Envelope], *, plan_between: bool) -> tuple[object, object]:
    """The intents and the pending nudges after these arrivals, one by one."""
    folder.mkdir()
    world = World(folder, copy_of=people)
    for each in arrivals:
        assert [taken.accepted for taken in world.take(each)] == [True]
        if plan_between:
            world.plan()
    world.plan()
    found = world.intents(), world.pending()
    world.close()
    return found


REVISIONS = {
    "annulled in the end": ((BIRTH, corrected(BIRTH, 2, **TO_DANA), annulled(BIRTH, 3)), []),
    "corrected in the end": (
        (BIRTH, annulled(BIRTH, 2), corrected(BIRTH, 3, **TO_DANA)),
        [DANA] * 3,
    ),
}
"""Three revisions of one birth, and who is told by how many nudges once all of them are there."""


@pytest.mark.parametrize("case", REVISIONS)
def test_revisions_give_the_same_in_every_order(tmp_path: Path, people: Path, case: str) -> None:
    """An original, its correction and its annulment leave the same plan in all six orders, planned between or not."""
    revisions, told = REVISIONS[case]
    found = [
        outcome(tmp_path / f"{number}{between}", people, arrivals, plan_between=between)
        for number, arrivals in enumerate(permutations(revisions))
        for between in (False, True)
    ]
    world = World(tmp_path / "0True", copy_of=people)
    assert {repr(each) for each in found} == {repr(found[0])}
    assert found[0][0] == found[0][1], "what is planned is what waits"
    assert [intent.person for intent in found[0][1]] == [world.name(person) for person in told]  # type: ignore[attr-defined]
    world.close()


def test_a_correction_that_names_another_mother_wakes_both(world: World) -> None:
    """Whoever is named in any revision is planned again: one mother's nudges are cancelled, the other's planned."""
    world.take(BIRTH)
    world.plan()
    assert {intent.person for intent in world.pending()} == names(world, AIGERIM)

    world.take(corrected(BIRTH, 2, **TO_DANA))
    assert waiting(world) == names(world, AIGERIM, DANA, SAULE)
    world.plan()

    assert {intent.person for intent in world.pending()} == names(world, DANA)
    assert {one.state for one in world.nudges() if one.intent.person == world.name(AIGERIM)} == {"cancelled"}


def test_a_correction_before_its_original_waits_and_is_counted(world: World) -> None:
    """A correction whose original has not come plans nothing and is counted; the original ends its wait."""
    world.take(corrected(BIRTH, 2, **TO_DANA))
    world.plan()
    assert (world.nudges(), world.health().revisions_waiting) == ([], 1)

    world.take(BIRTH)
    world.plan()
    assert {intent.person for intent in world.pending()} == names(world, DANA)
    assert world.health().revisions_waiting == 0


def test_a_historical_load_plans_what_is_still_ahead(world: World) -> None:
    """Of an event loaded with --historical, steps due before the load are not planned; live, all of them are."""
    world.take(card(AIGERIM, "2025-06-20"), ahead_from=NOON)
    world.take(card(DANA, "2025-06-20"))
    steps = {
        person: {one.step for one in world.intents() if one.person == world.name(person)}
        for person in (AIGERIM, DANA)
    }
    assert steps == {AIGERIM: {"week", "day"}, DANA: {"month", "week", "day"}}


EARLIER = datetime(2025, 5, 15, tzinfo=UTC)
LATEST = datetime(2025, 6, 15, tzinfo=UTC)
LOADS: dict[str, tuple[Sequence[datetime | None], set[str]]] = {
    "historical, then live": ((NOON, None), {"month", "week", "day"}),
    "two historical": ((LATEST, EARLIER), {"month", "week", "day"}),
    "three": ((LATEST, NOON, None), {"month", "week", "day"}),
    "two of which the earlier counts": ((LATEST, NOON), {"week", "day"}),
}


@pytest.mark.parametrize("case", LOADS)
@pytest.mark.parametrize("plan_between", [False, True])
def test_loads_count_the_same_in_every_order(
    tmp_path: Path,
    people: Path,
    case: str,
    plan_between: bool,  # noqa: FBT001
) -> None:
    """Of several loads of one event the earliest counts, whichever came first; planned between or not."""
    loads, steps = LOADS[case]
    found = set()
    for number, order in enumerate(permutations(loads)):
        (tmp_path / str(number)).mkdir()
        world = World(tmp_path / str(number), copy_of=people)
        for ahead_from in order:
            world.take(card(AIGERIM, "2025-06-20"), ahead_from=ahead_from)
            if plan_between:
                world.plan()
        world.plan()
        found.add((repr(world.intents()), repr(world.pending())))
        assert {intent.step for intent in world.pending()} == steps
        world.close()
    assert len(found) == 1


def test_a_history_that_moved_meanwhile_is_planned_again(world: World, database: MeddledDatabase) -> None:
    """A plan made of a history that moved before the commit is dropped whole, and made again from the new one."""
    world.take(card(AIGERIM, "2025-12-20"), card(DANA, "2025-12-20"))
    renewed = card(AIGERIM, "2035-06-01", number="N2", time="2025-06-01T12:00:00+05:00")
    database.before_writes.append(lambda: world.take(renewed))

    assert plan(planner(world, database), sorted(waiting(world))) == 1

    assert {one.intent.person for one in world.nudges()} == names(world, DANA)
    assert waiting(world) == names(world, AIGERIM)
    world.plan()
    assert world.pending() == world.intents()


def test_who_is_to_be_planned_anew_meanwhile_goes_on_waiting(world: World, database: MeddledDatabase) -> None:
    """A plan by new events alone does not do for who was to be planned anew between the read and the commit."""
    world.take(card(AIGERIM, "2025-12-20"))
    world.plan()
    world.take(card(AIGERIM, "2026-12-20", number="N2", time="2025-06-01T12:00:00+05:00"))
    person, now = world.name(AIGERIM), micros(world.clock())
    write = world.platform.database.write
    database.before_writes.append(
        lambda: write(lambda connection: history.wake_at_leisure(connection, [person], now))
    )

    plan(planner(world, database), [person])

    assert waiting(world) == {person}
    with world.platform.database.reading() as connection:
        assert history.news(connection, [person])[person].replan
    world.plan()
    assert waiting(world) == set()


def test_a_load_that_moved_meanwhile_is_planned_again(world: World, database: MeddledDatabase) -> None:
    """An event that came live between the read and the commit of its historical plan is not lost."""
    world.take(card(AIGERIM, "2025-06-20"), ahead_from=NOON)
    database.before_writes.append(lambda: world.take(card(AIGERIM, "2025-06-20")))

    assert plan(planner(world, database), sorted(waiting(world))) == 0

    assert waiting(world) == names(world, AIGERIM)
    world.plan()
    assert len(world.pending()) == 3


def test_an_attempt_made_meanwhile_is_not_overwritten(world: World, database: MeddledDatabase) -> None:
    """A nudge that was sent between the read and the commit stays sent: the plan that cancels is made again."""
    issued = card(AIGERIM, "2025-07-20")
    world.take(issued)
    world.plan()
    world.at(LATER)
    world.take(annulled(issued, 2))
    world.at(datetime.fromisoformat(LATER) + LONGEST_WAIT)  # else it is not sent before its plan
    sent = world.nudge("month").intent.id
    database.before_writes.append(lambda: uvloop.run(world.engine.dispatcher.drain()))

    assert plan(planner(world, database), sorted(waiting(world))) == 0
    world.plan()

    assert [type(fact) for fact in world.facts(sent)] == [NudgePlanned, NudgeAttempted, NudgeSent, NudgeCancelled]
    assert {one.intent.step: one.state for one in world.nudges()} == {
        "month": "sent",
        "week": "cancelled",
        "day": "cancelled",
    }


def test_two_planners_at_once_plan_once(world: World, database: MeddledDatabase) -> None:
    """A person whom two planners have read is planned by the first to commit; nothing is appended twice."""
    world.take(card(AIGERIM, "2025-12-20"))
    persons = sorted(waiting(world))
    database.before_writes.append(world.plan)

    plan(planner(world, database), persons)

    assert [one.version for one in world.nudges()] == [1, 1, 1]
    assert waiting(world) == set()


class FullLog(Log):
    """A log on a disk that has no room for facts about nudges."""

    def append(self, connection: Connection, entries: Iterable[Entry]) -> Position:
        """Fail after everything else of the transaction is done."""
        super().append(connection, entries)
        raise OSError


def test_facts_due_rows_and_marks_are_together_or_not_at_all(world: World, database: MeddledDatabase) -> None:
    """When the append fails, no nudge, due row or planned mark stays; the person waits on and is planned later."""
    world.take(card(AIGERIM, "2025-12-20"))
    before = world.health()
    full = FullLog(database, PersonKeys(KEYRING), world.clock, codes_by(KEYRING))

    with pytest.raises(OSError):  # noqa: PT011
        plan(planner(world, database, full), sorted(waiting(world)))

    assert world.nudges() == []
    assert world.health() == before
    with world.platform.database.reading() as connection:
        assert nudges.next_due(connection) is None
    world.plan()
    assert world.pending() == world.intents()


def test_a_plan_whose_commit_is_lost_is_made_again(world: World, database: MeddledDatabase) -> None:
    """A planner that dies in its commit leaves nothing, and the next one gives what it would have given."""
    world.take(card(AIGERIM, "2025-12-20"))
    database.cut = True
    with pytest.raises(PowerCut):
        planner(world, database).drain()
    assert (world.nudges(), waiting(world)) == ([], names(world, AIGERIM))
    world.plan()
    assert [one.version for one in world.nudges()] == [1, 1, 1]


def test_planning_again_changes_nothing(world: World) -> None:
    """Whoever is woken by something that changes no plan gets no new fact."""
    world.take(card(AIGERIM, "2025-12-20"))
    world.plan()
    before = world.health().facts
    world.take(fine(AIGERIM, "7", "2023-06-01T12:00:00+05:00"))
    world.plan()
    assert world.health().facts == before + 1


def test_who_waits_longest_is_planned_first(world: World) -> None:
    """A small batch takes those whose facts were recorded first, however many came later."""
    world.take(card(MARAT, "2025-12-20"))
    world.at(LATER)
    world.take(*(fine(person, person[6:11], "2025-06-01T12:00:00+05:00") for person in (AIGERIM, DANA, SAULE)))
    assert set(world.platform.planning.planning.waiting(limit=1)) == names(world, MARAT)
    assert len(world.platform.planning.planning.waiting(limit=3)) == 3


def test_a_new_date_reschedules_and_does_not_double(world: World) -> None:
    """A corrected date moves the nudges that are there: as many as before, each with one more fact."""
    issued = card(AIGERIM, "2025-12-20")
    world.take(issued)
    world.plan()
    before = {one.intent.id for one in world.nudges()}
    world.take(corrected(issued, 2, expires_on="2026-01-20"))
    world.plan()
    assert {one.intent.id for one in world.nudges()} == before
    assert [(one.version, f"{one.intent.due:%m-%d}") for one in world.nudges()] == [
        (2, "12-21"),
        (2, "01-13"),
        (2, "01-19"),
    ]
    with world.platform.database.reading() as connection:
        assert nudges.next_due(connection) == nudges.waiting(connection, 2**60)[1]
        assert history.waiting(connection)[0] == 0


@pytest.mark.parametrize(
    "strange",
    [
        registered(AIGERIM, "9990-01-01")[0],
        fine(AIGERIM, "1", "9999-12-31T23:00:00+05:00"),
        fine(AIGERIM, "1", "0001-01-01T00:00:00+05:00"),
        card(AIGERIM, "9999-12-31"),
        card(AIGERIM, "0001-01-01"),
        event("citizen.preferences_changed", AIGERIM, "2025-01-05T00:00:00Z", {"zone": "Mars/Olympus"}),
    ],
)
async def test_one_persons_strange_event_stops_nobody_else(world: World, strange: Envelope) -> None:
    """Whatever one registry reports about one person is refused or planned; the next person is planned and told."""
    world.take(strange)
    world.take(card(DANA, "2025-07-20"))
    assert [message.recipient for message in await world.settle(LATER)] == [world.name(DANA)]


async def test_an_area_event_that_comes_live_after_a_load_counts_as_live(tmp_path: Path) -> None:
    """Of an area event that came by a historical load and then live, the steps are those of a live one."""
    world = World(tmp_path, packs=[write_town(tmp_path)])
    flood = event("town.flood", None, "2025-05-01T00:00:00Z", {"where": "7500"}, id="flood")
    world.take(flood, ahead_from=NOON)
    before = world.health().facts
    world.take(flood)
    assert world.health().facts == before + 1, "the move of the load is a fact"
    world.close()


def test_who_is_woken_first_does_not_wait_for_all(world: World) -> None:
    """Of many who are woken at once, some are planned before the next are read: else most would have moved."""
    people = [iin(number) for number in range(100, 100 + 2 * WOKEN_SIZE)]
    world.take(*(each for person in people for each in registered(person, LONG_AGO)))
    waited: list[int] = []

    def looked() -> datetime:
        waited.append(len(waiting(world)))
        return world.clock()

    planning = Planning(world.platform.database, world.platform.log, world.platform.rules.library, looked)
    assert planning.plan_woken(sorted(waiting(world))) == {}
    assert (waited[::2], waiting(world)) == (
        [2 * WOKEN_SIZE, WOKEN_SIZE],
        set(),
    )  # each batch asks as it begins and ends


@pytest.mark.parametrize("way", ["as they wait", "as they are woken"])
def test_nobody_waits_for_somebody_with_many_facts(world: World, way: str) -> None:
    """Who was woken together with a person of many facts is planned, and committed, before them."""
    fines = [fine(AIGERIM, f"F{number}", "2025-05-20T10:00+05:00") for number in range(9)]
    world.take(*fines, fine(DANA, "D1", "2025-05-20T10:00+05:00"))
    planning, both = Noting(world, portion=9), [world.name(AIGERIM), world.name(DANA)]
    if way == "as they wait":
        planning.drain()
    else:
        assert planning.plan_woken(both) == {}
    assert planning.batches == [{both[1]}, {both[0]}]
    assert not waiting(world)


def test_persons_with_few_facts_are_planned_together(world: World) -> None:
    """As many persons as have no more facts together than a portion are one transaction."""
    world.take(fine(AIGERIM, "A1", "2025-05-20T10:00+05:00"), fine(DANA, "D1", "2025-05-20T10:00+05:00"))
    planning = Noting(world, portion=9)
    planning.drain()
    assert planning.batches == [names(world, AIGERIM, DANA)]


def test_what_officials_say_of_a_version_makes_no_plan_again(world: World) -> None:
    """A plan under way holds through comments and test sends, which change no rule; a stop makes it again."""
    world.take(*registered(AIGERIM, LONG_AGO))
    planning, name = world.platform.planning.planning, "traffic_fine_discount"
    made = planning.plans(planning.news([world.name(AIGERIM)]), world.platform.rules.library.rules())
    world.govern("trigger", name, TriggerCommented(NOON, "asel", name, "0" * 64, "Why so late?"))
    world.govern("trigger", name, SentAsTest(NOON, "asel", "asel", name, "0" * 64, "sms"))
    assert planning.commit(made) == [world.name(AIGERIM)]
    made = planning.plans(planning.news([world.name(AIGERIM)]), world.platform.rules.library.rules())
    world.govern("control", "channel/sms", ControlSet(NOON, "omar", "channel", "sms", stopped=True, reason="a test"))
    with pytest.raises(RulesMoved):
        planning.commit(made)
