import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from streams.intake.intake import ACCEPTED, IntakeOutcome
from streams.intake.shared_commit import SharedCommit
from streams.storage.errors import DatabaseUnavailable

PATIENCE = 30.0
"""Seconds after which a test gives up."""


class Store:
    """Keeps what each transaction stores; the first waits until the gate opens."""

    def __init__(self, *, broken: str = "", away: bool = False) -> None:
        self.commits: list[list[str]] = []
        self.gate, self.begun = Event(), Event()
        self._broken, self.away = broken, away

    def __call__(self, reported: Sequence[str]) -> list[IntakeOutcome]:
        """Store these, unless one of them is the broken one or the database is away."""
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        self.commits.append([*reported])
        if self.away:
            raise DatabaseUnavailable("away")
        if self._broken in reported:
            raise ValueError(self._broken)
        return [ACCEPTED] * len(reported)


async def together(store: Store, first: str, *others: str, most: int = 100) -> list[IntakeOutcome | BaseException]:
    """Report the others while the first is being stored; return everybody's outcome."""
    shared = SharedCommit(store, most)
    tasks = [asyncio.ensure_future(shared.accept(first))]
    await asyncio.to_thread(store.begun.wait, PATIENCE)
    tasks += [asyncio.ensure_future(shared.accept(other)) for other in others]
    await asyncio.sleep(0)  # each of them begins to wait
    store.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_those_who_wait_share_a_transaction() -> None:
    """Events that arrive while one is being stored are stored by one transaction, in order of arrival."""
    store = Store()
    assert await together(store, "a", "b", "c", "d") == [ACCEPTED] * 4
    assert store.commits == [["a"], ["b", "c", "d"]]


async def test_a_transaction_has_a_bound() -> None:
    """No more than `most` events go into one transaction."""
    store = Store()
    await together(store, "a", "b", "c", "d", most=2)
    assert store.commits == [["a"], ["b", "c"], ["d"]]


async def test_a_broken_event_harms_no_other() -> None:
    """An event that cannot be stored fails alone; those that waited beside it are stored."""
    store = Store(broken="c")
    first, b, c, d = await together(store, "a", "b", "c", "d")
    assert (first, b, d) == (ACCEPTED, ACCEPTED, ACCEPTED)
    assert isinstance(c, ValueError)


async def test_a_database_that_is_away_is_asked_once() -> None:
    """Without a database everybody learns so from one attempt, and whoever comes later is tried again."""
    store = Store(away=True)
    outcomes = await together(store, "a", "b", "c")
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    assert store.commits == [["a"], ["b", "c"]]
    store.away = False
    assert await SharedCommit(store, 100).accept("d") == ACCEPTED


async def test_who_hangs_up_takes_nobody_along() -> None:
    """A caller that goes away while it waits changes nothing for the others."""
    store = Store()
    shared = SharedCommit(store, 100)
    tasks = [asyncio.ensure_future(shared.accept("a"))]
    await asyncio.to_thread(store.begun.wait, PATIENCE)
    tasks += [asyncio.ensure_future(shared.accept(other)) for other in "bc"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    store.gate.set()
    assert [await tasks[0], await tasks[2]] == [ACCEPTED, ACCEPTED]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]


async def answered_again(shared: SharedCommit[str], names: str) -> list[IntakeOutcome]:
    """Report all at once; each reporter has a second event as soon as the first one is stored."""

    async def report(name: str) -> IntakeOutcome:
        await shared.accept(name)
        return await shared.accept(name.upper())

    return await asyncio.gather(*map(report, names))


async def test_who_reports_again_after_a_shared_transaction_shares_the_next() -> None:
    """Reporters whose next event is ready after the answer meet in one transaction, not in two."""
    store = Store()
    store.gate.set()
    async with asyncio.timeout(PATIENCE):
        assert await answered_again(SharedCommit(store, 100, pause=10 * PATIENCE), "abc") == [ACCEPTED] * 3
    assert store.commits == [["a", "b", "c"], ["A", "B", "C"]]


async def test_an_event_alone_waits_for_no_other() -> None:
    """After a transaction of one event there is no pause, however long it may be."""
    store = Store()
    store.gate.set()
    shared = SharedCommit(store, 100, pause=10 * PATIENCE)
    async with asyncio.timeout(PATIENCE):
        assert [await shared.accept(name) for name in "abc"] == [ACCEPTED] * 3


async def test_nobody_waits_for_reporters_who_went_away() -> None:
    """The pause ends by itself: who reports again is stored, though the others do not come back."""
    store = Store()
    store.gate.set()
    shared = SharedCommit(store, 100, pause=0.001)
    assert await asyncio.gather(*map(shared.accept, "abc")) == [ACCEPTED] * 3
    async with asyncio.timeout(PATIENCE):
        assert await shared.accept("d") == ACCEPTED
