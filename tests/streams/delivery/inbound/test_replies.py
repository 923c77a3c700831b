"""Answers on the whole platform: a code becomes a life event once, and what depends on it follows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAnswered
from domain.persons.replies import Reply
from notifiers.port.interface import Message
from streams.delivery.inbound.replies import NothingToAnswer, ReplyIntake, UnknownCode
from streams.log.person_keys import PersonKey
from tests.world import LONG_AGO, World, event, few_triggers, iin, registered

AIGERIM, BOLAT = iin(1), iin(2)
OFFERS = ("work_offers_consent", "training_offer")
REGISTERED = event(
    "kz.social.unemployment_registered",
    AIGERIM,
    "2025-06-02T11:00:00+05:00",
    {"registered_on": "2025-06-02", "insured_months": 0},
)
ASKED, AGAIN, OFFER = "2025-06-04T10:00+05:00", "2025-06-11T10:00+05:00", "2025-06-16T11:00+05:00"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Aigerim, who reads SMS only, was registered as unemployed."""
    made = World(tmp_path, packs=[few_triggers(tmp_path, *OFFERS)])
    preferences = event(
        "citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00+05:00", {"channels": ["sms"]}, id="sms only"
    )
    made.take(*registered(AIGERIM, LONG_AGO), preferences, REGISTERED)
    yield made
    made.close()


def answering(world: World) -> ReplyIntake:
    """What takes answers, on the world's platform."""
    return world.platform.delivery.inbound.replies


async def asked(world: World) -> Message:
    """The question."""
    [message] = await world.settle(ASKED)
    return message


def reply(message: Message, code: str = "1", at: str = "2025-06-05T18:00+05:00") -> Reply:
    """An answer to a message."""
    return Reply(message.nudge, message.recipient, code, datetime.fromisoformat(at), "sms")


def consents(world: World) -> list[LifeEvent]:
    """Every consent in the log."""
    facts = (entry.fact for entry in world.entries())
    return [fact for fact in facts if isinstance(fact, LifeEvent) and fact.type == "citizen.consent_given"]


async def test_no_answer_in_seven_days_asks_once_more(world: World) -> None:
    """Asked, and asked again after a week of silence; then no more, and without consent no offer goes."""
    await asked(world)
    [again] = await world.settle(AGAIN)
    assert again.text == world.sent[0].text
    assert "1 (иә)" in again.text
    assert await world.settle(OFFER) == []
    assert world.delivery("offer").reason == "no_consent"


async def test_consent_by_reply_brings_the_offer_and_ends_the_asking(world: World) -> None:
    """The code 1 is a consent to the trigger's category: the second question is cancelled, and the offer goes."""
    message = await asked(world)
    stream = answering(world).take(reply(message))
    [consent] = consents(world)
    assert consent.stream == stream
    assert consent.values["event.categories"] == ["work_offers"]
    assert await world.settle(AGAIN) == []
    assert world.nudge("ask.2").cancelled
    assert world.nudge("ask").state == "answered"
    answered = [fact for fact in world.facts(message.nudge) if isinstance(fact, NudgeAnswered)]
    assert [(fact.recipient, fact.reply) for fact in answered] == [(message.recipient, stream)]
    [offer] = await world.settle(OFFER)
    assert "тегін курстар" in offer.text


async def test_a_no_is_an_answer_and_no_consent(world: World) -> None:
    """The code 2 ends the asking, and no offer goes."""
    answering(world).take(reply(await asked(world), "2"))
    assert await world.settle(AGAIN) == []
    assert await world.settle(OFFER) == []
    assert (consents(world), world.nudge("ask").state) == ([], "answered")


async def test_the_same_reply_again_stores_nothing(world: World) -> None:
    """Delivered twice, or pressed twice, an answer is one event and one fact."""
    message = await asked(world)
    takes = answering(world)
    streams = {
        takes.take(each) for each in (reply(message), reply(message), reply(message, at="2025-06-06T09:00+05:00"))
    }
    assert len(streams) == len(consents(world)) == 1
    assert len([fact for fact in world.facts(message.nudge) if isinstance(fact, NudgeAnswered)]) == 1


async def test_who_changes_their_mind_is_heard(world: World) -> None:
    """Another answer later is another event; the first one, reported once more, undoes nothing."""
    message = await asked(world)
    takes = answering(world)
    first, second = reply(message, "2"), reply(message, "1", "2025-06-06T09:00+05:00")
    assert takes.take(first) != takes.take(second)
    takes.take(first)
    assert len(consents(world)) == 1
    assert len(await world.settle(OFFER)) == 1


async def test_a_reply_is_stored_and_noted_together_or_not_at_all(world: World) -> None:
    """Whoever stops between the event and the nudge's fact leaves nothing behind; when it comes again it is taken."""
    message = await asked(world)
    platform = world.platform

    class Stopped(Exception):
        """The process ended."""

    def append_and_stop(connection: Connection, events: Sequence[LifeEvent]) -> Mapping[str, PersonKey]:
        platform.intake.append(connection, events)
        raise Stopped

    stopping = ReplyIntake(replace(platform.rules.context, append=append_and_stop))
    with pytest.raises(Stopped):
        stopping.take(reply(message))
    assert (len(consents(world)), world.nudge("ask").state) == (0, "sent")
    answering(world).take(reply(message))
    assert (len(consents(world)), world.nudge("ask").state) == (1, "answered")


async def test_what_cannot_be_an_answer_is_refused_and_changes_nothing(world: World) -> None:
    """Another person, a nudge that is not there or did not go yet, and a code that nobody asked for."""
    message = await asked(world)
    takes, right = answering(world), reply(message)
    before = len(world.entries())
    unsent = world.nudge("offer").intent.id
    for wrong in (
        replace(right, recipient=world.name(BOLAT)),
        replace(right, nudge=UUID(int=1)),
        replace(right, nudge=unsent),
    ):
        with pytest.raises(NothingToAnswer):
            takes.take(wrong)
    with pytest.raises(UnknownCode, match="it takes 1, 2") as caught:
        takes.take(replace(right, code="yes please"))
    assert "please" not in str(caught.value)
    assert len(world.entries()) == before


async def test_consents_to_several_things_are_all_kept(world: World) -> None:
    """A consent by reply leaves every other consent as it is."""
    message = await asked(world)
    time = world.clock() - timedelta(days=1)
    world.take(event("citizen.consent_given", AIGERIM, time.isoformat(), {"categories": ["health"]}, id="health"))
    answering(world).take(reply(message))
    assert consents(world)[-1].values["event.categories"] == ["health", "work_offers"]
