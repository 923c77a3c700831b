"""Rates: never more than agreed in any second, and a mass mailing is never in front of what is urgent."""

import itertools
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from app.clock import VirtualClock
from app.compose_sending import compose_dispatcher
from domain.core.sms import segments
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from streams.delivery.admission.rate_limits import URGENT_AHEAD, RateLimits
from streams.delivery.send.dispatch import BATCH
from streams.storage.database import Database
from streams.storage.schema import migrate
from tests.domain.given import modest
from tests.world import LONG_AGO, World, card, event, few_triggers, fine, iin, registered

START = datetime(2025, 6, 2, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def resting(clock: VirtualClock) -> Callable[[float], Awaitable[None]]:
    """A rest that moves the clock."""

    async def rest(seconds: float) -> None:
        clock.advance_to(clock() + timedelta(seconds=seconds))

    return rest


def most_in_a_second(times: list[datetime]) -> int:
    """The most that fall into any second."""
    return max(sum(begin <= each < begin + SECOND for each in times) for begin in times)


async def sent(
    rates: RateLimits, clock: VirtualClock, names: list[str], many: int, *, urgent: bool
) -> list[datetime]:
    """When each of many messages was handed over, taken eight at a time."""
    times: list[datetime] = []
    while len(times) < many:
        slots = await rates.take_slots([names] * min(8, many - len(times)), urgent=urgent)
        for slot in slots:
            await rates.wait_for_turn(slot, names)
            times.append(clock())
    return times


@pytest.mark.parametrize("rate", [0.5, 3, 10, 100])
async def test_the_first_second_is_no_exception(database: Database, rate: float) -> None:
    """From the first message on, no second has more than the rate allows."""
    clock = VirtualClock(START)
    limits = RateLimits(database, {"a": rate}, clock, resting(clock))
    times = await sent(limits, clock, ["a"], 40, urgent=True)
    assert most_in_a_second(times) <= max(1, rate)
    assert (times[-1] - times[0]).total_seconds() == pytest.approx(39 / rate, rel=0.01)


async def test_two_processes_share_one_rate(database: Database) -> None:
    """Slots are taken in the database: whoever takes them, they add up."""
    clock = VirtualClock(START)
    hands = [RateLimits(database, {"a": 10}, clock, resting(clock)) for _ in range(2)]
    times: list[datetime] = []
    for turn in range(20):
        slots = await hands[turn % 2].take_slots([["a"]] * 3, urgent=True)
        times += slots
    assert most_in_a_second(sorted(times)) <= 10


async def test_both_limits_hold(database: Database) -> None:
    """A message that is bound by its provider and its agency waits for both."""
    clock = VirtualClock(START)
    limits = RateLimits(database, {"provider": 10, "agency": 2}, clock, resting(clock))
    assert most_in_a_second(await sent(limits, clock, ["provider", "agency"], 10, urgent=True)) <= 2
    assert most_in_a_second(await sent(limits, clock, ["provider"], 30, urgent=True)) <= 10


async def test_what_is_urgent_takes_the_next_slot(database: Database) -> None:
    """While a mass mailing waits for its turn, an urgent message is in front of all of it."""
    clock = VirtualClock(START)
    waited: list[float] = []

    async def rest(seconds: float) -> None:
        waited.append(seconds)
        clock.advance_to(clock() + timedelta(seconds=seconds))

    limits = RateLimits(database, {"a": 1}, clock, rest)
    for _ in range(3):
        await limits.take_slots([["a"]], urgent=False)
    [urgent] = await RateLimits(database, {"a": 1}, clock, resting(clock)).take_slots([["a"]], urgent=True)
    assert urgent - clock() <= SECOND
    assert sum(waited) <= 3


async def test_what_finds_no_slot_is_given_back(database: Database) -> None:
    """Nobody waits longer than a while for a slot: the claim would run out."""
    clock = VirtualClock(START)
    limits = RateLimits(database, {"a": 0.01}, clock, resting(clock))
    assert len(await limits.take_slots([["a"]] * 8, urgent=True)) == 1
    assert await limits.take_slots([["a"]], urgent=True) == []
    assert clock() - START <= URGENT_AHEAD


class SetBack(VirtualClock):
    """A clock that can be set back."""

    def set_to(self, moment: datetime) -> None:
        """It is that moment now."""
        self._now = moment


async def test_a_clock_that_is_set_back_stops_nobody(database: Database) -> None:
    """What was taken by a clock an hour ahead holds up nothing for an hour, and the rate holds from there on."""
    clock = SetBack(START + timedelta(hours=1))
    limits = RateLimits(database, {"a": 2}, clock, resting(clock))
    await sent(limits, clock, ["a"], 3, urgent=False)
    clock.set_to(START)
    times = await sent(limits, clock, ["a"], 6, urgent=False)
    assert times[-1] - START <= 4 * SECOND
    assert most_in_a_second(times) <= 2


@modest
@examples(st.lists(st.tuples(st.booleans(), st.integers(1, 8)), min_size=1, max_size=12))
async def test_any_mixture_keeps_the_rate(groups: list[tuple[bool, int]]) -> None:
    """Whoever comes in whatever order: no second has more than five."""
    clock = VirtualClock(START)
    times: list[datetime] = []
    with TemporaryDirectory() as folder, closing(Database(f"sqlite:///{folder}/pace.sqlite")) as database:
        migrate(database)
        limits = RateLimits(database, {"a": 5}, clock, resting(clock))
        for urgent, many in groups:
            for slot in await limits.take_slots([["a"]] * many, urgent=urgent):
                await limits.wait_for_turn(slot, ["a"])
                times.append(clock())
    assert times
    assert most_in_a_second(times) <= 5


async def test_a_message_in_pieces_takes_as_many_slots(database: Database) -> None:
    """After three pieces the next message waits as after three messages, whichever process sends it."""
    clock = VirtualClock(START)
    one, other = (RateLimits(database, {"a": 4}, clock, resting(clock)) for _ in range(2))
    [slot] = await one.take_slots([["a"]], urgent=False)
    await one.take_slots_of_pieces([{"a": 3}])
    await one.wait_for_turn(slot, ["a"], {"a": 3})
    [following] = await other.take_slots([["a"]], urgent=False)
    assert following - slot == 3 * SECOND / 4
    await one.wait_for_turn(slot, ["a"])
    assert clock() - slot >= 3 * SECOND / 4


async def test_the_platform_keeps_a_providers_rate(tmp_path: Path) -> None:
    """Twenty messages in two parts by a provider that takes two a second take twenty seconds, and each goes once."""
    times: list[datetime] = []

    def keep(message: Message) -> None:
        times.append(world.clock())
        assert len(segments(message.text).parts) == 2

    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", keep)})
    for number in range(1, 21):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    world.plan()
    begun = datetime.fromisoformat("2025-06-20T09:00+05:00")
    world.at(begun)
    limits = RateLimits(world.platform.database, {"provider:sms": 2}, world.clock, resting(world.clock))
    await compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits).drain()
    assert len(times) == 20
    assert times[-1] - begun >= 19 * SECOND
    world.close()


async def test_an_agencys_rate_holds_beside_an_agency_without_one(tmp_path: Path) -> None:
    """What another agency sends by the same provider in the same batch takes nobody past their rate."""
    times: list[tuple[str, datetime]] = []

    def keep(message: Message) -> None:
        times.append((message.owner, world.clock()))

    packs = [few_triggers(tmp_path, "work_offers_consent")]
    world = World(tmp_path, packs=packs, notifiers={"sms": FakeNotifier("sms", keep)})
    for number in range(1, 5):
        job = {"registered_on": "2025-06-02", "insured_months": 0}
        world.take(
            *registered(iin(number), LONG_AGO),
            card(iin(number), "2025-07-04", f"N{number}"),
            event("kz.social.unemployment_registered", iin(number), "2025-06-02T11:00+05:00", job, id=f"J{number}"),
        )
    world.plan()
    world.at("2025-06-04T10:00+05:00")
    limits = RateLimits(world.platform.database, {"agency:labour": 20}, world.clock, resting(world.clock))
    await compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits).drain()
    bound = sorted(at for owner, at in times if owner == "labour")
    assert (len(times), len(bound)) == (8, 4)
    assert all(later - earlier >= SECOND / 20 for earlier, later in itertools.pairwise(bound))
    world.close()


async def test_what_is_urgent_and_has_no_rate_goes_beside_what_waits_for_one(tmp_path: Path) -> None:
    """An urgent message of an agency without a rate, and a reminder of one with a rate, go in the same batch."""
    sent: list[Message] = []
    packs = [few_triggers(tmp_path, "work_offers_consent")]
    world = World(tmp_path, packs=packs, notifiers={"sms": FakeNotifier("sms", sent)})
    job = {"registered_on": "2025-06-02", "insured_months": 0}
    world.take(
        *registered(iin(1), LONG_AGO),
        fine(iin(1), "F1", "2025-05-29T11:00:00+05:00"),
        event("kz.social.unemployment_registered", iin(1), "2025-06-02T11:00+05:00", job, id="J"),
    )
    world.plan()
    world.at("2025-06-04T10:00+05:00")
    limits = RateLimits(world.platform.database, {"agency:labour": 1}, world.clock, resting(world.clock))
    await compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits).drain()
    assert [(message.owner, message.klass) for message in sent] == [("interior", "service"), ("labour", "reminder")]
    world.close()


async def test_of_what_was_claimed_together_the_urgent_goes_first(tmp_path: Path) -> None:
    """An urgent message that is claimed last with a mass mailing goes with the first of it.

    It has the first slot; by this clock, by which waiting takes no time, a commit of others may overtake its own.
    """
    sent: list[Message] = []
    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", sent)})
    for number in range(1, 31):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    world.take(fine(iin(1), "F1", "2025-06-20T11:00:00+05:00"))
    world.plan()
    world.at("2025-06-20T12:00+05:00")
    limits = RateLimits(world.platform.database, {"provider:sms": 10}, world.clock, resting(world.clock))
    await compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits).drain()
    assert "service" in {each.klass for each in sent[:16]}
    assert len(sent) == 31
    world.close()


async def test_a_stop_is_obeyed_while_a_mailing_waits_for_its_slots(tmp_path: Path) -> None:
    """Whoever opts out while their message waits for a rate does not get it any more."""
    sent: list[Message] = []
    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", sent)})
    for number in range(1, 61):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    world.plan()
    world.at("2025-06-20T09:00+05:00")
    stopped: list[int] = []

    async def rest(seconds: float) -> None:
        await resting(world.clock)(seconds)
        if len(sent) >= 10 and not stopped:  # five seconds later
            stopped.append(len(sent))
            time, no = "2025-06-20T09:00:04+05:00", {"opted_out": ["documents"]}
            for number in range(1, 61):
                world.take(event("citizen.preferences_changed", iin(number), time, no, id=f"no-{number}"))

    limits = RateLimits(world.platform.database, {"provider:sms": 2}, world.clock, rest)
    await compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits).drain()
    assert stopped
    assert len(sent) <= 30  # two a second, and what was decided before
    world.close()


async def test_a_mass_mailing_is_not_in_front_of_what_is_urgent(tmp_path: Path) -> None:
    """Of what is due, the urgent drain takes only what is urgent."""
    world = World(tmp_path)
    world.take(*registered(iin(1), LONG_AGO), fine(iin(1), "F1", "2025-06-20T08:00:00+05:00"))
    for number in range(2, 20):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    world.plan()
    world.at("2025-06-20T12:00+05:00")
    assert await world.engine.dispatcher.drain_urgent() == 1
    [message] = world.sent
    assert message.klass == "service"
    world.close()


async def test_a_slow_agencys_backlog_is_in_front_of_nobody(tmp_path: Path) -> None:
    """While one agency may send one a second and has more due than a claim takes, another's only reminder goes."""
    sent: list[Message] = []
    packs = [few_triggers(tmp_path, "work_offers_consent")]
    world = World(tmp_path, packs=packs, notifiers={"sms": FakeNotifier("sms", sent)})
    for number in range(1, BATCH + 50):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-02", f"N{number}"))
    job = {"registered_on": "2025-06-02", "insured_months": 0}
    world.take(event("kz.social.unemployment_registered", iin(1), "2025-06-02T11:00+05:00", job, id="J"))
    world.plan()
    world.at("2025-06-04T10:00+05:00")
    limits = RateLimits(world.platform.database, {"agency:interior": 1}, world.clock, resting(world.clock))
    begun, dispatcher = (
        world.clock(),
        compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits),
    )
    await dispatcher.drain_batch()
    assert "labour" in {message.owner for message in sent}
    await dispatcher.drain_batch()
    assert len(sent) <= 1 + (world.clock() - begun).total_seconds() + 1
    assert world.clock() - begun < BATCH * SECOND / 10  # the backlog itself takes BATCH seconds
    world.close()


async def test_a_slow_provider_serves_triggers_by_turns(tmp_path: Path) -> None:
    """Where all go by one slow provider, a single reminder waits for no backlog of another trigger."""
    sent: list[Message] = []
    packs = [few_triggers(tmp_path, "work_offers_consent")]
    world = World(tmp_path, packs=packs, notifiers={"sms": FakeNotifier("sms", sent)})
    for number in range(1, 41):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-02", f"N{number}"))
    job = {"registered_on": "2025-06-02", "insured_months": 0}
    world.take(event("kz.social.unemployment_registered", iin(1), "2025-06-02T11:00+05:00", job, id="J"))
    world.plan()
    world.at("2025-06-04T10:00+05:00")
    limits = RateLimits(world.platform.database, {"provider:sms": 2}, world.clock, resting(world.clock))
    dispatcher = compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits)
    while len(sent) < 3:
        await dispatcher.drain_batch()
    assert "labour" in {message.owner for message in sent[:3]}
    world.close()


async def test_what_finds_no_slot_is_not_taken_again_and_again(tmp_path: Path) -> None:
    """Of a lane whose messages wait for a rate, a process claims no more than go."""
    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", lambda _: None)})
    for number in range(1, 101):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-02", f"N{number}"))
    world.plan()
    world.at("2025-06-04T10:00+05:00")
    limits = RateLimits(world.platform.database, {"provider:sms": 2}, world.clock, resting(world.clock))
    dispatcher = compose_dispatcher(world.platform, single_routes(world.notifiers), rates=limits)
    took = [await dispatcher.drain_batch() for _ in range(4)]
    assert took[0] == 100
    assert max(took[1:]) <= 16
    world.close()
