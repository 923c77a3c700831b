"""The campaign: time goes on, events come in, and in each round something is done to the parts or to the roles."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Event, Lock
from typing import NamedTuple

import msgspec
from eventsourcing.persistence import IntegrityError

from streams.cloudevents import Envelope
from streams.intake import Outcome
from streams.topics import NotDelivered, Record, Sender
from streams.worker import DEFECT
from tests.kills.land import PATIENCE, Land, Role
from tests.kills.peers import Peers
from tests.kills.registries import Registries, Report
from tests.streams.distributed import eventually

STRUCTURED = [("content-type", b"application/cloudevents+json")]
POISON: list[tuple[bytes | None, bytes | None]] = [
    (b"nobody", b"{}"), (None, b'{"position":1,"type":"t","time":"2025-01-01T00:00:00Z"}'), (b"0" * 32, b"\xff\xfe"),
    (b"1" * 32, None),
]  # fmt: skip
"""Records that name no person, or no position."""
MOST_WORKERS, TOGETHER, MOSTLY, SEND_PATIENCE = 3, 200, 0.75, 2.0
EASY = (
    "worker", "relay", "worker_added", "receipts", "poison", "worker_removed", "relay", "receipts", "intake",
    "worker", "postgres", "lost", "standby", "receipts",
)  # fmt: skip
HARD = ("kafka", "defect", "postgres", "kafka_paused", "power", "postgres_paused")
REPORTS = ("UNDELIV", "DELIVRD", None, "DELIVRD", "EXPIRED", "DELIVRD")
"""What happens, as names of methods; the second ones take their time."""
BY_ITSELF = (
    ("worker", "records wait in Kafka that do not arrive", "stalled"),
    ("intake", "IntegrityError: a defect", "intake raced"),
)
"""What a role may end with by itself, to be started again: what it says, and as what it is counted."""


class Otherwise(NamedTuple):
    """Which roles are composed otherwise (see tests/kills/roles.py), and how long the end waits for what is due."""

    dispatcher: str = ""
    defect: str = "defective"
    reconciling: str = "brisk"
    settled: float = PATIENCE


AS_EVER = Otherwise()


class Campaign:
    """One seeded campaign; `deck`: what happens in its rounds, each thing once before any of them comes again."""

    def __init__(
        self, land: Land, peers: Peers, registries: Registries, seed: int, step: timedelta, deck: Sequence[str],
        otherwise: Otherwise = AS_EVER,
    ) -> None:  # fmt: skip
        self.land, self.peers, self.registries = land, peers, registries
        self.random = random.Random(seed)  # noqa: S311  (a seeded test)
        self._step, self._deck = step, self._shuffled(deck)
        self._otherwise = otherwise
        self._sender, self._sending = Sender(land.topics.address), Lock()
        self.done: Counter[str] = Counter()
        self._reports = itertools.cycle(REPORTS)
        self._feeding: Future[None] = Future()

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(count for name, count in self.done.items() if name.startswith("killed "))

    def run(self, kills: int) -> None:
        """Rounds until that many were killed, then a quiet end."""
        self._set_up()
        while self.kills < kills:
            self._round()
        self._settle()
        self._sender.close()

    def _shuffled(self, deck: Sequence[str]) -> Iterator[str]:
        return itertools.chain.from_iterable(self.random.sample(deck, len(deck)) for _ in itertools.count())

    def _set_up(self) -> None:
        """Whoever is missing starts; nobody may have ended but by us."""
        for role in [role for role in self.land.roles if role.code is not None]:
            [known] = [each for name, words, each in BY_ITSELF if name == role.name and role.said(words)] or [""]
            assert (role.code, bool(known)) == (DEFECT, True), role.words()
            self.done[known] += 1
            self.land.left(role)
        for name, wanted in (("relay", 1), ("worker", 1), ("intake", 1)):
            for _ in range(wanted - len(self.land.of(name))):
                self._start(name)

    def _start(self, name: str) -> Role:
        match name:
            case "intake":
                return self.land.start(name, "-m", "app", "worker", "--intake")
            case "dispatch" if self._otherwise.dispatcher:
                return self.land.start(name, "-m", "tests.kills.roles", self._otherwise.dispatcher)
            case _:
                return self.land.start(name)

    def _kill(self, role: Role) -> None:
        if role.code is not None:
            return
        role.kill()
        self.land.left(role)
        self.done[f"killed {role.name}"] += 1

    def _stop(self, role: Role) -> None:
        """Asked to, it ends well; who has not begun is killed."""
        if role.code is not None or not role.ready:
            self._kill(role)
            return
        assert role.stop() == 0, role.words()
        self.land.left(role)
        self.done[f"stopped {role.name}"] += 1

    def _round(self) -> None:
        self.land.clock.advance_to(self.land.clock() + self._step)
        before = self.peers.taken()
        for _ in range(self.random.randint(1, 2)):
            self._start("dispatch")
        with ThreadPoolExecutor(1) as pool:
            self._feeding = pool.submit(self._feed, self.registries.until(self.land.clock()))
            card = next(self._deck)
            self._note(card)
            getattr(self, card)()
            self.done[card] += 1
            self._moment(before)
            for role in self.land.of("dispatch"):
                self._kill(role) if self.random.random() < MOSTLY else self._stop(role)
            self._feeding.result()
        self._set_up()

    def _note(self, what: str) -> None:
        """For whoever has to find out what went wrong."""
        with (self.land.folder / "campaign.log").open("a") as log:
            log.write(
                f"{time.monotonic():.1f} {self.kills} {self.land.clock():%Y-%m-%d} {what} {self.peers.taken()}\n"
            )

    def _moment(self, before: int) -> None:
        """A random one, or a blink after a random number of messages has come."""
        if self.random.random() > MOSTLY:
            Event().wait(self.random.uniform(0, 3))
            return
        at_work = self.land.of("dispatch")
        eventually(lambda: any(role.ready for role in at_work) or not at_work, PATIENCE)
        self.peers.wait(before + self.random.randint(1, 12), SEND_PATIENCE)

    def _feed(self, come: Sequence[Report]) -> None:
        """Report what has arrived; who gets no answer does so again."""
        self._accept([report.envelope for report in come if not report.by_kafka])
        self._sent([
            Record(self.land.topics.life_in, None, _structured(report.envelope), STRUCTURED)
            for report in come if report.by_kafka
        ])  # fmt: skip

    def _accept(self, envelopes: Sequence[Envelope]) -> None:
        for start in range(0, len(envelopes), TOGETHER):
            part = envelopes[start : start + TOGETHER]
            for outcome in self.land.lasting(partial(self._accepted, part)):
                assert outcome.refused is None, outcome.refused

    def _accepted(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """Another intake may be faster with some of them, again and again."""
        while True:
            try:
                return self.land.platform.intake.accept(envelopes)
            except IntegrityError:
                self.done["intake raced"] += 1

    def _sent(self, records: Sequence[Record]) -> None:
        def goes() -> bool:
            with suppress(NotDelivered), self._sending:
                self._sender.send(records)
                return True
            return False

        eventually(goes, PATIENCE)

    def _any(self, name: str) -> Role:
        return self.random.choice(self.land.of(name))

    def nothing(self) -> None:
        """But the dispatchers, who die in each round."""

    def worker(self) -> None:
        """A worker dies, and another starts."""
        self._rest()
        self._kill(self._any("worker"))
        self._start("worker")

    def relay(self) -> None:
        self._rest()
        self._kill(self._any("relay"))
        self._start("relay")

    def intake(self) -> None:
        self._rest()
        self._kill(self._any("intake"))
        self._start("intake")

    def standby(self) -> None:
        """A second relay waits for its turn, and gets it."""
        second = self._start("relay")
        eventually(lambda: second.said("another relay is active") or second.said("relaying to"), PATIENCE)
        self._kill(self.land.of("relay")[0])

    def worker_added(self) -> None:
        if len(self.land.of("worker")) < MOST_WORKERS:
            self._start("worker")

    def worker_removed(self) -> None:
        self._stop(self._any("worker"))

    def postgres(self) -> None:
        self._rest()
        self.land.server.kill()
        self.done["killed postgres"] += 1
        self._rest()
        self.land.server.start()

    def kafka(self) -> None:
        self._rest()
        self.land.broker.kill()
        self.done["killed kafka"] += 1
        self.land.broker.start()

    def power(self) -> None:
        """Everything at once."""
        for role in list(self.land.roles):
            self._kill(role)
        self.postgres()
        self.kafka()
        self._set_up()

    def kafka_paused(self) -> None:
        self.land.broker.pause()
        Event().wait(self.random.uniform(1, 7))
        self.land.broker.resume()

    def postgres_paused(self) -> None:
        self.land.server.pause()
        Event().wait(self.random.uniform(1, 4))
        self.land.server.resume()

    def poison(self) -> None:
        """Somebody writes nonsense into the topic."""
        some = self.random.sample(POISON, 2)
        self._sent([Record(self.land.topics.persons, key, value) for key, value in some])
        self.done["poison records"] += len(some)

    def lost(self) -> None:
        """Kafka forgets records that no worker has seen."""
        for role in self.land.of("worker"):
            self._kill(role)
        self._feeding.result()
        self.land.relayed()
        self.done["records lost"] += self.land.lose()

    def defect(self) -> None:
        """A worker has a defect in the midst of a batch: it ends, and has acknowledged nothing."""
        for role in self.land.of("worker"):
            self._kill(role)
        role = self.land.start("worker", "-m", "tests.kills.roles", self._otherwise.defect)
        assert role.ended() == DEFECT, role.words()
        assert role.said("a defect; nothing of this batch was acknowledged"), role.words()
        self.land.left(role)

    def receipts(self) -> None:
        """The SMS centre reports otherwise from now on: good news, bad news, none."""
        self.peers.report(next(self._reports))

    def _rest(self) -> None:
        """A random moment."""
        Event().wait(self.random.uniform(0, 1))

    def _settle(self) -> None:
        """All that was reported comes in, what was killed is there again, and time goes on until nothing is due."""
        for role in list(self.land.roles):
            self._stop(role)
        self.peers.report("DELIVRD")
        self.land.clock.advance_to(max(self.land.clock(), self.registries.end) + timedelta(days=1))
        self._start("relay"), self._start("intake")
        for _ in range(2):
            self.land.start("worker", "-m", "tests.kills.roles", self._otherwise.reconciling)
        self._feed(self.registries.until(self.land.clock()))
        self._note("settling")
        eventually(self._carried, PATIENCE)
        self._note("carried")
        for days in range(2):  # the second one for what has its next channel, or its next try, after the first
            self.land.clock.advance_to(self.land.clock() + timedelta(days=days))
            self._start("dispatch")
            self._waited(lambda: not any(self.land.waiting()))
            self._note(f"waiting: {self.land.waiting()}")
            self._stop(self._any("dispatch"))
        for role in list(self.land.roles):
            self._stop(role)

    def _carried(self) -> bool:
        """Whether Kafka has nothing that was not worked on."""
        topics = self.land.topics
        if self.land.behind("intake", topics.life_in):
            return False
        self.land.relayed()
        return not self.land.behind("worker", topics.persons)

    def _waited(self, holds: Callable[[], bool]) -> None:
        """Wait for it; whether it holds in the end is for the verdict to say."""
        with suppress(AssertionError):
            eventually(holds, self._otherwise.settled)


def _structured(envelope: Envelope) -> bytes:
    found = {name: value for name, value in msgspec.to_builtins(envelope).items() if value not in (None, False)}
    return msgspec.json.encode(found)
