"""Backfill: a published trigger looks further back; what it newly reaches is planned once, and all else stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.facts.governance import GOVERNANCE_FACTS, TriggerReachChanged
from domain.facts.principals import NotAllowed
from streams.intake.cloudevents import Envelope
from streams.queues.jobs import plan_of
from streams.replay.backfill import BackfillRequest, NotInForce
from streams.replay.repair import ChangeKind, Gap
from streams.rules.switches import UnknownName
from tests.streams.governors import STRANGER, approved, author, publish
from tests.streams.rules.test_library import UNTIMED, meter
from tests.streams.working import counted_by_many
from tests.templates.packs import RULES, write_town
from tests.world import World, event, iin

AIGERIM, DANA, SAULE, MARAT = (iin(number) for number in range(1, 5))
CHECK, WATER = "meter_check", "water"
JULY = datetime(2025, 7, 1, 7, tzinfo=UTC)
BACK = datetime(2025, 1, 1, tzinfo=UTC)
FURTHER, OVERDUE = BackfillRequest(CHECK, BACK), BackfillRequest(CHECK, BACK, also_overdue=True)


def old(person: str, number: str, valid_until: str, time: str = "2025-03-01T12:00:00+05:00") -> Envelope:
    """A meter that was installed before the trigger was published."""
    data = {"number": number, "valid_until": valid_until, "fee": 7}
    return event("town.meter.installed", person, time, data, id=f"meter-{number}")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[World]:
    """A platform with one meter since the publication and four before, one of them before what is looked back to."""
    world = World(tmp_path, packs=[write_town(tmp_path, *UNTIMED)])
    contact = event("citizen.contact_changed", AIGERIM, "2025-06-01T00:00:00Z", {"phone": "+77011234567"})
    world.take(
        contact,
        meter(AIGERIM, "2025-06-02T13:00:00+05:00"),
        old(AIGERIM, "M2", "2025-12-20"),
        old(DANA, "M3", "2025-07-15"),
        old(SAULE, "M4", "2025-06-20"),
        old(MARAT, "M5", "2025-12-20", "2024-12-01T12:00:00+05:00"),
    )
    world.plan()
    world.at(JULY)
    yield world
    world.close()


def look(town: World, further: BackfillRequest = FURTHER) -> list[Gap]:
    """What a backfill would plan."""
    return [gap for each in town.platform.replay.backfill.look(further, "aida") for gap in each.gaps]


def backfill(town: World, further: BackfillRequest = FURTHER) -> dict[str, int]:
    """Do it, as the job does; gives what was done."""
    done: dict[str, int] = {}
    for batch in town.platform.replay.backfill._go(further, "aida", ""):
        for what, many in batch.stride.done.items():
            done[what] = done.get(what, 0) + many
    return done


def moves(town: World) -> list[TriggerReachChanged]:
    """The facts that moved a reach."""
    facts = [entry.fact for entry in town.entries() if isinstance(entry.fact, GOVERNANCE_FACTS)]
    return [fact for fact in facts if isinstance(fact, TriggerReachChanged)]


def test_what_is_ahead_is_planned_and_what_was_planned_stays(town: World) -> None:
    """Only steps that are still ahead, of what is newly reached, are planned; the plan says exactly these before."""
    before = town.pending()
    entries = len(town.entries())
    found = look(town)
    assert len(town.entries()) == entries
    assert {(gap.person, gap.step, gap.what) for gap in found} == {
        (town.name(AIGERIM), "month", ChangeKind.PLAN),
        (town.name(AIGERIM), "day", ChangeKind.PLAN),
        (town.name(DANA), "day", ChangeKind.PLAN),
    }
    assert backfill(town) == {"plan": 3}
    assert {each.id for each in town.pending()} == {gap.nudge for gap in found} | {each.id for each in before}
    assert [each for each in town.pending() if each in before] == before
    assert town.pending() == town.intents()
    assert town.health().unplanned == 0


def test_a_second_time_finds_nothing(town: World) -> None:
    """Done again, from the same time or a later one, it appends nothing; from an earlier one it reaches further."""
    backfill(town)
    entries = len(town.entries())
    assert (look(town), backfill(town), backfill(town, BackfillRequest(CHECK, BACK + timedelta(days=9)))) == (
        [],
        {},
        {},
    )
    assert (len(town.entries()), len(moves(town))) == (entries, 1)
    town.at(JULY + timedelta(days=1))
    assert backfill(town, BackfillRequest(CHECK, BACK - timedelta(days=90))) == {"plan": 2}
    assert len(moves(town)) == 2
    assert town.pending() == town.intents()


async def test_overdue_steps_go_only_if_asked_and_not_expired(town: World) -> None:
    """With `also_overdue` a step that lies behind goes now; what has expired is kept as withheld."""
    assert backfill(town, OVERDUE) == {"plan": 4, "withhold": 2}
    over = [one for one in town.nudges() if one.intent.person == town.name(SAULE)]
    assert {(one.state.value, one.deliveries[0].reason) for one in over} == {("withheld", "expired")}
    town.take(
        event("citizen.contact_changed", DANA, "2025-06-01T00:00:00Z", {"phone": "+77017654321"}, id="contact-dana")
    )
    assert [each.recipient for each in await town.settle()] == [town.name(DANA)]
    assert town.pending()


def test_what_waits_although_overdue_is_not_cancelled(town: World) -> None:
    """What an earlier version planned and a pause holds back waits on when a later one takes over its events."""
    town.platform.rules.switches.pause(CHECK, author(WATER))
    town.at("2025-11-21T12:00+05:00")
    waiting = [each.id for each in town.pending()]
    approved(
        town,
        [write_town(town.file.parent / "next", *UNTIMED, (RULES, "Правила 2020 года", "Правила 2025 года"))],
        CHECK,
        WATER,
    )
    publish(town, CHECK, WATER)
    town.plan()
    backfill(town)
    assert {*waiting} <= {each.id for each in town.pending()}
    assert town.pending() == town.intents()


def test_it_is_counted_by_many_as_by_one(town: World) -> None:
    """Wherever a count is taken up by another process it comes to the same, and the reach has not moved by it."""
    whole = plan_of(town.platform.replay.backfill.work(OVERDUE, "aida"))
    town.platform.replay.repair.batch = 1
    assert counted_by_many(lambda: town.platform.replay.backfill.work(OVERDUE, "aida")) == whole
    assert (whole.count, moves(town)) == (6, [])


def test_who_may_and_for_what(town: World) -> None:
    """Another agency may not; what is unknown or withdrawn is said."""
    check = town.platform.replay.backfill.check
    check(CHECK, author(WATER))
    with pytest.raises(NotAllowed):
        check(CHECK, STRANGER)
    with pytest.raises(UnknownName, match="did you mean 'meter_check'"):
        check("meter_chek", author(WATER))
    town.platform.rules.switches.withdraw(CHECK, author(WATER))
    with pytest.raises(NotInForce, match="withdrawn"):
        check(CHECK, author(WATER))


def test_workers_may_plan_meanwhile(town: World) -> None:
    """Whoever is planned by a worker between the fact and the backfill's turn is planned once, and no gap is left."""
    assert town.platform.replay.backfill.move(FURTHER, "aida")
    town.plan()
    assert (look(town), backfill(town)) == ([], {})
    assert town.pending() == town.intents()
