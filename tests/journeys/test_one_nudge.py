"""One nudge, end to end: read this first."""

from domain.facts.facts import NudgeAttempted, NudgePlanned, NudgeSent
from tests.world import World, card, iin, registered

AIGERIM = iin(1)


async def test_an_identity_card_that_expires_is_announced_in_the_citizens_language(world: World) -> None:
    """A citizen hears in Kazakh, by SMS, a month before their card expires, and can ask why."""
    world.take(*registered(AIGERIM, language="kk"), card(AIGERIM, expires_on="2025-07-20"))

    assert await world.settle("2025-06-19T12:00+05:00") == []
    messages = await world.settle("2025-06-20T09:00+05:00")

    assert [(message.channel, message.language) for message in messages] == [("sms", "kk")]
    assert "20 шілде" in messages[0].text
    assert AIGERIM not in repr(messages[0])

    why = world.why(messages[0].nudge)
    assert (why.trigger, why.step, why.state) == ("identity_card_expiry", "month", "sent")
    assert why.used["event.expires_on"] == "2025-07-20"
    assert "73-V" in why.legal_basis
    assert why.words[messages[0].recipient].sms == messages[0].text


async def test_a_renewed_card_ends_the_reminders(world: World) -> None:
    """Once the new card is reported, no reminder about the old one is sent any more."""
    world.take(*registered(AIGERIM), card(AIGERIM, expires_on="2025-07-20"))
    await world.settle("2025-06-20T09:00+05:00")

    world.take(card(AIGERIM, expires_on="2035-07-01", number="N2", time="2025-07-01T10:00:00+05:00"))

    assert await world.settle("2025-07-30T09:00+05:00") == []
    assert world.platform.planning.planning.waiting() == []


async def test_the_log_holds_the_whole_life_of_the_nudge(world: World) -> None:
    """The attempt is in the log before the message is handed over, and its outcome after it."""
    world.take(*registered(AIGERIM), card(AIGERIM, expires_on="2025-07-20"))
    [message] = await world.settle("2025-06-20T09:00+05:00")

    facts = world.facts(message.nudge)

    assert [fact.TOPIC for fact in facts] == [NudgePlanned.TOPIC, NudgeAttempted.TOPIC, NudgeSent.TOPIC]
    assert world.nudge("month", "identity_card_expiry").version == len(facts)
