"""Dispatch: an attempt is a fact before it is made, its outcome after it, and nothing goes twice."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.facts import NudgeAttempted, NudgeFailed, NudgePlanned, NudgeSent, NudgeUnknown
from notifiers.fake import FakeNotifier
from notifiers.port import GiveUp, Message, Notifier, Outcome, Reason, RetryLater, Unknown
from streams.dispatch import LEASE, Dispatcher
from streams.settling import Case
from streams.writing import Writer
from tests.templates.packs import RULES, write_town
from tests.world import LONG_AGO, World, annulled, birth, card, corrected, event, fine, iin, registered

AIGERIM, DANA, SAULE, MARAT = iin(1), iin(2), iin(3), iin(4)
CARD = card(AIGERIM, "2025-07-20")
AWAKE = event(
    "citizen.preferences_changed", AIGERIM, "2025-01-01T00:00:00Z", {"quiet_from": "03:00", "quiet_to": "03:00"}
)
"""Aigerim has no quiet hours."""
DUE = datetime.fromisoformat("2025-06-20T09:00+05:00")
"""When the first step of CARD is due."""
MINUTE = timedelta(minutes=1)
ABSENT = GiveUp(Reason.BAD_ADDRESS)


def with_card(folder: Path, **parts: Iterable[Outcome] | Notifier) -> World:
    """A platform on which Aigerim's card is announced at DUE; a channel's outcomes, or its notifier, may be given."""
    scripts = {channel: part for channel, part in parts.items() if not hasattr(part, "send")}
    notifiers = {channel: part for channel, part in parts.items() if hasattr(part, "send")}
    world = World(folder, script=scripts, notifiers=notifiers)  # type: ignore[arg-type]
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    return world


def dispatcher(
    world: World, *, on_writing: Callable[[], object] = lambda: None, holder: str = "second"
) -> Dispatcher:
    """Another dispatcher on the same file; `on_writing` runs between what it reads and what it commits."""

    def no_link(_: Case) -> None:
        on_writing()

    platform = world.platform
    return Dispatcher(
        platform.database,
        platform.log,
        platform.library,
        world.notifiers,
        Writer(no_link),
        world.clock,
        holder=holder,
    )


def once(work: Callable[[], object]) -> Callable[[], None]:
    """The work, but only the first time."""
    left = [work]

    def first_time() -> None:
        if left:
            left.pop()()

    return first_time


def ends(world: World, step: str = "month") -> tuple[str, str | None, int]:
    """State, reason and attempts of the step's only delivery, which waits for nothing more."""
    one = world.delivery(step)
    assert one.due is None
    return one.state.value, one.reason, one.attempt


async def test_the_attempt_is_in_the_log_before_the_provider_is_called(tmp_path: Path) -> None:
    """Whoever is handed a message finds its attempt committed, numbered and with its channel."""
    seen: list[object] = []
    world = with_card(tmp_path, sms=FakeNotifier("sms", lambda message: seen.append(world.facts(message.nudge)[-1])))

    await world.settle(DUE)

    recipient = world.name(AIGERIM)
    assert seen == [NudgeAttempted(world.clock(), recipient, 1, "sms", "sms", world.clock() + LEASE)]
    assert [type(fact) for fact in world.facts(world.nudge("month").intent.id)] == [
        NudgePlanned, NudgeAttempted, NudgeSent,
    ]  # fmt: skip
    world.close()


async def test_what_is_due_goes_by_time_then_class_then_id(world: World) -> None:
    """What was due earlier goes first; of what is due together, a service before a reminder, then by id."""
    mothers, children = [iin(10), iin(11)], [iin(12), iin(13)]
    everybody = [*mothers, AIGERIM, DANA, SAULE]
    world.take(*(each for person in everybody for each in registered(person, LONG_AGO)))
    world.take(
        *(birth(child, mother, "2025-04-10") for child, mother in zip(children, mothers, strict=True)),
        *(fine(person, person[6:11], "2025-06-10T12:00:00+05:00") for person in (DANA, SAULE)),
        card(AIGERIM, "2025-07-16"),
    )
    await world.settle("2025-06-16T08:59+05:00")

    sent = await world.settle("2025-06-16T10:00+05:00")

    by_id = {one.intent.id: one.intent for one in world.nudges()}
    gone = [by_id[message.nudge] for message in sent]
    assert [intent.trigger for intent in gone] == [
        "identity_card_expiry", "traffic_fine_discount", "traffic_fine_discount", "kindergarten_queue",
        "kindergarten_queue",
    ]  # fmt: skip
    assert gone == sorted(gone, key=lambda each: (each.due, each.klass != "service", each.id.int))


async def test_busy_providers_are_asked_again_when_they_said(tmp_path: Path) -> None:
    """RetryLater with a time: not a minute earlier, then again on the same channel."""
    world = with_card(tmp_path, sms=[RetryLater(timedelta(minutes=10), Reason.BUSY)])
    assert await world.settle(DUE) == []
    assert world.delivery("month").due == DUE + 10 * MINUTE
    assert await world.settle(DUE + 9 * MINUTE) == []
    assert [(one.channel, one.attempt) for one in await world.settle(DUE + 10 * MINUTE)] == [("sms", 2)]
    assert world.delivery("month").state == "sent"
    world.close()


async def test_silent_providers_are_asked_less_and_less_often_then_the_next_channel(tmp_path: Path) -> None:
    """RetryLater without a time: after 1, 5, 15 minutes, 1 and 4 hours; after eight attempts the next channel."""
    world = with_card(tmp_path, sms=[RetryLater(None, Reason.UNREACHABLE)] * 8)
    world.take(AWAKE)
    waits, before = [], DUE
    await world.settle(DUE)
    while (due := world.delivery("month").due) is not None:
        waits.append((due - before) / MINUTE)
        before = due
        await world.settle(due)

    assert waits == [1, 5, 15, 60, 240, 240, 240]
    assert [(one.channel, one.attempt) for one in world.sent] == [("email", 9)]
    world.close()


async def test_a_channel_that_gives_up_hands_over_to_the_next(tmp_path: Path) -> None:
    """GiveUp: the next channel at once, with the next number of attempt."""
    world = with_card(tmp_path, sms=[ABSENT])
    sent = await world.settle(DUE)
    assert [(one.channel, one.attempt, one.address) for one in sent] == [("email", 2, "a@example.org")]
    assert world.delivery("month").exhausted == ("sms",)
    world.close()


async def test_when_every_channel_gave_up_it_has_failed(tmp_path: Path) -> None:
    """After the last channel the nudge ends as failed, with the last reason, and is never tried again."""
    world = with_card(tmp_path, sms=[ABSENT], email=[GiveUp(Reason.REJECTED)])
    assert await world.settle(DUE) == []
    assert ends(world) == ("failed", "rejected", 2)
    assert await world.settle(DUE + timedelta(hours=12)) == []
    world.close()


async def test_what_may_have_gone_is_not_repeated(tmp_path: Path) -> None:
    """A reminder of which nobody knows whether it went ends as unknown: no double, and no other channel."""
    world = with_card(tmp_path, sms=[Unknown(Reason.LINK_LOST)])
    assert len(await world.settle(DUE)) == 1
    assert await world.settle(DUE + timedelta(hours=12)) == []
    assert ends(world) == ("unknown", "link_lost", 1)
    world.close()


async def test_a_provider_that_removes_doubles_is_asked_again(tmp_path: Path) -> None:
    """Where the provider removes doubles by our key, an unknown attempt is repeated and ends as sent, once."""
    kept: list[Message] = []
    safe = FakeNotifier("sms", kept, script=[Unknown(Reason.LINK_LOST)], removes_doubles=True)
    world = with_card(tmp_path, sms=safe)
    await world.settle(DUE)
    assert world.delivery("month").due == DUE + MINUTE
    await world.settle(DUE + MINUTE)
    assert ends(world)[::2] == ("sent", 2)
    assert [message.attempt for message in kept] == [1]
    world.close()


async def test_what_the_law_wants_is_repeated(tmp_path: Path) -> None:
    """A legal notice of which nobody knows whether it went is sent once more."""
    town = write_town(
        tmp_path, (RULES, "class: reminder", "class: legal"), (RULES, " && citizen.age >= 18", ""),
        (RULES, "expires: event.valid_until\n", ""),
    )  # fmt: skip
    world = World(tmp_path, packs=[town], script={"sms": [Unknown(Reason.LINK_LOST)]})
    contact = event("citizen.contact_changed", AIGERIM, "2025-01-01T00:00:00Z", {"phone": "+77701234567"})
    meter = {"number": "M1", "valid_until": "2025-07-20", "fee": 7}
    world.take(contact, event("town.meter.installed", AIGERIM, "2025-01-02T00:00:00Z", meter))
    await world.settle(DUE)
    await world.settle(DUE + MINUTE)
    assert [message.attempt for message in world.sent] == [1, 2]
    assert ends(world)[::2] == ("sent", 2)
    world.close()


class Killed(Exception):
    """The process of the dispatcher died while it sent."""


def kill(_: Message) -> None:
    """A provider during whose call the process dies."""
    raise Killed


async def test_an_attempt_whose_process_died_is_unknown_after_its_lease(tmp_path: Path) -> None:
    """An attempt without outcome stays open for its lease, then it is unknown and not repeated."""
    world = with_card(tmp_path, sms=FakeNotifier("sms", kill))
    with pytest.raises(Killed):
        await world.settle(DUE)
    assert (world.delivery("month").state, world.health().open_attempts) == ("attempted", 1)

    await world.settle(DUE + LEASE - MINUTE)
    assert world.delivery("month").state == "attempted"
    await world.settle(DUE + LEASE)
    assert ends(world) == ("unknown", "no_outcome", 1)
    assert world.health().open_attempts == 0
    world.close()


async def test_who_takes_over_knows_that_the_other_died(tmp_path: Path) -> None:
    """Taking over ends the dead process's attempts and claims at once, without waiting for the lease."""
    world = with_card(tmp_path, sms=FakeNotifier("sms", kill))
    with pytest.raises(Killed):
        await world.settle(DUE)
    assert world.engine.take_over() == 1
    await world.settle()
    assert ends(world) == ("unknown", "no_outcome", 1)
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
    world.engine.take_over()
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


@pytest.mark.parametrize(("change", "state"), [
    (annulled(CARD, 2), "cancelled"), (corrected(CARD, 2, expires_on="2026-07-20"), "planned"),
])  # fmt: skip
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


async def test_a_lease_that_is_nearly_over_hands_nothing_over(tmp_path: Path) -> None:
    """When writing took more than a third of the lease, the attempt is handed back, and made again at once."""
    world = with_card(tmp_path)
    world.at(DUE)
    slow = dispatcher(world, on_writing=once(lambda: world.at(DUE + LEASE / 3 + MINUTE)))

    await slow.turn()
    assert world.sent == []
    assert world.delivery("month").reason == "lease_over"
    await slow.drain()

    assert [message.attempt for message in world.sent] == [2]
    assert ends(world)[::2] == ("sent", 2)
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


async def test_a_failure_says_when_it_is_tried_again(tmp_path: Path) -> None:
    """The fact of a failure holds the reason, the time of the next attempt, and whether the channel gave up."""
    world = with_card(tmp_path, sms=[ABSENT], email=[RetryLater(None, Reason.BUSY)])
    await world.settle(DUE)
    who, now = world.name(AIGERIM), world.clock()
    failures = [fact for fact in world.facts(world.nudge("month").intent.id) if isinstance(fact, NudgeFailed)]
    assert failures == [
        NudgeFailed(now, who, 1, "bad_address", now, gave_up=True),
        NudgeFailed(now, who, 2, "busy", now + 5 * MINUTE),
    ]
    world.close()


async def test_words_that_cannot_be_read_are_withheld_and_the_others_go(world: World) -> None:
    """A message about somebody whose data is erased is withheld as unreadable; the rest of the batch goes."""
    world.take(*(each for person in (AIGERIM, DANA) for each in registered(person, LONG_AGO)))
    world.take(birth(SAULE, AIGERIM, "2025-06-01"), birth(MARAT, DANA, "2025-06-01"))
    world.plan()
    child = world.name(SAULE)
    world.platform.database.write(lambda connection: world.platform.log.keys.destroy(connection, child))

    sent = await world.settle("2025-06-02T12:30+05:00")

    assert [message.recipient for message in sent] == [world.name(DANA)]
    states = {one.intent.person: (one.state, one.deliveries[0].reason) for one in world.nudges()
              if one.intent.step == "registered"}  # fmt: skip
    assert states == {world.name(AIGERIM): ("withheld", "unreadable"), world.name(DANA): ("sent", None)}


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
        while handled := await each.turn(limit=3):
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
        found.append(asyncio.run_coroutine_threadsafe(other.turn(), loop).result(timeout=20))

    await dispatcher(world, on_writing=once(meanwhile)).drain()

    assert (found, len(world.sent)) == ([0], 1)
    world.close()
