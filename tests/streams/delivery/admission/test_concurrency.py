"""Concurrency limits: how many attempts may be open follows how many ended lately."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from domain.nudges.delivery import Due
from streams.delivery.admission.concurrency import (
    MOST_REPEATABLE,
    RATE_SPAN,
    Budget,
    Budgets,
    Bulkhead,
    Permits,
    ProviderPlaces,
)

LEAST, MOST = 4, 16


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is told."""

    now = 0.0

    def time(self) -> float:
        """Return the time that was set."""
        return self.now


@pytest.fixture
def still() -> Iterator[StillLoop]:
    """A loop at its beginning."""
    loop = StillLoop()
    yield loop
    loop.close()


async def ended(bulkhead: Bulkhead) -> int:
    """Take all permits that there are, and give them back: so many attempts have ended."""
    granted = await bulkhead.acquire(10 * MOST, None)
    Permits(bulkhead, granted).release()
    return granted


def test_more_attempts_are_open_where_many_end(still: StillLoop) -> None:
    """From the least on, as many as ended within the span may be open, and never more than the most."""
    bulkhead = Bulkhead(Budget(LEAST, 1, lambda: MOST))
    taken = [still.run_until_complete(ended(bulkhead)) for _ in range(5)]
    assert taken == [LEAST, LEAST, 2 * LEAST, MOST, MOST]


def test_what_ended_long_ago_counts_no_more(still: StillLoop) -> None:
    """Where a provider has become slow, fewer attempts wait for it."""
    bulkhead = Bulkhead(Budget(LEAST, 1, lambda: MOST))
    for _ in range(5):
        still.run_until_complete(ended(bulkhead))
    still.now += 2 * RATE_SPAN
    still.run_until_complete(one_ended(bulkhead))
    assert still.run_until_complete(ended(bulkhead)) == LEAST


async def one_ended(bulkhead: Bulkhead) -> None:
    """One more attempt ends."""
    Permits(bulkhead, await bulkhead.acquire(1, None)).release()


def test_without_a_journal_only_the_least_is_open(still: StillLoop) -> None:
    """However many end, no more than may be unknown are open."""
    bulkhead = Bulkhead(Budget(LEAST, 1, lambda: LEAST))
    assert {still.run_until_complete(ended(bulkhead)) for _ in range(5)} == {LEAST}


@pytest.mark.parametrize("bulkheads", [LEAST, LEAST + 1, 10 * LEAST])
def test_there_is_a_permit_however_many_providers_there_are(still: StillLoop, bulkheads: int) -> None:
    """Where nothing is open, each bulkhead gets a permit, also if there are more bulkheads than permits."""
    budget = Budget(LEAST, bulkheads)
    assert all(still.run_until_complete(ended(Bulkhead(budget))) for _ in range(bulkheads))


PROVIDERS = {"gateway": True, "relay": False}
"""A gateway that removes doubles, and a relay that does not."""


@pytest.mark.parametrize(("provider", "most"), [("gateway", MOST_REPEATABLE), ("relay", LEAST)])
def test_only_a_provider_that_removes_doubles_may_have_many_messages(
    still: StillLoop, provider: str, most: int
) -> None:
    """What may be unknown after a kill stays bounded where it would not be sent again; elsewhere the window fills."""
    places = ProviderPlaces(Budgets(PROVIDERS, LEAST, bulkheads_per_provider=1))

    async def answered() -> int:
        permits = await places.acquire(provider, 10 * MOST_REPEATABLE)
        count = permits.left
        permits.release()
        return count

    assert max(still.run_until_complete(answered()) for _ in range(10)) == most


def test_an_emergency_without_a_permit_is_ready_before_reminders() -> None:
    """What waits for permits is ready again in the order in which it was set aside, emergencies before all others."""
    reminders, orders = ([Due(uuid4(), "she") for _ in range(many)] for many in (LEAST, 2))
    bulkhead = Bulkhead(Budget(LEAST, 1))

    bulkhead.set_aside(reminders)
    bulkhead.set_aside(orders, first=True)

    assert bulkhead.take_ready(every=False) == [*orders, *reminders[:2]]
    assert bulkhead.take_ready(every=False) == reminders[2:]


def test_a_nudge_that_goes_to_both_counts_as_bounded() -> None:
    """One provider that does not remove doubles is enough."""
    budgets = Budgets(PROVIDERS)
    assert (
        budgets.budget_of(["gateway", "relay"]) is budgets.budget_of(["relay"]) is not budgets.budget_of(["gateway"])
    )
