"""What one registry or one provider does wrong stops nobody else, and nothing for ever."""

from pathlib import Path
from typing import Any

import pytest

from domain.facts.facts import NudgeAttempted
from domain.facts.receipts import ReceiptStatus
from domain.nudges.delivery import State
from notifiers.port.interface import GiveUp, Reason, RetryLater, Unknown
from streams.delivery.outcomes.receipt_facts import Receipt
from tests.templates.packs import RULES, write_town
from tests.world import LONG_AGO, World, annulled, card, corrected, event, iin, registered

AIGERIM, DANA = iin(1), iin(2)


def test_a_year_that_does_not_exist_stops_nobody(world: World) -> None:
    """A card that expires in the year 0 plans nothing, and the others are planned as ever."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "0000-01-01", number="N0"), card(AIGERIM, "2025-07-20"))
    world.plan()
    assert {one.intent.due.year for one in world.nudges() if one.intent.trigger == "identity_card_expiry"} == {2025}


def test_a_number_is_what_its_type_says(world: World) -> None:
    """5.0 and 5 are the same amount, whichever comes first: conditions read the declared type."""
    fine = {"number": "1", "violated_on": "2025-06-01", "issued_on": "2025-06-01"}
    world.take(
        *registered(AIGERIM, LONG_AGO),
        event("kz.traffic.fine_issued", AIGERIM, "2025-06-01T10:00:00+05:00", fine | {"amount": 5.0}, id="float"),
    )
    with world.platform.database.reading() as connection:
        facts: list[Any] = [each.fact for each in world.platform.log.read(connection, range(1, 100))]
    [amount] = [
        fact.values["event.amount"] for fact in facts if getattr(fact, "type", "") == "kz.traffic.fine_issued"
    ]
    assert (amount, type(amount)) == (5, int)


async def test_an_unknown_outcome_is_not_repeated_for_ever(tmp_path: Path) -> None:
    """Also a legal notice is attempted three times at most where nobody can tell whether it went."""
    legal = (RULES, "class: reminder", "class: legal")
    world = World(
        tmp_path, packs=[write_town(tmp_path, legal)], script={"sms": [Unknown(Reason.TIMED_OUT) for _ in range(99)]}
    )
    data = {"number": "M1", "valid_until": "2025-06-20", "fee": 7}
    world.take(*registered(AIGERIM, LONG_AGO), event("town.meter.installed", AIGERIM, "2025-06-01T00:00:00Z", data))
    for day in range(3, 29):
        await world.settle(f"2025-06-{day:02}T12:00+05:00")
    tried = [message for message in world.sent if message.nudge == world.nudges()[0].intent.id]
    assert len(tried) <= 3
    world.close()


async def test_what_has_certainly_not_gone_follows_its_event(tmp_path: Path) -> None:
    """A retry never says the old date: a nudge whose attempts all failed moves with the corrected event."""
    world = World(tmp_path, script={"sms": [RetryLater(None, Reason.BUSY)]})
    first = card(AIGERIM, "2025-07-20")
    world.take(*registered(AIGERIM, LONG_AGO), first)
    assert len(await world.settle("2025-06-20T09:00+05:00")) == 0

    world.take(corrected(first, 2, expires_on="2025-08-20"))
    await world.settle("2025-06-20T12:00+05:00")
    assert world.sent == []
    [message] = await world.settle("2025-07-21T09:00+05:00")
    with world.platform.database.reading() as connection:
        facts = [entry.fact for entry in world.platform.log.streams(connection, [message.nudge])]
    assert [fact.attempt for fact in facts if isinstance(fact, NudgeAttempted)] == [1, 2]
    assert "20" in message.text
    world.close()


async def test_what_bounces_after_its_date_moved_to_later_goes_by_the_new_date(tmp_path: Path) -> None:
    """The next channel does not say the old date: whom an SMS did not reach is told a month before the new date."""
    world, first = World(tmp_path), card(AIGERIM, "2025-07-20")
    world.take(*registered(AIGERIM, LONG_AGO), first)
    [message] = await world.settle("2025-06-20T09:00+05:00")
    world.take(corrected(first, 2, expires_on="2025-12-20"))
    assert await world.settle("2025-06-20T11:00+05:00") == []
    bounced = Receipt(message.nudge, message.recipient, 1, ReceiptStatus.FAILED)
    for _ in range(2):
        world.platform.delivery.receipts.record(bounced)
        assert await world.settle("2025-06-20T12:00+05:00") == []
    assert world.nudge("month").state is State.PLANNED
    [again] = await world.settle("2025-11-20T09:00+05:00")
    assert (again.nudge, again.attempt) == (message.nudge, 2)
    assert "20 желтоқсан" in again.text.replace("\u202f", " ")
    world.close()


async def test_what_bounced_and_is_planned_anew_ends_where_no_address_is_left(tmp_path: Path) -> None:
    """Whose addresses have all refused the first attempts has none on the later date, and the message ends there."""
    refused = [GiveUp(Reason.BAD_ADDRESS)]
    world = World(tmp_path, script={"sms": refused, "email": refused})
    issued = card(AIGERIM, "2025-07-20")
    world.take(*registered(AIGERIM, LONG_AGO), issued)
    await world.settle("2025-06-20T09:00+05:00")
    world.take(corrected(issued, 2, expires_on="2025-08-20"))
    world.plan()
    world.at("2025-07-21T09:00+05:00")

    assert [await world.engine.dispatcher.drain_batch() for _ in range(3)] == [1, 0, 0]
    assert (world.delivery("month").state, world.delivery("month").due, world.sent) == ("withheld", None, [])
    world.close()


async def test_what_bounces_after_its_date_moved_to_earlier_says_the_new_date(tmp_path: Path) -> None:
    """An SMS that bounces after its card was corrected to an earlier date is followed by an email with that date."""
    world, first = World(tmp_path), card(AIGERIM, "2025-07-20")
    world.take(*registered(AIGERIM, LONG_AGO), first)
    [message] = await world.settle("2025-06-20T09:00+05:00")
    world.take(corrected(first, 2, expires_on="2025-07-18"))
    assert await world.settle("2025-06-20T11:00+05:00") == []
    world.platform.delivery.receipts.record(Receipt(message.nudge, message.recipient, 1, ReceiptStatus.FAILED))
    [email] = await world.settle("2025-06-20T12:00+05:00")
    assert email.channel == "email"
    for text in (email.text, world.why(message.nudge).words[message.recipient].text):
        assert "18 шілде" in text.replace("\u202f", " ")
    world.close()


async def test_a_deferral_is_no_end(tmp_path: Path) -> None:
    """A failed attempt that waits for the morning ends as failed when its event is annulled, not as deferred."""
    world = World(tmp_path, script={"sms": [RetryLater(None, Reason.BUSY)]})
    first = card(AIGERIM, "2025-07-20")
    world.take(*registered(AIGERIM, LONG_AGO), first)
    await world.settle("2025-06-20T20:59+05:00")
    await world.settle("2025-06-20T21:05+05:00")
    world.take(annulled(first, 2))
    await world.settle("2025-06-21T12:00+05:00")
    assert world.nudge("month").state is State.FAILED
    world.close()


def test_a_correction_of_a_correction_is_refused(world: World) -> None:
    """Corrections name the original: one that names another correction would wait for ever, unseen."""
    first = card(AIGERIM, "2025-07-20")
    second = corrected(first, 2, expires_on="2025-08-20")
    world.take(*registered(AIGERIM, LONG_AGO), first, second)
    third = card(AIGERIM, "2025-09-20", id="third", corrects=second.id, revision=3)
    [outcome] = world.take(third)
    assert outcome.refused is not None
    assert outcome.refused.field == "corrects"


@pytest.mark.parametrize("where", ["id", "corrects"])
def test_nobodys_national_id_is_kept_in_clear(world: World, where: str) -> None:
    """An id that holds a national id is refused, also where the event does not name that person."""
    names = {"id": f"annul-{DANA}"} if where == "id" else {"id": "a", "corrects": DANA}
    more = {"corrects": "x", "revision": 2, "annuls": True} | names
    [outcome] = world.take(event("kz.document.issued", None, "2025-06-01T00:00:00Z", {}, **more))
    assert outcome.refused is not None
    assert DANA not in str(outcome.refused)
