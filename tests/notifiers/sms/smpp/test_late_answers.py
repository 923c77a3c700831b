"""Answers of an SMS centre that come after they were given up: what they say is kept, once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.compose_sending import compose_engine
from domain.facts.facts import NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Accepted, Message, Outcome, Reason, Report, Unknown
from notifiers.port.kinds import Tools
from notifiers.port.message_names import numbered
from notifiers.port.routes import single_routes
from notifiers.sms.smpp.notifier import SmppNotifier
from tests.notifiers.hurrying import hurry
from tests.notifiers.sms_helpers import KAZAKH, PATIENT, KeptInbound, options, sms, sms_to
from tests.notifiers.smsc import Act, ScriptedCentre, scripted_centre
from tests.streams.dispatching import DUE, MINUTE, with_card

TIMED_OUT: Sequence[Outcome] = [Unknown(Reason.TIMED_OUT)]
SUBMIT, BAD_NUMBER, THROTTLED = 4, 0x0B, 0x58
NAME = numbered(sms().key, 1)
PARTS = 2
"""Of the SMS about Aigerim's card."""


def answer(centre: ScriptedCentre, *statuses: int) -> None:
    """The centre answers what it was given, in its order, at last."""
    for submit, status in zip(centre.submits, statuses, strict=True):
        centre.say(centre.response(SUBMIT, submit.sequence_number, status))


async def given_up(
    centre: ScriptedCentre, notifier: SmppNotifier, *messages: Message, parts: int
) -> Sequence[Outcome]:
    """What becomes of these when the centre has all their parts, and says nothing for too long."""
    sending = asyncio.create_task(notifier.send(messages))
    await centre.until(lambda: len(centre.submits) == parts)
    hurry(PATIENT["response"])
    return await sending


async def until_kept(kept: Sequence[object]) -> None:
    """Until the platform has something."""
    async with asyncio.timeout(30):
        while not kept:  # noqa: ASYNC110  the platform tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("failures", [[], [OSError()], [RuntimeError("a defect")]])
async def test_a_late_yes_is_kept_with_its_reference(failures: list[Exception]) -> None:
    """The attempt that was unknown is known by the centre's id, also where keeping that failed at first."""
    inbound = KeptInbound(failures)
    async with scripted_centre(submit=[Act.IGNORE, 0]) as centre, sms_to(centre.port, inbound) as notifier:
        assert await given_up(centre, notifier, sms(), parts=1) == TIMED_OUT
        answer(centre, 0)
        await until_kept(inbound.late)
        answer(centre, 0)
        await notifier.send([sms()])  # the link went on
    assert inbound.late == [(NAME, Accepted("1"))]


async def test_a_late_no_is_kept_with_its_reason() -> None:
    """A refusal for good is reported by our own name; being asked for patience says nothing."""
    inbound = KeptInbound()
    async with scripted_centre(submit=Act.IGNORE) as centre, sms_to(centre.port, inbound) as notifier:
        assert await given_up(centre, notifier, sms(), sms(), parts=2) == [*TIMED_OUT] * 2
        answer(centre, THROTTLED, BAD_NUMBER)
        await until_kept(inbound.reports)
    assert inbound.reports == [Report(NAME, ReceiptStatus.FAILED, Reason.BAD_ADDRESS, "ESME_RINVDSTADR")]


async def test_a_message_in_parts_is_taken_when_all_of_them_are() -> None:
    """The last answer makes it known by its last part, and the failure of an earlier part is its failure."""
    inbound = KeptInbound()
    async with scripted_centre(submit=Act.IGNORE) as centre, sms_to(centre.port, inbound) as notifier:
        assert await given_up(centre, notifier, sms(text=KAZAKH * 4), parts=3) == TIMED_OUT
        answer(centre, 0, 0, 0)
        await until_kept(inbound.late)
        centre.deliver(7, short_message=b"id:1 stat:UNDELIV err:000", esm_class=4)
        await until_kept(inbound.reports)
    assert inbound.late == [(NAME, Accepted("3", ("1", "2")))]
    assert [(each.reference, each.status) for each in inbound.reports] == [(NAME, ReceiptStatus.FAILED)]


async def test_an_answer_that_is_late_only_for_its_message_counts_at_once() -> None:
    """While others of the batch are waited for, what comes late is the outcome, and nothing is told twice."""
    inbound = KeptInbound()
    limits = {"begin": 60.0}
    scripted = scripted_centre(submit=Act.IGNORE)
    async with scripted as centre, sms_to(centre.port, inbound, limits=limits, window=1) as notifier:
        sending = asyncio.create_task(notifier.send([sms(), sms(attempt=2)]))
        await centre.until(lambda: len(centre.submits) == 1)
        hurry(PATIENT["response"])
        await centre.until(lambda: len(centre.submits) == 2)  # so the first was given up
        answer(centre, 0, 0)
        outcomes = await sending
    assert [type(each).__name__ for each in outcomes] == ["Accepted", "Accepted"]
    assert inbound.late == []


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("answers", [True, False])
async def test_the_failure_of_a_part_before_the_last_answer_settles_the_message(
    tmp_path: Path,
    answers: bool,  # noqa: FBT001
    known: bool,  # noqa: FBT001
) -> None:
    """On the platform: the email goes at once, also where that comes before the part's own answer, or no last one."""
    world = with_card(tmp_path)
    async with scripted_centre(submit=Act.IGNORE) as centre:
        tools = Tools(world.clock, world.platform.delivery.inbound.receiving.inbound_of("sms"))
        notifier = world.notifiers["sms"] = SmppNotifier(options(centre.port), tools)
        world.engine = compose_engine(world.platform, single_routes(world.notifiers))
        settling = asyncio.create_task(world.settle(DUE))
        await centre.until(lambda: len(centre.submits) == PARTS)
        first, *others = (centre.response(SUBMIT, submit.sequence_number, 0) for submit in centre.submits)
        if known:
            centre.say(first)
        centre.deliver(7, short_message=b"id:1 stat:UNDELIV err:000", esm_class=4)
        await centre.until(lambda: centre.answered)
        if not known:
            centre.say(first)
        if answers:
            centre.say(b"".join(others))
        else:
            centre.hang_up()
        assert [each.channel for each in await settling] == ["email"]
        await notifier.aclose()
    assert world.delivery("month").exhausted == ("sms",)
    world.close()


async def test_a_late_yes_is_a_fact_of_its_attempt(tmp_path: Path) -> None:
    """On the platform: unknown becomes sent, once, and the receipt by the centre's id finds it: no other channel."""
    world = with_card(tmp_path)
    async with scripted_centre(submit=Act.IGNORE) as centre:
        tools = Tools(world.clock, world.platform.delivery.inbound.receiving.inbound_of("sms"))
        notifier = world.notifiers["sms"] = SmppNotifier(options(centre.port), tools)
        world.engine = compose_engine(world.platform, single_routes(world.notifiers))
        settling = asyncio.create_task(world.settle(DUE))
        await centre.until(lambda: len(centre.submits) == PARTS)
        hurry(PATIENT["response"])
        await settling
        assert (world.delivery("month").state, world.delivery("month").reason) == ("unknown", "timed_out")
        answer(centre, *[0] * PARTS)
        nudge = world.nudge("month").intent.id
        async with asyncio.timeout(30):
            while world.delivery("month").state != "sent":  # noqa: ASYNC110  the platform tells nobody
                await asyncio.sleep(0.01)
        centre.deliver(7, short_message=b"id:%x stat:DELIVRD err:000" % PARTS, esm_class=4)
        await centre.until(lambda: centre.answered)
        await notifier.aclose()
    assert [each.reference for each in world.facts(nudge) if isinstance(each, NudgeSent)] == [f"{PARTS:x}"]
    assert world.delivery("month").state == "delivered"
    world.platform.delivery.inbound.receiving.accepted(
        "sms", numbered(f"{nudge}:{'0' * 24}", 1), Accepted("9"), reports=True
    )
    assert world.delivery("month").state == "delivered"
    assert await world.settle(DUE + 11 * MINUTE) == []
    world.close()
