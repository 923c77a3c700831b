"""Receiving: what people write by SMS, and what providers report, comes in once and in any order."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Incoming, Message, Reason, Report
from streams.intake.cloudevents import Envelope
from streams.queues.dead_letters import LetterFilter
from streams.storage.tables import dead_letters
from tests.streams.dispatching import dispatcher
from tests.world import LONG_AGO, World, card, event, few_triggers, iin, registered

AIGERIM, DANA = iin(1), iin(2)
PHONE = "+77011234567"
OFFERS = (
    "work_offers_consent",
    "training_offer",
    "housing_queue_confirmation",
    "sms_stopped",
    "sms_mandatory",
    "sms_unclear",
)
ASKED = "2025-06-04T10:00+05:00"
AT_NOON = "2025-06-04T12:00+05:00"
OVER = datetime.fromisoformat("2025-08-01T12:00+05:00")
"""When the question has expired."""


def unemployed(person: str) -> list[Envelope]:
    """What makes the platform ask a person for consent."""
    data, tail = {"registered_on": "2025-06-02", "insured_months": 0}, person[6:11]
    sms_only = {"channels": ["sms"]}
    return [
        *registered(person, LONG_AGO),
        event("citizen.preferences_changed", person, "2024-01-03T00:00:00+05:00", sms_only, id=f"sms {tail}"),
        event("kz.social.unemployment_registered", person, "2025-06-02T11:00:00+05:00", data, id=f"job {tail}"),
    ]


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """Aigerim was registered as unemployed, and reads SMS only; on each database."""
    made = World(tmp_path, url=url, packs=[few_triggers(tmp_path, *OFFERS)])
    made.take(*unemployed(AIGERIM))
    yield made
    made.close()


def write(world: World, text: str, id_: str = "1", sender: str = PHONE) -> bool:
    """A text comes in; whether anybody is known at the number."""
    return world.platform.delivery.inbound.receiving.received("operator", Incoming(id_, sender, text))


def life(world: World, type_: str) -> list[LifeEvent]:
    """Every event of a type."""
    facts = (entry.fact for entry in world.entries())
    return [fact for fact in facts if isinstance(fact, LifeEvent) and fact.type == type_]


def understood(world: World) -> list[object]:
    """What the texts were taken for, in their order."""
    return [each.values["event.understood"] for each in life(world, "citizen.message_received")]


async def test_a_bare_yes_answers_the_only_question(world: World) -> None:
    """ИӘ to the only open question is the consent, and the nudge is answered."""
    [message] = await world.settle(ASKED)
    assert "47" not in message.text
    assert write(world, "ИӘ")
    [consent] = life(world, "citizen.consent_given")
    assert consent.values["event.categories"] == ["work_offers"]
    assert world.nudge("ask").state == "answered"
    assert understood(world) == ["answer"]


async def test_a_text_that_comes_twice_is_one(world: World) -> None:
    """What the operator sends again, because our answer was lost, does nothing more."""
    await world.settle(ASKED)
    for _ in range(3):
        assert write(world, "1")
    assert len(life(world, "citizen.consent_given")) == len(life(world, "citizen.message_received")) == 1


async def test_one_question_asked_twice_is_one_question(world: World) -> None:
    """The reminder of a question is no second one: a bare answer is clear, and closes both."""
    await world.settle(ASKED)
    [again] = await world.settle("2025-06-11T10:00+05:00")
    assert again.text == world.sent[0].text
    write(world, "1", "1")
    write(world, "2", "2")
    assert understood(world) == ["answer", "answer"]


async def test_another_answer_takes_the_first_one_back(world: World) -> None:
    """Whoever said 1 and then says 2 has not consented, the agency is told, and may consent again."""
    await world.settle(ASKED)
    write(world, "1", "1")
    await world.settle("2025-06-04T11:00+05:00")
    assert life(world, "citizen.consent_withdrawn") == []
    write(world, "2", "2")
    assert len(life(world, "citizen.consent_withdrawn")) == 1
    [replied] = life(world, "citizen.replied")
    assert replied.values["event.answer"] == "2"
    write(world, "2", "3")
    assert len(life(world, "citizen.replied")) == 1
    await world.settle(AT_NOON)
    write(world, "ИӘ", "4")
    assert [each.values["event.categories"] for each in life(world, "citizen.consent_given")] == [["work_offers"]] * 2


async def test_taking_a_consent_back_leaves_the_others(world: World) -> None:
    """What they consented to besides stays."""
    more = {"categories": ["training"]}
    world.take(event("citizen.consent_given", AIGERIM, "2024-02-01T00:00:00+05:00", more, id="training"))
    await world.settle(ASKED)
    write(world, "1", "1")
    await world.settle(AT_NOON)
    write(world, "2", "2")
    assert life(world, "citizen.consent_given")[-1].values["event.categories"] == ["training"]
    assert life(world, "citizen.consent_withdrawn") == []


async def test_a_question_that_is_over_gets_no_consent(world: World) -> None:
    """Whoever said no is not taken at a word that comes when the question is over; a consent can be taken back."""
    await world.settle(ASKED)
    write(world, "2", "1")
    world.at(OVER)
    write(world, "1", "2")
    assert understood(world) == ["answer", "other"]
    assert life(world, "citizen.consent_given") == []


async def test_a_consent_is_taken_back_also_when_the_question_is_over(world: World) -> None:
    """No is heard however late."""
    await world.settle(ASKED)
    write(world, "1", "1")
    world.at(OVER)
    write(world, "1", "2")
    write(world, "2", "3")
    assert understood(world) == ["answer", "other", "answer"]
    assert len(life(world, "citizen.consent_withdrawn")) == 1


async def test_a_text_from_nobody_is_kept(world: World) -> None:
    """A number that was never told anything: its text is a sealed dead letter, once, and can be taken in later."""
    await world.settle(ASKED)
    for _ in range(2):
        assert not write(world, "Сәлем, мен кімге жаздым?", "7", "+77055555555")
    letters = world.platform.runtime.dead_letters
    [letter] = letters.letters(LetterFilter())
    assert (letter.kind, letter.told) == ("message", "an SMS of 24 characters")
    with world.platform.database.reading() as connection:
        [sealed] = connection.execute(select(dead_letters.c.sealed)).scalars()
    assert b"77055555555" not in sealed
    assert (letters.retry(LetterFilter()).failed, understood(world)) == (1, [])
    theirs = {"phone": "+77055555555"}
    world.take(event("citizen.contact_changed", AIGERIM, "2025-06-04T11:00:00+05:00", theirs, id="new"))
    await world.settle("2025-06-11T10:00+05:00")
    assert (letters.retry(LetterFilter()).handled, understood(world)) == (1, ["other"])
    assert letters.count(LetterFilter()) == 0


async def test_with_two_open_questions_a_bare_answer_is_none(world: World) -> None:
    """Two people at one telephone: the further SMS says its mark, and a bare 1 is asked about and no consent."""
    world.take(*unemployed(DANA))
    first, second = sorted(await world.settle(ASKED), key=lambda each: len(each.text))
    mark = second.text.rsplit(maxsplit=1)[-1]
    assert first.text in second.text
    write(world, "1", "1")
    assert understood(world) == ["unclear"]
    assert life(world, "citizen.consent_given") == []
    [clarifying] = await world.settle(AT_NOON)
    assert f"1 {mark}" in clarifying.text
    assert write(world, f"1 {mark}", "2")
    [consent] = life(world, "citizen.consent_given")
    assert consent.persons["citizen"] == (second.recipient,)
    assert write(world, "да", "3")
    assert {each.persons["citizen"] for each in life(world, "citizen.consent_given")} == {
        (first.recipient,),
        (second.recipient,),
    }


@pytest.mark.parametrize("dispatchers", [1, 2])
async def test_questions_that_are_written_at_the_same_moment_are_told_apart(world: World, dispatchers: int) -> None:
    """Two batches of one dispatcher or of two ask at one number: each answer finds its question."""
    world.take(*unemployed(DANA))
    world.at(datetime.fromisoformat(ASKED))
    world.plan()
    written = threading.Barrier(2)
    waits = [written.wait] * 2
    made = [dispatcher(world, on_writing=lambda: waits and waits.pop()(60), holder=each) for each in ("one", "two")]
    await asyncio.gather(made[0].drain_batch(1), made[dispatchers - 1].drain_batch(1))
    await made[0].drain()
    first, second = sorted(world.sent, key=lambda each: len(each.text))
    assert write(world, f"1 {second.text.rsplit(maxsplit=1)[-1]}", "1")
    [consent] = life(world, "citizen.consent_given")
    assert consent.persons["citizen"] == (second.recipient,)
    assert write(world, "1", "2")
    assert {each.persons["citizen"] for each in life(world, "citizen.consent_given")} == {
        (first.recipient,),
        (second.recipient,),
    }


async def test_a_stop_is_for_all_channels_and_confirmed_once(world: World) -> None:
    """ТОҚТАТУ opts out of the category of the last message, and an SMS says so, once."""
    await world.settle(ASKED)
    write(world, "ТОҚТАТУ", "1")
    assert life(world, "citizen.preferences_changed")[-1].values["event.opted_out"] == ["work_offers"]
    [confirmed] = await world.settle(AT_NOON)
    assert "Жұмыс және оқу ұсыныстарына келісім" in confirmed.text
    write(world, "ТОҚТАТУ", "1")
    assert await world.settle("2025-06-05T12:00+05:00") == []


async def test_a_second_stop_is_of_the_topic_and_not_of_our_reply(world: World) -> None:
    """Whoever writes STOP to the confirmation loses no other message, is not told again, and is not unheard later."""
    await world.settle(ASKED)
    write(world, "STOP", "1")
    await world.settle(AT_NOON)
    write(world, "STOP", "2")
    assert await world.settle("2025-06-05T12:00+05:00") == []
    assert understood(world) == ["stop", "stopped"]
    assert life(world, "citizen.preferences_changed")[-1].values["event.opted_out"] == ["work_offers"]


async def test_a_question_is_of_whom_the_number_belongs_to(world: World) -> None:
    """Whoever gets somebody's old number answers nothing of theirs, and stops none of their messages."""
    await world.settle(ASKED)
    new = {"phone": "+77017654321"}
    world.take(event("citizen.contact_changed", AIGERIM, "2025-06-04T11:00:00+05:00", new, id="new"))
    assert not write(world, "1", "1")
    assert not write(world, "STOP", "2")
    world.take(*unemployed(DANA))
    await world.settle(AT_NOON)
    assert write(world, "1", "3")
    [consent] = life(world, "citizen.consent_given")
    assert consent.persons["citizen"] == (world.name(DANA),)


async def test_our_reply_says_nothing_of_a_discreet_message(tmp_path: Path) -> None:
    """Who stops an invitation to a screening is not told by SMS what it was that they stopped."""
    made = World(tmp_path, packs=[few_triggers(tmp_path, *OFFERS, "screening_invitation")])
    only = event("citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00Z", {"channels": ["sms"]}, id="only")
    made.take(*registered(AIGERIM, "1985-06-20"), only)
    [invited] = await made.settle("2025-06-20T10:00+05:00")
    write(made, "STOP")
    [confirmed] = await made.settle("2025-06-20T12:00+05:00")
    assert "Скрининг" not in invited.text + confirmed.text
    assert "Біздің хабарлама" in confirmed.text
    made.close()


async def test_anything_else_is_kept_for_the_agency(world: World) -> None:
    """A text that is no answer becomes an event that names the message and the agency, and nobody is told."""
    await world.settle(ASKED)
    write(world, "Кім бұл?")
    [kept] = life(world, "citizen.message_received")
    assert (kept.values["event.text"], kept.values["event.owner"]) == ("Кім бұл?", "labour")
    assert kept.values["event.nudge"] == str(world.nudge("ask").intent.id)
    assert await world.settle(AT_NOON) == []


async def test_a_number_that_was_never_told_anything_is_nobody(world: World) -> None:
    """A text from elsewhere is no answer of anybody."""
    await world.settle(ASKED)
    assert not write(world, "1", sender="+77009999999")
    assert life(world, "citizen.message_received") == []


@pytest.fixture
def reporting(tmp_path: Path, url: str) -> Iterator[World]:
    """A platform whose SMS provider reports, on each database; Aigerim's card is announced on 20 June."""
    sent: list[Message] = []
    made = World(tmp_path, url=url, notifiers={"sms": FakeNotifier("sms", sent, reports=True)})
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    yield made
    made.close()


DUE = "2025-06-20T09:00+05:00"
LATER = "2025-06-20T09:10+05:00"


def report(world: World, heard: ReceiptStatus, reason: Reason | None = None, reference: str | None = None) -> None:
    """The SMS provider reports about the message."""
    if reference is None:
        facts = world.facts(world.nudge("month").intent.id)
        reference = next(fact.reference for fact in facts if isinstance(fact, NudgeSent))
    world.platform.delivery.inbound.receiving.reported("sms", [Report(reference, heard, reason)])


async def test_a_silence_moves_on_to_the_next_channel(reporting: World) -> None:
    """No receipt within cascade_after: the email goes, once, and the trail knows both."""
    await reporting.settle(DUE)
    assert await reporting.settle("2025-06-20T09:09+05:00") == []
    [email] = await reporting.settle(LATER)
    assert (email.channel, email.attempt) == ("email", 2)
    assert await reporting.settle("2025-06-21T12:00+05:00") == []
    assert reporting.delivery("month").state == "sent"


async def test_a_receipt_ends_the_silence(reporting: World) -> None:
    """What was delivered in time goes by no further channel."""
    await reporting.settle(DUE)
    report(reporting, ReceiptStatus.DELIVERED)
    assert await reporting.settle(LATER) == []
    assert reporting.delivery("month").state == "delivered"


async def test_what_was_done_meanwhile_goes_by_no_further_channel(reporting: World) -> None:
    """A silent SMS is followed by no email once she has her new card."""
    await reporting.settle(DUE)
    reporting.at("2025-06-20T09:05+05:00")
    reporting.take(card(AIGERIM, "2035-06-20", number="N2", time="2025-06-20T09:04:00+05:00"))
    assert await reporting.settle(LATER) == []
    [told] = [one for one in reporting.nudges() if one.maybe_sent]
    assert (told.state, told.to(told.intent.person).due) == ("sent", None)


async def test_a_failure_moves_on_at_once(reporting: World) -> None:
    """What the provider could not deliver goes by the next channel at once."""
    await reporting.settle(DUE)
    report(reporting, ReceiptStatus.FAILED, Reason.UNDELIVERED)
    [email] = await reporting.settle()
    assert email.channel == "email"


async def test_receipts_say_a_thing_once(reporting: World) -> None:
    """A receipt that comes twice, or about a message of nobody, adds nothing."""
    await reporting.settle(DUE)
    for _ in range(2):
        report(reporting, ReceiptStatus.DELIVERED)
        report(reporting, ReceiptStatus.DELIVERED, reference="of another platform")
    facts = reporting.facts(reporting.nudge("month").intent.id)
    assert sum(isinstance(fact, NudgeDelivered) for fact in facts) == 1


async def test_a_receipt_may_be_earlier_than_the_outcome(tmp_path: Path) -> None:
    """A receipt that overtakes the provider's answer is kept until the answer says what it is about."""
    sent: list[Message] = []

    async def overtaken(message: Message) -> None:
        made.platform.delivery.inbound.receiving.reported(
            "sms", [Report(f"fake:{message.key}", ReceiptStatus.DELIVERED)]
        )
        sent.append(message)

    made = World(tmp_path, notifiers={"sms": FakeNotifier("sms", overtaken, reports=True)})
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    await made.settle(DUE)
    assert (made.delivery("month").state, len(sent)) == ("delivered", 1)
    assert await made.settle(LATER) == []
    made.close()


async def test_a_refused_address_is_not_tried_until_the_contact_changes(reporting: World) -> None:
    """After a report that nobody has the number, the next messages go by email; a new contact is a new chance."""
    await reporting.settle(DUE)
    report(reporting, ReceiptStatus.FAILED, Reason.BAD_ADDRESS)
    await reporting.settle()
    [second] = await reporting.settle("2025-07-13T09:00+05:00")
    assert second.channel == "email"
    again = event("citizen.contact_changed", AIGERIM, "2025-07-14T00:00:00+05:00", {"phone": PHONE}, id="again")
    reporting.take(again, card(AIGERIM, "2026-07-20", "N2", time="2025-07-15T12:00:00+05:00"))
    await reporting.settle("2026-06-20T08:00+05:00")
    before = len(sent_by_sms(reporting))
    await reporting.settle("2026-06-20T09:00+05:00")
    assert len(sent_by_sms(reporting)) == before + 1


def sent_by_sms(world: World) -> list[NudgeAttempted]:
    """Every attempt by SMS."""
    facts = (entry.fact for entry in world.entries())
    return [fact for fact in facts if isinstance(fact, NudgeAttempted) and fact.channel == "sms"]
