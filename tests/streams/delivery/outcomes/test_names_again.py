"""A centre gives its ids to other messages again: a receipt is of the message that has the id when it comes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from app.compose_sending import compose_engine
from domain.facts.facts import NudgeDelivered, NudgeFailed, NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message, Outcome, Reason, Report, Unknown
from notifiers.port.message_names import numbered
from notifiers.port.routes import single_routes
from tests.streams.dispatching import AIGERIM, CARD, DUE
from tests.world import LONG_AGO, World, registered

ID = "2"
WEEKS = timedelta(days=23)
"""From the first step to the next."""
DELIVERED = Report(ID, ReceiptStatus.DELIVERED)
FAILED = Report(ID, ReceiptStatus.FAILED, Reason.UNDELIVERED)


class Centre:
    """Takes each SMS under the next of `ids`, and reports what `says` has for its turn before it answers."""

    def __init__(self, folder: Path, url: str) -> None:
        self.world = World(folder, url=url)
        self.says: list[Sequence[Report]] = []
        self.ids: list[Outcome] = [Accepted(ID)] * 2
        sms = FakeNotifier("sms", self._taken, script=iter(lambda: self.ids.pop(0), None), reports=True)
        self.world.notifiers["sms"] = sms
        self.world.engine = compose_engine(self.world.platform, single_routes(self.world.notifiers))
        self.world.take(*registered(AIGERIM, LONG_AGO), CARD)
        self.world.plan()

    def _taken(self, message: Message) -> None:
        self.world.sent.append(message)
        self.tell(*(self.says.pop(0) if self.says else ()))

    def tell(self, *reports: Report) -> None:
        """It reports."""
        self.world.platform.delivery.inbound.receiving.reported("sms", reports)

    def facts(self, step: str) -> set[type]:
        """What has happened to that message."""
        nudge = self.world.nudge(step).intent.id
        return {type(entry.fact) for entry in self.world.entries() if entry.originator_id == nudge}

    def states(self) -> tuple[str, str]:
        """What is known of the first message, and of the second."""
        return self.world.delivery("month").state.value, self.world.delivery("week").state.value


@pytest.fixture
def centre(tmp_path: Path, url: str) -> Iterator[Centre]:
    """Aigerim's card is announced at DUE and WEEKS later, by SMS; on each database."""
    made = Centre(tmp_path, url)
    yield made
    made.world.close()


@pytest.mark.parametrize(
    ("first", "second", "ends", "tried"),
    [
        (DELIVERED, DELIVERED, ("delivered", "delivered"), ["sms", "sms"]),
        (DELIVERED, FAILED, ("delivered", "sent"), ["sms", "sms", "email"]),
        (FAILED, FAILED, ("sent", "sent"), ["sms", "email", "sms", "email"]),
    ],
)
async def test_a_receipt_before_the_answer_is_of_the_new_message(
    centre: Centre, first: Report, second: Report, ends: tuple[str, str], tried: Sequence[str]
) -> None:
    """What became of the message before is known: what comes while the next one is answered is about that."""
    centre.says = [[], [second]]
    await centre.world.settle(DUE)
    centre.tell(first)
    await centre.world.settle()
    await centre.world.settle(DUE + WEEKS)
    assert (centre.states(), [each.channel for each in centre.world.sent]) == (ends, tried)
    assert (NudgeFailed in centre.facts("month")) == (first is FAILED), (
        "the second one's failure is not the first one's"
    )


@pytest.mark.parametrize(
    ("whole", "second", "state"),
    [
        (Report("3", ReceiptStatus.DELIVERED), DELIVERED, "delivered"),
        (Report("3", ReceiptStatus.DELIVERED), FAILED, "sent"),
        (Report("3", ReceiptStatus.FAILED), DELIVERED, "delivered"),
    ],
)
async def test_the_id_of_a_part_may_be_the_next_message(
    centre: Centre, whole: Report, second: Report, state: str
) -> None:
    """Once the long message has ended, what comes by an earlier part's id is kept for whoever gets that id."""
    centre.ids, centre.says = [Accepted("3", (ID,)), Accepted(ID)], [[], [second]]
    await centre.world.settle(DUE)
    centre.tell(whole)
    await centre.world.settle()
    await centre.world.settle(DUE + WEEKS)
    assert (centre.states()[1], centre.world.delivery("week").exhausted) == (
        state,
        ("sms",) if state == "sent" else (),
    )


async def test_a_receipt_that_came_again_is_not_of_a_later_message(centre: Centre) -> None:
    """What was reported before a message was even tried is about another one, however often it was said."""
    await centre.world.settle(DUE)
    centre.tell(DELIVERED)
    centre.world.at(DUE + WEEKS - timedelta(days=1))
    centre.tell(DELIVERED)
    await centre.world.settle(DUE + WEEKS)
    assert centre.states() == ("delivered", "sent")


async def test_a_receipt_from_before_the_attempt_is_of_another_platforms_message(centre: Centre) -> None:
    """Who shares an account with others hears of their messages, and takes none of that for their own."""
    centre.world.at(DUE - timedelta(days=1))
    centre.tell(FAILED)
    assert [each.channel for each in await centre.world.settle(DUE)] == ["sms"]
    centre.tell(DELIVERED)
    assert centre.states()[0] == "delivered"


async def test_a_late_answer_takes_nothing_from_before_its_attempt(centre: Centre) -> None:
    """What was reported by an id days before the attempt that turns out to have it is no news of that attempt."""
    centre.world.at(DUE - timedelta(days=3))
    centre.tell(DELIVERED)
    centre.ids = [Unknown(Reason.TIMED_OUT), Accepted("9")]
    await centre.world.settle(DUE)
    await centre.world.settle(DUE + timedelta(days=3))
    first, second = centre.world.sent
    assert (first.channel, second.channel) == ("sms", "email")
    centre.world.platform.delivery.inbound.receiving.accepted(
        "sms", numbered(first.key, 1), Accepted(ID), reports=True
    )
    assert NudgeSent in centre.facts("month")
    assert NudgeDelivered not in centre.facts("month")
