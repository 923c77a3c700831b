"""Every nudge explains itself, from the log alone."""

from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.facts.facts import NudgePlanned
from notifiers.port.interface import GiveUp, Reason
from streams.intake.cloudevents import Envelope
from streams.queries.explain import UnknownNudge
from streams.queries.health import done_since
from tests.world import LONG_AGO, World, annulled, birth, card, corrected, event, fine, iin, registered

AIGERIM, MARAT, SAULE = iin(1), iin(2), iin(3)
CARD = card(AIGERIM, "2025-07-20")
DUE = "2025-06-20T09:00+05:00"


async def test_a_planned_nudge_says_why_and_when(world: World) -> None:
    """Before it is sent: the event, the rule's clauses, the values that they read, the law, and when it is due."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    why = world.why(world.nudge("month").intent.id)

    assert (why.trigger, why.step, why.state, why.agency, why.klass) == (
        "identity_card_expiry",
        "month",
        "planned",
        "interior",
        "reminder",
    )
    assert (why.person, why.title["en"], why.cause_title["en"]) == (
        world.name(AIGERIM),
        "Identity card renewal",
        "A document was issued",
    )
    assert why.cause is not None
    assert (why.cause.id, why.cause.source) == (CARD.id, "/test")
    assert why.due.isoformat() == "2025-06-20T04:00:00+00:00"
    assert why.expires is not None
    assert why.expires.isoformat() == "2025-07-20T19:00:00+00:00"
    assert why.clause["when"] == 'event.kind == "identity_card" && citizen.age >= 16'
    assert why.clause["due"] == {"month": {"from": "event.expires_on", "offset": "-P30D", "at": "09:00"}}
    assert set(why.clause) == {"on", "when", "to", "unless", "expires", "due"}
    assert dict(why.used) == {
        "citizen.age": 75,
        "event.expires_on": "2025-07-20",
        "event.issued_on": "2025-01-10",
        "event.kind": "identity_card",
        "event.number": "N1",
    }
    assert "73-V" in why.legal_basis
    assert [each.what for each in why.facts] == ["planned"]


async def test_its_whole_life_is_told(tmp_path: Path) -> None:
    """What became of it: every fact in its order, with channels and reasons."""
    world = World(tmp_path, script={"sms": [GiveUp(Reason.BAD_ADDRESS)]})
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    await world.settle(DUE)
    why = world.why(world.nudge("month").intent.id)
    told = [(one.what, one.details.get("channel") or one.details.get("reason")) for one in why.facts]
    assert told == [
        ("planned", None),
        ("attempted", "sms"),
        ("failed", "bad_address"),
        ("attempted", "email"),
        ("sent", None),
    ]
    world.close()


async def test_what_was_not_sent_says_the_reason(world: World) -> None:
    """A withheld nudge names its reason with its state."""
    opted_out = event(
        "citizen.preferences_changed", AIGERIM, "2025-01-05T00:00:00Z", {"opted_out": ["documents"]}, id="no"
    )
    world.take(*registered(AIGERIM, LONG_AGO), CARD, opted_out)
    await world.settle(DUE)
    assert world.why(world.nudge("month").intent.id).state == "withheld (opted_out)"


async def test_a_minors_nudge_has_the_words_of_each_guardian(world: World) -> None:
    """Each recipient's words are told in their language; the person is the child whom it is about."""
    world.take(
        *registered(AIGERIM, LONG_AGO, language="kk"),
        *registered(MARAT, LONG_AGO, language="ru"),
        birth(SAULE, AIGERIM, "2008-12-15", father=MARAT),
        card(SAULE, "2025-07-20"),
    )
    sent = await world.settle(DUE)
    why = world.why(sent[0].nudge)
    assert why.person == world.name(SAULE)
    assert {who: (words.language, words.sms) for who, words in why.words.items()} == {
        message.recipient: (message.language, message.text) for message in sent
    }


async def test_a_corrected_event_is_the_cause(world: World) -> None:
    """A nudge that a correction moved names the correction, with its values."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    world.take(corrected(CARD, 2, expires_on="2025-08-20"))
    world.plan()
    why = world.why(world.nudge("month").intent.id)
    assert why.cause is not None
    assert (why.cause.id, why.used["event.expires_on"]) == (f"{CARD.id}-r2", "2025-08-20")
    assert [each.what for each in why.facts] == ["planned", "rescheduled"]


async def test_a_taken_back_message_has_a_correction_that_explains_itself(world: World) -> None:
    """The message that puts another one right is a nudge with words, a cause and a law of its own."""
    fined = fine(AIGERIM, "7", "2025-06-20T10:00:00+05:00")
    world.at("2025-06-20T11:00+05:00")
    world.take(*registered(AIGERIM, LONG_AGO), fined)
    await world.settle()
    world.take(annulled(fined, 2))
    [message] = await world.settle("2025-06-20T12:00+05:00")
    why = world.why(message.nudge)
    assert (why.step, why.state, why.clause["due"]) == ("correction", "sent", {"correction": None})
    assert why.words[message.recipient].sms == message.text
    assert "235-V" in why.legal_basis


async def test_a_sent_message_that_was_wrong_is_not_told_as_cancelled(tmp_path: Path) -> None:
    """What was sent stays sent: it was found to be wrong, or right after all, and nothing of it is cancelled."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    await world.settle(DUE)
    for revision in (annulled(CARD, 2), corrected(CARD, 3)):
        world.take(revision)
        world.plan()
    why = world.why(world.nudge("month").intent.id)
    assert [each.what for each in why.facts] == ["planned", "attempted", "sent", "found_wrong", "right_after_all"]
    assert why.state == "sent"
    assert done_since(world.platform.database, 0)["cancelled"] == 2, "the other two reminders"
    world.close()


@pytest.mark.parametrize(
    "revisions",
    [
        [annulled(CARD, 2), corrected(CARD, 3, expires_on="2025-07-19")],
        [corrected(CARD, 2, expires_on="2025-07-19")],
    ],
)
async def test_what_was_sent_is_shown_as_it_was_sent(tmp_path: Path, revisions: list[Envelope]) -> None:
    """Corrections that come after a message change neither the words that are shown of it nor its card."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    [message] = await world.settle(DUE)
    told = world.why(message.nudge)
    zone, inboxes = ZoneInfo("Asia/Almaty"), world.platform.queries.inboxes
    shown = inboxes.cards(message.recipient, [message.nudge], zone)
    for revision in revisions:
        world.take(revision)
        world.plan()
    why = world.why(message.nudge)
    assert world.nudge("month").intent.due < told.due, "what the plan says now"
    assert why.words[message.recipient].sms == message.text
    assert (why.cause, why.used, why.due, why.expires) == (told.cause, told.used, told.due, told.expires)
    assert inboxes.cards(message.recipient, [message.nudge], zone) == shown
    assert why.facts[-1].what == "event_corrected"
    world.close()


async def test_a_digest_is_shown_as_it_was_sent(tmp_path: Path) -> None:
    """A correction of a member's event that comes after the digest changes the words of neither."""
    world, cards = World(tmp_path), [card(AIGERIM, "2025-07-20", number=f"N{number}") for number in range(4)]
    world.take(*registered(AIGERIM, LONG_AGO), *cards)
    await world.settle(DUE)
    [message] = await world.settle("2025-06-20T18:00+05:00")
    [member] = world.why(message.nudge).members
    told = [(world.why(id_).words, world.why(id_).alone) for id_ in (message.nudge, member)]
    world.take(*(corrected(each, 2, expires_on="2025-07-19") for each in cards))
    world.plan()
    [stored] = [nudge for nudge in world.nudges() if nudge.intent.id == member]
    assert f"{stored.intent.due:%d}" == "19", "what the plan says now"
    assert [(world.why(id_).words, world.why(id_).alone) for id_ in (message.nudge, member)] == told
    world.close()


def test_explaining_changes_nothing(world: World) -> None:
    """To ask is no fact."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    before = world.health().facts
    world.why(world.nudge("month").intent.id)
    assert world.health().facts == before


def test_an_unknown_nudge_says_how_to_find_one(world: World) -> None:
    """An id that no nudge has is answered with what to do."""
    with pytest.raises(UnknownNudge, match="habarshy trail PERSON"):
        world.why(UUID(int=7))


def test_no_national_id_is_in_an_explanation(world: World) -> None:
    """Whatever is explained, people are pseudonyms in it."""
    world.take(*registered(AIGERIM, LONG_AGO), birth(SAULE, AIGERIM, "2025-05-30", father=MARAT))
    world.plan()
    told = repr([world.why(one.intent.id) for one in world.nudges()])
    assert world.name(AIGERIM) in told
    assert not any(person in told for person in (AIGERIM, MARAT, SAULE))
    assert all(isinstance(world.facts(one.intent.id)[0], NudgePlanned) for one in world.nudges())


async def test_what_was_sent_is_not_explained_by_an_earlier_failure(tmp_path: Path) -> None:
    """The reason of a failure or a delay is gone once the nudge was sent."""
    world = World(tmp_path, script={"sms": [GiveUp(Reason.BAD_ADDRESS)]})
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    [message] = await world.settle(DUE)
    assert (world.why(message.nudge).state, world.delivery("month").reason) == ("sent", None)
    world.close()


async def test_why_shows_the_words_that_were_read(tmp_path: Path) -> None:
    """The words of a sent nudge are those that were sent, whatever its recipient says or is told later."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    [message] = await world.settle(DUE)
    changed = {"language": "ru"}
    world.take(event("citizen.preferences_changed", AIGERIM, "2025-06-21T00:00:00+05:00", changed, id="ru"))
    assert world.why(message.nudge).words[message.recipient].sms == message.text
    world.close()


@pytest.mark.parametrize(("zone", "age"), [("Pacific/Kiritimati", 16), (None, 15)])
def test_the_age_is_that_of_the_persons_own_day(tmp_path: Path, zone: str | None, age: int) -> None:
    """Who is 16 where they live is told, and the page says 16; who is 15 there hears nothing at all."""
    world = World(tmp_path)
    issued = "2025-06-02T12:00:00+00:00"  # 17:00 in Almaty, and 02:00 of the next day in Kiritimati
    wishes = {"zone": zone} if zone else {"language": "kk"}
    world.take(
        *registered(AIGERIM, "2009-06-03"),
        event("citizen.preferences_changed", AIGERIM, "2025-01-01T00:00:00Z", wishes, id="zone"),
        card(AIGERIM, "2025-07-20", time=issued),
    )
    world.plan()
    theirs = [one for one in world.nudges() if one.intent.trigger == "identity_card_expiry"]
    assert bool(theirs) is (age >= 16)
    assert {world.why(one.intent.id).used["citizen.age"] for one in theirs} == ({16} if theirs else set())
    world.close()
