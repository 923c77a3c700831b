"""Plays a backtest over several processes, and puts together what they found."""

import os
from collections.abc import Callable

from app.backtests.crew import crew_of
from app.backtests.order import Order, made
from app.compose import Platform
from app.settings import Settings
from domain.core.timing import zone_of
from streams.rehearsal.backtest import families, replayed
from streams.rehearsal.backtest_results import PersonResult, Tally

FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""
PARTS = 16
"""So many parts has the share of each process: whoever waits sees how far it is, and no process waits long."""
Told = Callable[[int, int, int], object]
"""Hears how many parts of how many are played, and how many facts were looked at in them."""


def _to_nobody(_done: int, _of: int, _facts: int) -> None:
    """Ignore the progress."""


def backtested(
    settings: Settings, platform: Platform, order: Order, processes: int | None = None, told: Told = _to_nobody
) -> Tally:
    """Return the counts of the backtest; they do not depend on the number of processes."""
    question = order.question(platform)
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    hands = processes or (1 if few else os.cpu_count() or 1)
    with crew_of(settings, platform, order, hands) as crew:
        parts = question.selection().shares(hands if few else hands * PARTS)
        tally, linked = Tally(), list[PersonResult]()
        for number, share in enumerate(crew.shares(parts), 1):
            tally.add(share.tally)
            linked += share.linked
            told(number, len(parts), tally.facts)
        again = families(linked, question.rules.defaults)
        tally.samples.without({person for family in again for person in family})
        many = min(max(PARTS, hands), len(again))
        together = list[PersonResult]()
        for owns, samples in crew.families([again[at::many] for at in range(many)]):
            together += owns
            tally.add(Tally(samples=samples))
    tally.take(replayed(linked, together), zone_of(question.rules.defaults.zone), question.spoken)
    return tally


class Gradual:
    """A backtest in this process, part by part; its tally is the same as that of `backtested`."""

    def __init__(self, platform: Platform, order: Order, parts: int) -> None:
        self._backtest, self._question = made(platform, order), order.question(platform)
        self._left = list(self._question.selection().shares(parts))
        self.done, self.of = 0, len(self._left)
        self._tally, self._linked = Tally(), list[PersonResult]()

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
        """Return the counts, once every part is played."""
        defaults = self._question.rules.defaults
        linked, again = self._linked, families(self._linked, defaults)
        self._tally.samples.without({person for family in again for person in family})
        if again:
            owns, samples = self._backtest.together(again)
            linked = replayed(linked, owns)
            self._tally.add(Tally(samples=samples))
        self._tally.take(linked, zone_of(defaults.zone), self._question.spoken)
        return self._tally
