"""Messages of which nobody knows whether they went, and what an operator decides about them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.http.metrics import exposition
from app.jobs.kinds import planned_work
from domain.facts.facts import NudgeDelivered, NudgeResolved
from domain.facts.receipts import ReceiptStatus
from notifiers.port import message_names
from notifiers.port.interface import Accepted, Outcome, Reason, Report, Unknown
from projections import tables
from projections.bulk import insert_rows
from streams.delivery.outcomes import early_receipts
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.outcomes.receipts import Brought
from streams.queues.jobs import plan_of
from streams.replay.unknown_outcomes import OutcomeFilter, OutcomeKind, Resolution
from tests.streams.calls import NOON, call, calls_world, prefers
from tests.streams.dispatching import CARD, DUE, with_card
from tests.world import World, annulled

LOST = Unknown(Reason.LINK_LOST)
SAID = ("olga", "the provider's record has nothing")
ORDER = {"which": {}, "how": "again", "by": SAID[0], "why": SAID[1]}
DAY = timedelta(days=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Aigerim's message was handed over by each of her channels, and no answer came; there is no further one."""
    made = with_card(tmp_path, sms=[LOST, Accepted("two")], email=[LOST])
    await made.settle(DUE)
    await made.settle(DUE + 3 * DAY)
    made.sent.clear()
    yield made
    made.close()


def counts(world: World, which: OutcomeFilter = OutcomeFilter()) -> dict[OutcomeKind, int]:  # noqa: B008  (frozen)
    """How many there are of each kind."""
    return dict(world.platform.replay.unknown_outcomes.counts(which))


def resolve(world: World, how: Resolution, which: OutcomeFilter = OutcomeFilter()) -> int:  # noqa: B008  (frozen)
    """Decide about them; how many it was."""
    return sum(len(found.meant) for found in world.platform.replay.unknown_outcomes.resolve(which, how, SAID))


async def test_they_are_listed_by_cause_provider_channel_and_age(world: World) -> None:
    """What nobody knows is counted by its kind, and a selection narrows it; `status` and metrics say it as well."""
    assert counts(world) == {OutcomeKind("link_lost", "email", "email", "under an hour"): 1}
    assert counts(world, OutcomeFilter(provider="sms")) == counts(world, OutcomeFilter(cause="timed_out")) == {}
    assert counts(world, OutcomeFilter(until=DUE)) == {}
    for passed, age in ((0.9, "under an hour"), (1, "under a day"), (24, "under a week"), (24 * 7, "older")):
        world.at(DUE + 3 * DAY + timedelta(hours=passed))
        assert counts(world) == counts(world, OutcomeFilter(channel="email"))
        assert [kind.age for kind in counts(world)] == [age]
    assert world.health().unknown == {"link_lost/email/email": 1}
    told = exposition("worker", world.health(), [], ready=True).decode()
    assert 'habarshy_unknown{cause="link_lost",channel="email",provider="email"} 1.0' in told


async def test_a_digest_belongs_to_each_agency_whose_message_it_carries(tmp_path: Path) -> None:
    """An unknown digest is found by every agency with a message in it, so the agencies together leave none behind."""
    script: list[Outcome] = [Accepted("1"), Accepted("2"), Accepted("3"), LOST]
    made = calls_world(tmp_path, script={"push": script})
    made.take(prefers(channels=["push"]), *(call(number) for number in range(4)), call(4, "offer"))
    await made.settle()
    await made.settle(NOON + timedelta(hours=6))
    everything = sum(counts(made).values())
    found = {name: sum(counts(made, OutcomeFilter(agency=name)).values()) for name in ("north", "south", "platform")}
    assert (everything, found) == (1, {"north": 1, "south": 1, "platform": 0})
    assert resolve(made, Resolution.CLOSE, OutcomeFilter(agency="south")) == 1
    assert counts(made) == {}
    made.close()


async def test_however_many_there_are_all_are_counted(world: World) -> None:
    """`status`, the metric and the page have the database count; there is no number at which they stop."""
    many = 10_001
    last = (0, "sms", "unknown", None, "timed_out", "sms", "t", None)
    rows = [("f" * 32, UUID(int=number), *last) for number in range(many)]
    world.platform.database.write(lambda connection: insert_rows(connection, tables.inbox, rows))
    assert world.health().unknown == {"link_lost/email/email": 1, "timed_out/sms/sms": many}
    assert counts(world) == {
        OutcomeKind("link_lost", "email", "email", "under an hour"): 1,
        OutcomeKind("timed_out", "sms", "sms", "older"): many,
    }
    told = exposition("worker", world.health(), [], ready=True).decode()
    assert f'habarshy_unknown{{cause="timed_out",channel="sms",provider="sms"}} {many}.0' in told


async def test_what_had_surely_not_left_is_sent_again_once(world: World) -> None:
    """An operator who says so has it sent by its channel, once; the log keeps who said it, and why."""
    before = len(world.entries())
    assert (resolve(world, Resolution.AGAIN), resolve(world, Resolution.AGAIN)) == (1, 0)
    [entry] = world.entries()[before:]
    assert isinstance(entry.fact, NudgeResolved)
    assert (entry.fact.how, entry.fact.by, entry.fact.why) == ("again", *SAID)
    assert (counts(world), world.delivery("month").state) == ({}, "deferred")
    await world.settle()
    assert (world.delivery("month").state, counts(world)) == ("sent", {})
    assert len([one for one in world.sent if one.nudge == world.nudge("month").intent.id]) == 1


async def test_nothing_is_sent_without_a_decision(world: World) -> None:
    """To list, to look and to close send nothing; what is closed is listed no more."""
    [found] = world.platform.replay.unknown_outcomes.look(OutcomeFilter(), Resolution.AGAIN)
    assert (found.looked, len(found.meant), len(world.entries())) == (1, 1, len(world.entries()))
    assert resolve(world, Resolution.CLOSE) == 1
    await world.settle(world.clock() + DAY)
    assert (world.sent, counts(world), resolve(world, Resolution.AGAIN)) == ([], {}, 0)
    assert world.delivery("month").state == "unknown"


@pytest.mark.parametrize("how", [Resolution.CLOSE, Resolution.AGAIN])
async def test_a_late_receipt_wins(world: World, how: Resolution) -> None:
    """What is heard after the decision stands, and nothing more is sent."""
    delivery, nudge = world.delivery("month"), world.nudge("month").intent.id
    assert resolve(world, how) == 1
    world.platform.delivery.receipts.record(
        Receipt(nudge, delivery.recipient, delivery.attempt, ReceiptStatus.DELIVERED)
    )
    await world.settle(world.clock() + DAY)
    assert (world.delivery("month").state, world.sent) == ("delivered", [])


def report(world: World) -> Report:
    """A report that the message has arrived, by our name for its last attempt."""
    delivery, nudge = world.delivery("month"), world.nudge("month").intent.id
    name = message_names.key(nudge, "email", delivery.recipient)
    return Report(message_names.numbered(name, delivery.attempt), ReceiptStatus.DELIVERED)


async def test_a_receipt_that_an_operator_brings_says_who_brought_it(world: World) -> None:
    """The log has by whom and why just before what was heard; the same receipt again says nothing new."""
    inbound, before, reports = world.platform.delivery.inbound.receiving, len(world.entries()), [report(world)]
    assert [inbound.brought("email", reports, Brought(*SAID)) for _ in range(2)] == [1, 0]
    resolved, delivered = (entry.fact for entry in world.entries()[before:])
    assert isinstance(resolved, NudgeResolved)
    assert isinstance(delivered, NudgeDelivered)
    assert (resolved.how, resolved.by, resolved.why) == ("receipt", *SAID)
    assert (resolved.recipient, resolved.attempt) == (delivered.recipient, delivered.attempt)
    assert (counts(world), world.health().unknown, world.delivery("month").state) == ({}, {}, "delivered")


async def test_a_receipt_by_a_name_that_no_attempt_has_is_not_kept(world: World) -> None:
    """It is told apart before anything is taken in, and waits for no message of that name."""
    strange, ours = Report("theirs-7", ReceiptStatus.FAILED, Reason.BAD_ADDRESS), report(world)
    unmatched, new = world.platform.delivery.receipts.preview("email", [strange, ours])
    assert (unmatched, [each.status for each in new]) == ([strange], [ReceiptStatus.DELIVERED])
    assert world.platform.delivery.receipts.record_brought("email", [strange], Brought(*SAID)) == []
    with world.platform.database.reading() as connection:
        assert list(early_receipts.waiting(connection, ["theirs-7"])) == []


async def test_what_was_heard_before_the_decision_stands(world: World) -> None:
    """A receipt that comes between the plan and the decision leaves nothing to decide."""
    delivery, nudge = world.delivery("month"), world.nudge("month").intent.id
    assert plan_of(planned_work(world.platform, "resolve-unknown", ORDER)).count == 1
    world.platform.delivery.receipts.record(
        Receipt(nudge, delivery.recipient, delivery.attempt, ReceiptStatus.DELIVERED)
    )
    assert resolve(world, Resolution.AGAIN) == 0
    assert counts(world) == {}


async def test_what_is_not_planned_any_more_is_not_sent_again(world: World) -> None:
    """Whoever has a new card is not told of the old one, whatever an operator knows about the provider."""
    world.take(annulled(CARD, 2))
    await world.settle(world.clock() + DAY)
    assert resolve(world, Resolution.AGAIN) == 0


async def test_only_who_can_be_asked_is_asked(world: World) -> None:
    """No provider of these can be asked, so nothing is changed."""
    assert resolve(world, Resolution.ASK) == 0
