"""Who has died is spoken of to nobody, though only their own history says so: live, in a backtest, to repair."""

from datetime import UTC, datetime
from pathlib import Path

from domain.facts.facts import NudgeWithheld
from streams.replay.repair import GapFilter
from tests.streams.replay.test_repair import missing
from tests.streams.years import (
    START,
    Pasts,
    Told,
    ended_live,
    ended_played,
    lived,
    played,
    question_of,
    went_live,
    went_played,
)
from tests.world import World, birth, event, iin, registered

CHILD, MOTHER, FATHER = iin(1), iin(2), iin(3)
BORN = birth(CHILD, MOTHER, "2025-03-10", father=FATHER)
DIED = event("kz.civil.death_registered", CHILD, "2025-04-02T10:00:00+05:00", {"died_on": "2025-04-02"}, id="death")
"""It names nobody but the child."""
QUEUE = "kindergarten_queue"
AFTER = "2025-06-01T12:00:00+05:00"


async def test_parents_in_mourning_hear_nothing_of_the_child(tmp_path: Path) -> None:
    """A death that names no heirs withholds what is due to both parents about the child; nothing is to repair."""
    world = World(tmp_path, now=START)
    world.take(*registered(MOTHER), *registered(FATHER))
    await world.settle("2025-03-10T13:00:00+05:00")
    world.take(BORN)
    await world.settle("2025-04-02T12:00:00+05:00")
    before = len(world.sent)
    world.take(DIED)
    await world.settle(AFTER)
    theirs = [one for one in world.nudges() if one.intent.trigger == QUEUE]
    assert {one.intent.person for one in theirs} == {world.name(MOTHER), world.name(FATHER)}
    ends = [world.facts(one.intent.id)[-1] for one in theirs]
    assert [each.reason for each in ends if isinstance(each, NudgeWithheld)] == ["died", "died"]
    assert len(world.sent) == before
    assert missing(world, GapFilter()) == []
    world.close()


async def test_a_backtest_mourns_as_well(tmp_path: Path) -> None:
    """What parents would not have been told of a child that died is not told in a backtest either."""
    packs = Pasts.in_folder(tmp_path)
    told = [
        Told(datetime.fromisoformat(each.time).astimezone(UTC), each.id, each)
        for each in (*registered(MOTHER), *registered(FATHER), BORN, DIED)
    ]
    world = World(tmp_path, now=min(told).known, packs=[packs.bare])
    await lived(world, [packs.full], told)
    owns = played(world, question_of(world, packs.draft))
    assert went_played(owns) == went_live(world)
    ended = set(ended_live(world))
    assert set(ended_played(owns)) == ended
    queue = {one.intent.id for one in world.nudges() if one.intent.trigger == QUEUE}
    assert {each[2:] for each in ended if each[0] in queue} == {("withheld", "died")}
    world.close()
