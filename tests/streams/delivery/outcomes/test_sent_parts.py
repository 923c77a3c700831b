"""The parts of a long SMS: whichever process hears that one of them failed, and whenever, the message has failed."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.compose_sending import compose_engine
from domain.facts.facts import NudgeSent, NudgeUnknown
from domain.facts.principals import Principal, Role
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message, Outcome, Reason, Report, RetryLater, Unknown
from notifiers.port.kinds import Tools
from notifiers.port.message_names import numbered
from notifiers.port.routes import single_routes
from notifiers.sms.smpp.notifier import SmppNotifier
from streams.delivery.outcomes.references import PARTS_KEPT
from streams.runtime import cleanup
from streams.storage.database import Priority
from streams.storage.tables import early_receipts, sent_parts
from tests.notifiers.sms_helpers import options
from tests.notifiers.smsc import ScriptedCentre, scripted_centre
from tests.streams.dispatching import AIGERIM, CARD, DUE, MINUTE
from tests.streams.piecing import beside
from tests.world import LONG_AGO, World, registered

TAKEN = Accepted("3", ("1", "2"))
FAILED = {reference: Report(reference, ReceiptStatus.FAILED, Reason.UNDELIVERED) for reference in ("1", "2", "3")}
DELIVERED = {reference: Report(reference, ReceiptStatus.DELIVERED) for reference in FAILED}
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
WEEKS = timedelta(days=23)
"""From the first step to the next."""
Overtaken = Callable[[Message], Awaitable[None]]


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """Aigerim's card is announced at DUE, by SMS and then by email; on each database."""
    made = World(tmp_path, url=url)
    made.take(*registered(AIGERIM, LONG_AGO), CARD)
    made.plan()
    yield made
    made.close()


def by_sms(world: World, *outcomes: Outcome, meanwhile: Overtaken | None = None) -> None:
    """The provider answers that to the first SMS; meanwhile something else happens."""
    world.notifiers["sms"] = FakeNotifier("sms", meanwhile or world.sent, script=outcomes, reports=True)
    world.engine = compose_engine(world.platform, single_routes(world.notifiers))


def tell(world: World, *reports: Report) -> None:
    """That process hears this from the provider."""
    world.platform.delivery.inbound.receiving.reported("sms", reports)


def rows(world: World, table: Any) -> list[str]:
    """The names in a table."""
    with world.platform.database.reading() as connection:
        return list(connection.execute(select(table.c.reference).order_by(table.c.reference)).scalars())


@pytest.mark.parametrize("outcome", [TAKEN, Unknown(Reason.TIMED_OUT, parts=("1", "2"))])
async def test_another_process_hears_that_a_part_failed(world: World, tmp_path: Path, outcome: Outcome) -> None:
    """The message has failed, also where nobody knows of its other parts: the next channel goes at once, and once."""
    by_sms(world, outcome)
    await world.settle(DUE)
    other = beside(world, tmp_path)
    for _ in range(2):
        tell(other, FAILED["2"])
    other.close()
    assert world.delivery("month").exhausted == ("sms",)
    assert [each.channel for each in await world.settle()] == ["email"]


@pytest.mark.parametrize(("last", "state"), [(DELIVERED["3"], "delivered"), (FAILED["2"], "failed")])
async def test_one_part_that_was_delivered_is_not_the_message(world: World, last: Report, state: str) -> None:
    """Only the last one tells that, and of the others nothing is kept; one of them may fail all the same."""
    by_sms(world, TAKEN)
    await world.settle(DUE)
    tell(world, DELIVERED["1"], DELIVERED["2"])
    assert (world.delivery("month").state, rows(world, early_receipts)) == ("sent", [])
    tell(world, last)
    assert world.delivery("month").state == state


async def test_an_id_that_all_parts_share_is_that_of_the_message(world: World) -> None:
    """A centre that calls all parts alike tells of the message by that, however much later they were noted."""
    by_sms(world, Accepted("5", ("5", "5")))
    await world.settle(DUE)
    later = update(sent_parts).values(at=sent_parts.c.at + 1000)
    world.platform.database.write(lambda connection: connection.execute(later), Priority.DISPATCH)
    tell(world, Report("5", ReceiptStatus.DELIVERED))
    assert world.delivery("month").state == "delivered"


async def test_a_part_may_fail_before_the_outcome_is_known(world: World, tmp_path: Path) -> None:
    """What another process hears while the last part is waited for counts as soon as that is answered."""
    other = beside(world, tmp_path)
    other.at(DUE)

    async def overtaken(_: Message) -> None:
        tell(other, DELIVERED["1"], FAILED["2"])
        assert rows(world, early_receipts) == ["1", "2"]

    by_sms(world, TAKEN, meanwhile=overtaken)
    assert [each.channel for each in await world.settle(DUE)] == ["email"]
    assert (world.delivery("month").exhausted, rows(world, early_receipts)) == (("sms",), [])
    other.close()


async def test_the_parts_of_a_late_yes_are_known(world: World, tmp_path: Path) -> None:
    """What was given up and is taken over after all fails like any other."""
    by_sms(world, Unknown(Reason.TIMED_OUT))
    [message] = await world.settle(DUE)
    tell(world, FAILED["1"])
    other = beside(world, tmp_path)
    assert world.delivery("month").state == "unknown"
    other.platform.delivery.inbound.receiving.accepted("sms", numbered(message.key, 1), TAKEN, reports=True)
    other.close()
    assert world.delivery("month").exhausted == ("sms",)


@pytest.mark.parametrize("outcome", [Accepted("3"), RetryLater(None, Reason.BUSY)])
async def test_what_has_no_other_parts_costs_no_row(world: World, outcome: Outcome) -> None:
    """Of a message in one part, or of what is tried again, there is nothing to know."""
    by_sms(world, outcome)
    await world.settle(DUE)
    assert rows(world, sent_parts) == []


async def test_another_providers_part_of_that_name_is_another(world: World) -> None:
    """Names are each provider's own."""
    by_sms(world, TAKEN)
    await world.settle(DUE)
    world.platform.delivery.inbound.receiving.reported("another", [FAILED["1"]])
    assert world.delivery("month").state == "sent"


@pytest.mark.parametrize(("first", "then"), [(Accepted("2"), TAKEN), (TAKEN, Accepted("2"))])
async def test_an_id_that_is_used_again_is_of_the_last_one(world: World, first: Accepted, then: Accepted) -> None:
    """A centre's ids come again: what it reports is of the message, or the part of one, that had the id last."""
    by_sms(world, first, then)
    await world.settle(DUE)
    tell(world, DELIVERED[first.reference])
    await world.settle(DUE + WEEKS)
    tell(world, FAILED["2"])
    assert (world.delivery("month").state, world.delivery("week").state) == ("delivered", "failed")


async def test_parts_are_let_go_of(world: World) -> None:
    """When no centre tries any longer; and before that with the erased person."""
    by_sms(world, TAKEN)
    await world.settle(DUE)
    assert rows(world, sent_parts) == ["1", "2"]
    world.at(DUE + PARTS_KEPT)
    cleanup.run(world.platform.database, world.clock())
    assert rows(world, sent_parts) == ["1", "2"]
    world.at(DUE + PARTS_KEPT + timedelta(seconds=1))
    cleanup.run(world.platform.database, world.clock())
    assert rows(world, sent_parts) == []


async def test_who_is_erased_leaves_no_part(world: World) -> None:
    """What a provider calls the parts of their messages goes with them, and what it reports later is nobody's."""
    by_sms(world, TAKEN)
    await world.settle(DUE)
    erased = world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    assert (erased.removed["sent_parts"], rows(world, sent_parts)) == (2, [])
    before = world.health().facts
    tell(world, FAILED["1"])
    assert world.health().facts == before


@pytest.mark.parametrize("outcome", [TAKEN, Unknown(Reason.TIMED_OUT, parts=("1", "2"))])
async def test_who_was_erased_meanwhile_leaves_no_part(world: World, outcome: Outcome) -> None:
    """An outcome that comes after the erasure is a fact of the attempt, and brings no name of theirs back."""

    async def erased(_: Message) -> None:
        world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")

    by_sms(world, outcome, meanwhile=erased)
    await world.settle(DUE)
    assert any(isinstance(each.fact, NudgeSent | NudgeUnknown) for each in world.entries())
    assert rows(world, sent_parts) == []


async def test_a_late_yes_brings_no_part_back(world: World) -> None:
    """What a provider takes over after the recipient was erased names no part of it."""
    by_sms(world, Unknown(Reason.TIMED_OUT))
    [message] = await world.settle(DUE)
    world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    world.platform.delivery.inbound.receiving.accepted("sms", numbered(message.key, 1), TAKEN, reports=True)
    assert rows(world, sent_parts) == []


def bound(world: World, centre: ScriptedCentre) -> SmppNotifier:
    """That process's link to the centre."""
    return SmppNotifier(
        options(centre.port), Tools(world.clock, world.platform.delivery.inbound.receiving.inbound_of("sms"))
    )


async def test_a_part_fails_after_a_restart(world: World, tmp_path: Path) -> None:
    """The dispatcher that sent it is gone; whoever binds next hears that the first part failed: the email goes."""
    async with scripted_centre() as centre:
        sending = world.notifiers["sms"] = bound(world, centre)
        world.engine = compose_engine(world.platform, single_routes(world.notifiers))
        await world.settle(DUE)
        await sending.aclose()
        after = beside(world, tmp_path)
        binding = bound(after, centre)
        await binding.start()
        await centre.until(lambda: centre.heard.count("bind") == 2)
        centre.deliver(7, short_message=b"id:1 stat:UNDELIV err:000", esm_class=4)
        await centre.until(lambda: centre.answered)
        await binding.aclose()
    assert len(centre.submits) > 1
    assert [each.channel for each in await after.settle(DUE + MINUTE)] == ["email"]
    after.close()
