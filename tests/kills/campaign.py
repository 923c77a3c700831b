"""The campaign: time goes on, events come in, and in each round something is done to the parts or to the roles."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Event

from tests.kills.feeding import Feeding
from tests.kills.harm import Harm
from tests.kills.land import PATIENCE, Land
from tests.kills.peers import Peers
from tests.kills.registries import Registries
from tests.kills.staff import AS_EVER, Otherwise, Staff
from tests.streams.distributed import eventually

MOSTLY, SEND_PATIENCE = 0.75, 2.0
LIVES_ON = 0.5
"""How often one of the dispatchers lives into the next round: time moves under it, and its leases run out."""


class Campaign:
    """One seeded campaign; `deck`: what happens in its rounds, each thing once before any of them comes again.

    `dispatchers`: how many there are at most at once.
    """

    def __init__(
        self,
        land: Land,
        peers: Peers,
        registries: Registries,
        seed: int,
        step: timedelta,
        deck: Sequence[str],
        otherwise: Otherwise = AS_EVER,
        *,
        dispatchers: int = 2,
    ) -> None:
        self.land, self.peers, self.registries = land, peers, registries
        self.done: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311  (a seeded test)
        self._step, self._deck, self._settled = step, self._shuffled(deck), otherwise.settled
        self._least = len(deck)
        self._dispatchers = dispatchers
        self._staff = Staff(land, self._random, self.done, otherwise)
        self._feeding = Feeding(land, self.done)
        self.harm = Harm(land, self._staff, self._feeding, peers, registries, self._random, self.done)

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(count for name, count in self.done.items() if name.startswith("killed "))

    def run(self, kills: int) -> None:
        """Rounds until that many were killed and all that may happen has, then a quiet end."""
        try:
            self._staff.complete()
            rounds = itertools.count()
            while next(rounds) < self._least or self.kills < kills:
                self._round()
            self._settle()
        finally:
            self._feeding.close()

    def _shuffled(self, deck: Sequence[str]) -> Iterator[str]:
        return itertools.chain.from_iterable(self._random.sample(deck, len(deck)) for _ in itertools.count())

    def _round(self) -> None:
        self.land.clock.advance_to(self.land.clock() + self._step)
        before = self.peers.taken()
        for _ in range(self._random.randint(1, self._dispatchers)):
            self._staff.start("dispatch")
        self._feeding.begin(self.registries.until(self.land.clock()))
        card = next(self._deck)
        self._note(card)
        self.harm.do(card)
        self._moment(before)
        living = self.land.of("dispatch")
        if living and self._random.random() < LIVES_ON:
            living.pop(self._random.randrange(len(living)))
            self.done["lived on"] += 1
        for role in living:
            self._staff.kill(role) if self._random.random() < MOSTLY else self._staff.stop(role)
        self._feeding.finish()
        self._staff.complete()

    def _note(self, what: str) -> None:
        """For whoever has to find out what went wrong."""
        with (self.land.folder / "campaign.log").open("a") as log:
            log.write(
                f"{time.monotonic():.1f} {self.kills} {self.land.clock():%Y-%m-%d} {what} {self.peers.taken()}\n"
            )

    def _moment(self, before: int) -> None:
        """A random one, or a blink after a random number of messages has come."""
        if self._random.random() > MOSTLY:
            Event().wait(self._random.uniform(0, 3))
            return
        at_work = self.land.of("dispatch")
        eventually(lambda: any(role.ready for role in at_work) or not at_work, PATIENCE)
        self.peers.wait(before + self._random.randint(1, 12), SEND_PATIENCE)

    def _settle(self) -> None:
        """All that was reported comes in, what was killed is there again, and time goes on until nothing is due."""
        for role in list(self.land.roles):
            self._staff.stop(role)
        self.peers.report("DELIVRD")
        self.land.clock.advance_to(max(self.land.clock(), self.registries.end) + timedelta(days=1))
        for _ in range(2):
            self._staff.reconciling()
        self._staff.complete()
        self._feeding.begin(self.registries.until(self.land.clock()))
        self._feeding.finish()
        self._note("settling")
        eventually(self._carried, PATIENCE)
        self._note("carried")
        for days in range(2):  # the second one for what has its next channel, or its next try, after the first
            self.land.clock.advance_to(self.land.clock() + timedelta(days=days))
            self._staff.start("dispatch")
            self._waited(lambda: not any(self.land.waiting()))
            self._note(f"waiting: {self.land.waiting()}")
            self._staff.stop(self._staff.any("dispatch"))
        if self.land.cluster:
            self.harm.long_work.end()
            self._note("verified")
        eventually(lambda: not self.peers.browsers.telling, PATIENCE)
        for role in list(self.land.roles):
            self._staff.stop(role)

    def _carried(self) -> bool:
        """Whether Kafka has nothing that was not worked on; who ended by themselves meanwhile start again."""
        topics = self.land.topics
        self._staff.complete()
        if self.land.behind("intake", topics.life_in):
            return False
        self.land.relayed()
        return not self.land.behind("worker", topics.persons)

    def _waited(self, holds: Callable[[], bool]) -> None:
        """Wait for it; whether it holds in the end is for the verdict to say."""
        with suppress(AssertionError):
            eventually(holds, self._settled)
