"""Entitlement on the live path: the words say the amount, and `why` explains it from the log."""

from pathlib import Path

from streams.rules.publishing import Publisher
from tests.beginnings import packs_in
from tests.world import LONG_AGO, World, birth, event, few_triggers, iin, registered

MOTHER, CHILD = iin(1), iin(2)


async def test_the_message_says_the_amount_of_the_event(tmp_path: Path) -> None:
    """38 indices of the year of birth in an SMS; what was sent is what `why` shows."""
    world = World(tmp_path)
    world.take(*registered(MOTHER, LONG_AGO), birth(CHILD, MOTHER, "2025-06-01"))
    [message] = [one for one in await world.settle("2025-06-02T10:00+05:00") if one.channel == "sms"]
    nudge = world.nudge("registered", "birth_allowance")
    why = world.why(nudge.intent.id)
    assert "149\u202f416\xa0₸" in message.text
    assert why.words[world.name(MOTHER)].sms == message.text
    world.close()


async def test_why_of_a_nudge_on_becoming_entitled(tmp_path: Path) -> None:
    """The clause names benefit, recipient and day; the data are those that the entitlement follows from."""
    world = World(tmp_path, packs=[few_triggers(tmp_path, "childcare_allowance_ending")])
    world.take(*registered(MOTHER, LONG_AGO), birth(CHILD, MOTHER, "2025-06-01"))
    world.plan()
    why = world.why(world.nudge("month", "childcare_allowance_ending").intent.id)
    assert (why.clause["on"], why.clause["to"]) == ({"ceases": "childcare_allowance"}, ["mother"])
    assert why.clause["due"]["month"]["from"] == "entitled.until"
    assert why.used["entitled.until"] == "2026-12-01"
    assert (why.used["event.born_on"], why.used["event.order"], why.used["param.mci"]) == ("2025-06-01", 1, 3932)
    assert why.cause is not None
    assert why.cause.type == "kz.civil.birth_registered"
    world.close()


async def test_a_nudge_about_the_person_alone_waits_for_the_birthday(tmp_path: Path) -> None:
    """It is sent on the day itself, and `why` explains it by the registration, read as of that day."""
    world = World(tmp_path, packs=[few_triggers(tmp_path, "medical_insurance_adult")])
    world.take(*registered(CHILD, "2007-07-07", language="ru"))
    [message] = [one for one in await world.settle("2025-07-07T10:00+05:00") if one.channel == "sms"]
    assert message.text.startswith("С 7 июля 2025")
    why = world.why(world.nudge("day", "medical_insurance_adult").intent.id)
    assert (why.clause["on"], why.clause["to"]) == ({"ceases": "medical_insurance_of_a_child"}, ["citizen"])
    assert why.used == {"citizen.born_on": "2007-07-07", "entitled.until": "2025-07-07"}
    assert why.cause is not None
    assert why.cause.type == "kz.citizen.registered"
    assert why.words[world.name(CHILD)].sms == message.text
    world.close()


async def test_publishing_it_wakes_whoever_is_known(tmp_path: Path) -> None:
    """No event starts the trigger, so everybody is planned anew, whatever was ever reported of them."""
    world = World(tmp_path, packs=[few_triggers(tmp_path)])
    world.take(*registered(CHILD, "2007-07-07"))
    world.plan()
    assert "day" not in [one.step for one in world.pending()]
    platform = world.platform
    more = packs_in([few_triggers(tmp_path / "more", "medical_insurance_adult")])
    Publisher(platform.database, platform.log, platform.identity.names).publish(more, by="tests", now=world.clock())
    world.plan()
    assert "day" in [one.step for one in world.pending()]
    world.close()


async def test_a_later_fact_moves_the_end(tmp_path: Path) -> None:
    """Planning again after a new job ends the unemployed's entitlement: the reminder is not sent."""
    world = World(tmp_path, packs=[few_triggers(tmp_path, "unemployment_payment")])
    lost = event(
        "kz.social.unemployment_registered",
        MOTHER,
        "2025-06-01T12:00:00+05:00",
        {"registered_on": "2025-06-01", "insured_months": 24},
    )
    world.take(*registered(MOTHER, LONG_AGO), lost)
    world.plan()
    assert {one.intent.step for one in world.nudges() if one.pending} == {"registered", "month"}
    found = event(
        "kz.employment.job_started",
        MOTHER,
        "2025-06-02T20:00:00+05:00",
        {"employer": "ЖШС Береке", "started_on": "2025-06-02"},
    )
    world.take(found)
    world.plan()
    assert [one.step for one in world.pending()] == ["registered"]
    world.close()
