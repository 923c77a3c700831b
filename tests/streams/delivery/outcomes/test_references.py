"""Receipts by our own names: they settle what a provider never answered about, and nothing that is not theirs."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.compose_sending import compose_engine
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeUnknown
from domain.facts.receipts import ReceiptStatus
from notifiers.email.bounces import reports_in
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Outcome, Reason, Report, Unknown
from notifiers.port.message_names import key, named, numbered, token
from notifiers.port.routes import Provider, Route, single_routes
from streams.delivery.decide.restore_doubt import RESTORED
from streams.delivery.send.claiming import LEASE
from streams.log.appending import record
from tests.notifiers.bounced import postfix
from tests.notifiers.gateway import gateway, sms_by
from tests.streams.dispatching import AIGERIM, DUE, MINUTE, Killed, dispatcher, kill, with_card
from tests.world import World, event

REPORTS = "http://habarshy.test/receipts?reference={reference}"
BY_EMAIL = event(
    "citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00+05:00", {"channels": ["email"]}, id="by email"
)


async def tell(world: World, provider: str, *reports: Report) -> None:
    """A provider reports."""
    await world.platform.delivery.inbound.receiving.inbound_of(provider).reported(reports)


async def through_a_gateway(folder: Path) -> tuple[World, str]:
    """An SMS of which the gateway never said that it has it, and the name by which it will report."""
    async with gateway(b"") as peer, sms_by(peer.port, report_url=REPORTS) as notifier:
        world = with_card(folder, sms=notifier)
        await world.settle(DUE)
    [request] = peer.requests
    assert world.delivery("month").state == "unknown"
    return world, request["parameters"]["dlr-url"].partition("reference=")[2].replace("%3A", ":")


async def test_a_receipt_settles_what_the_gateway_never_answered(tmp_path: Path) -> None:
    """The gateway's answer is lost, its report comes: the SMS is delivered, and no other channel has a turn."""
    world, reference = await through_a_gateway(tmp_path)
    await tell(world, "sms", Report(reference, ReceiptStatus.DELIVERED))
    assert world.delivery("month").state == "delivered"
    assert await world.settle(DUE + 11 * MINUTE) == []
    world.close()


@pytest.mark.parametrize("forged", ["way", "attempt", "nudge", "garbled"])
async def test_a_forged_name_settles_nothing(tmp_path: Path, forged: str) -> None:
    """A name of another recipient, attempt or nudge, or none at all, is kept for its message and is no fact."""
    world, reference = await through_a_gateway(tmp_path)
    nudge, _, rest = reference.partition(":")
    other = world.nudge("week").intent.id
    made = {
        "way": f"{nudge}:{'0' * 24}:1",
        "attempt": f"{reference[:-1]}2",
        "nudge": f"{other}:{rest}",
        "garbled": reference.upper(),
    }
    before = world.health().facts
    await tell(world, "sms", Report(made[forged], ReceiptStatus.DELIVERED))
    assert (world.delivery("month").state, world.health().facts) == ("unknown", before)
    world.close()


async def test_the_name_of_another_providers_message_settles_nothing(tmp_path: Path) -> None:
    """Who never had the message reports nothing about it, by whatever channel."""
    world, reference = await through_a_gateway(tmp_path)
    for provider in ("email", "another"):
        await tell(world, provider, Report(reference, ReceiptStatus.DELIVERED))
    assert world.delivery("month").state == "unknown"
    world.close()


@pytest.mark.parametrize("calls", [True, False])
@pytest.mark.parametrize("script", [[Unknown(Reason.TIMED_OUT)], []])
async def test_a_receipt_before_the_outcome_counts_then(
    tmp_path: Path,
    script: list[Outcome],
    calls: bool,  # noqa: FBT001  (the cases)
) -> None:
    """What is reported by our name while the answer is waited for settles the attempt, whether it comes or not.

    Also by a call of a provider of which no receipt is waited for.
    """
    world: World

    async def overtaken(message: Message) -> None:
        await tell(world, "sms", Report(numbered(message.key, 1), ReceiptStatus.FAILED, Reason.UNDELIVERED))

    slow = FakeNotifier("sms", overtaken, script=script, reports=not calls)
    world = with_card(tmp_path, sms=slow)
    routes = single_routes(world.notifiers) | {"sms": Route("sms", [Provider("sms", slow, calls=calls)])}
    world.engine = compose_engine(world.platform, routes)
    [email] = await world.settle(DUE)
    assert (email.channel, world.delivery("month").exhausted) == ("email", ("sms",))
    world.close()


def refused(world: World) -> list[LifeEvent]:
    """The addresses that are left alone."""
    facts = (entry.fact for entry in world.entries())
    return [fact for fact in facts if isinstance(fact, LifeEvent) and fact.type == "citizen.address_refused"]


async def test_a_failure_that_came_before_its_dispatcher_died_ends_the_attempt(tmp_path: Path) -> None:
    """A part failed while the others were not answered, then the process died: nobody waits for a silence."""

    async def dying(message: Message) -> None:
        await tell(world, "sms", Report(numbered(message.key, 1), ReceiptStatus.FAILED, Reason.UNDELIVERED))
        raise Killed

    world = with_card(tmp_path, sms=FakeNotifier("sms", dying, reports=True))
    with pytest.raises(Killed):
        await world.settle(DUE)
    dispatcher(world).take_over()
    assert world.delivery("month").exhausted == ("sms",)
    assert [each.channel for each in await world.settle()] == ["email"]
    world.close()


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("taken_over", [False, True])
async def test_a_bounce_after_a_death_leaves_the_address_alone(
    tmp_path: Path,
    early: bool,  # noqa: FBT001  (the cases)
    taken_over: bool,  # noqa: FBT001  (the cases)
) -> None:
    """A dispatcher dies after the last dot: the bounce, before or after that is known, is the nudge's end."""
    world = with_card(tmp_path, email=FakeNotifier("email", kill))
    world.take(BY_EMAIL)
    with pytest.raises(Killed):
        await world.settle(DUE)
    nudge = world.nudge("month").intent.id
    ours = token(key(nudge, "email", world.name(AIGERIM)))
    bounce = reports_in(postfix(to=f"bounces+{ours}@gov.test"))
    if early:
        await tell(world, "email", *bounce)
        assert world.delivery("month").state == "attempted"
    if taken_over:
        dispatcher(world).take_over()
    world.at(DUE + LEASE + timedelta(seconds=1))
    await dispatcher(world).drain()
    if not early:
        assert world.delivery("month").state == "unknown"
        await tell(world, "email", *bounce)
    assert (world.delivery("month").state, world.delivery("month").reason) == ("failed", "bad_address")
    assert [each.values["event.addresses"] for each in refused(world)] == [["a@example.org"]]
    world.close()


async def test_a_receipt_settles_what_a_restored_log_only_supposes(tmp_path: Path) -> None:
    """An attempt presumed after a restore has no provider: whoever had it reports by its own number, and counts."""
    world = with_card(tmp_path)
    nudge, who = world.nudge("month").intent.id, world.name(AIGERIM)
    world.at(DUE)
    world.platform.database.write(
        lambda connection: record(
            connection,
            world.platform.log,
            [
                (nudge, NudgeAttempted(DUE, who, 1, "sms", "", DUE)),
                (nudge, NudgeUnknown(DUE, who, 1, RESTORED)),
            ],
        )
    )
    for elsewhere in (key(nudge, "email", who), numbered(key(nudge, "sms", world.name("nobody")), 1)):
        await tell(world, "gateway", Report(elsewhere, ReceiptStatus.DELIVERED))
    assert world.delivery("month").state == "unknown"
    await tell(world, "gateway", Report(numbered(key(nudge, "sms", who), 3), ReceiptStatus.DELIVERED))
    assert world.delivery("month").state == "delivered"
    world.close()


def test_every_name_of_ours_says_what_it_names(tmp_path: Path) -> None:
    """Key, numbered key and token lead back to the nudge and the way; anything else leads nowhere."""
    world = with_card(tmp_path)
    ours = key(world.nudge("month").intent.id, "sms", "somebody")
    assert named(ours) == named(token(ours))
    assert named(numbered(ours, 12)) == named(ours)._replace(attempt=12)  # type: ignore[union-attr]
    assert {named(each) for each in ("", f"{ours}:0", f"{ours}:x", token(ours)[1:], "id-of-a-centre")} == {None}
    world.close()
