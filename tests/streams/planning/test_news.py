"""Whoever gets one more event is planned for what it affects, whatever their past; the result is the whole plan."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace
from sqlalchemy import delete

from domain.planning.affected import AffectedTriggers
from projections import history
from projections.tables import residents
from streams.planning import histories
from streams.planning.person_plans import PersonPlan
from tests.streams.weather import moved
from tests.streams.years import Pasts, past
from tests.world import LONG_AGO, World, card, corrected, fine, iin, registered

DRIVER = iin(1)
SIZES = (1, 1, 1, 2, 5, 30)
"""Events between two plans."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Only some triggers are published."""
    return World(tmp_path, packs=[Pasts.in_folder(tmp_path).full])


def wanting(world: World) -> list[PersonPlan]:
    """The whole plans that ask for changes."""
    platform = world.platform
    rules = platform.rules.library.rules()
    persons = [person for each in histories.batches(platform.database) for person in each]
    plans = platform.planning.planning.whole_plans(persons, rules).persons
    return [plan for plan in plans if plan.changes or plan.residences_changed]


@pytest.mark.parametrize("seed", range(4))
def test_planning_by_news_comes_to_the_whole_plan(world: World, seed: int) -> None:
    """After each few events, late, corrected or annulled, the whole plan of everybody asks for nothing more."""
    told, random = past(seed), Random(seed)  # noqa: S311  (a test's, the same every time)
    ends = [0]
    while ends[-1] < len(told):
        ends.append(ends[-1] + random.choice(SIZES))
    for turn, (start, end) in enumerate(pairwise(ends)):
        some = told[start:end]
        world.at(max(world.clock(), some[-1].known))
        world.take(*(each.envelope for each in some))
        world.plan()
        if turn % 10 == 0:
            assert not wanting(world)
    assert not wanting(world)
    assert world.pending()


def read_for(world: World, types: Sequence[str]) -> int:
    """How many facts of the driver a plan for new events of these types reads."""
    rulebook, person = world.platform.rules.library.rules().rulebook, world.name(DRIVER)
    part = AffectedTriggers(rulebook).by(frozenset(types))
    with world.platform.database.reading() as connection:
        return len(histories.of_rulebook_parts(connection, world.platform.log, {person: part})[person].facts)


def test_what_is_read_for_a_fine_does_not_grow_with_other_facts(world: World) -> None:
    """Twenty cards more or less: a new fine is planned from the same facts."""
    world.take(*registered(DRIVER, LONG_AGO), fine(DRIVER, "F1", "2025-02-01T00:00:00Z"))
    world.plan()
    before = read_for(world, [fine(DRIVER, "F2", "2025-03-01T00:00:00Z").type])
    world.take(*(card(DRIVER, "2027-01-01", f"C{number}") for number in range(20)))
    world.plan()
    assert read_for(world, [fine(DRIVER, "F2", "2025-03-01T00:00:00Z").type]) == before
    assert read_for(world, [card(DRIVER, "2027-01-01").type]) >= 20


def test_the_whole_plan_notices_a_residence_that_is_missing(world: World) -> None:
    """Repair finds a wrong residence of a person of whom nothing waits."""
    world.take(*registered(DRIVER, LONG_AGO), moved(DRIVER, "750000000", "2025-01-01T00:00:00Z"))
    world.plan()
    assert not wanting(world)
    world.platform.database.write(lambda connection: connection.execute(delete(residents)))
    assert [plan.person for plan in wanting(world)] == [world.name(DRIVER)]


def test_a_correction_waits_alone_for_its_plan(world: World) -> None:
    """However often an event was corrected, its next correction alone waits for a whole plan; who is new gets all."""
    issued = fine(DRIVER, "F1", "2025-05-30T00:00:00Z")
    world.take(*registered(DRIVER, LONG_AGO), issued)
    world.plan()
    for revision in range(2, 8):
        world.take(corrected(issued, revision, amount=5000 + revision))
        assert world.health().unplanned == 1
        with world.platform.database.reading() as connection:
            [waiting] = history.news(connection, [world.name(DRIVER)]).values()
        assert waiting.replan
        world.plan()
        assert not wanting(world)
    world.take(replace(corrected(issued, 8, amount=9000), subject=iin(2)))
    assert world.health().unplanned == 1 + 8
    world.plan()
    assert not wanting(world)
    assert world.pending() == world.intents()
