"""Dispatchers that die or meet over a digest: nothing in it goes twice, nothing is lost, the cap holds."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from domain.facts.facts import NudgeDigested, NudgeGathered, NudgePlanned
from notifiers.port.fake import FakeNotifier
from streams.delivery.send.claiming import LEASE
from tests.streams.calls import NOON, call, calls_world, ids, numbered, said, states
from tests.streams.dispatching import Killed, beside, dispatcher, kill, once
from tests.streams.meddling import MeddledDatabase, PowerCut
from tests.world import World, annulled

EVENING = NOON + timedelta(hours=6)
CALLS = [call(number) for number in range(5)]


async def overfull(folder: Path) -> World:
    """A platform on which two of five calls wait for the digest of the evening, which has come."""
    world = calls_world(folder)
    world.take(*CALLS)
    await world.settle()
    world.at(EVENING)
    return world


async def test_a_power_cut_while_it_is_gathered_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A member and its digest are written together or not at all, and what was cut is done again."""
    world = calls_world(tmp_path)
    world.take(*CALLS)
    world.plan()
    database = MeddledDatabase(world.platform.settings.database)
    database.before_writes.append(lambda: None)
    database.before_writes.append(lambda: setattr(database, "cut", True))
    with pytest.raises(PowerCut):
        await beside(world, database).drain_batch()
    assert not any(isinstance(entry.fact, NudgeDigested | NudgeGathered) for entry in world.entries())

    world.engine.dispatcher.take_over()
    await world.settle()
    gathered = [entry.fact.nudge for entry in world.entries() if isinstance(entry.fact, NudgeGathered)]
    assert sorted(gathered) == sorted(numbered(world)["digest 02"].members)
    assert (len(gathered), len(set(gathered)), len(world.sent)) == (2, 2, 3)
    database.close()
    world.close()


async def test_a_digest_whose_process_died_is_unknown_with_all_its_members(tmp_path: Path) -> None:
    """Nobody knows whether it went, so neither it nor what went with it is sent again."""
    world = await overfull(tmp_path)
    world.notifiers["push"] = FakeNotifier("push", kill)
    with pytest.raises(Killed):
        await dispatcher(world).drain()
    assert sorted(states(world).values()) == ["attempted", "attempted", "attempted", "sent", "sent", "sent"]

    world.notifiers["push"] = FakeNotifier("push", world.sent)
    before = len(world.sent)
    world.engine.dispatcher.take_over()
    await world.settle(EVENING + timedelta(days=2))
    assert sorted(states(world).values()) == ["sent"] * 3 + ["unknown no_outcome"] * 3
    assert len(world.sent) == before
    world.close()


async def test_a_digest_that_was_only_claimed_goes_once(tmp_path: Path) -> None:
    """Who dies before the attempt is committed has sent nothing; another sends the whole digest."""
    world = await overfull(tmp_path)

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        await dispatcher(world, on_writing=die).drain()
    assert said(await world.settle(EVENING + LEASE)) == ["Messages: 2"]
    assert set(states(world).values()) == {"sent"}
    world.close()


async def test_a_member_that_is_annulled_while_the_digest_is_written_is_not_in_it(tmp_path: Path) -> None:
    """A digest whose member has moved since it was read is not sent as written, but anew without it."""
    world = await overfull(tmp_path)
    [gone, stays] = numbered(world)["digest 02"].members

    def annul() -> None:
        name = next(name for name, id_ in ids(world).items() if id_ == gone)
        world.take(annulled(CALLS[int(name)], 2))
        world.plan()

    await dispatcher(world, on_writing=once(annul)).drain()
    assert said(world.sent[3:]) == ["Messages: 1"]
    after = {each.intent.id: each.state.value for each in world.nudges()}
    assert (after[gone], after[stays]) == ("cancelled", "sent")
    world.close()


async def test_who_joins_while_the_digest_is_written_goes_with_it(tmp_path: Path) -> None:
    """A nudge that a process whose clock is behind gathers into a digest that is being written is not left behind."""
    world = await overfull(tmp_path)
    behind = World(tmp_path, now=EVENING - timedelta(minutes=1))

    def join() -> None:
        behind.take(call(8))
        thread = threading.Thread(target=lambda: uvloop.run(behind.settle()))
        thread.start()
        thread.join(timeout=60)

    await dispatcher(world, on_writing=once(join)).drain()
    assert said(world.sent[3:]) == ["Messages: 3"]
    assert set(states(world).values()) == {"sent"}
    behind.close()
    world.close()


async def test_two_dispatchers_do_not_exceed_the_cap_together(tmp_path: Path) -> None:
    """What one has sent since the other decided counts for the other as well."""
    world = calls_world(tmp_path)
    world.take(*CALLS[:2])
    await world.settle()
    world.take(*CALLS[2:4])
    world.plan()
    loop, done = asyncio.get_running_loop(), []

    def meanwhile() -> None:
        done.append(asyncio.run_coroutine_threadsafe(_one(world), loop).result(timeout=60))

    await dispatcher(world, on_writing=once(meanwhile), holder="first").drain_batch(limit=1)
    await world.settle()
    assert (done, len(world.sent)) == ([1], 3)
    assert sorted(states(world).values()) == ["digested", "planned", "sent", "sent", "sent"]
    world.close()


async def _one(world: World) -> int:
    return await dispatcher(world, holder="other").drain_batch(limit=1)


@pytest.mark.parametrize("many", [1, 6])
async def test_what_two_gather_at_once_is_in_one_digest(tmp_path: Path, many: int) -> None:
    """Whoever gathers what exceeds the cap, a person has one digest on a day, and it is planned once."""
    world = calls_world(tmp_path)
    world.take(*CALLS[:3])
    await world.settle()
    world.take(*(call(number) for number in range(10, 10 + many)))
    world.plan()
    other = World(tmp_path, now=NOON)
    await asyncio.gather(_all(world, "one"), _all(other, "two"))
    digests = [each for each in world.nudges() if each.intent.trigger == "digest"]
    assert [len(each.members) for each in digests] == ([1] if many == 1 else [5, 1])
    for each in digests:
        assert sum(isinstance(fact, NudgePlanned) for fact in world.facts(each.intent.id)) == 1
    other.close()
    world.close()


async def _all(world: World, holder: str) -> None:
    each = dispatcher(world, holder=holder)
    while await each.drain_batch(limit=1):
        pass
