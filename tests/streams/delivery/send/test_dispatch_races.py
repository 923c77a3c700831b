"""Dispatchers that die, pause or meet: nothing goes twice, nothing goes that should not, nothing is lost."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from domain.facts.facts import NudgeAttempted, NudgePlanned, NudgeSent, NudgeUnknown
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message
from notifiers.port.message_names import numbered
from projections import nudges
from streams.delivery.admission.concurrency import Budgets
from streams.delivery.send.claiming import LEASE, Claims, DispatchLane
from streams.delivery.send.dispatch import Dispatcher
from tests.streams.dispatching import (
    AIGERIM,
    CARD,
    DUE,
    MINUTE,
    Killed,
    beside,
    dispatcher,
    ends,
    kill,
    once,
    unknown_until,
    with_card,
)
from tests.streams.meddling import MeddledDatabase, nothing
from tests.world import LONG_AGO, World, annulled, card, corrected, event, iin, registered


async def test_an_attempt_whose_process_died_is_unknown_after_its_lease(tmp_path: Path) -> None:
    """An attempt without outcome stays open for its lease, then it is unknown and not repeated on its channel."""
    world = with_card(tmp_path, sms=FakeNotifier("sms", kill))
    with pytest.raises(Killed):
        await world.settle(DUE)
    assert (world.delivery("month").state, world.health().open_attempts) == ("attempted", 1)

    await world.settle(DUE + LEASE - MINUTE)
    assert world.delivery("month").state == "attempted"
    await world.settle(DUE + LEASE)
    assert unknown_until(world) == DUE + LEASE + 10 * MINUTE
    assert world.health().open_attempts == 0
    world.close()


async def test_who_opts_out_while_nobody_knows_is_not_sent_it_again(tmp_path: Path) -> None:
    """An attempt whose dispatcher died is not repeated for who has opted out since; the provider's answer counts."""
    handed: list[Message] = []

    def take_and_die(message: Message) -> None:
        handed.append(message)
        raise Killed

    world = with_card(tmp_path, sms=FakeNotifier("sms", take_and_die, removes_doubles=True))
    with pytest.raises(Killed):
        await world.settle(DUE)
    world.take(
        event("citizen.preferences_changed", AIGERIM, (DUE + MINUTE / 2).isoformat(), {"opted_out": ["documents"]})
    )
    await world.settle(DUE + LEASE)
    assert (world.delivery("month").state, world.delivery("month").due) == ("unknown", DUE + LEASE + MINUTE)

    await world.settle(DUE + LEASE + MINUTE)
    assert (ends(world), len(handed)) == (("unknown", None, 1), 1)
    name = numbered(handed[0].key, 1)
    world.platform.delivery.inbound.receiving.accepted("sms", name, Accepted("late"), reports=True)
    assert world.delivery("month").state == "sent"
    world.close()


async def test_who_takes_over_knows_that_the_other_died(tmp_path: Path) -> None:
    """Taking over ends the dead process's attempts and claims at once, without waiting for the lease."""
    world = with_card(tmp_path, sms=FakeNotifier("sms", kill))
    with pytest.raises(Killed):
        await world.settle(DUE)
    assert world.engine.dispatcher.take_over() == 1
    await world.settle()
    assert unknown_until(world) == DUE + 10 * MINUTE
    world.close()


async def test_who_takes_over_frees_what_was_only_claimed(tmp_path: Path) -> None:
    """A delivery that the dead process had claimed and not attempted goes at once."""
    world = with_card(tmp_path)
    world.at(DUE)

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        await dispatcher(world, on_writing=die).drain()
    assert await world.settle() == []
    world.engine.dispatcher.take_over()
    assert len(await world.settle()) == 1
    world.close()


async def test_a_claim_that_nobody_settles_is_free_after_the_lease(tmp_path: Path) -> None:
    """Without taking over, a dead claim runs out by itself."""
    world = with_card(tmp_path)
    world.at(DUE)

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        await dispatcher(world, on_writing=die).drain()
    assert len(await world.settle(DUE + LEASE)) == 1
    world.close()


class Crossing(FakeNotifier):
    """A provider whose link is open as soon as two wait for it."""

    def __init__(self, handed: list[Message]) -> None:
        super().__init__("sms", handed)
        self.wanted, self._both = asyncio.Event(), asyncio.Barrier(2)

    async def ready(self) -> None:
        """Wait for the other."""
        self.wanted.set()
        await self._both.wait()


async def test_a_delivery_in_two_batches_of_one_dispatcher_is_sent_once(tmp_path: Path) -> None:
    """Whose claim is lost while the link is opened is decided on twice, and the two attempts meet in one commit."""
    handed: list[Message] = []
    link = Crossing(handed)
    world = with_card(tmp_path, sms=link)
    world.at(DUE)
    first = asyncio.create_task(world.engine.dispatcher.drain_batch())
    await link.wanted.wait()
    world.platform.database.write(nudges.release_all)
    await asyncio.gather(first, world.engine.dispatcher.drain_batch())
    assert len(handed) == 1
    attempts = [fact for fact in world.facts(world.nudge("month").intent.id) if isinstance(fact, NudgeAttempted)]
    assert len(attempts) == 1
    world.close()


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (annulled(CARD, 2), "cancelled"),
        (corrected(CARD, 2, expires_on="2026-07-20"), "planned"),
    ],
)
async def test_what_changed_while_it_was_written_is_not_sent(tmp_path: Path, change: object, state: str) -> None:
    """A nudge that is cancelled or rescheduled between what dispatch reads and what it commits is not sent."""
    world = with_card(tmp_path)
    world.at(DUE)

    def meanwhile() -> None:
        world.take(change)  # type: ignore[arg-type]
        world.plan()

    await dispatcher(world, on_writing=once(meanwhile)).drain()
    await world.settle()

    assert world.sent == []
    assert (world.nudge("month").state, world.delivery("month").attempt) == (state, 0)
    world.close()


@pytest.mark.parametrize(
    ("type_", "data", "went"),
    [
        ("citizen.preferences_changed", {"opted_out": ["documents"]}, []),
        ("kz.civil.death_registered", {"died_on": "2025-06-19"}, []),
        ("citizen.contact_changed", {"phone": "+77019999999"}, [("+77019999999", "kk")]),
        ("citizen.preferences_changed", {"language": "ru"}, [("+77011234567", "ru")]),
    ],
)
@pytest.mark.parametrize("place", ["writing", "committing"])
async def test_what_was_told_before_the_attempt_counts(
    tmp_path: Path, type_: str, data: Mapping[str, Any], went: list[tuple[str, str]], place: str
) -> None:
    """What is recorded of a person between the decision and the commit of the attempt is obeyed, planned or not."""
    world = with_card(tmp_path)
    world.at(DUE)
    told = event(type_, AIGERIM, "2025-06-20T08:59:00+05:00", data)
    database = MeddledDatabase(world.platform.settings.database)
    if place == "committing":
        database.before_writes.extend([nothing, lambda: world.take(told)])  # the claim, the attempt
        second = beside(world, database)
        await second.drain_batch()  # `drain` would claim the next beside the commit, which may come first
        await second.drain()
    else:
        await dispatcher(world, on_writing=once(lambda: world.take(told))).drain()
    database.close()
    await world.settle(DUE + MINUTE)
    assert [(message.address, message.language) for message in world.sent] == went
    world.close()


async def test_a_lease_that_is_nearly_over_hands_nothing_over(tmp_path: Path) -> None:
    """When the commit took more than a third of the lease, the attempt is handed back, and made again at once."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = MeddledDatabase(world.platform.settings.database)
    database.before_writes.extend([nothing, lambda: world.at(DUE + LEASE / 3 + MINUTE)])  # the claim, the attempt
    slow = beside(world, database)

    await slow.drain_batch()
    assert world.sent == []
    assert world.delivery("month").reason == "lease_over"
    await slow.drain()
    database.close()

    assert [message.attempt for message in world.sent] == [2]
    assert ends(world)[::2] == ("sent", 2)
    world.close()


async def test_messages_that_took_long_to_write_are_decided_on_again(tmp_path: Path) -> None:
    """A decision holds for two seconds: when writing took longer, no attempt is made by it."""
    world = with_card(tmp_path)
    world.at(DUE)
    slow = dispatcher(world, on_writing=once(lambda: world.at(DUE + MINUTE)))

    await slow.drain_batch()
    assert (world.sent, world.delivery("month").attempt) == ([], 0)
    await slow.drain()

    assert ends(world)[::2] == ("sent", 1)
    world.close()


async def test_an_outcome_is_accepted_however_late(tmp_path: Path) -> None:
    """An attempt that was given up as unknown is sent after all when its outcome comes in the end."""

    async def slowly(_: Message) -> None:
        world.at(DUE + LEASE)
        await dispatcher(world).drain()
        assert world.delivery("month").state == "unknown"

    world = with_card(tmp_path, sms=FakeNotifier("sms", slowly))
    await world.settle(DUE)
    assert ends(world)[::2] == ("sent", 1)
    facts = world.facts(world.nudge("month").intent.id)
    assert [type(fact) for fact in facts] == [NudgePlanned, NudgeAttempted, NudgeUnknown, NudgeSent]
    world.close()


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[World]:
    """Forty citizens to whom something is due."""
    world = World(tmp_path)
    for number in range(40):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20"))
    world.plan()
    world.at(DUE)
    yield world
    world.close()


async def test_two_dispatchers_at_once_send_nothing_twice(crowd: World) -> None:
    """Two processes that dispatch the same nudges at the same time send each of them once."""
    other = World(crowd.file.parent, now=DUE)
    other.notifiers["sms"] = crowd.notifiers["sms"]
    dispatchers = [dispatcher(crowd, holder="one"), dispatcher(other, holder="two")]

    async def work(each: Dispatcher) -> int:
        done = 0
        while handled := await each.drain_batch(limit=3):
            done += handled
        return done

    shares = await asyncio.gather(*map(work, dispatchers))

    assert min(shares) > 0, "both had work"
    assert sorted(message.recipient for message in crowd.sent) == sorted(crowd.name(iin(n)) for n in range(40))
    assert {one.version for one in crowd.nudges() if one.intent.step == "month"} == {3}
    other.close()


async def test_what_one_has_claimed_the_other_leaves(tmp_path: Path) -> None:
    """While a delivery is being settled by one dispatcher, another finds nothing due."""
    world = with_card(tmp_path)
    world.at(DUE)
    found: list[int] = []
    loop = asyncio.get_running_loop()
    other = dispatcher(world, holder="other")

    def meanwhile() -> None:
        found.append(asyncio.run_coroutine_threadsafe(other.drain_batch(), loop).result(timeout=60))

    await dispatcher(world, on_writing=once(meanwhile)).drain()

    assert (found, len(world.sent)) == ([0], 1)
    world.close()


def cancel(world: World) -> None:
    """The card is annulled, and that is planned."""
    world.take(annulled(CARD, 2))
    world.plan()


def postpone(world: World) -> None:
    """The card expires a year later, and that is planned."""
    world.take(corrected(CARD, 2, expires_on="2026-07-20"))
    world.plan()


@pytest.mark.parametrize("change", [cancel, postpone])
async def test_what_changed_after_the_claim_is_not_sent(tmp_path: Path, change: Callable[[World], None]) -> None:
    """A nudge that is cancelled or postponed between its claim and the look at it is not sent."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = MeddledDatabase(world.platform.settings.database)
    database.before_reads.append(lambda: change(world))

    await beside(world, database).drain()
    database.close()

    assert [message.nudge for message in world.sent] == []
    world.close()


async def test_what_another_has_sent_meanwhile_is_not_sent_again(tmp_path: Path) -> None:
    """Who pauses for longer than the lease after a claim sends nothing that somebody else has sent since."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = MeddledDatabase(world.platform.settings.database)

    def overtake() -> None:
        world.at(DUE + LEASE)
        thread = threading.Thread(target=lambda: uvloop.run(world.engine.dispatcher.drain()))
        thread.start()
        thread.join(timeout=60)

    database.before_reads.append(overtake)
    await beside(world, database).drain()
    database.close()

    assert len(world.sent) == 1
    world.close()


async def test_what_a_stop_held_back_and_another_was_quicker_with_is_looked_at_again(tmp_path: Path) -> None:
    """Of a message to two guardians that a stop held back, neither waits for an hour where dispatchers meet at it."""
    world = with_card(tmp_path)
    world.plan()
    world.control("all", "", stopped=True)
    assert await world.settle(DUE) == []
    world.control("all", "", stopped=False)
    claims, lane = (
        Claims(world.platform.rules.context, "one", LEASE, fair=False),
        DispatchLane(Budgets({}), urgent=False),
    )
    [due] = claims.claim(lane, 10)
    assert claims.claim(lane, 10) == [], "the next one, claimed while this one is written"
    claims.release([due])  # the other has changed it meanwhile
    assert claims.claim(lane, 10) == [due]
    world.close()
