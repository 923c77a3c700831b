"""What exceeds a person's cap goes together with the digest of the day, and ends as it ends."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.identity.authenticity_codes import short_link_lookup
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeDigested, NudgeGathered, NudgePlanned, NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Accepted, GiveUp, Incoming, Reason, RetryLater
from projections import statistics
from streams.delivery.outcomes.receipt_facts import Receipt
from tests.streams.calls import AIDA, BOLAT, CHILD, NOON, call, calls_world, ids, numbered, prefers, said, states
from tests.streams.rebuilding import rebuild
from tests.world import World, annulled, corrected, event

EVENING, NEXT_EVENING = NOON + timedelta(hours=6), NOON + timedelta(hours=30)
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nobody has had a call yet."""
    made = calls_world(tmp_path)
    yield made
    made.close()


async def test_what_exceeds_the_cap_goes_with_the_digest(world: World) -> None:
    """Three of five reminders go; the others go together in the evening, and end as sent with the digest."""
    world.take(*(call(number) for number in range(5)))
    assert len(await world.settle()) == 3
    assert sorted(states(world).values()) == ["digested", "digested", "planned", "sent", "sent", "sent"]

    assert said(await world.settle(EVENING)) == ["Messages: 2"]
    assert set(states(world).values()) == {"sent"}
    assert await world.settle(NEXT_EVENING) == []


async def test_the_log_says_why_and_with_what(world: World) -> None:
    """The facts of a member and of its digest name each other, and how many messages there were."""
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    await world.settle(EVENING)
    digest = ids(world)["digest 02"]
    [member] = numbered(world)["digest 02"].members
    digested = world.facts(member)[1]
    assert (digested.digest, digested.until, digested.messages, digested.days) == (digest, EVENING, 3, 7)
    assert [type(fact) for fact in world.facts(member)] == [NudgePlanned, NudgeDigested, NudgeAttempted, NudgeSent]
    assert [type(fact) for fact in world.facts(digest)] == [NudgePlanned, NudgeGathered, NudgeAttempted, NudgeSent]


async def test_why_shows_the_words_that_were_read(world: World) -> None:
    """A member's words are the digest's, which names it; the digest names its members."""
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    [sent] = await world.settle(EVENING)
    digest = numbered(world)["digest 02"]
    for nudge in (digest.intent.id, *digest.members):
        [words] = world.why(nudge).words.values()
        assert (words.push_title, words.push_body) == (sent.title, sent.text)
    assert world.why(digest.intent.id).members == digest.members


async def test_a_text_to_a_digest_is_taken_in(world: World) -> None:
    """Whoever writes back to the number that a digest came from is heard, and stops the digests."""
    world.take(prefers(AIDA, channels=["sms"]), *(call(number) for number in range(4)))
    await world.settle()
    [sent] = await world.settle(EVENING)
    assert sent.channel == "sms"
    for id_, text in enumerate(("Who is this?", "STOP")):
        assert world.platform.delivery.inbound.receiving.received("operator", Incoming(str(id_), sent.address, text))
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, LifeEvent)]
    assert [one.values["event.understood"] for one in facts if one.type == "citizen.message_received"] == [
        "other",
        "stop",
    ]


async def test_a_digest_counts_once(world: World) -> None:
    """After a digest of two, the window has room as soon as the digest and the first three leave it."""
    world.take(*(call(number) for number in range(5)))
    await world.settle()
    await world.settle(EVENING)
    world.take(*(call(number, time=NOON + 7 * DAY) for number in range(5, 9)))
    assert len(await world.settle(NOON + 7 * DAY)) == 2
    assert len(numbered(world)["digest 09"].members) == 2


async def test_the_cap_is_one_across_agencies(world: World) -> None:
    """Offers of the south fill the same cap as reminders of the north."""
    world.take(call(1), call(2, "offer"), call(3))
    assert len(await world.settle()) == 3
    world.take(call(4, "offer"), call(5))
    assert await world.settle() == []


@pytest.mark.parametrize(
    ("klass", "goes", "fills"),
    [
        ("legal", True, False),
        ("service", True, True),
        ("reminder", False, True),
        ("offer", False, True),
    ],
)
async def test_what_classes_override(world: World, klass: str, goes: bool, fills: bool) -> None:  # noqa: FBT001
    """Legal and service messages go over the cap; all but legal ones fill it."""
    world.take(*(call(number) for number in range(3)))
    await world.settle()
    world.take(call(9, klass))
    assert bool(await world.settle()) is goes

    world.take(*(call(number, klass, to=BOLAT) for number in range(10, 13)))
    assert len(await world.settle()) == 3
    world.take(call(13, to=BOLAT))
    assert bool(await world.settle()) is not fills


async def test_a_guardian_has_one_cap(world: World) -> None:
    """What goes to a parent about a child counts for the parent, beside what is their own; each parent has theirs."""
    born = {"born_on": "2020-01-01", "mother": AIDA, "father": BOLAT}
    world.take(event("calls.born", CHILD, "2024-02-01T00:00:00Z", born))
    world.take(call(1), call(2), call(3, to=CHILD))
    assert len(await world.settle()) == 4
    world.take(call(4, to=CHILD))
    assert [message.recipient for message in await world.settle()] == [world.name(BOLAT)]
    assert [message.recipient for message in await world.settle(EVENING)] == [world.name(AIDA)]
    assert states(world)["4"] == "sent"
    assert {one.state.value for one in numbered(world)["4"].deliveries} == {"sent"}


async def test_a_former_guardians_digest_does_not_speak_of_the_child(world: World) -> None:
    """What was to go with a mother's digest goes to the guardian who was appointed meanwhile, and not to her."""
    world.take(event("calls.born", CHILD, "2024-02-01T00:00:00Z", {"born_on": "2020-01-01", "mother": AIDA}))
    world.take(*(call(number) for number in range(3)), call(4, to=CHILD))
    await world.settle()
    world.take(event("citizen.guardian_appointed", CHILD, NOON.isoformat(), {"guardians": [BOLAT]}))
    assert [message.recipient for message in await world.settle(EVENING)] == [world.name(BOLAT)]
    told = {one.recipient: one.state.value for one in numbered(world)["4"].deliveries}
    assert told == {world.name(AIDA): "withheld", world.name(BOLAT): "sent"}


async def test_who_becomes_a_guardian_before_the_digest_goes_is_told_as_well(world: World) -> None:
    """What waits for a mother's digest is told to a guardian who was appointed beside her when the digest goes."""
    world.take(event("calls.born", CHILD, "2024-02-01T00:00:00Z", {"born_on": "2020-01-01", "mother": AIDA}))
    world.take(*(call(number) for number in range(3)), call(4, to=CHILD))
    await world.settle()
    world.take(event("citizen.guardian_appointed", CHILD, NOON.isoformat(), {"guardians": [AIDA, BOLAT]}))
    assert {message.recipient for message in await world.settle(EVENING)} == {world.name(AIDA), world.name(BOLAT)}
    told = {one.recipient: one.state.value for one in numbered(world)["4"].deliveries}
    assert told == {world.name(AIDA): "sent", world.name(BOLAT): "sent"}


async def test_a_digest_takes_five_and_the_next_day_the_others(world: World) -> None:
    """No digest has more than five; what finds no room goes with the next day's, one a day."""
    world.take(*(call(number) for number in range(14)))
    await world.settle()
    assert [len(await world.settle(EVENING + days * DAY)) for days in range(4)] == [1, 1, 1, 0]
    assert set(states(world).values()) == {"sent"}
    assert [len(numbered(world)[f"digest {day}"].members) for day in ("02", "03", "04")] == [5, 5, 1]


@pytest.mark.parametrize("change", ["cancelled", "rescheduled"])
async def test_a_member_that_a_correction_takes_leaves(world: World, change: str) -> None:
    """What is annulled or moved before the digest goes is not in it, and the digest goes without it."""
    made = [call(number) for number in range(5)]
    world.take(*made)
    await world.settle()
    members = set(numbered(world)["digest 02"].members)
    gone = next(number for number in range(5) if ids(world)[str(number)] in members)
    later = replace(corrected(made[gone], 2), time=(NOON + 20 * DAY).isoformat())
    world.take(annulled(made[gone], 2) if change == "cancelled" else later)
    assert said(await world.settle(EVENING)) == ["Messages: 1"]
    assert states(world).get(str(gone), "cancelled") in {"cancelled", "planned"}


async def test_a_digest_that_all_have_left_is_not_sent(world: World) -> None:
    """Where nothing is left to say nothing is said."""
    made = [call(number) for number in range(4)]
    world.take(*made)
    await world.settle()
    world.take(*(annulled(each, 2) for each in made))
    assert await world.settle(EVENING) == []
    assert states(world)["digest 02"] == "withheld nothing_left"


async def test_who_refuses_a_category_meanwhile_hears_nothing_of_it(world: World) -> None:
    """A member whose category was refused since ends withheld; the others go."""
    world.take(call(0), call(1), call(2), call(3), call(4, "offer"))
    await world.settle()
    world.take(prefers(opted_out=["offer_calls"], time=NOON.isoformat()))
    assert states(world)["4"] == "digested"
    assert said(await world.settle(EVENING)) == ["Messages: 1"]
    assert states(world)["4"] == "withheld opted_out"


async def test_who_refuses_digests_gets_none(world: World) -> None:
    """Who opted out of digests loses what exceeds the cap, with that as the reason."""
    world.take(prefers(opted_out=["digest"]))
    world.take(*(call(number) for number in range(4)))
    assert len(await world.settle()) == 3
    assert max(states(world).values()) == "withheld cap"


async def test_what_expires_before_its_digest_is_withheld(tmp_path: Path) -> None:
    """No digest comes in time for what is worth nothing by the evening."""
    world = calls_world(tmp_path, expires="PT5H")
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    assert sorted(states(world).values()) == ["sent", "sent", "sent", "withheld cap"]
    world.close()


async def test_a_digest_respects_quiet_hours_and_members_that_expire_then_leave(tmp_path: Path) -> None:
    """A digest waits for the morning; what has expired by then ends so, and the others go."""
    world = calls_world(tmp_path, expires="PT8H")
    world.take(prefers(quiet_from="17:00", quiet_to="09:00"))
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    assert await world.settle(EVENING) == []
    assert states(world)["digest 02"] == "deferred quiet_hours"
    assert await world.settle(NOON + timedelta(hours=21)) == []
    assert sorted(states(world).values()) == ["expired", "sent", "sent", "sent", "withheld nothing_left"]
    world.close()


async def test_two_digests_never_go_on_one_day(world: World) -> None:
    """A digest that was held until the next day is that day's; the next day's own goes a day later."""
    world.take(*(call(number) for number in range(9)))
    await world.settle()
    world.control("trigger", "digest", stopped=True)
    assert await world.settle(EVENING) == []
    assert await world.settle(NEXT_EVENING) == []
    world.control("trigger", "digest", stopped=False)
    assert said(await world.settle(NEXT_EVENING + timedelta(hours=1))) == ["Messages: 5"]
    assert said(await world.settle(NEXT_EVENING + DAY)) == ["Messages: 1"]
    assert set(states(world).values()) == {"sent"}


async def test_a_stopped_member_leaves_and_the_others_go(world: World) -> None:
    """A kill switch on an agency holds its messages back from a digest as well; they go later, and not lost."""
    world.take(call(0), call(1), call(2), call(3), call(4, "offer"))
    await world.settle()
    world.control("agency", "south", stopped=True)
    assert said(await world.settle(EVENING)) == ["Messages: 1"]
    assert states(world)["4"] == "deferred stopped"
    world.control("agency", "south", stopped=False)
    await world.settle(EVENING + timedelta(minutes=10))
    assert states(world)["4"] == "digested"
    assert said(await world.settle(NEXT_EVENING)) == ["Messages: 1"]
    assert states(world)["4"] == "sent"


@pytest.mark.parametrize(
    ("outcomes", "ends"),
    [
        ([GiveUp(Reason.BAD_ADDRESS)], {"failed bad_address"}),
        ([RetryLater(None, Reason.BUSY)], {"sent"}),
    ],
)
async def test_members_end_as_their_digest_ends(tmp_path: Path, outcomes: list[object], ends: set[str]) -> None:
    """What fails for good fails for all of them; what is tried again is tried again with all of them."""
    fine = Accepted("reference")
    world = calls_world(tmp_path, script={"push": [fine, fine, fine, *outcomes, fine]})
    world.take(prefers(channels=["push"]))
    world.take(*(call(number) for number in range(5)))
    await world.settle()
    await world.settle(EVENING)
    await world.settle(EVENING + timedelta(hours=1))
    digest = numbered(world)["digest 02"]
    together = {*digest.members, digest.intent.id}
    assert {state for name, state in states(world).items() if ids(world)[name] in together} == ends
    world.close()


async def test_a_receipt_of_a_digest_is_one_of_its_members(world: World) -> None:
    """What was opened or has bounced, was opened or has bounced for all that went with it; twice changes nothing."""
    world.take(*(call(number) for number in range(5)))
    await world.settle()
    [message] = await world.settle(EVENING)
    opened = Receipt(message.nudge, message.recipient, message.attempt, ReceiptStatus.OPENED)
    assert world.platform.delivery.receipts.record(opened)
    assert not world.platform.delivery.receipts.record(opened)
    digest = numbered(world)["digest 02"]
    states_ = {each.state.value for each in world.nudges() if each.intent.id in {*digest.members, digest.intent.id}}
    assert states_ == {"opened"}


async def test_a_digest_that_bounced_goes_on_without_what_was_annulled(world: World) -> None:
    """Of a digest that bounced, what was annulled after it had gone does not go along by the next channel."""
    calls = [call(number) for number in range(5)]
    world.take(*calls)
    await world.settle()
    [message] = await world.settle(EVENING)
    together = numbered(world)["digest 02"].members
    wrong, right = (number for number in range(5) if ids(world)[str(number)] in together)
    world.take(annulled(calls[wrong], 2))
    world.plan()
    bounced = Receipt(message.nudge, message.recipient, message.attempt, ReceiptStatus.FAILED, "bounced")
    assert world.platform.delivery.receipts.record(bounced)
    assert [each.nudge for each in await world.settle(EVENING + timedelta(minutes=1))] == [message.nudge]
    assert (states(world)[str(wrong)], states(world)[str(right)]) == ("failed bounced", "sent")


async def test_a_digest_without_an_address_ends_with_its_members(world: World) -> None:
    """Nobody is sent a digest without an address; its members end with that reason."""
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    world.take(event("citizen.contact_changed", AIDA, NOON.isoformat(), {"phone": None, "push": None}, id="away"))
    assert await world.settle(EVENING) == []
    assert sorted(states(world).values())[-2:] == ["withheld no_address", "withheld no_address"]


async def test_planning_leaves_digests_alone(world: World) -> None:
    """A digest is in nobody's plan, and yet no planning takes it out."""
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    world.take(prefers(language="en", time=NOON.isoformat()), call(7, "legal"))
    await world.settle()
    assert states(world)["digest 02"] == "planned"
    assert said(await world.settle(EVENING)) == ["Messages: 1"]
    assert all(each.trigger != "digest" for each in world.intents())


async def test_views_are_the_same_when_rebuilt(world: World) -> None:
    """What digests do to the views is what the log alone gives."""
    world.take(*(call(number) for number in range(9)))
    await world.settle()
    world.control("trigger", "digest", stopped=True)
    await world.settle(EVENING)
    world.control("trigger", "digest", stopped=False)
    await world.settle(EVENING + timedelta(minutes=1))
    world.platform.replay.follower.drain()
    platform = world.platform
    catalogue = platform.rules.library.rules().catalogue
    rebuilt = rebuild(platform.database, platform.log, platform.identity.names, catalogue, swap=True)
    assert rebuilt.equal, rebuilt.differences
    assert said(await world.settle(NEXT_EVENING)) == ["Messages: 1"]


async def test_the_link_in_a_digest_stops_digests(world: World) -> None:
    """Who follows the link in a digest opts out of digests, and of nothing else."""
    world.take(*(call(number) for number in range(4)))
    await world.settle()
    [message] = await world.settle(EVENING)
    platform = world.platform
    assert message.unsubscribe_url is not None
    nudge, recipient = platform.identity.links.read(
        message.unsubscribe_url.rpartition("/")[2], short_link_lookup(platform.rules.context)
    )
    stopping = platform.delivery.inbound.opt_outs
    topic = stopping.stop(nudge, recipient)
    assert ([title["en"] for title in topic.titles], topic.mandatory) == (["Digest of messages"], False)
    world.take(*(call(number) for number in range(5, 7)))
    await world.settle()
    assert [state for name, state in states(world).items() if name in "56"] == ["withheld cap"] * 2


async def test_statistics_count_what_was_digested(world: World) -> None:
    """How many went with digests is counted by trigger, and that costs no message of a channel."""
    world.take(*(call(number) for number in range(5)))
    await world.settle()
    await world.settle(EVENING)
    with world.platform.database.reading() as connection:
        counts = statistics.totals(connection)
    ours = {what: count for (trigger, what), count in counts.items() if trigger == "reminder_call"}
    assert ours == {
        "planned": 5,
        "digested": 2,
        "attempted.digest.en": 2,
        "attempted.push.en": 3,
        "sent.digest.en": 2,
        "sent.push.en": 3,
    }
    assert (counts["digest", "attempted.push.en"], counts["digest", "gathered"]) == (1, 2)
