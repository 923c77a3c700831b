"""Pause, resume, kill switches, withdrawing: who may, and that each takes effect at the next send."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.facts.principals import NotAllowed, Principal
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from streams.delivery.admission.concurrency import IN_FLIGHT
from streams.rules.switches import UnknownName
from tests.streams.calls import AIDA, BOLAT, NOON, call, calls_world, reachable, states
from tests.streams.governors import OPERATOR, OTHER_OPERATOR, STRANGER, approver, author
from tests.world import World, iin

CALL, OFFER = "reminder_call", "offer_call"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two calls are due, of two triggers of two agencies."""
    made = calls_world(tmp_path)
    made.take(call(1), call(2, "legal", to=BOLAT))
    yield made
    made.close()


def owner(world: World, trigger: str) -> Principal:
    """An author of the trigger's agency."""
    found = world.platform.rules.approval.governed().current(trigger)
    assert found is not None
    return author(str(found.rules["owner"]))


async def test_a_paused_trigger_sends_nothing_until_it_is_resumed(world: World) -> None:
    """What is due waits, other triggers send, and what waited goes as soon as somebody resumes."""
    assert world.platform.rules.switches.pause(CALL, owner(world, CALL))
    assert [message.recipient for message in await world.settle()] == [world.name(BOLAT)]
    assert states(world)["1"] == "deferred stopped"
    assert not world.platform.rules.switches.pause(CALL, OPERATOR), "it was so before"
    assert world.platform.rules.switches.resume(CALL, owner(world, CALL))
    assert [message.recipient for message in await world.settle()] == [world.name(AIDA)]


async def test_a_pause_does_not_clear_what_operators_stopped(world: World) -> None:
    """The agency's pause and the operators' kill switch are two: each holds for itself."""
    switches = world.platform.rules.switches
    switches.pause(CALL, owner(world, CALL))
    switches.control("trigger", CALL, OPERATOR, stopped=True, reason="complaints")
    switches.resume(CALL, owner(world, CALL))
    assert states_after(world, await world.settle()) == "deferred stopped"
    switches.control("trigger", CALL, OTHER_OPERATOR, stopped=False, reason="mended")
    assert states_after(world, await world.settle()) == "sent"


def states_after(world: World, _: list[Message]) -> str:
    """How the first call stands."""
    return states(world)["1"]


async def test_a_pause_stops_also_what_was_claimed_before_it(tmp_path: Path) -> None:
    """Of many that are on their way, no group begins to be sent after the pause."""
    sent: list[Message] = []

    def first_pauses(message: Message) -> None:
        if not sent:
            made.platform.rules.switches.pause(CALL, owner(made, CALL))
        sent.append(message)

    made = calls_world(tmp_path, notifiers={"push": FakeNotifier("push", first_pauses)})
    count = 2 * IN_FLIGHT
    people = [iin(number) for number in range(100, 100 + count)]
    made.take(*(each for person in people for each in reachable(person)))
    made.take(*(call(number, to=person) for number, person in enumerate(people)))
    await made.settle()
    assert 0 < len(sent) <= IN_FLIGHT
    ends = list(states(made).values())
    assert (ends.count("sent"), ends.count("deferred stopped")) == (len(sent), count - len(sent))
    before = len(sent)
    made.platform.rules.switches.resume(CALL, owner(made, CALL))
    await made.settle()
    assert len(sent) == before + count - before
    made.close()


async def test_what_is_withdrawn_is_neither_planned_nor_sent(world: World) -> None:
    """Its nudges end as withheld, with the reason."""
    world.plan()
    who = owner(world, CALL)
    world.platform.rules.switches.withdraw(CALL, who)
    await world.settle()
    assert states(world)["1"] == "withheld withdrawn"
    world.take(call(3, to=iin(9)))
    world.plan()
    assert "3" not in states(world)
    assert not world.platform.rules.switches.withdraw(CALL, who), "it was so before"


def test_kill_switches_are_the_operators(world: World) -> None:
    """An agency pauses what is its own and sets no kill switch, not even for itself."""
    for who in (owner(world, CALL), approver("north"), STRANGER):
        with pytest.raises(NotAllowed, match="only an operator"):
            world.platform.rules.switches.control("agency", "north", who, stopped=True, reason="x")


@pytest.mark.parametrize(
    ("scope", "name", "meant"),
    [
        ("channel", "smss", "'sms'"),
        ("agency", "nort", "'north'"),
        ("trigger", "reminder_cal", "'reminder_call'"),
    ],
)
def test_a_switch_for_what_does_not_exist_is_refused(world: World, scope: str, name: str, meant: str) -> None:
    """A misspelt name stops nothing, so it is refused with what was meant."""
    with pytest.raises(UnknownName, match=f"did you mean {meant}"):
        world.platform.rules.switches.control(scope, name, OPERATOR, stopped=True, reason="x")


def test_a_pause_of_what_does_not_exist_is_refused(world: World) -> None:
    """A misspelt name suggests what is one's own, and nothing of another agency's."""
    with pytest.raises(UnknownName, match="did you mean 'reminder_call'"):
        world.platform.rules.switches.pause("reminder_cal", OPERATOR)
    with pytest.raises(UnknownName, match=r"'reminder_cal'\. "):
        world.platform.rules.switches.pause("reminder_cal", STRANGER)
    assert world.clock() == NOON
