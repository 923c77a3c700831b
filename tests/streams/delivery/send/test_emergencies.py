"""Danger to life on the running platform: at once, at any hour, before everything else, by whom the pack lets."""

import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as hook
from sqlalchemy import select

from app.clock import VirtualClock
from app.compose_sending import compose_dispatcher
from domain.facts.facts import NudgeDeferred, NudgeFailed
from domain.facts.principals import NotAllowed
from domain.facts.receipts import ReceiptStatus
from domain.facts.submissions import Subject
from domain.rules.triggers import CLASSES, RANKS
from notifiers.port.interface import GiveUp, Message, Outcome, Reason, RetryLater
from notifiers.port.routes import single_routes
from projections.claims import claim
from projections.lanes import EMERGENCIES, lane_of
from projections.tables import EMERGENCY, URGENT, due
from streams.delivery.admission.rate_limits import RateLimits
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.send.dispatch import BATCH
from streams.intake.cloudevents import Envelope
from streams.rules.publishing import BreaksVersions
from templates.checks.loader import load_packs, shipped
from tests.beginnings import publish
from tests.streams.dispatching import AIGERIM, EVACUATION, HOME, dispatcher
from tests.streams.governors import OPERATOR, OTHER_OPERATOR, approver, author
from tests.templates.packs import write_town
from tests.templates.test_lint_emergencies import DANGER
from tests.world import LONG_AGO, World, birth, corrected, event, few_triggers, fine, iin, registered

LEAVE = "alatau.emergencies.evacuation_ordered"
MORNING = "2026-04-08T08:10:00+05:00"


def _order(time: str, number: str = "F-2") -> Envelope:
    data = {"number": number, "area": "191800000", "meeting_point": "School 5"}
    return event(LEAVE, None, time, data, id=f"order-{time}")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[World]:
    """The city's pack beside the country's, and Aigerim, who lives in the city."""
    packs = [each for each in shipped() if each.name in ("kz", "alatau")]
    world = World(tmp_path, packs=packs)
    world.take(*registered(AIGERIM, LONG_AGO), HOME)
    world.plan()
    yield world
    world.close()


@pytest.mark.parametrize(
    ("time", "wishes"),
    [
        (MORNING, {}),
        ("2026-04-08T08:59:00+05:00", {}),
        ("2026-04-08T03:00:00+05:00", {}),
        ("2026-04-08T12:30:00+05:00", {"zone": "Europe/Berlin", "quiet_from": "21:00", "quiet_to": "09:59"}),
        ("2026-04-08T12:30:00+05:00", {"zone": "Pacific/Kiritimati"}),  # 21:30 there
        ("2026-04-08T12:30:00+05:00", {"opted_out": ["safety", "safety/sms"], "channels": ["email"]}),
    ],
)
async def test_an_order_to_leave_goes_at_once(city: World, time: str, wishes: dict[str, object]) -> None:
    """Whatever the hour, the zone and the wishes: the message goes in the moment in which the order is known."""
    if wishes:
        city.take(event("citizen.preferences_changed", AIGERIM, "2026-01-01T00:00:00Z", wishes, id="wishes"))
    await city.settle(time)
    city.take(_order(time))
    [message] = await city.settle()
    assert message.klass == "emergency"
    assert city.clock() == datetime.fromisoformat(time)


async def test_a_stop_holds_it_back_until_it_is_cleared(city: World) -> None:
    """An operator's stop is obeyed; once it is cleared, the order goes, if it is still worth something."""
    await city.settle(MORNING)
    city.control("agency", "alatau_emergencies", stopped=True)
    city.take(_order(MORNING))
    assert await city.settle() == []
    city.control("agency", "alatau_emergencies", stopped=False)
    assert [each.klass for each in await city.settle("2026-04-08T08:30:00+05:00")] == ["emergency"]


async def test_no_other_channel_follows_once_the_danger_is_over(city: World) -> None:
    """Who was told to leave is not told again when that bounces after the flood is over."""
    await city.settle(MORNING)
    city.take(_order(MORNING))
    [message] = await city.settle()
    over = {"number": "F-2", "area": "191800000"}
    city.take(event("alatau.emergencies.flood_over", None, "2026-04-08T08:20:00+05:00", over))
    await city.settle("2026-04-08T08:20:00+05:00")
    bounced = Receipt(message.nudge, message.recipient, message.attempt, ReceiptStatus.FAILED, "rejected")
    city.platform.delivery.receipts.record(bounced)
    assert await city.settle() == []
    assert city.delivery("leave").reason == "done"


MOTHER, FATHER = iin(2), iin(3)


def _for_guardians(folder: Path, **more: Any) -> World:
    """Aigerim is a child of two parents, and the order to leave is for guardians."""
    [alatau] = [each for each in shipped() if each.name == "alatau"]
    copied = shutil.copytree(alatau, folder / "alatau")
    rule = copied / "flood_evacuation" / "trigger.yaml"
    rule.write_text(rule.read_text(encoding="utf-8").replace("minors: self\n", ""), encoding="utf-8")
    world = World(folder, packs=[few_triggers(folder), copied], **more)
    for person in (AIGERIM, MOTHER, FATHER):
        world.take(*registered(person, "2015-06-01" if person == AIGERIM else LONG_AGO))
    world.take(HOME, birth(AIGERIM, MOTHER, "2015-06-01", father=FATHER))
    return world


def _told(world: World, messages: Sequence[Message]) -> list[tuple[str, str]]:
    names = {world.name(MOTHER): "mother", world.name(FATHER): "father", world.name(AIGERIM): "child"}
    return [(names[message.recipient], message.channel) for message in messages]


async def test_a_minor_whose_guardians_have_all_died_is_warned_themselves(tmp_path: Path) -> None:
    """A warning that is for guardians goes to the living one, and to the child where none is left."""
    world = _for_guardians(tmp_path)
    warned: list[list[str]] = []
    for hour, dies in enumerate([None, MOTHER, FATHER], 12):
        time = f"2026-04-08T{hour}:00:00+05:00"
        if dies is not None:
            world.take(event("kz.civil.death_registered", dies, time, {"died_on": time[:10]}, id=f"died-{hour}"))
        world.take(_order(time, f"F-{hour}"))
        warned.append(sorted(who for who, _ in _told(world, await world.settle(time))))
    assert warned == [["father", "mother"], ["father"], ["child"]]
    world.close()


REFUSED, BUSY = GiveUp(Reason.BAD_ADDRESS), GiveUp(Reason.REJECTED)


@pytest.mark.parametrize(
    ("sms", "email", "told"),
    [
        ([REFUSED, REFUSED], [REFUSED, BUSY], [("child", "sms")]),
        ([BUSY, BUSY], [BUSY, BUSY], [("child", "sms")]),
        ([REFUSED, REFUSED], [REFUSED], [("guardian", "email")]),
        ([REFUSED], [REFUSED], [("guardian", "sms")]),
        ([BUSY, BUSY, BUSY], [BUSY, BUSY], [("child", "email")]),
        ([BUSY, BUSY, BUSY], [BUSY, BUSY, BUSY], []),
    ],
)
async def test_a_minor_is_warned_whose_guardians_refuse_every_message(
    tmp_path: Path, sms: list[Outcome], email: list[Outcome], told: list[tuple[str, str]]
) -> None:
    """What fails for every guardian on every channel goes to the child, once; what reaches one of them does not."""
    world = _for_guardians(tmp_path, script={"sms": sms, "email": email})
    await world.settle(MORNING)
    world.take(_order(MORNING))
    warned = await world.settle()
    assert [("child" if who == "child" else "guardian", channel) for who, channel in _told(world, warned)] == told
    assert await world.settle("2026-04-08T08:20:00+05:00") == []
    world.close()


async def test_a_minor_is_warned_whose_guardians_messages_bounce_later(tmp_path: Path) -> None:
    """The child's turn follows the last bounce in the log; who asks why reads that no guardian was reached."""
    world = _for_guardians(tmp_path, script={"sms": [REFUSED, REFUSED]})
    await world.settle(MORNING)
    world.take(_order(MORNING))
    sent, warned = await world.settle(), list[tuple[str, str]]()
    world.at("2026-04-08T08:15:00+05:00")
    for message in (*sent, *sent):
        bounced = Receipt(message.nudge, message.recipient, message.attempt, ReceiptStatus.FAILED, "rejected")
        world.platform.delivery.receipts.record(bounced)
        warned += _told(world, await world.settle())
    assert warned == [("child", "sms")]
    nudge, child = sent[0].nudge, world.name(AIGERIM)
    failed, passed, *_ = world.facts(nudge)[-4:]
    assert isinstance(failed, NudgeFailed)
    assert passed == NudgeDeferred(world.clock(), child, world.clock(), "unreached")
    assert [fact.details["reason"] for fact in world.why(nudge).facts if fact.what == "deferred"] == ["unreached"]
    world.close()


async def test_a_minor_is_warned_beside_guardians_whose_provider_is_away(tmp_path: Path) -> None:
    """The child is warned, once, when the next try is far off, and the guardians as soon as they can be."""
    away = [RetryLater(timedelta(minutes=4), Reason.BUSY)]
    world = _for_guardians(tmp_path, script={"sms": [REFUSED, REFUSED], "email": away * 4})
    await world.settle(MORNING)
    world.take(_order(MORNING))
    times = (f"2026-04-08T08:{minute}:00+05:00" for minute in range(10, 60, 2))
    told = {time[14:16]: sorted(_told(world, each)) for time in times if (each := await world.settle(time))}
    assert told == {"16": [("child", "sms")], "32": [("father", "email"), ("mother", "email")]}
    world.close()


async def test_a_minors_warning_that_a_stop_holds_back_waits_for_its_end(tmp_path: Path) -> None:
    """While SMS is stopped the child's message waits, without a fact for each look, and goes once it is cleared."""
    away = [RetryLater(timedelta(minutes=20), Reason.BUSY)] * 2
    world = _for_guardians(tmp_path, script={"sms": [REFUSED, REFUSED], "email": away})
    await world.settle(MORNING)
    world.take(_order(MORNING))
    world.plan()
    looks = dispatcher(world)
    for look in range(8):
        world.control("channel", "sms", stopped=look > 1)
        await looks.drain_batch()
    facts = [fact for fact in world.facts(world.nudge("leave").intent.id) if isinstance(fact, NudgeDeferred)]
    assert [fact.reason for fact in facts] == ["unreached", "stopped"]
    world.control("channel", "sms", stopped=False)
    await looks.drain_batch()
    assert _told(world, world.sent) == [("child", "sms")]
    world.close()


async def test_a_corrected_warning_that_reached_nobody_goes_to_each_guardian_once(tmp_path: Path) -> None:
    """The order is corrected while the child is to be tried again: the guardians are told, each once."""
    later = RetryLater(None, Reason.BUSY)
    world = _for_guardians(tmp_path, script={"sms": [BUSY] * 3, "email": [BUSY, BUSY, later]})
    await world.settle(MORNING)
    world.take(_order(MORNING))
    assert await world.settle() == []
    world.take(corrected(_order(MORNING), 2))
    assert sorted(_told(world, await world.settle())) == [("father", "sms"), ("mother", "sms")]
    assert await world.settle("2026-04-08T08:30:00+05:00") == []
    world.close()


def _resting(clock: VirtualClock) -> Callable[[float], Awaitable[None]]:
    async def rest(seconds: float) -> None:
        clock.advance_to(clock() + timedelta(seconds=seconds))

    return rest


@pytest.mark.parametrize("rates", [{}, {"agency:alatau_emergencies": 0.001}, {"provider:sms": 5}])
@pytest.mark.parametrize("urgent", [False, True])
async def test_it_goes_before_everything_that_waits(city: World, rates: dict[str, float], *, urgent: bool) -> None:
    """More than a claim of messages has been due for longer: the order is first all the same, at any rate."""
    for number in range(2, BATCH + 50):
        city.take(*registered(iin(number), LONG_AGO), fine(iin(number), f"F{number}", "2026-04-08T09:00:00+05:00"))
    city.plan()
    city.at("2026-04-08T12:00:00+05:00")
    city.take(EVACUATION)
    city.plan()
    limits = RateLimits(city.platform.database, rates, city.clock, _resting(city.clock))
    dispatcher = compose_dispatcher(city.platform, single_routes(city.notifiers), rates=limits)
    await (dispatcher.drain_urgent() if urgent else dispatcher.drain_batch())
    assert city.sent[0].klass == "emergency"
    assert city.sent[0].recipient == city.name(AIGERIM)


async def test_no_rate_of_its_agency_slows_it(city: World) -> None:
    """Everybody in the area is told within one turn, though the agency may send one message in 16 minutes."""
    for number in (2, 3):
        moved = event(HOME.type, iin(number), str(HOME.time), HOME.data or {}, id=f"home-{number}")
        city.take(*registered(iin(number), LONG_AGO), moved)
    city.plan()
    city.at("2026-04-08T12:00:00+05:00")
    city.take(EVACUATION)
    city.plan()
    rates = {"agency:alatau_emergencies": 0.001}
    limits = RateLimits(city.platform.database, rates, city.clock, _resting(city.clock))
    await compose_dispatcher(city.platform, single_routes(city.notifiers), rates=limits).drain_batch()
    assert len(city.sent) == 3
    assert city.clock() == datetime.fromisoformat("2026-04-08T12:00:00+05:00")


def test_its_place_is_before_all_others_and_moves_nobody() -> None:
    """The ranks of the other classes are those that are stored since long; its lanes are apart from all others'."""
    assert [RANKS[klass] for klass in CLASSES] == [-1, 0, 1, 2, 3]
    for trigger in ("a", "flood_evacuation", "card"):
        lanes = [lane_of(trigger, RANKS[klass]) for klass in CLASSES]
        assert -(2**31) <= lanes[0] < EMERGENCIES <= lanes[1] == lanes[2] < 0 < lanes[3] == lanes[4]
    assert (RANKS["emergency"], RANKS["service"]) == (EMERGENCY, URGENT)


def test_a_claim_finds_emergencies_without_reading_what_else_is_due(city: World) -> None:
    """A claim looks for emergencies in an index that holds nothing else, and for what is urgent in its index."""
    engine, asked = city.platform.database.engine, list[tuple[str, Any]]()

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    hook.listen(engine, "before_cursor_execute", note)
    city.platform.database.write(
        lambda connection: claim(connection, now=1, until=2, holder="us", limit=9, urgent=True)
    )
    hook.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        claims = [(f"EXPLAIN QUERY PLAN {one}", values) for one, values in asked if "UPDATE due" in one]
        plans = [" ".join(row.detail for row in connection.exec_driver_sql(*each)) for each in claims]
    assert ["due_emergency" in plan for plan in plans] == [True, False]
    assert ["due_urgent" in plan for plan in plans] == [False, True]


async def test_it_waits_in_its_own_lane(city: World) -> None:
    """The row that is claimed carries the rank and the lane of an emergency."""
    await city.settle(MORNING)
    city.take(_order(MORNING))
    city.plan()
    with city.platform.database.reading() as connection:
        [(rank, lane)] = connection.execute(select(due.c.rank, due.c.lane)).all()
    assert (rank, lane) == (-1, lane_of("flood_evacuation", -1))
    assert lane < EMERGENCIES


# who may publish it


def test_a_pack_that_lets_warn_is_the_operators(tmp_path: Path) -> None:
    """An agency cannot give itself the right: its pack, with `emergencies`, is for two operators."""
    world = World(tmp_path, packs=[write_town(tmp_path / "before")])
    packs = load_packs([write_town(tmp_path / "after", DANGER[0])])
    governing, pack = world.platform.rules.approval, Subject("pack", "town")
    with pytest.raises(NotAllowed, match="only an operator"):
        governing.submit(packs, [pack], author("water"))
    [done] = governing.submit(packs, [pack], OPERATOR)
    with pytest.raises(NotAllowed, match="only an operator"):
        governing.approve(done.submission, approver("water"))
    with pytest.raises(NotAllowed, match="nobody approves their own"):
        governing.approve(done.submission, OPERATOR)
    assert governing.approve(done.submission, OTHER_OPERATOR).new
    world.close()


def test_a_trigger_that_warns_needs_two_people_of_its_agency(tmp_path: Path) -> None:
    """Also where the pack lets the agency warn, the author does not approve their own."""
    world = World(tmp_path, packs=[write_town(tmp_path / "before", DANGER[0])])
    packs = load_packs([write_town(tmp_path / "after", *DANGER)])
    governing, check = world.platform.rules.approval, Subject("trigger", "meter_check")
    [done] = governing.submit(packs, [check], author("water"))
    with pytest.raises(NotAllowed):
        governing.approve(done.submission, author("water"))
    assert governing.approve(done.submission, approver("water")).new
    world.close()


def test_the_pack_keeps_its_word_while_a_warning_is_in_force(tmp_path: Path) -> None:
    """A pack that no longer lets the agency warn cannot be published over a trigger that does."""
    world = World(tmp_path, packs=[write_town(tmp_path / "before", *DANGER)])
    town = write_town(tmp_path / "after", *DANGER[1:])
    (town / "meter_check" / "trigger.yaml").write_text(
        (town / "meter_check" / "trigger.yaml").read_text(encoding="utf-8").replace("emergency", "service"),
        encoding="utf-8",
    )
    with pytest.raises(BreaksVersions, match="may not warn"):
        publish(world.platform, [town])
    world.close()
