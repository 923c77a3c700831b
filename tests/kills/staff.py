"""Who starts, kills and stops the roles, and knows who is missing."""

from collections import Counter
from random import Random
from typing import NamedTuple

from app.terminal import Exit
from streams.kafka.worker import DEFECT_EXIT
from tests.kills.land import PATIENCE, Land, Role

BY_ITSELF = (
    ("records wait in Kafka that do not arrive", DEFECT_EXIT, "stalled"),
    ("while the database was away. Start again", Exit.UNAVAILABLE, "lost its seat"),
)
"""What a worker may end with by itself, to be started again: what it says, its code, and as what it is counted."""


class Otherwise(NamedTuple):
    """Which roles are composed otherwise (see tests/kills/roles.py), and how long the end waits for what is due."""

    dispatcher: str = "dispatch"
    defect: str = "defective"
    reconciling: str = "brisk"
    settled: float = PATIENCE


AS_EVER = Otherwise()


class Staff:
    """The processes of the roles; `done` counts what became of them."""

    def __init__(self, land: Land, random: Random, done: Counter[str], otherwise: Otherwise) -> None:
        self._land, self._random, self._done, self._otherwise = land, random, done, otherwise

    def complete(self) -> None:
        """Whoever is missing starts; nobody may have ended but by us."""
        for role in [role for role in self._land.roles if role.code is not None]:
            known = [each for words, code, each in BY_ITSELF if role.code == code and role.said(words)]
            assert known, role.words()
            self._done[known[0]] += 1
            self._land.left(role)
        for name in ("relay", "worker", "intake", *(("jobs", "dask") if self._land.cluster else ())):
            if not self._land.of(name):
                self.start(name)

    def start(self, name: str) -> Role:
        """One more of that role."""
        match name:
            case "intake":
                return self._land.start(name, "worker", "--intake")
            case "dask":
                return self._land.start_dask()
            case "dispatch":
                return self._land.start_timed(name, self._otherwise.dispatcher)
            case _:
                return self._land.start(name)

    def kill(self, role: Role) -> None:
        """End it as kill -9 does, if it lives: who ended by themselves are for `complete` to look at."""
        if role.code is not None:
            return
        role.kill()
        self._land.left(role)
        self._done[f"killed {role.name}"] += 1

    def stop(self, role: Role) -> None:
        """Asked to, it ends well; who has not begun, and who is not ours, is killed."""
        if role.code is not None or not role.ready or role.name == "dask":
            self.kill(role)
            return
        assert role.stop() == 0, role.words()
        self._land.left(role)
        self._done[f"stopped {role.name}"] += 1

    def any(self, name: str) -> Role:
        """One of that role."""
        return self._random.choice(self._land.of(name))

    def defective(self) -> Role:
        """A worker that will have a defect."""
        return self._land.start("worker", self._otherwise.defect, module="tests.kills.roles")

    def stepwise(self) -> Role:
        """A worker that plans an area event for few residents at a time."""
        return self._land.start("worker", "stepwise", module="tests.kills.roles")

    def reconciling(self) -> None:
        """A worker that soon looks for those whom no record woke."""
        self._land.start("worker", self._otherwise.reconciling, module="tests.kills.roles")
