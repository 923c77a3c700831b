"""Upkeep: the work that one worker does for all: planning areas, following the log, chaining, reconciling."""

import threading
from collections.abc import Callable
from functools import partial
from itertools import count

from streams.log.chain_builder import ChainBuilder
from streams.planning.areas import AreaPlanning
from streams.planning.reconciler import Reconciler
from streams.queries.health import BacklogSamples
from streams.replay.follower import Follower
from streams.runtime.faults import Faults
from streams.storage.database import Database
from streams.storage.leadership import UPKEEP, LeaderLock
from streams.storage.severity import Warned

EVERY, RECONCILE_TURNS = 1.0, 60
"""Seconds between two rounds, and rounds between two reconciliations."""


class Upkeep:
    """The upkeep, done by the worker that holds the leader lock; when that one ends, another takes over."""

    def __init__(
        self,
        database: Database,
        areas: AreaPlanning,
        follower: Follower,
        chain_builder: ChainBuilder,
        reconciler: Reconciler,
        soundings: BacklogSamples,
        tell: Callable[[str], None],
        every: float = EVERY,
        reconcile_turns: int = RECONCILE_TURNS,
    ) -> None:
        self._every, self._reconcile_turns = every, reconcile_turns
        self._areas, self._follower, self._chain_builder = areas, follower, chain_builder
        self._reconciler, self._soundings, self._tell = reconciler, soundings, tell
        self._lock = LeaderLock(database, UPKEEP)
        self._faults, self._stopping = Faults(), threading.Event()
        self.active, self._busy, self._more, self._found = False, False, False, 0

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._areas.stop()

    def run(self) -> None:
        """Run until stopped; a failure is reported in one line, holds up no other part, and is tried again.

        Raises:
            DatabaseUnavailable: waiting does not help, such as a wrong password.
        """
        try:
            for number in count(1):
                self._busy = False
                if not self._done("the upkeep", partial(self._lead, number)):
                    self._lock.release()
                if self._stopping.wait(0 if self._busy else self._every):
                    return
        finally:
            self._lock.release()

    def _lead(self, number: int) -> None:
        self.active = self._lock.acquire() is not None
        if not self.active:
            return
        for name, part in self._parts(number).items():
            if not self._stopping.is_set():
                self._lock.check()
                self._done(name, part)

    def _done(self, name: str, part: Callable[[], object]) -> bool:
        """Run a part and return whether it succeeded."""
        try:
            part()
        except Exception as error:  # noqa: BLE001  (the next turn tries again)
            if (final := self._faults.met(name, error)) is not None:
                raise final from None
            return False
        self._faults.over(name)
        return True

    def _parts(self, number: int) -> dict[str, Callable[[], object]]:
        parts: dict[str, Callable[[], object]] = {
            "areas": self._some_areas,
            "follower": self._follower.drain,
            "chain": self._chain_builder.drain,
            "soundings": self._soundings.take,
        }
        looks = self._more or number % self._reconcile_turns == 0
        return parts | ({"reconciler": partial(self._reconcile, number)} if looks else {})

    def _some_areas(self) -> None:
        """Plan areas for one turn: a whole area may take hours, and the other parts must not wait for it."""
        self._busy = self._areas.turn()

    def _reconcile(self, number: int) -> None:
        """Plan some of the persons whose wake-up was lost, and the next ones at once, until there are none."""
        found = self._reconciler.turn()
        self._found, self._more, self._busy = self._found + found, found > 0, self._busy or found > 0
        if self._found and not (self._more and number % self._reconcile_turns):
            line = (
                f"the reconciler planned {self._found} persons whom no record woke: see the lag of relay and workers"
            )
            self._tell(Warned(line))
            self._found = 0
