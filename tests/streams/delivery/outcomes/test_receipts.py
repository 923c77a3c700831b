"""Receipts: what providers and readers report becomes facts of the nudge, each once, in any order."""

from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest

from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeOpened, NudgePlanned, NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Message, Reason, Unknown
from projections import statistics, trail
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.outcomes.receipts import UnknownNudge
from tests.world import LONG_AGO, World, annulled, card, event, iin, registered

AIGERIM, DANA = iin(1), iin(2)
CARD = card(AIGERIM, "2025-07-20")
DUE = "2025-06-20T09:00+05:00"


async def sent(world: World) -> Message:
    """The message about Aigerim's card."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    [message] = await world.settle(DUE)
    return message


def tell(world: World, message: Message, heard: ReceiptStatus, reason: str = "") -> bool:
    """A report about the message arrives; whether it said anything new."""
    return world.platform.delivery.receipts.record(
        Receipt(message.nudge, message.recipient, message.attempt, heard, reason)
    )


async def test_good_news_moves_the_nudge_forward(world: World) -> None:
    """Delivered, then opened: each is a fact, and the nudge's state follows."""
    message = await sent(world)
    states = []
    for heard in (ReceiptStatus.DELIVERED, ReceiptStatus.OPENED):
        assert tell(world, message, heard)
        states.append(world.nudge("month").state.value)
    assert states == ["delivered", "opened"]
    assert [type(fact) for fact in world.facts(message.nudge)] == [
        NudgePlanned,
        NudgeAttempted,
        NudgeSent,
        NudgeDelivered,
        NudgeOpened,
    ]


@pytest.mark.parametrize("heard", [ReceiptStatus.DELIVERED, ReceiptStatus.OPENED])
async def test_the_same_receipt_twice_is_one_fact(world: World, heard: ReceiptStatus) -> None:
    """Providers report more than once; only the first report is a fact."""
    message = await sent(world)
    assert [tell(world, message, heard), tell(world, message, heard)] == [True, False]
    assert len(world.facts(message.nudge)) == 4


@pytest.mark.parametrize("order", list(permutations(("d", "o", "o", "d"), 4))[::5])
async def test_good_news_in_any_order_ends_the_same(world: World, order: tuple[str, ...]) -> None:
    """Opened before delivered, or twice: what got furthest stays."""
    message = await sent(world)
    for each in order:
        tell(world, message, {"d": ReceiptStatus.DELIVERED, "o": ReceiptStatus.OPENED}[each])
    assert world.nudge("month").state == "opened"
    assert world.delivery("month").due is None


async def test_bad_news_is_kept_with_its_reason(world: World) -> None:
    """A failure that the provider reports later is a fact with the reason in our words."""
    message = await sent(world)
    assert tell(world, message, ReceiptStatus.FAILED, "bounced")
    assert (world.nudge("month").state, world.delivery("month").reason) == ("failed", "bounced")


async def test_good_news_after_bad_counts(world: World) -> None:
    """A message that was reported as failed and then as delivered has arrived."""
    message = await sent(world)
    tell(world, message, ReceiptStatus.FAILED, "bounced")
    tell(world, message, ReceiptStatus.DELIVERED)
    assert (world.nudge("month").state, world.delivery("month").due) == ("delivered", None)


async def test_a_receipt_settles_what_was_unknown(tmp_path: Path) -> None:
    """An attempt of which nobody knew whether it went has gone when its delivery is reported."""
    world = World(tmp_path, script={"sms": [Unknown(Reason.LINK_LOST)]})
    message = await sent(world)
    assert world.nudge("month").state == "unknown"
    tell(world, message, ReceiptStatus.DELIVERED)
    assert world.nudge("month").state == "delivered"
    world.close()


async def test_a_receipt_for_another_platform_is_refused(world: World) -> None:
    """A report about a nudge that does not exist changes nothing."""
    message = await sent(world)
    before = world.health().facts
    with pytest.raises(UnknownNudge):
        world.platform.delivery.receipts.record(Receipt(UUID(int=7), message.recipient, 1, ReceiptStatus.DELIVERED))
    assert world.health().facts == before


async def test_a_receipt_outlives_the_plan(world: World) -> None:
    """A delivery is recorded also when the event behind the nudge was annulled meanwhile."""
    message = await sent(world)
    world.take(annulled(CARD, 2))
    world.plan()
    tell(world, message, ReceiptStatus.DELIVERED)
    assert {one.intent.step: one.state.value for one in world.nudges()} == {
        "month": "delivered",
        "week": "cancelled",
        "day": "cancelled",
    }


async def test_receipts_are_in_the_trail_and_the_figures(world: World) -> None:
    """What was reported is counted once and shown to whom it concerns."""
    message = await sent(world)
    tell(world, message, ReceiptStatus.DELIVERED)
    tell(world, message, ReceiptStatus.DELIVERED)
    world.platform.replay.follower.drain()
    with world.platform.database.reading() as connection:
        counted = statistics.totals(connection)
        last = trail.positions(connection, world.name(AIGERIM))[-1]
    assert counted["identity_card_expiry", f"delivered.{message.channel}.{message.language}"] == 1
    assert last == world.health().facts


def with_card(folder: Path) -> World:
    """A platform on which Aigerim's card is announced at DUE."""
    world = World(folder)
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    return world


async def heard(world: World, heard_: ReceiptStatus, *, recipient: str | None = None, attempt: int = 1) -> bool:
    """A report about the month's nudge arrives."""
    nudge = world.nudge("month")
    return world.platform.delivery.receipts.record(
        Receipt(nudge.intent.id, recipient or nudge.intent.person, attempt, heard_, "bounced")
    )


async def test_a_bounce_moves_on_to_the_next_channel(tmp_path: Path) -> None:
    """A failure that is reported after the sending goes to the next channel, like one at the sending."""
    world = with_card(tmp_path)
    await world.settle(DUE)
    await heard(world, ReceiptStatus.FAILED)
    assert [message.channel for message in await world.settle("2025-06-20T09:01+05:00")] == ["email"]
    world.close()


async def test_a_bounce_of_what_was_annulled_goes_by_no_other_channel(tmp_path: Path) -> None:
    """A message whose event was annulled after it had gone, and that then bounces, is not sent again."""
    world = with_card(tmp_path)
    await world.settle(DUE)
    world.take(annulled(CARD, 2))
    world.plan()
    assert await heard(world, ReceiptStatus.FAILED)
    sent = await world.settle("2025-06-20T09:01+05:00")
    assert world.nudge("month").intent.id not in {message.nudge for message in sent}
    assert (world.nudge("month").state, world.delivery("month").due) == ("failed", None)
    world.close()


@pytest.mark.parametrize("heard_", list(ReceiptStatus))
async def test_a_receipt_of_what_was_never_attempted_changes_nothing(tmp_path: Path, heard_: ReceiptStatus) -> None:
    """A report about a nudge that nobody has sent, about a stranger or about a later attempt is no fact."""
    world = with_card(tmp_path)
    told = [await heard(world, heard_)]
    sent = await world.settle(DUE)
    before = world.health().facts
    told += [await heard(world, heard_, recipient=world.name(DANA)), await heard(world, heard_, attempt=2)]
    assert (told, len(sent), world.health().facts - before) == ([False] * 3, 1, 0)
    world.close()


@pytest.mark.parametrize("moved_on", [False, True])
async def test_the_same_failure_twice_is_one_fact(tmp_path: Path, moved_on: bool) -> None:  # noqa: FBT001  (the case)
    """A bounce that is reported again adds nothing, neither before nor after the next channel was looked for."""
    world = with_card(tmp_path)
    await world.settle(DUE)
    world.take(event("citizen.preferences_changed", AIGERIM, DUE, {"channels": ["sms"]}))
    first = await heard(world, ReceiptStatus.FAILED)
    if moved_on:
        await world.settle("2025-06-20T09:01+05:00")
    facts = world.health().facts
    world.at("2025-06-20T09:02+05:00")
    assert (first, await heard(world, ReceiptStatus.FAILED), world.health().facts) == (True, False, facts)
    world.close()
