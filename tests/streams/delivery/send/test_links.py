"""Attempts are committed once a link to their provider is open: what waits for one has surely not left."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from domain.facts.facts import NudgeAttempted, NudgeFailed, NudgePlanned
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Reason, RetryLater
from notifiers.port.routes import single_routes
from streams.delivery.admission.admission import DECISION_HOLDS
from streams.delivery.send.metrics import with_metrics
from streams.intake.intake import IntakeCounters
from tests.notifiers.sms_helpers import sms
from tests.streams.dispatching import DUE, with_card
from tests.world import World

UNREACHABLE = RetryLater(None, Reason.UNREACHABLE)


class Linked(FakeNotifier):
    """A fake with a link; `opening` is called when one is wanted, and says why there is none."""

    def __init__(self, taken: list[Message], opening: Callable[[], RetryLater | None]) -> None:
        super().__init__("sms", taken)
        self._opening = opening

    async def ready(self) -> RetryLater | None:
        """Open the link."""
        return self._opening()


def with_link(folder: Path, opening: Callable[[World], RetryLater | None]) -> tuple[World, list[Message]]:
    """A platform whose SMS provider has a link, and what that provider gets."""
    taken: list[Message] = []
    world = with_card(folder, sms=Linked(taken, lambda: opening(world)))
    return world, taken


def card_facts(world: World) -> list[type]:
    """The kinds of facts of the card's message."""
    return [type(fact) for fact in world.facts(world.nudge("month").intent.id)]


async def test_nothing_is_committed_before_the_link_is_open(tmp_path: Path) -> None:
    """While a link is opened no attempt is in the log, so a kill then leaves nothing unknown."""
    seen: list[list[type]] = []
    world, taken = with_link(tmp_path, lambda there: seen.append(card_facts(there)))
    await world.settle(DUE)
    assert (seen, len(taken)) == ([[NudgePlanned]], 1)
    world.close()


async def test_what_has_no_link_failed_and_was_not_handed_over(tmp_path: Path) -> None:
    """A provider that cannot be reached is not called; the attempt counts, and is made again later."""
    world, taken = with_link(tmp_path, lambda _: UNREACHABLE)
    await world.settle(DUE)
    assert card_facts(world) == [NudgePlanned, NudgeAttempted, NudgeFailed]
    one = world.delivery("month")
    assert (one.state, one.reason, one.due is not None, taken) == ("failed", "unreachable", True, [])
    world.close()


def test_what_has_no_link_is_counted_as_the_provider_s() -> None:
    """Metrics and the sentence that a provider is down have the reason, although its notifier was not called."""
    counts = IntakeCounters()
    [provider] = with_metrics(single_routes({"sms": Linked([], lambda: UNREACHABLE)}), counts)["sms"].providers
    assert provider.retry_later([sms(), sms()], UNREACHABLE) == [UNREACHABLE, UNREACHABLE]
    assert counts.all() == {("sms", "sms", "failed", "unreachable"): 2}


async def test_what_waited_long_for_a_link_is_decided_on_again(tmp_path: Path) -> None:
    """A decision does not outlive a slow connection: people stop messages meanwhile."""
    before: list[int] = []

    def opening(world: World) -> None:
        if not before:
            world.clock.advance_to(world.clock() + DECISION_HOLDS + timedelta(seconds=1))
        before.append(len(taken))

    world, taken = with_link(tmp_path, opening)
    await world.settle(DUE)
    assert (before, len(taken), world.delivery("month").attempt) == ([0, 0], 1, 1)
    world.close()
