"""Upkeep: what one process does for all: areas planned at leisure, what follows the log, who was forgotten."""

import logging
import threading
from collections.abc import Callable
from itertools import count

from streams.areas import AreaPlanning
from streams.chaining import Chaining
from streams.database import Database
from streams.follower import Follower
from streams.one_active import UPKEEP, OneActive
from streams.outages import STORE_AWAY, Patience, refusal, told
from streams.reconciling import Reconciler
from streams.soundings import Soundings

EVERY, RECONCILE_TURNS = 1.0, 60
"""Seconds between two turns, and turns between two looks for who was forgotten."""
log = logging.getLogger("habarshy")


class Upkeep:
    """One of all workers does it, whoever has the turn; when that one ends, another takes over."""

    def __init__(
        self, database: Database, areas: AreaPlanning, follower: Follower, chaining: Chaining,
        reconciler: Reconciler, soundings: Soundings, tell: Callable[[str], None], every: float = EVERY,
        reconcile_turns: int = RECONCILE_TURNS,
    ) -> None:  # fmt: skip
        self._every, self._reconcile_turns = every, reconcile_turns
        self._areas, self._follower, self._chaining = areas, follower, chaining
        self._reconciler, self._soundings, self._tell = reconciler, soundings, tell
        self._turn = OneActive(database, UPKEEP)
        self._stopping = threading.Event()
        self.active = False

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._areas.stop()

    def run(self) -> None:
        """Go on until stopped; what fails is told in one line and tried again.

        Raises:
            DatabaseUnavailable: what waiting does not heal, such as another password.
        """
        patience = Patience(self._tell)
        for turn in count(1):
            try:
                self.active = self._turn.take() is not None
                if self.active:
                    self._work(turn)
                patience.over("the upkeep goes on")
            except STORE_AWAY as error:
                self._turn.give_up()
                if (refused := refusal(error)) is not None:
                    raise refused from None
                self._stopping.wait(patience.after(told(error)))
            except Exception as error:  # noqa: BLE001  (the next turn tries again)
                log.error("the upkeep failed: %s", type(error).__name__)  # noqa: TRY400  (a traceback may hold data)
            if self._stopping.wait(self._every):
                self._turn.give_up()
                return

    def _work(self, turn: int) -> None:
        self._areas.drain()
        self._follower.drain()
        self._chaining.drain()
        self._soundings.take()
        if turn % self._reconcile_turns == 0 and (found := self._reconciler.run()):
            self._tell(
                f"the reconciler planned {found} persons whom no record woke: see the lag of relay and workers"
            )
