"""Devices: a push message goes to each device of its recipient, and to none that they removed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from domain.core.events import LifeEvent
from domain.facts.principals import Principal, Role
from domain.persons.devices import MOST
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater, Unknown
from streams.delivery.inbound.devices import NewDevice, TooManyDevices
from streams.delivery.send.hand_over import best_outcome
from tests.world import LONG_AGO, World, card, event, iin, registered

AIGERIM = iin(1)
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
DUE, LATER = "2025-06-20T09:00+05:00", "2025-07-13T09:00+05:00"
PHONE, TABLET, LAPTOP = ("a" * 24, "b" * 24, "c" * 24)


class Pushing(FakeNotifier):
    """A push provider that answers by address."""

    def __init__(self, sent: list[Message]) -> None:
        super().__init__("push", sent)
        self.answers: dict[str, Outcome] = {}
        self._all = sent

    async def _answer(self, message: Message, until: float) -> Outcome:
        answer = self.answers.get(message.address)
        return await super()._answer(message, until) if answer is None else answer


@pytest.fixture
def sent() -> list[Message]:
    """The push messages that went."""
    return []


@pytest.fixture
def pushing(sent: list[Message]) -> Pushing:
    """The provider of push."""
    return Pushing(sent)


@pytest.fixture
def world(tmp_path: Path, pushing: Pushing) -> Iterator[World]:
    """Aigerim's card is announced on 20 June, and again a week before it ends; she has a phone and a tablet."""
    made = World(tmp_path, notifiers={"push": pushing})
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    add(made, PHONE, TABLET)
    yield made
    made.close()


def add(world: World, *devices: str, person: str = AIGERIM) -> None:
    """The person registers devices."""
    for each in devices:
        world.platform.delivery.inbound.devices.add(
            world.name(person), NewDevice(each, f"name of {each}", f"push:{each}")
        )


def known(world: World) -> Mapping[str, str]:
    """Her devices, with their addresses."""
    return {each.id: each.push for each in world.platform.delivery.inbound.devices.of(world.name(AIGERIM))}


def where(sent: list[Message]) -> list[str]:
    """The addresses, and nothing that stays in the list."""
    found = sorted(message.address for message in sent)
    sent.clear()
    return found


async def test_each_device_gets_it_under_a_key_of_its_own(world: World, sent: list[Message]) -> None:
    """One attempt reaches every device; no provider takes one of them for the other's double."""
    await world.settle(DUE)
    assert len({message.key for message in sent}) == 2
    assert {message.recipient for message in sent} == {world.name(AIGERIM)}
    assert where(sent) == [f"push:{PHONE}", f"push:{TABLET}"]
    assert (world.delivery("month").attempt, world.delivery("month").state) == (1, "sent")


async def test_contact_data_keep_their_address_beside_devices(world: World, sent: list[Message]) -> None:
    """An address that a portal reported is one more device."""
    world.take(event("citizen.contact_changed", AIGERIM, "2025-06-01T09:00:00+05:00", {"push": "app:1"}, id="app"))
    await world.settle(DUE)
    assert where(sent) == ["app:1", f"push:{PHONE}", f"push:{TABLET}"]


async def test_a_removed_device_gets_nothing_of_what_is_planned(world: World, sent: list[Message]) -> None:
    """What was planned before the removal goes to the devices that are left, and then by another channel."""
    world.plan()
    devices = world.platform.delivery.inbound.devices
    assert devices.remove(world.name(AIGERIM), PHONE)
    assert not devices.remove(world.name(AIGERIM), PHONE)
    await world.settle(DUE)
    assert where(sent) == [f"push:{TABLET}"]
    devices.remove(world.name(AIGERIM), TABLET)
    [other] = await world.settle(LATER)
    assert (other.channel, sent) == ("sms", [])


async def test_a_removed_device_gets_nothing_of_what_is_tried_again(
    world: World, pushing: Pushing, sent: list[Message]
) -> None:
    """A message that the push service put off is not sent to a device that was removed meanwhile."""
    busy = RetryLater(None, Reason.BUSY)
    pushing.answers = {f"push:{each}": busy for each in (PHONE, TABLET)}
    await world.settle(DUE)
    assert world.delivery("month").state == "failed"
    pushing.answers.clear()
    world.platform.delivery.inbound.devices.remove(world.name(AIGERIM), PHONE)
    await world.settle("2025-06-20T09:30+05:00")
    assert where(sent) == [f"push:{TABLET}"]


async def test_only_the_device_that_is_gone_is_removed(world: World, pushing: Pushing, sent: list[Message]) -> None:
    """A device that its push service does not know any more is no device; the other one has the message."""
    pushing.answers[f"push:{PHONE}"] = GiveUp(Reason.BAD_ADDRESS, "410")
    await world.settle(DUE)
    assert (where(sent), list(known(world))) == ([f"push:{TABLET}"], [TABLET])
    assert world.delivery("month").state == "sent"
    await world.settle(LATER)
    assert where(sent) == [f"push:{TABLET}"]


async def test_without_a_device_the_next_channel_follows(world: World, pushing: Pushing, sent: list[Message]) -> None:
    """Where every device is gone, the message goes by SMS at once."""
    pushing.answers = {f"push:{each}": GiveUp(Reason.BAD_ADDRESS, "410") for each in (PHONE, TABLET)}
    [other] = await world.settle(DUE)
    assert (other.channel, sent, known(world)) == ("sms", [], {})


def test_a_person_has_ten_devices_at_most(world: World) -> None:
    """One more is refused and changes nothing; the same browser again takes its old place."""
    add(world, *(f"{number:024x}" for number in range(MOST - 2)))
    with pytest.raises(TooManyDevices, match="10 devices already"):
        add(world, LAPTOP)
    devices = world.platform.delivery.inbound.devices
    devices.add(world.name(AIGERIM), NewDevice(LAPTOP, "another name", "push:new"), replaced=PHONE)
    found = known(world)
    assert (len(found), found[LAPTOP], PHONE in found) == (MOST, "push:new", False)
    kept = devices.of(world.name(AIGERIM))[0]
    assert kept.id == LAPTOP
    assert kept.name == f"name of {PHONE}", "it is the same browser, and she named it"


def test_of_two_changes_neither_is_lost(world: World) -> None:
    """Names and addresses change one after the other at the same moment of the clock."""
    devices = world.platform.delivery.inbound.devices
    devices.rename(world.name(AIGERIM), PHONE, "Kitchen")
    assert devices.renew(world.name(AIGERIM), TABLET, "push:renewed")
    assert devices.renew(world.name(AIGERIM), TABLET, "push:renewed"), "the same again is no news"
    assert not devices.renew(world.name(AIGERIM), LAPTOP, "push:nobody's")
    found = [(each.name, each.push) for each in devices.of(world.name(AIGERIM))]
    assert found == [("Kitchen", f"push:{PHONE}"), (f"name of {TABLET}", "push:renewed")]


async def test_devices_are_erased_with_their_person(world: World, sent: list[Message]) -> None:
    """After an erasure no reader finds a device, and nothing is sent to one."""
    world.plan()
    world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    assert known(world) == {}
    await world.settle(DUE)
    assert sent == []
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, LifeEvent)]
    told = [each for each in facts if each.type == "citizen.devices_changed"]
    assert told
    assert "push:" not in str([each.fields for each in told])


def test_an_entry_that_cannot_be_read_is_no_device(world: World) -> None:
    """Whatever a portal reports as devices, reading them goes on."""
    data = {"devices": ["{", '{"id": 1}', "[]", "\N{BELL}"]}
    world.take(event("citizen.devices_changed", AIGERIM, "2025-06-02T13:00:00+05:00", data, id="odd"))
    assert known(world) == {}


def test_one_device_that_has_it_is_enough() -> None:
    """The outcome of an attempt is the best of its devices; what perhaps arrived is not repeated for a busy one."""
    taken, perhaps = Accepted("a"), Unknown(Reason.TIMED_OUT)
    later, never = RetryLater(None, Reason.BUSY), GiveUp(Reason.BAD_ADDRESS)
    assert best_outcome([never, later, perhaps, taken]) == taken
    assert best_outcome([never, later, perhaps]) == perhaps
    assert best_outcome([never, later]) == later
    assert best_outcome([never]) == never
