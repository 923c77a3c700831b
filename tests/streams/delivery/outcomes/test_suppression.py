"""Refused addresses that are reported late: the address that was tried is refused, and no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import GiveUp, Message, Reason, Report
from tests.world import LONG_AGO, World, card, event, iin, registered

AIGERIM = iin(1)
PHONE, MAIL = "+77011234567", "a@example.org"
DUE = "2025-06-20T09:00+05:00"
LATER = "2025-06-20T09:10+05:00"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform whose SMS provider reports; Aigerim's card is announced on 20 June."""
    sent: list[Message] = []
    made = World(tmp_path, notifiers={"sms": FakeNotifier("sms", sent, reports=True)})
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    yield made
    made.close()


def nobody_there(world: World) -> None:
    """The SMS provider reports that nobody has the number."""
    facts = world.facts(world.nudge("month").intent.id)
    reference = next(one.reference for one in facts if isinstance(one, NudgeSent))
    world.platform.delivery.inbound.receiving.reported(
        "sms", [Report(reference, ReceiptStatus.FAILED, Reason.BAD_ADDRESS)]
    )


def refused(world: World) -> list[object]:
    """The addresses that are known to be refused, by each event that says so."""
    facts = (entry.fact for entry in world.entries())
    return [
        fact.values["event.addresses"]
        for fact in facts
        if isinstance(fact, LifeEvent) and fact.type == "citizen.address_refused"
    ]


async def test_a_late_refusal_is_of_the_channel_that_was_tried(world: World) -> None:
    """A number that is reported as nobody's after the email went leaves the email's address alone."""
    await world.settle(DUE)
    [email] = await world.settle(LATER)
    assert email.channel == "email"
    nobody_there(world)
    assert refused(world) == [[PHONE]]


async def test_a_late_refusal_is_of_the_number_that_was_tried(world: World) -> None:
    """Whoever gave a new number before the old one was refused can be reached at the new one."""
    await world.settle(DUE)
    new = event("citizen.contact_changed", AIGERIM, "2025-06-20T09:01:00+05:00", {"phone": "+77017654321"}, id="new")
    world.take(new)
    world.plan()
    nobody_there(world)
    assert refused(world) == [[PHONE]]


async def test_a_refusal_that_overtakes_the_outcome_counts(tmp_path: Path) -> None:
    """A report that nobody has the number, which comes before the provider's answer, is kept like a later one."""

    async def overtaken(message: Message) -> None:
        report = Report(f"fake:{message.key}", ReceiptStatus.FAILED, Reason.BAD_ADDRESS)
        made.platform.delivery.inbound.receiving.reported("sms", [report])

    made = World(tmp_path, notifiers={"sms": FakeNotifier("sms", overtaken, reports=True)})
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    await made.settle(DUE)
    assert refused(made) == [[PHONE]]
    made.close()


class OnlyApps(FakeNotifier):
    """A provider that knows nothing of telephone numbers."""

    def reaches(self, address: str) -> bool:
        """Only what an app gave."""
        return address.startswith("app:")


async def test_an_address_that_no_provider_is_for_is_not_refused_for_good(tmp_path: Path) -> None:
    """Where the only provider for it is missing from the settings, it is tried again when that is back."""
    elsewhere = OnlyApps("sms", [], script=[GiveUp(Reason.BAD_ADDRESS)])
    made = World(tmp_path, notifiers={"sms": elsewhere})
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    [email] = await made.settle(DUE)
    assert (email.channel, refused(made)) == ("email", [])
    made.close()


async def test_who_refuses_everybody_marks_nobody(tmp_path: Path) -> None:
    """Where one setting is wrong for all, so that a provider refuses everybody, addresses stay as they are."""
    made = World(tmp_path, notifiers={"sms": FakeNotifier("sms", [], script=[GiveUp(Reason.BAD_ADDRESS)] * 30)})
    for number in range(1, 31):
        made.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    await made.settle(DUE)
    assert len(refused(made)) < 5
    made.close()


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_flood_of_refusals_marks_hardly_anybody(tmp_path: Path, *, at_once: bool) -> None:
    """Receipts that refuse nearly everybody, all at once or one by one, are about something else than addresses."""
    made = await _told(tmp_path, 30)
    reports = [Report(reference, ReceiptStatus.FAILED, Reason.BAD_ADDRESS) for reference in _references(made)]
    for batch in [reports] if at_once else [[each] for each in reports]:
        made.platform.delivery.inbound.receiving.reported("sms", batch)
    assert len(refused(made)) == 5
    states = {one.state for nudge in made.nudges() for one in nudge.deliveries if one.attempt}
    assert states == {"failed"}, "the messages have failed all the same"
    made.close()


async def test_some_refusals_among_many_count(tmp_path: Path) -> None:
    """Every fourth number of many is nobody's, and each of those is left alone from then on."""
    made = await _told(tmp_path, 32)
    reports = [Report(reference, ReceiptStatus.FAILED, Reason.BAD_ADDRESS) for reference in _references(made)[::4]]
    made.platform.delivery.inbound.receiving.reported("sms", reports)
    assert len(refused(made)) == 8
    made.close()


async def _told(folder: Path, many: int) -> World:
    """So many people were told of their cards by SMS."""
    made = World(folder, notifiers={"sms": FakeNotifier("sms", [], reports=True)})
    for number in range(1, many + 1):
        made.take(*registered(iin(number), LONG_AGO, phone=f"+770112345{number:02}"), card(iin(number), "2025-07-20"))
    await made.settle(DUE)
    return made


def _references(made: World) -> list[str]:
    return [entry.fact.reference for entry in made.entries() if isinstance(entry.fact, NudgeSent)]
