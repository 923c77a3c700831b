"""Dispatch: an attempt is a fact before it is made, its outcome after it, and what follows from each outcome."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.facts.facts import NudgeAttempted, NudgeFailed, NudgePlanned, NudgeSent
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import GiveUp, Message, Reason, RetryLater, Unknown
from streams.delivery.send.claiming import LEASE
from templates.checks.loader import shipped
from tests.streams.dispatching import (
    ABSENT,
    AIGERIM,
    AWAKE,
    DANA,
    DUE,
    EVACUATION,
    FLOOD,
    HOME,
    MARAT,
    MINUTE,
    SAULE,
    ends,
    with_card,
)
from tests.templates.packs import RULES, write_town
from tests.world import LONG_AGO, World, birth, card, event, fine, iin, registered

NO_EMAIL = event("citizen.contact_changed", AIGERIM, "2025-01-01T00:00:00Z", {"email": None})


async def test_the_attempt_is_in_the_log_before_the_provider_is_called(tmp_path: Path) -> None:
    """Whoever is handed a message finds its attempt committed, numbered and with its channel."""
    seen: list[object] = []
    world = with_card(tmp_path, sms=FakeNotifier("sms", lambda message: seen.append(world.facts(message.nudge)[-1])))

    await world.settle(DUE)

    recipient = world.name(AIGERIM)
    assert seen == [NudgeAttempted(world.clock(), recipient, 1, "sms", "sms", world.clock() + LEASE, "kk")]
    assert [type(fact) for fact in world.facts(world.nudge("month").intent.id)] == [
        NudgePlanned,
        NudgeAttempted,
        NudgeSent,
    ]
    world.close()


async def test_what_is_due_goes_by_time_then_class_then_id(world: World) -> None:
    """What was due earlier goes first; of what is due together, a service before a reminder, then by id."""
    mothers, children = [iin(10), iin(11)], [iin(12), iin(13)]
    everybody = [*mothers, AIGERIM, DANA, SAULE]
    world.take(*(each for person in everybody for each in registered(person, LONG_AGO)))
    world.take(
        *(birth(child, mother, "2025-04-10") for child, mother in zip(children, mothers, strict=True)),
        *(fine(person, person[6:11], "2025-06-10T12:00:00+05:00") for person in (DANA, SAULE)),
        card(AIGERIM, "2025-07-16"),
    )
    await world.settle("2025-06-16T08:59+05:00")

    sent = await world.settle("2025-06-16T10:00+05:00")

    by_id = {one.intent.id: one.intent for one in world.nudges()}
    gone = [by_id[message.nudge] for message in sent]
    assert [intent.trigger for intent in gone] == [
        "identity_card_expiry",
        "traffic_fine_discount",
        "traffic_fine_discount",
        "kindergarten_queue",
        "kindergarten_queue",
    ]
    assert gone == sorted(gone, key=lambda each: (each.due, each.klass != "service", each.id.int))


async def test_busy_providers_are_asked_again_when_they_said(tmp_path: Path) -> None:
    """RetryLater with a time: not a minute earlier, then again on the same channel."""
    world = with_card(tmp_path, sms=[RetryLater(timedelta(minutes=9), Reason.BUSY)])
    assert await world.settle(DUE) == []
    assert world.delivery("month").due == DUE + 9 * MINUTE
    assert await world.settle(DUE + 8 * MINUTE) == []
    assert [(one.channel, one.attempt) for one in await world.settle(DUE + 9 * MINUTE)] == [("sms", 2)]
    assert world.delivery("month").state == "sent"
    world.close()


@pytest.mark.parametrize("after", [None, timedelta(seconds=5)])
async def test_silent_providers_are_asked_less_and_less_often(tmp_path: Path, after: timedelta | None) -> None:
    """RetryLater: after 1, 5, 15 minutes, 1 and 4 hours, never sooner; after eight attempts it has failed."""
    world = with_card(tmp_path, sms=[RetryLater(after, Reason.BUSY)] * 8)
    world.take(AWAKE, NO_EMAIL)
    waits, before = [], DUE
    await world.settle(DUE)
    while (due := world.delivery("month").due) is not None:
        waits.append((due - before) / MINUTE)
        before = due
        await world.settle(due)

    assert waits == [1, 5, 15, 60, 240, 240, 240]
    assert ends(world) == ("failed", "busy", 8)
    world.close()


@pytest.mark.parametrize("asked", [None, timedelta(hours=6)])
async def test_a_channel_that_is_away_has_no_more_time_than_a_silent_one(
    tmp_path: Path, asked: timedelta | None
) -> None:
    """What would be tried again only after `cascade_after` goes by the next channel at once."""
    world = with_card(tmp_path, sms=[RetryLater(asked, Reason.UNREACHABLE)] * 8)
    minutes = [0] if asked else [0, 1, 6]
    sent = [await world.settle(DUE + minute * MINUTE) for minute in minutes]
    assert [[(one.channel, one.attempt) for one in each] for each in sent] == [
        *[[]] * (len(minutes) - 1),
        [("email", len(minutes) + 1)],
    ]
    assert world.delivery("month").exhausted == ("sms",)
    world.close()


async def test_an_order_goes_by_another_channel_before_it_expires(tmp_path: Path) -> None:
    """While SMS are away an evacuation is told by email, not tried by SMS until it is over."""
    world = World(tmp_path, packs=shipped(), now=FLOOD, script={"sms": [RetryLater(None, Reason.UNREACHABLE)] * 100})
    world.take(*registered(AIGERIM, "1990-05-05"), HOME)
    world.take(EVACUATION)
    world.plan()
    sent = [await world.settle(FLOOD + minute * MINUTE) for minute in (0, 1, 2)]
    assert [message.channel for each in sent for message in each] == ["email"]
    world.close()


async def test_a_channel_that_gives_up_hands_over_to_the_next(tmp_path: Path) -> None:
    """GiveUp: the next channel at once, with the next number of attempt."""
    world = with_card(tmp_path, sms=[ABSENT])
    sent = await world.settle(DUE)
    assert [(one.channel, one.attempt, one.address) for one in sent] == [("email", 2, "a@example.org")]
    assert world.delivery("month").exhausted == ("sms",)
    world.close()


async def test_when_every_channel_gave_up_it_has_failed(tmp_path: Path) -> None:
    """After the last channel the nudge ends as failed, with the last reason, and is never tried again."""
    world = with_card(tmp_path, sms=[ABSENT], email=[GiveUp(Reason.REJECTED)])
    assert await world.settle(DUE) == []
    assert ends(world) == ("failed", "rejected", 2)
    assert await world.settle(DUE + timedelta(hours=12)) == []
    world.close()


async def test_what_may_have_gone_is_not_repeated(tmp_path: Path) -> None:
    """A reminder of which nobody knows whether it went stays unknown: no double, the next channel in time."""
    world = with_card(tmp_path, sms=[Unknown(Reason.LINK_LOST)])
    assert len(await world.settle(DUE)) == 1
    assert await world.settle(DUE + 9 * MINUTE) == []
    assert (world.delivery("month").state, world.delivery("month").reason) == ("unknown", "link_lost")
    assert [message.channel for message in await world.settle(DUE + 10 * MINUTE)] == ["email"]
    assert await world.settle(DUE + timedelta(hours=12)) == []
    assert ends(world)[::2] == ("sent", 2)
    world.close()


async def test_a_provider_that_removes_doubles_is_asked_again(tmp_path: Path) -> None:
    """Where the provider removes doubles by our key, an unknown attempt is repeated and ends as sent, once."""
    kept: list[Message] = []
    safe = FakeNotifier("sms", kept, script=[Unknown(Reason.LINK_LOST)], removes_doubles=True)
    world = with_card(tmp_path, sms=safe)
    await world.settle(DUE)
    assert world.delivery("month").due == DUE + MINUTE
    await world.settle(DUE + MINUTE)
    assert ends(world)[::2] == ("sent", 2)
    assert [message.attempt for message in kept] == [1]
    world.close()


async def test_what_the_law_wants_is_repeated(tmp_path: Path) -> None:
    """A legal notice of which nobody knows whether it went is sent once more."""
    town = write_town(
        tmp_path,
        (RULES, "class: reminder", "class: legal"),
        (RULES, " && citizen.age >= 18", ""),
        (RULES, "expires: event.valid_until\n", ""),
    )
    world = World(tmp_path, packs=[town], script={"sms": [Unknown(Reason.LINK_LOST)]})
    contact = event("citizen.contact_changed", AIGERIM, "2025-01-01T00:00:00Z", {"phone": "+77011234567"})
    meter = {"number": "M1", "valid_until": "2025-07-20", "fee": 7}
    world.take(contact, event("town.meter.installed", AIGERIM, "2025-01-02T00:00:00Z", meter))
    await world.settle(DUE)
    await world.settle(DUE + MINUTE)
    assert [message.attempt for message in world.sent] == [1, 2]
    assert ends(world)[::2] == ("sent", 2)
    world.close()


async def test_a_failure_says_when_it_is_tried_again(tmp_path: Path) -> None:
    """The fact of a failure holds the reason, the time of the next attempt, and whether the channel gave up."""
    world = with_card(tmp_path, sms=[ABSENT], email=[RetryLater(None, Reason.BUSY)])
    await world.settle(DUE)
    who, now = world.name(AIGERIM), world.clock()
    failures = [fact for fact in world.facts(world.nudge("month").intent.id) if isinstance(fact, NudgeFailed)]
    assert failures == [
        NudgeFailed(now, who, 1, "bad_address", now, gave_up=True),
        NudgeFailed(now, who, 2, "busy", now + 5 * MINUTE),
    ]
    world.close()


async def test_words_that_cannot_be_read_are_withheld_and_the_others_go(world: World) -> None:
    """A message about somebody whose data is erased is withheld as unreadable; the rest of the batch goes."""
    world.take(*(each for person in (AIGERIM, DANA) for each in registered(person, LONG_AGO)))
    world.take(birth(SAULE, AIGERIM, "2025-06-01"), birth(MARAT, DANA, "2025-06-01"))
    world.plan()
    child = world.name(SAULE)
    world.platform.database.write(lambda connection: world.platform.log.keys.destroy(connection, child))

    sent = await world.settle("2025-06-02T12:30+05:00")

    assert [message.recipient for message in sent] == [world.name(DANA)]
    states = {
        one.intent.person: (one.state, one.deliveries[0].reason)
        for one in world.nudges()
        if one.intent.step == "registered"
    }
    assert states == {world.name(AIGERIM): ("withheld", "unreadable"), world.name(DANA): ("sent", None)}
