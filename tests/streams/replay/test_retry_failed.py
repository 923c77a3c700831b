"""Repair after a provider's outage: what it ended is tried once more, and nothing that may have gone is."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.facts import receipts
from domain.nudges.delivery import Due
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from streams.queues.jobs import plan_of
from streams.replay.retry_failed import Outage, Renewal
from tests.streams.calls import AIDA, NOON, call, calls_world, prefers, said, states
from tests.streams.dispatching import ABSENT, AIGERIM, DANA, DUE, Killed, dispatcher, ends, kill, with_card
from tests.streams.working import counted_by_many
from tests.world import LONG_AGO, World, annulled, card, registered

AWAY, REFUSES_US = GiveUp(Reason.UNREACHABLE), GiveUp(Reason.NOT_ADMITTED)
ALL = Outage()
DAY = timedelta(days=1)
EVENING = NOON + timedelta(hours=6)


def failed(world: World, outage: Outage = ALL) -> list[Renewal]:
    """What would be tried anew."""
    return [each for found in world.platform.replay.retry_failed.look(outage) for each in found.renewals]


def renew(world: World, outage: Outage = ALL) -> list[Renewal]:
    """Make it due again; gives what was."""
    return [each for found in world.platform.replay.retry_failed.renew(outage, "olga") for each in found.renewals]


async def after_outage(folder: Path, sms: Iterable[Outcome], email: Iterable[Outcome]) -> World:
    """A platform on which the first message came to nothing, by these outcomes of the two channels."""
    world = with_card(folder, sms=sms, email=email)
    assert await world.settle(DUE) == []
    return world


async def test_what_an_outage_ended_goes_once(tmp_path: Path) -> None:
    """Ended by both providers' outage, it goes once by its first channel, as its next attempt."""
    world = await after_outage(tmp_path, [REFUSES_US], [AWAY])
    assert ends(world) == ("failed", "unreachable", 2)
    [one] = failed(world)
    assert (one.channels, one.reason) == (("sms", "email"), "unreachable")
    before = len(world.entries())
    assert [each.recipient for each in renew(world)] == [world.name(AIGERIM)]
    assert (failed(world), renew(world), len(world.entries())) == ([], [], before + 1)
    world.at(DUE + timedelta(hours=1))
    assert [(each.channel, each.attempt) for each in await world.settle()] == [("sms", 3)]
    assert (ends(world)[0], failed(world), await world.settle()) == ("sent", [], [])
    world.close()


async def test_it_is_counted_by_many_as_by_one(tmp_path: Path) -> None:
    """Wherever a count is taken up by another process it comes to the same, and nothing is due again by it."""
    world = await after_outage(tmp_path, [REFUSES_US], [AWAY])
    whole = plan_of(world.platform.replay.retry_failed.work(ALL, "olga"))
    assert counted_by_many(lambda: world.platform.replay.retry_failed.work(ALL, "olga")) == whole
    assert (whole.what, whole.count) == ("try again: 1 to renew(unreachable)", 1)
    assert len(failed(world)) == 1
    world.close()


async def test_what_lies_with_the_address_is_left(tmp_path: Path) -> None:
    """A channel whose address was refused is not tried again; where all were, there is nothing to try."""
    world = await after_outage(tmp_path / "one", [ABSENT], [AWAY])
    assert [each.channels for each in renew(world)] == [("email",)]
    assert [each.channel for each in await world.settle()] == ["email"]
    world.close()
    both = await after_outage(tmp_path / "other", [ABSENT], [GiveUp(Reason.REJECTED)])
    assert renew(both) == []
    both.close()


async def test_a_new_attempt_that_fails_again_may_be_repaired_again(tmp_path: Path) -> None:
    """If the outage is not over, each channel has one more attempt; what ends by it again may be repaired again."""
    world = await after_outage(tmp_path, [AWAY] * 4, [AWAY] * 4)
    for _ in range(2):
        assert len(renew(world)) == 1
        assert await world.settle(world.clock() + DAY / 24) == []
    assert world.delivery("month").state == "failed"
    world.close()


async def test_only_that_outage(tmp_path: Path) -> None:
    """Time, channel, provider and trigger say which outage is meant."""
    world = await after_outage(tmp_path, [AWAY], [AWAY])
    [one] = failed(world)
    for other in (
        Outage(since=DUE + DAY),
        Outage(until=DUE),
        Outage(channel="push"),
        Outage(provider="other"),
        Outage(trigger="kindergarten_queue"),
    ):
        assert failed(world, other) == []
    assert [each.channels for each in failed(world, Outage(channel="sms"))] == [("sms",)]
    same = Outage(DUE, DUE + DAY, one.provider, trigger="identity_card_expiry")
    assert len(renew(world, same)) == 1
    world.close()


async def test_what_is_over_gone_or_perhaps_sent_is_left(tmp_path: Path) -> None:
    """What has expired, left the plan or may have gone is not tried again."""
    world = await after_outage(tmp_path / "over", [AWAY], [AWAY])
    world.at(datetime(2025, 7, 25, tzinfo=UTC))
    assert renew(world) == []
    world.close()
    gone = await after_outage(tmp_path / "gone", [AWAY], [AWAY])
    gone.take(card(AIGERIM, "2035-07-20", "N2", "2025-06-19T12:00:00+05:00"))
    gone.plan()
    assert (renew(gone), await gone.settle()) == ([], [])
    gone.close()
    unknown = with_card(tmp_path / "unknown", sms=[Unknown(Reason.TIMED_OUT)], email=[AWAY])
    assert len(await unknown.settle(DUE)) == 1
    await unknown.settle(DUE + DAY)
    assert (renew(unknown), unknown.delivery("month").state) == ([], "unknown")
    unknown.close()


async def test_a_digest_goes_without_what_is_no_longer_to_be_said(tmp_path: Path) -> None:
    """What was annulled since an outage ended its digest is not told by its agency's repair, and what stands is."""
    script: list[Outcome] = [Accepted("1"), Accepted("2"), Accepted("3"), AWAY]
    world, made = calls_world(tmp_path, script={"push": script}), [call(number) for number in range(5)]
    world.take(prefers(channels=["push"]), *made)
    await world.settle()
    await world.settle(EVENING)
    members = [number for number in range(5) if states(world)[str(number)] == "failed unreachable"]
    world.take(annulled(made[members[0]], 2))
    world.plan()
    before = states(world)
    assert renew(world, Outage(agency="south")) == []
    assert [each.recipient for each in renew(world, Outage(agency="north"))] == [world.name(AIDA)]
    assert said(await world.settle(EVENING + timedelta(minutes=5))) == ["Messages: 1"]
    sent = {"digest 02": "sent", str(members[1]): "sent"}
    assert (states(world), renew(world)) == (before | sent, [])
    world.close()


async def test_a_digest_of_which_nothing_is_to_be_said_is_left(tmp_path: Path) -> None:
    """Where everything was annulled there is nothing to repair."""
    script: list[Outcome] = [Accepted("1"), Accepted("2"), Accepted("3"), AWAY]
    world, made = calls_world(tmp_path, script={"push": script}), [call(number) for number in range(4)]
    world.take(prefers(channels=["push"]), *made)
    await world.settle()
    await world.settle(EVENING)
    world.take(*(annulled(each, 2) for each in made))
    world.plan()
    assert (renew(world), await world.settle(EVENING + timedelta(minutes=5))) == ([], [])
    world.close()


async def test_a_kill_between_sends_nothing_twice(tmp_path: Path) -> None:
    """Killed while it hands a renewed message over, nobody knows whether that went: it is never renewed again."""
    world = await after_outage(tmp_path, [AWAY], [AWAY])
    renew(world)
    world.notifiers["sms"] = FakeNotifier("sms", kill)
    with pytest.raises(Killed):
        await dispatcher(world).drain()
    world.engine.dispatcher.take_over()
    assert (world.delivery("month").state, renew(world)) == ("unknown", [])
    world.close()


OUTCOMES = (None, AWAY, REFUSES_US, ABSENT, RetryLater(None, Reason.BUSY), Unknown(Reason.TIMED_OUT))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a platform on which the cards of two are announced at DUE."""
    world = with_card(tmp_path_factory.mktemp("two"))
    world.take(*registered(DANA, LONG_AGO), card(DANA, "2025-07-20", "N2"))
    world.plan()
    world.close()
    return world.file


ANY = st.lists(st.sampled_from((AWAY, REFUSES_US, ABSENT, RetryLater(None, Reason.BUSY), Unknown(Reason.TIMED_OUT))))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sms=ANY, email=ANY)
async def test_nothing_goes_twice(two: Path, tmp_path: Path, sms: list[Outcome], email: list[Outcome]) -> None:
    """Whatever the providers said, what may have gone before a repair is not sent by it, and the rest once."""
    world = World(Path(mkdtemp(dir=tmp_path)), copy_of=two, script={"sms": sms, "email": email})
    before = {each.recipient for time in (DUE, DUE + DAY / 2) for each in await world.settle(time)}
    renewed = [each.recipient for each in renew(world)]
    assert (before.intersection(renewed), renew(world)) == (set(), [])
    for each in world.notifiers.values():
        assert isinstance(each, FakeNotifier)
        each._script = iter(())  # the outage is over
    after = [each.recipient for each in await world.settle(DUE + DAY)]
    assert {each for each in renewed if after.count(each) != 1} == set()
    world.close()


async def test_both_databases_find_it_page_by_page(url: str, tmp_path: Path) -> None:
    """On SQLite and PostgreSQL each failed delivery is found once, from whichever one the search goes on."""
    world = World(tmp_path, url=url, script={"sms": [AWAY] * 2, "email": [AWAY] * 2})
    for number, person in enumerate((AIGERIM, DANA)):
        world.take(*registered(person, LONG_AGO), card(person, "2025-07-20", f"N{number}"))
    await world.settle(DUE)
    [found] = world.platform.replay.retry_failed.look(ALL)
    assert len(found.renewals) == found.failed == 2
    first = min(found.renewals, key=lambda each: each.recipient)
    after = Due(first.nudge.intent.id, first.recipient)
    [rest] = world.platform.replay.retry_failed.look(ALL, after)
    assert [each.recipient for each in rest.renewals] == [found.upto.recipient]
    assert len(renew(world)) == 2
    assert len(await world.settle()) == 2
    world.close()


def test_the_reasons_are_those_that_notifiers_give() -> None:
    """Each reason that speaks against a provider is one of the port's words."""
    assert {Reason(each).value for each in receipts.PASSING_FAILURES} == receipts.PASSING_FAILURES
