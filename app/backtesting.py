"""Plays a backtest over several processes, and puts together what they found."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.util import Finalize

from msgspec import Struct

from app.clock import fixed
from app.compose import Platform, compose
from app.settings import Settings
from app.tuning import calm_collector
from domain.built_in import DIGEST
from domain.timing import zone_of
from streams.backtest import Backtest, Question, Share
from streams.backtest_families import families
from streams.backtest_results import Own, Samples, Tally
from streams.bulk_reading import Selection
from streams.drafting import Draft, live, rules_with

FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""
PARTS = 16
"""So many parts has the share of each process: whoever waits sees how far it is, and no process waits long."""


class Order(Struct, frozen=True):
    """What is asked of a backtest, so that any process can do a part of it.

    `others`: all triggers in force are played beside the draft's, for what they take of the cap.
    """

    draft: Draft
    start: datetime
    end: datetime
    others: bool = False
    against: bool = False

    def question(self, platform: Platform) -> Question:
        """The same with all rules in it."""
        now, names, own = platform.library.rules().governed, platform.names, self.draft.names
        rules = rules_with(self.draft, now, self.start, names, others=self.others)
        spoken = own if self.others else own | {DIGEST}
        if not self.against:
            return Question(rules, spoken, self.start, self.end)
        before = live(self.draft, now)
        old = rules_with(before, now, self.start, names, others=self.others, besides=own)
        return Question(rules, spoken, self.start, self.end, old)


Told = Callable[[int, int, int], object]
"""Hears how many parts of how many are played, and how many facts were looked at in them."""


def _to_nobody(_done: int, _of: int, _facts: int) -> None:
    """Nobody asked."""


def backtested(
    settings: Settings, platform: Platform, order: Order, processes: int | None = None, told: Told = _to_nobody
) -> Tally:
    """All counts of the backtest; the same by however many processes."""
    question = order.question(platform)
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    hands = processes or (1 if few else os.cpu_count() or 1)
    with _crew(settings, platform, order, hands) as crew:
        parts = question.selection().shares(hands if few else hands * PARTS)
        tally, linked = Tally(), list[Own]()
        for number, share in enumerate(crew.shares(parts), 1):
            tally.add(share.tally)
            linked += share.linked
            told(number, len(parts), tally.facts)
        again = families(linked, question.rules.defaults)
        tally.samples.without({person for family in again for person in family})
        for owns, samples in crew.families([again[at::hands] for at in range(hands)] if again else []):
            linked = [*{own.person: own for own in (*linked, *owns)}.values()]
            tally.add(Tally(samples=samples))
    tally.take(linked, zone_of(question.rules.defaults.zone), question.spoken)
    return tally


class Gradual:
    """A backtest in this process, part by part; its tally is the same as that of `backtested`."""

    def __init__(self, platform: Platform, order: Order, parts: int) -> None:
        self._backtest, self._question = _made(platform, order), order.question(platform)
        self._left = list(self._question.selection().shares(parts))
        self.done, self.of = 0, len(self._left)
        self._tally, self._linked = Tally(), list[Own]()

    def next(self) -> bool:
        """Play a part; whether there was one left."""
        if not self._left:
            return False
        share = self._backtest.share(self._left.pop(0))
        self._tally.add(share.tally)
        self._linked += share.linked
        self.done += 1
        return True

    def tally(self) -> Tally:
        """All counts, once every part is played."""
        defaults = self._question.rules.defaults
        linked, again = self._linked, families(self._linked, defaults)
        self._tally.samples.without({person for family in again for person in family})
        if again:
            owns, samples = self._backtest.together(again)
            linked = [*{own.person: own for own in (*linked, *owns)}.values()]
            self._tally.add(Tally(samples=samples))
        self._tally.take(linked, zone_of(defaults.zone), self._question.spoken)
        return self._tally


class _Alone:
    """One process does everything."""

    def __init__(self, platform: Platform, order: Order) -> None:
        self._backtest = _made(platform, order)

    def shares(self, selections: Sequence[Selection]) -> Iterator[Share]:
        return map(self._backtest.share, selections)

    def families(self, parts: Sequence[Sequence[Sequence[str]]]) -> Iterator[tuple[list[Own], Samples]]:
        return map(self._backtest.together, parts)


class _Many:
    """Other processes work too, each with a database connection of its own; while they start, one works already."""

    def __init__(self, pool: ProcessPoolExecutor, here: Backtest) -> None:
        self._pool, self._here = pool, here

    def shares(self, selections: Sequence[Selection]) -> Iterator[Share]:
        """The others take parts from the beginning on, this process from the end."""
        asked = [(self._pool.submit(_share, each), each) for each in selections]
        left = []
        for there, selection in reversed(asked):
            if there.cancel():
                yield self._here.share(selection)
            else:
                left.append(there)
        yield from (each.result() for each in as_completed(left))

    def families(self, parts: Sequence[Sequence[Sequence[str]]]) -> Iterator[tuple[list[Own], Samples]]:
        return self._pool.map(_together, parts)


@contextmanager
def _crew(settings: Settings, platform: Platform, order: Order, hands: int) -> Iterator[_Alone | _Many]:
    if hands == 1:
        yield _Alone(platform, order)
        return
    start = get_context("spawn")
    with ProcessPoolExecutor(hands - 1, mp_context=start, initializer=_open, initargs=(settings, order)) as pool:
        yield _Many(pool, _made(platform, order))


_HERE: list[Backtest] = []
"""What this process plays with, from its start to its end, if it is one of many."""


def _open(settings: Settings, order: Order) -> None:
    calm_collector()
    platform = compose(settings, fixed(order.end), make=False)
    Finalize(None, platform.database.close, exitpriority=0)
    _HERE.append(_made(platform, order))


def _share(selection: Selection) -> Share:
    return _HERE[0].share(selection)


def _together(some: Sequence[Sequence[str]]) -> tuple[list[Own], Samples]:
    return _HERE[0].together(some)


def _made(platform: Platform, order: Order) -> Backtest:
    return Backtest(platform.database, platform.log, order.question(platform))
