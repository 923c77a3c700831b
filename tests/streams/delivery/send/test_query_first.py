"""Query first: who can be asked says what became of an attempt without an outcome, before anything follows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from domain.facts.facts import NudgeAttempted, NudgeFailed, NudgeSent, NudgeUnknown
from domain.facts.principals import Principal, Role
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Inquiry, Message, Outcome, Report, StatusAnswer
from notifiers.port.message_names import key, numbered
from notifiers.sms.http.notifier import HttpSmsNotifier
from streams.delivery.send.claiming import LEASE
from streams.delivery.send.status_query import ASK_AGAIN_AFTER, ASK_FOR
from streams.queries.provider_health import RecentReader
from tests.notifiers.gateway import Book, book, by_status, gateway, sms_by
from tests.streams.dispatching import AIGERIM, DUE, MINUTE, Killed, dispatcher, with_card
from tests.templates.packs import RULES, write_town
from tests.world import LONG_AGO, World, card, event, iin, registered

TAKEN, LOST, NEVER = (True, True), (True, False), (False, False)
"""What a gateway does with a message: it takes it and answers; takes it, and its answer is lost; never has it."""
ASKED = DUE + timedelta(seconds=30)
ELSEWHERE = event("citizen.contact_changed", AIGERIM, "2025-06-19T00:00:00Z", {"phone": "+77027654321"}, id="moved")
BY_EMAIL = event(
    "citizen.preferences_changed", iin(9), "2024-01-03T00:00:00+05:00", {"channels": ["email"]}, id="by email"
)
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))


@asynccontextmanager
async def by_gateway(folder: Path, *script: tuple[bool, bool], dumb: int = 0) -> AsyncIterator[tuple[World, Book]]:
    """A platform at the time when Aigerim's card was announced by a gateway that does so, and can be asked."""
    async with book(*script, dumb=dumb) as peer, sms_by(peer.port, **by_status(peer.port)) as notifier:
        world = with_card(folder, sms=notifier)
        await world.settle(DUE)
        yield world, peer
        world.close()


def facts(world: World) -> list[type]:
    """What became of the month's message since its attempts began."""
    return [type(fact) for fact in world.facts(world.nudge("month").intent.id)[1:]]


async def test_what_the_gateway_has_is_sent(tmp_path: Path) -> None:
    """Its answer was lost, and asked it says that it has it: the attempt is sent, and nobody is told by email."""
    async with by_gateway(tmp_path, LOST) as (world, peer):
        assert (world.delivery("month").state, world.delivery("month").due) == ("unknown", ASKED)
        assert peer.questions == []
        await world.settle(ASKED)
        assert facts(world) == [NudgeAttempted, NudgeUnknown, NudgeSent]
        assert await world.settle(DUE + 11 * MINUTE) == []
        [question] = peer.questions
        assert question["phone"] == "77011234567"
        assert peer.told == {"77011234567": 1}


@pytest.mark.parametrize(("status", "state", "emails"), [("delivered", "delivered", 0), ("failed", "sent", 1)])
async def test_what_became_of_it_is_a_receipt(tmp_path: Path, status: str, state: str, emails: int) -> None:
    """Delivered is the end; failed gives the next channel its turn at once."""
    async with by_gateway(tmp_path, LOST) as (world, peer):
        peer.status = status
        assert len(await world.settle(ASKED)) == emails
        assert (world.delivery("month").state, len(peer.questions)) == (state, 1)


async def test_what_never_came_is_sent_again(tmp_path: Path) -> None:
    """The gateway never heard of it: that is a failure like one that did not leave, and the next attempt goes."""
    async with by_gateway(tmp_path, NEVER) as (world, peer):
        await world.settle(ASKED)
        failure = world.facts(world.nudge("month").intent.id)[-1]
        assert failure == NudgeFailed(ASKED, world.name(AIGERIM), 1, "never_came", ASKED + MINUTE)
        await world.settle(ASKED + MINUTE)
        assert (world.delivery("month").state, peer.told) == ("sent", {"77011234567": 1})


async def test_who_cannot_tell_is_asked_a_few_times(tmp_path: Path) -> None:
    """After the third question without an answer it stays unknown, and the next channel has its turn in its time."""
    async with by_gateway(tmp_path, LOST, dumb=99) as (world, peer):
        for seconds in range(0, 600, 10):
            assert await world.settle(ASKED + timedelta(seconds=seconds)) == []
        assert len(peer.questions) == 3
        assert facts(world) == [NudgeAttempted, NudgeUnknown, NudgeUnknown]
        assert RecentReader(world.platform.log).read(world.clock()).providers["sms"].unknown == 1
        [email] = await world.settle(ASKED + ASK_FOR + 11 * MINUTE)
        assert (email.channel, peer.told) == ("email", {"77011234567": 1})


async def test_a_later_answer_counts_as_well(tmp_path: Path) -> None:
    """A gateway that is away at the first question is asked again."""
    async with by_gateway(tmp_path, LOST, dumb=1) as (world, _):
        await world.settle(ASKED)
        assert (world.delivery("month").state, world.delivery("month").due) == ("unknown", ASKED)
        await world.settle(ASKED + ASK_AGAIN_AFTER)
        assert world.delivery("month").state == "sent"


@pytest.mark.parametrize("heard", [ReceiptStatus.DELIVERED, ReceiptStatus.FAILED])
async def test_whoever_reports_before_is_not_asked(tmp_path: Path, heard: ReceiptStatus) -> None:
    """A receipt by our own name settles it first."""
    async with by_gateway(tmp_path, LOST) as (world, peer):
        name = numbered(key(world.nudge("month").intent.id, "sms", world.name(AIGERIM)), 1)
        await world.platform.delivery.inbound.receiving.inbound_of("sms").reported([Report(name, heard)])
        await world.settle(ASKED + 11 * MINUTE)
        assert peer.questions == []


async def test_it_is_asked_by_the_number_that_it_went_to(tmp_path: Path) -> None:
    """Who has another number by now was written to at the old one, and is not told again at the new one."""
    async with by_gateway(tmp_path, LOST) as (world, peer):
        world.take(ELSEWHERE)
        await world.settle(ASKED)
        assert [each["phone"] for each in peer.questions] == ["77011234567"]
        assert (world.delivery("month").state, peer.told) == ("sent", {"77011234567": 1})


@pytest.mark.parametrize("script", [LOST, NEVER])
async def test_what_the_law_wants_is_asked_about_first(tmp_path: Path, script: tuple[bool, bool]) -> None:
    """A legal notice goes again only if the gateway has not got it, so it comes once either way."""
    town = write_town(
        tmp_path,
        (RULES, "class: reminder", "class: legal"),
        (RULES, " && citizen.age >= 18", ""),
        (RULES, "expires: event.valid_until\n", ""),
    )
    contact = event("citizen.contact_changed", AIGERIM, "2025-01-01T00:00:00Z", {"phone": "+77011234567"})
    meter = {"number": "M1", "valid_until": "2025-07-20", "fee": 7}
    async with book(script) as peer, sms_by(peer.port, **by_status(peer.port)) as notifier:
        world = World(tmp_path, packs=[town], notifiers={"sms": notifier})
        world.take(contact, event("town.meter.installed", AIGERIM, "2025-01-02T00:00:00Z", meter))
        for minutes in range(9):
            await world.settle(DUE + minutes * MINUTE)
        assert (world.delivery("month").state, peer.told) == ("sent", {"77011234567": 1})
        world.close()


class Dying:
    """A notifier whose process dies over a message that the gateway has, or over a question."""

    def __init__(self, notifier: HttpSmsNotifier, *, asking: bool) -> None:
        self.notifier, self.asking = notifier, asking

    def __getattr__(self, name: str) -> Any:
        return getattr(self.notifier, name)

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and perhaps die over the answer."""
        outcomes = await self.notifier.send(messages)
        if not self.asking:
            raise Killed
        return outcomes

    async def ask(self, _: Inquiry) -> StatusAnswer:
        """Die."""
        raise Killed


@pytest.mark.parametrize("asking", [False, True])
async def test_a_dead_dispatchers_attempts_are_asked_about(
    tmp_path: Path,
    asking: bool,  # noqa: FBT001  (the cases)
) -> None:
    """Kill -9 over a message or over a question: when the lease is over another asks, and nobody is told twice."""
    async with book(LOST) as peer, sms_by(peer.port, **by_status(peer.port)) as notifier:
        world = with_card(tmp_path, sms=Dying(notifier, asking=asking))
        for at in (DUE, ASKED)[: 1 + asking]:
            with pytest.raises(Killed) if asking == (at == ASKED) else nullcontext():
                await world.settle(at)
        world.notifiers["sms"] = notifier
        for minutes in range(9):
            world.at(ASKED + LEASE + minutes * MINUTE)
            await dispatcher(world).drain()
        assert facts(world) == [NudgeAttempted, NudgeUnknown, NudgeSent]
        assert (peer.told, len(peer.questions)) == ({"77011234567": 1}, 1)
        world.close()


async def test_what_a_restored_log_does_not_know_is_not_asked_about(tmp_path: Path) -> None:
    """After a restore what never came may have gone by a later attempt, which the log has lost: it stays unknown."""
    async with by_gateway(tmp_path, NEVER) as (world, peer):
        world.platform.runtime.restore.declare(world.platform.runtime.restore.scope(DUE + MINUTE), OMAR)
        await world.settle(DUE + 2 * MINUTE)
        assert (world.delivery("month").state, world.delivery("month").reason) == ("unknown", "restored")
        assert peer.questions == []


async def test_a_gateway_that_is_not_there_any_more_is_not_asked(tmp_path: Path) -> None:
    """Where its settings are gone by then, the attempt stays unknown at once, and the next channel has its turn."""
    async with by_gateway(tmp_path, LOST) as (world, peer):
        del world.notifiers["sms"]
        world.at(ASKED)
        await dispatcher(world).drain()
        assert world.delivery("month").due == ASKED + 10 * MINUTE
        assert peer.questions == []


async def test_a_gateway_that_does_not_answer_holds_up_nobody(tmp_path: Path) -> None:
    """While it is asked about one message, the others go."""
    emailed = asyncio.Event()
    async with gateway(b"", None) as peer, sms_by(peer.port, **by_status(peer.port)) as notifier:
        world = with_card(tmp_path, sms=notifier, email=FakeNotifier("email", lambda _: emailed.set()))
        await world.settle(DUE)
        peer.answers = [None]
        world.take(*registered(iin(9), LONG_AGO), card(iin(9), "2025-07-20", "N9"), BY_EMAIL)
        world.plan()
        world.at(ASKED)
        async with asyncio.timeout(30):
            await world.engine.dispatcher.drain(patience=5.0)
            await emailed.wait()  # the drain tells before what it handed over has gone
        await peer.hang_up()
        await world.engine.dispatcher.wait_ended()
        world.close()


async def test_nobody_is_told_twice_whatever_is_lost(tmp_path: Path) -> None:
    """Whatever becomes of messages, answers and questions, each is told once, or nobody knows; and nearly all are."""
    script = [each for each, _ in product((TAKEN, LOST, NEVER), range(8))]
    async with book(*script, dumb=12) as peer, sms_by(peer.port, **by_status(peer.port)) as notifier:
        world = World(tmp_path, notifiers={"sms": notifier})
        for number in range(len(script)):
            phone = f"+7701{number:07d}"
            world.take(*registered(iin(number), LONG_AGO, phone=phone), card(iin(number), "2025-07-20", f"N{number}"))
        world.plan()
        for seconds in range(0, 240, 10):
            await world.settle(DUE + timedelta(seconds=seconds))
        states = Counter(one.state.value for one in world.nudges() if one.intent.step == "month")
        assert set(peer.told.values()) <= {0, 1}
        assert (states, peer.told.total()) == ({"sent": len(script)}, len(script))
        world.close()
