"""Settling through the real database: what plan does not know decides at the moment when a nudge is due."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.facts.receipts import ReceiptStatus
from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, Unknown
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.intake.cloudevents import Envelope
from tests.templates.packs import RULES, Change, write_town
from tests.world import LONG_AGO, World, annulled, birth, card, event, fine, iin, registered

AIGERIM, DANA, MARAT, SAULE = iin(1), iin(2), iin(3), iin(4)
DUE = datetime.fromisoformat("2025-06-20T09:00+05:00")
"""When the first step of a card that expires on 20 July is due."""
FIVE_MINUTES = timedelta(minutes=5)


def prefers(person: str, time: str = "2025-01-05T00:00:00+05:00", **preferences: Any) -> Envelope:
    """The person says how they want to be told."""
    id_ = f"prefers-{person[6:11]}-{time}"
    return event("citizen.preferences_changed", person, time, preferences, id=id_)


def reached_by(person: str, time: str = "2025-01-05T00:00:00+05:00", **contact: Any) -> Envelope:
    """The person says where they are reached."""
    return event("citizen.contact_changed", person, time, contact, id=f"reached-{person[6:11]}-{time}")


def died(person: str, day: str) -> Envelope:
    """A death was registered."""
    return event("kz.civil.death_registered", person, f"{day}T12:00:00+05:00", {"died_on": day}, id=f"died-{day}")


def with_card(world: World, *events: Envelope) -> None:
    """Aigerim has a card whose first reminder is due at DUE, and something else happened."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"), *events)


def reasons(world: World) -> dict[str, tuple[str, str | None]]:
    """Step -> state and reason of its only delivery."""
    return {one.intent.step: (one.deliveries[0].state.value, one.deliveries[0].reason) for one in world.nudges()}


async def test_quiet_hours_put_off_and_never_drop(world: World) -> None:
    """What is due in the night is deferred to the morning, with the reason, and then goes."""
    world.take(*registered(AIGERIM, LONG_AGO), fine(AIGERIM, "1", "2025-06-10T22:00:00+05:00"))
    assert await world.settle("2025-06-10T23:30+05:00") == []
    assert reasons(world)["issued"] == ("deferred", "quiet_hours")
    assert await world.settle("2025-06-11T08:59+05:00") == []
    assert len(await world.settle("2025-06-11T09:00+05:00")) == 1


async def test_quiet_hours_are_the_persons_own(world: World) -> None:
    """Somebody's own quiet hours count, in their own zone."""
    with_card(world, prefers(AIGERIM, quiet_from="07:00", quiet_to="12:00", zone="Europe/Berlin"))
    due = datetime.fromisoformat("2025-06-20T09:00+02:00")  # the card's nine o'clock is Berlin's too
    assert await world.settle(due) == []
    assert world.delivery("month").due == due + timedelta(hours=3)
    assert len(await world.settle(due + timedelta(hours=3))) == 1


async def test_preferences_of_the_moment_count(world: World) -> None:
    """Language and address are those of the moment of sending, not those of the plan."""
    with_card(world)
    world.plan()
    world.take(
        prefers(AIGERIM, "2025-06-10T00:00:00+05:00", language="ru"),
        reached_by(AIGERIM, "2025-06-10T00:00:00+05:00", phone="+77009998877"),
    )
    [message] = await world.settle(DUE)
    assert (message.language, message.address) == ("ru", "+77009998877")


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([prefers(AIGERIM, opted_out=["documents"])], "opted_out"),
        ([reached_by(AIGERIM, phone=None, email=None)], "no_address"),
        ([prefers(AIGERIM, channels=["push"])], "no_address"),
        ([prefers(AIGERIM, channels=[])], "no_channel"),
    ],
)
async def test_who_does_not_want_it_or_cannot_be_reached(world: World, events: list[Envelope], reason: str) -> None:
    """Whoever opted out of the category, or has no address on an allowed channel, gets nothing, for that reason."""
    with_card(world, *events)
    assert await world.settle(DUE) == []
    assert reasons(world)["month"] == ("withheld", reason)


async def test_another_category_still_goes(world: World) -> None:
    """Opting out of one category keeps the others."""
    with_card(world, prefers(AIGERIM, opted_out=["transport"]))
    assert len(await world.settle(DUE)) == 1


async def test_the_channels_that_a_person_chose_are_used(world: World) -> None:
    """Who allows only email gets email, though an SMS would come first."""
    with_card(world, prefers(AIGERIM, channels=["email"]))
    [message] = await world.settle(DUE)
    assert (message.channel, message.title != "", message.html is not None) == ("email", True, True)


async def test_who_joins_late_gets_the_nearest_step(world: World) -> None:
    """Of the steps that were overdue when they were planned, only the latest goes; the others say why not."""
    world.at("2025-07-15T12:00+05:00")
    with_card(world)
    assert len(await world.settle()) == 1
    assert reasons(world) == {"month": ("withheld", "caught_up"), "week": ("sent", None), "day": ("planned", None)}


@pytest.mark.parametrize("first", [Accepted("one"), Unknown(Reason.TIMED_OUT)])
async def test_no_further_channel_says_what_was_done_meanwhile(tmp_path: Path, first: Outcome) -> None:
    """After a push that bounced, or of which nobody knows, no SMS reminds of a card that was replaced meanwhile."""
    reporting = {"push": FakeNotifier("push", [], script=[first], reports=True)}
    world = World(tmp_path, notifiers=reporting)
    with_card(world, reached_by(AIGERIM, phone="+77011234567", push="https://push.example.org/1"))
    await world.settle(DUE)
    nudge = world.nudge("month")
    bounced = Receipt(nudge.intent.id, world.name(AIGERIM), 1, ReceiptStatus.FAILED, "undelivered")
    if isinstance(first, Accepted):
        world.platform.delivery.receipts.record(bounced)
    world.at(DUE + FIVE_MINUTES)
    world.take(card(AIGERIM, "2035-06-20", "N2", "2025-06-20T09:04:00+05:00"))
    assert await world.settle(DUE + timedelta(days=4)) == []
    world.close()


async def test_a_late_bounce_brings_no_further_channel_for_what_was_done_before(world: World) -> None:
    """A push that nobody waits for went after the card was replaced, which was reported later; it bounces: no SMS."""
    with_card(world, reached_by(AIGERIM, phone="+77011234567", push="https://push.example.org/1"))
    assert len(await world.settle(DUE)) == 1
    world.take(card(AIGERIM, "2035-06-20", "N2", "2025-06-20T08:50:00+05:00"))
    assert await world.settle(DUE + FIVE_MINUTES) == []
    nudge = next(one for one in world.nudges() if one.state is State.SENT)
    bounced = Receipt(nudge.intent.id, world.name(AIGERIM), 1, ReceiptStatus.FAILED, "undelivered")
    world.platform.delivery.receipts.record(bounced)
    assert await world.settle(DUE + timedelta(days=4)) == []
    ended = next(one for one in world.nudges() if one.intent.id == nudge.intent.id)
    assert (ended.state, ended.deliveries[0].reason) == (State.WITHHELD, "done")


async def test_what_is_worth_nothing_any_more_expires(world: World) -> None:
    """A platform that slept through the whole time sends nothing afterwards, and every nudge says so."""
    with_card(world)
    world.plan()
    assert await world.settle("2025-07-21T09:00+05:00") == []
    assert {state for state, _ in reasons(world).values()} == {"expired"}


async def test_a_nudge_goes_until_it_expires(world: World) -> None:
    """Late is better than never: up to the last moment of its validity the last step is sent."""
    with_card(world)
    world.plan()
    sent = await world.settle("2025-07-20T12:00+05:00")
    assert world.nudge("day").state == "sent"
    assert len(sent) == 3, "none was overdue when it was planned"


async def test_what_an_offer_needs_is_consent(tmp_path: Path) -> None:
    """An offer goes only to those who consented to its category."""
    world = _town(tmp_path, (RULES, "class: reminder", "class: offer"))
    consent = event("citizen.consent_given", DANA, "2025-01-05T00:00:00Z", {"categories": ["water"]}, id="consent")
    world.take(*_metered(AIGERIM), *_metered(DANA), consent)
    sent = await world.settle(DUE)
    assert [message.recipient for message in sent] == [world.name(DANA)]
    states = {
        one.intent.person: (one.state, one.deliveries[0].reason)
        for one in world.nudges()
        if one.intent.step == "month"
    }
    assert states == {world.name(AIGERIM): ("withheld", "no_consent"), world.name(DANA): ("sent", None)}
    world.close()


async def test_a_legal_notice_goes_also_to_who_opted_out(tmp_path: Path) -> None:
    """What the law wants told is told, whatever somebody opted out of or allowed."""
    world = _town(tmp_path, (RULES, "class: reminder", "class: legal"))
    world.take(*_metered(AIGERIM), prefers(AIGERIM, opted_out=["water"], channels=["push"]))
    [message] = await world.settle(DUE)
    assert message.channel == "sms"
    world.close()


def _town(folder: Path, *changes: Change) -> World:
    """A platform with the small pack, whose trigger asks for no age."""
    return World(folder, packs=[write_town(folder, (RULES, " && citizen.age >= 18", ""), *changes)])


def _metered(person: str) -> list[Envelope]:
    """A citizen with a phone whose meter is to be checked by 20 July."""
    data = {"number": f"M-{person[6:11]}", "valid_until": "2025-07-20", "fee": 7}
    installed = event("town.meter.installed", person, "2025-01-02T00:00:00Z", data, id=f"meter-{person[6:11]}")
    return [reached_by(person, phone="+77011234567"), installed]


async def test_the_dead_are_told_nothing(world: World) -> None:
    """A death that is reported cancels what was planned for the dead."""
    with_card(world)
    world.plan()
    world.take(died(AIGERIM, "2025-06-05"))
    assert await world.settle(DUE) == []
    assert {state for state, _ in reasons(world).values()} == {"cancelled"}


# A minor's nudges: Saule is 16, Aigerim and Marat are her parents.

BORN = "2008-12-15"


def family(world: World, *events: Envelope, born: str = BORN) -> None:
    """Saule, her parents with their own languages and phones, and her card."""
    world.take(
        *registered(AIGERIM, LONG_AGO, language="kk", phone="+77010000001"),
        *registered(MARAT, LONG_AGO, language="ru", phone="+77010000002"),
        birth(SAULE, AIGERIM, born, father=MARAT),
        card(SAULE, "2025-07-20", number="S1"),
        *events,
    )


def states_of(world: World, step: str = "month") -> Mapping[str, tuple[str, int]]:
    """National id -> state and attempts of each delivery of Saule's nudge."""
    people = {world.name(person): person for person in (AIGERIM, MARAT, SAULE, DANA)}
    [nudge] = [one for one in world.nudges() if one.intent.step == step and one.intent.person == world.name(SAULE)]
    return {people[one.recipient]: (one.state.value, one.attempt) for one in nudge.deliveries}


async def test_a_minors_nudge_goes_to_both_guardians_each_in_their_way(world: World) -> None:
    """Both parents are told, each in their language and outside their own quiet hours, and each ends once."""
    family(world, prefers(MARAT, quiet_from="08:00", quiet_to="12:00"))

    first = await world.settle(DUE)
    between = states_of(world)
    second = await world.settle("2025-06-20T12:00+05:00")

    assert [(one.recipient, one.language, one.address) for one in first] == [
        (world.name(AIGERIM), "kk", "+77010000001"),
    ]
    assert between == {AIGERIM: ("sent", 1), MARAT: ("deferred", 0)}
    assert [(one.recipient, one.language, one.address) for one in second] == [
        (world.name(MARAT), "ru", "+77010000002"),
    ]
    assert states_of(world) == {AIGERIM: ("sent", 1), MARAT: ("sent", 1)}
    assert await world.settle("2025-06-20T18:00+05:00") == []


async def test_both_guardians_are_told_however_few_permits_there_are(tmp_path: Path) -> None:
    """Where not all messages of a nudge may be open at once, the later ones follow."""
    world = World(tmp_path, in_flight=8)
    for number in range(5):
        mother, father, child = (iin(10 * number + each) for each in (10, 11, 12))
        world.take(*registered(mother, LONG_AGO), *registered(father, LONG_AGO))
        world.take(birth(child, mother, BORN, father=father), card(child, "2025-07-20", number=f"S{number}"))
    assert len({(one.nudge, one.recipient) for one in await world.settle(DUE)}) == len(world.sent) == 10
    world.close()


async def test_one_guardians_channel_fails_for_them_alone(tmp_path: Path) -> None:
    """A channel that gives up for one guardian moves only that guardian to the next."""
    world = World(tmp_path, script={"sms": [GiveUp(Reason.BAD_ADDRESS)]})
    family(world)
    sent = await world.settle(DUE)
    assert sorted(one.channel for one in sent) == ["email", "sms"]
    assert sorted(states_of(world).values()) == [("sent", 1), ("sent", 2)]
    world.close()


async def test_one_guardian_has_opted_out_the_other_is_told(world: World) -> None:
    """A guardian's own preferences count: one may want nothing, the other is told all the same."""
    family(world, prefers(AIGERIM, opted_out=["documents"]))
    assert [one.recipient for one in await world.settle(DUE)] == [world.name(MARAT)]
    assert states_of(world) == {AIGERIM: ("withheld", 0), MARAT: ("sent", 1)}


async def test_a_guardian_who_died_is_told_nothing(world: World) -> None:
    """Of two guardians one has died: the nudge to them is withheld as died."""
    family(world, died(MARAT, "2024-05-05"))
    assert [one.recipient for one in await world.settle(DUE)] == [world.name(AIGERIM)]
    assert states_of(world) == {AIGERIM: ("sent", 1), MARAT: ("withheld", 0)}


async def test_a_minor_whose_guardians_have_died_is_as_one_without(world: World) -> None:
    """Where every known guardian has died, the nudge is withheld because there is none."""
    family(world, died(MARAT, "2024-05-05"), died(AIGERIM, "2024-05-06"))
    assert await world.settle(DUE) == []
    assert reasons(world)["month"] == ("withheld", "no_guardian")


async def test_what_waits_for_a_guardian_who_dies_goes_to_the_other(world: World) -> None:
    """A death in the quiet hours of a guardian leaves the message to the guardian who was appointed meanwhile."""
    late = {"quiet_from": "08:00", "quiet_to": "12:00"}
    family(world, prefers(AIGERIM, **late), prefers(MARAT, **late), *registered(DANA, LONG_AGO))
    assert await world.settle(DUE) == []
    world.take(died(AIGERIM, "2025-06-20"), appointed(AIGERIM, DANA))
    assert [one.recipient for one in await world.settle("2025-06-20T12:00+05:00")] == [world.name(DANA)]
    assert states_of(world) == {AIGERIM: ("withheld", 0), MARAT: ("withheld", 0), DANA: ("sent", 1)}


async def test_parents_hear_nothing_of_a_child_that_has_died(world: World) -> None:
    """What was due while the child lived, and was held back, goes to no parent once the death is reported."""
    family(world)
    world.plan()
    world.control("all", "", stopped=True)
    assert await world.settle(DUE) == []
    world.take(died(SAULE, "2025-06-21"))
    world.control("all", "", stopped=False)
    assert await world.settle("2025-06-22T12:00+05:00") == []
    assert states_of(world) == {AIGERIM: ("withheld", 0), MARAT: ("withheld", 0)}
    assert {one.reason for one in world.nudges()[0].deliveries} == {"died"}


async def test_a_mother_hears_nothing_of_a_child_that_has_died(world: World) -> None:
    """A birth and a death that are reported together, late, make nobody ask her for anything about that child."""
    lost = event(
        "kz.civil.death_registered",
        SAULE,
        "2025-06-05T12:00:00+05:00",
        {"died_on": "2025-06-05", "heirs": [AIGERIM]},
        id="lost",
    )
    world.take(*registered(AIGERIM, LONG_AGO, phone="+77010000001"), birth(SAULE, AIGERIM, "2025-06-01"), lost)
    assert await world.settle("2025-06-10T12:00+05:00") == []
    assert {one.deliveries[0].reason for one in world.nudges()} == {"died"}


async def test_guardians_are_those_of_the_moment(world: World) -> None:
    """A guardian who was appointed meanwhile is told, and the parents are not."""
    appointed = {"guardians": [DANA]}
    family(world)
    world.plan()
    world.take(
        *registered(DANA, LONG_AGO), event("citizen.guardian_appointed", SAULE, "2025-06-01T00:00:00Z", appointed)
    )
    assert [one.recipient for one in await world.settle(DUE)] == [world.name(DANA)]


def appointed(*guardians: str) -> Envelope:
    """Saule has these guardians since before her nudge was due."""
    return event("citizen.guardian_appointed", SAULE, "2025-06-19T00:00:00Z", {"guardians": list(guardians)})


async def test_what_waits_for_a_guardian_goes_to_who_is_one_when_it_goes(world: World) -> None:
    """Who is a guardian no more is not told in the morning what was due in their quiet hours; the new one is."""
    late = {"quiet_from": "08:00", "quiet_to": "12:00"}
    family(world, prefers(AIGERIM, **late), prefers(MARAT, **late), *registered(DANA, LONG_AGO))
    assert await world.settle(DUE) == []
    world.take(appointed(DANA, MARAT))
    noon = await world.settle("2025-06-20T12:00+05:00")
    assert {one.recipient for one in noon} == {world.name(DANA), world.name(MARAT)}
    assert states_of(world) == {AIGERIM: ("withheld", 0), MARAT: ("sent", 1), DANA: ("sent", 1)}


async def test_who_is_a_guardian_again_is_told(world: World) -> None:
    """A message that was passed on comes back with the guardianship, if the other guardian was not told yet."""
    late = {"quiet_from": "08:00", "quiet_to": "12:00"}
    family(world, prefers(AIGERIM, **late), prefers(MARAT, **late), *registered(DANA, LONG_AGO))
    world.take(prefers(DANA, quiet_from="11:00", quiet_to="14:00"))
    assert await world.settle(DUE) == []
    world.take(appointed(DANA))
    assert await world.settle("2025-06-20T12:00+05:00") == []
    back = {"guardians": [AIGERIM, MARAT]}
    world.take(event("citizen.guardian_appointed", SAULE, "2025-06-20T13:00:00+05:00", back))
    told = await world.settle("2025-06-20T14:00+05:00")
    assert {one.recipient for one in told} == {world.name(AIGERIM), world.name(MARAT)}
    assert states_of(world) == {AIGERIM: ("sent", 1), MARAT: ("sent", 1), DANA: ("withheld", 0)}


async def test_who_becomes_a_guardian_while_it_waits_is_told_with_the_others(world: World) -> None:
    """Whoever joins a guardian who is not to be disturbed is told when the message goes, beside them."""
    late = {"quiet_from": "08:00", "quiet_to": "12:00"}
    family(world, prefers(AIGERIM, **late), *registered(DANA, LONG_AGO))
    assert [one.recipient for one in await world.settle(DUE)] == [world.name(MARAT)]
    world.take(appointed(AIGERIM, MARAT, DANA))
    assert await world.settle("2025-06-20T11:00+05:00") == []
    noon = await world.settle("2025-06-20T12:00+05:00")
    assert sorted(one.recipient for one in noon) == sorted((world.name(AIGERIM), world.name(DANA)))
    assert states_of(world) == {AIGERIM: ("sent", 1), MARAT: ("sent", 1), DANA: ("sent", 1)}
    assert await world.settle("2025-06-21T12:00+05:00") == []


async def test_who_becomes_a_guardian_after_it_has_gone_is_not_told(world: World) -> None:
    """What was told to all who were guardians then is not told again."""
    family(world, *registered(DANA, LONG_AGO))
    assert len(await world.settle(DUE)) == 2
    world.take(appointed(AIGERIM, MARAT, DANA))
    assert await world.settle("2025-06-21T12:00+05:00") == []


async def test_who_is_a_guardian_again_after_nobody_was_is_told(world: World) -> None:
    """A message that ended for want of a guardian comes back with the guardianship, as long as it waits for one."""
    late, later = {"quiet_from": "08:00", "quiet_to": "12:00"}, {"quiet_from": "08:00", "quiet_to": "15:00"}
    family(world, prefers(AIGERIM, **late), prefers(MARAT, **later))
    assert await world.settle(DUE) == []
    nobody = died(AIGERIM, "2025-06-20"), died(MARAT, "2025-06-19")
    world.take(*nobody)
    assert await world.settle("2025-06-20T12:00+05:00") == []
    world.take(*(annulled(each, 2) for each in nobody))
    told = await world.settle("2025-06-20T15:00+05:00")
    assert {one.recipient for one in told} == {world.name(AIGERIM), world.name(MARAT)}
    assert states_of(world) == {AIGERIM: ("sent", 1), MARAT: ("sent", 1)}


async def test_a_stop_outlasts_a_guardianship(world: World) -> None:
    """What a kill switch held back goes to the guardians whom a court has appointed meanwhile, all at once."""
    family(world, *registered(DANA, LONG_AGO))
    world.plan()
    world.control("all", "", stopped=True)
    assert await world.settle(DUE) == []
    world.take(appointed(DANA, MARAT))
    world.control("all", "", stopped=False)
    sent = await world.settle(DUE + timedelta(days=4))
    assert sorted(one.recipient for one in sent) == sorted((world.name(DANA), world.name(MARAT)))
    assert states_of(world) == {AIGERIM: ("withheld", 0), MARAT: ("sent", 1), DANA: ("sent", 1)}


async def test_what_waits_for_the_parents_goes_to_who_has_come_of_age(world: World) -> None:
    """What is held back on the eve of somebody's eighteenth birthday goes to themselves."""
    family(world, reached_by(SAULE, phone="+77010000003"), born="2007-06-21")
    world.plan()
    world.control("all", "", stopped=True)
    assert await world.settle(DUE) == []
    world.control("all", "", stopped=False)
    assert [one.recipient for one in await world.settle("2025-06-21T12:00+05:00")] == [world.name(SAULE)]


async def test_a_minor_without_guardians_is_not_written_to(world: World) -> None:
    """Where no guardian is known, the nudge is withheld for that reason; the child is not told."""
    world.take(*registered(SAULE, BORN), card(SAULE, "2025-07-20"))
    assert await world.settle(DUE) == []
    assert reasons(world)["month"] == ("withheld", "no_guardian")


async def test_who_has_come_of_age_is_told_themselves(world: World) -> None:
    """On the day when somebody is of age, their nudges go to them and no more to their parents."""
    family(world, reached_by(SAULE, phone="+77010000003"), born="2007-06-20")
    assert [one.recipient for one in await world.settle(DUE)] == [world.name(SAULE)]


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("all", ""),
        ("trigger", "identity_card_expiry"),
        ("agency", "interior"),
        ("channel", "sms"),
    ],
)
async def test_a_kill_switch_holds_and_releases(world: World, scope: str, name: str) -> None:
    """What is stopped waits, with the reason, as long as the switch is on, and goes when it is off."""
    with_card(world)
    world.plan()
    world.control(scope, name, stopped=True)
    for minutes in range(0, 20, 5):
        assert await world.settle(DUE + timedelta(minutes=minutes)) == []
        assert reasons(world)["month"] == ("deferred", "stopped")

    world.control(scope, name, stopped=False)
    assert len(await world.settle(DUE + timedelta(minutes=20))) == 1


async def test_a_kill_switch_stops_only_what_it_names(world: World) -> None:
    """Another trigger, another agency and another channel go on."""
    with_card(world)
    world.control("trigger", "kindergarten_queue", stopped=True)
    world.control("agency", "education", stopped=True)
    world.control("channel", "email", stopped=True)
    assert len(await world.settle(DUE)) == 1


async def test_what_was_done_after_it_was_due_is_not_sent(world: World) -> None:
    """A card that was renewed while the reminder waited for the morning makes the reminder needless."""
    with_card(world)
    world.plan()
    world.take(card(AIGERIM, "2035-06-01", number="N2", time="2025-06-20T09:30:00+05:00"))
    assert await world.settle("2025-06-20T10:00+05:00") == []
    assert world.nudges()[0].deliveries[0].reason == "done"


async def test_nothing_of_a_message_shows_in_its_representation(world: World) -> None:
    """What is logged of a message says neither whom it reaches nor what it says."""
    with_card(world)
    [message] = await world.settle(DUE)
    assert not any(part in repr(message) for part in (message.text, message.address, message.recipient))


async def test_words_are_complete(tmp_path: Path) -> None:
    """The link that stops the category and the local date are in the message."""
    seen: list[Any] = []
    world = World(tmp_path, notifiers={"email": FakeNotifier("email", seen)})
    with_card(world, prefers(AIGERIM, channels=["email"], language="en"))
    await world.settle(DUE)
    [message] = seen
    assert "20 July" in message.text
    assert message.unsubscribe_url.startswith("http://127.0.0.1:8000/stop/")
    assert AIGERIM not in message.unsubscribe_url
    world.close()
