"""What is done to the parts and to the roles, each by its name."""

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from signal import SIGCONT, SIGSTOP
from subprocess import TimeoutExpired
from threading import Event

from streams.delivery.send.claiming import LEASE
from streams.intake.cloudevents import Envelope
from streams.kafka.producer import Record
from streams.kafka.worker import DEFECT_EXIT
from tests.kills.drafts import Drafts
from tests.kills.feeding import Feeding
from tests.kills.floods import flood
from tests.kills.land import PATIENCE, Land, Role
from tests.kills.long_work import LongWork
from tests.kills.peers import Peers
from tests.kills.registries import Registries
from tests.kills.staff import Staff
from tests.streams.distributed import eventually
from tests.world import fine

POISON: list[tuple[bytes | None, bytes | None]] = [
    (b"nobody", b"{}"),
    (None, b'{"position":1,"type":"t","time":"2025-01-01T00:00:00Z"}'),
    (b"0" * 32, b"\xff\xfe"),
    (b"1" * 32, None),
]
"""Records that name no person, or no position."""
MOST_WORKERS = 3
FINES = 9
"""How many people are fined while no worker is there, and at most until one with a defect has met it."""
EVERYTHING = (
    "worker",
    "relay",
    "worker_added",
    "receipts",
    "poison",
    "worker_removed",
    "jobs",
    "receipts",
    "intake",
    "area",
    "postgres",
    "lost",
    "standby",
    "dispatch_paused",
    "dask",
    "kafka",
    "defect",
    "publication",
    "kafka_paused",
    "power",
    "postgres_paused",
)
"""What may happen, some of it more often."""
REPORTS = ("UNDELIV", "DELIVRD", None, "DELIVRD", "EXPIRED", "DELIVRD")
"""What the SMS centre says of each message, one after the other; None: nothing."""


class Harm:
    """Does it; `done` counts it."""

    def __init__(
        self,
        land: Land,
        staff: Staff,
        feeding: Feeding,
        peers: Peers,
        registries: Registries,
        random: Random,
        done: Counter[str],
    ) -> None:
        self._land, self._staff, self._feeding, self._peers = land, staff, feeding, peers
        self._registries, self._random, self._done = registries, random, done
        self.drafts, self.floods, self.long_work = Drafts(land), list[Envelope](), LongWork(land)
        self._reports, self._fines = itertools.cycle(REPORTS), itertools.count()

    def do(self, name: str) -> None:
        """What is called so."""
        getattr(self, name)()
        self._done[name] += 1

    def nothing(self) -> None:
        """But the dispatchers, who die in each round."""

    def worker(self) -> None:
        """A worker dies, and another starts."""
        self._rest()
        self._staff.kill(self._staff.any("worker"))
        self._staff.start("worker")

    def relay(self) -> None:
        self._rest()
        self._staff.kill(self._staff.any("relay"))
        self._staff.start("relay")

    def intake(self) -> None:
        self._rest()
        self._staff.kill(self._staff.any("intake"))
        self._staff.start("intake")

    def jobs(self) -> None:
        """Who works at a verification dies in it; another process goes on."""
        self.long_work.go_on()
        self._rest()
        self._staff.kill(self._staff.any("jobs"))
        self._staff.start("jobs")

    def dask(self) -> None:
        """A worker that looks at ranges of a verification dies over one; another worker does it."""
        self.long_work.go_on()
        self._rest()
        self._staff.kill(self._staff.any("dask"))
        self._staff.start("dask")

    def standby(self) -> None:
        """A second relay waits for its turn, and gets it."""
        second = self._staff.start("relay")
        eventually(lambda: second.said("another relay is active") or second.said("relaying to"), PATIENCE)
        self._staff.kill(self._land.of("relay")[0])

    def worker_added(self) -> None:
        if len(self._land.of("worker")) < MOST_WORKERS:
            self._staff.start("worker")

    def worker_removed(self) -> None:
        self._staff.stop(self._staff.any("worker"))

    def postgres(self) -> None:
        self._rest()
        self._land.server.kill()
        self._done["killed postgres"] += 1
        self._rest()
        self._land.server.start()

    def kafka(self) -> None:
        self._rest()
        self._land.broker.kill()
        self._done["killed kafka"] += 1
        self._land.broker.start()

    def power(self) -> None:
        """Everything at once."""
        for role in list(self._land.roles):
            self._staff.kill(role)
        self.postgres()
        self.kafka()
        self._staff.complete()

    def dispatch_paused(self) -> None:
        """A dispatcher stands still until its leases are over, another does its work, and then it goes on."""
        role = self._staff.any("dispatch")
        self._staff.start("dispatch")
        eventually(lambda: role.ready or role.code is not None, PATIENCE)
        self._rest()
        role.send(SIGSTOP)
        self._land.clock.advance_to(self._land.clock() + 2 * LEASE)
        Event().wait(self._random.uniform(1, 4))
        role.send(SIGCONT)

    def kafka_paused(self) -> None:
        self._land.broker.pause()
        Event().wait(self._random.uniform(1, 7))
        self._land.broker.resume()

    def postgres_paused(self) -> None:
        self._land.server.pause()
        Event().wait(self._random.uniform(1, 4))
        self._land.server.resume()

    def poison(self) -> None:
        """Somebody writes nonsense into the topic."""
        some = self._random.sample(POISON, 2)
        self._feeding.send([Record(self._land.topics.persons, key, value) for key, value in some])
        self._done["poison records"] += len(some)

    def lost(self) -> None:
        """Kafka forgets records that no worker has seen: at least those of people who are fined while none works."""
        for role in self._land.of("worker"):
            self._staff.kill(role)
        self._feeding.finish()
        for _ in range(FINES):
            self._feeding.begin(self._registries.happens(self._fine()))
            self._feeding.finish()
        self._land.relayed()
        self._done["records lost"] += self._land.lose()

    def defect(self) -> None:
        """A worker has a defect in the midst of a batch: it ends, and has acknowledged nothing."""
        for role in self._land.of("worker"):
            self._staff.kill(role)
        role = self._staff.defective()
        self._feeding.finish()
        assert self._met(role) == DEFECT_EXIT, role.words()
        assert role.said("a defect; what was not acknowledged comes again"), role.words()
        self._land.left(role)

    def _met(self, role: Role) -> int | None:
        """Somebody is fined until it has met its defect; a reconciler that catches up may plan them before it."""
        for _ in range(FINES):
            self._feeding.begin(self._registries.happens(self._fine()))
            self._feeding.finish()
            with suppress(TimeoutExpired):
                return role.ended(PATIENCE / FINES)
        return role.code

    def _fine(self) -> Envelope:
        """Somebody is fined, so that there is something to plan."""
        person = self._random.choice(sorted(filter(None, self._registries.contacts)))
        return fine(person, f"D-{next(self._fines)}", self._land.clock().isoformat())

    def area(self) -> None:
        """A flood is expected, and who plans that for the residents dies between two steps."""
        self._feeding.finish()
        for role in self._land.of("worker"):
            self._staff.kill(role)
        role = self._staff.stepwise()
        self.floods.append(flood(len(self.floods), self._land.clock()))
        self._feeding.begin(self._registries.happens(self.floods[-1]))
        self._feeding.finish()
        eventually(
            lambda: self._land.lasting(self._land.halfway) or not self._land.lasting(self._land.areas), PATIENCE
        )
        self._staff.kill(role)
        self._done["areas left halfway"] += self._land.lasting(self._land.halfway)
        self._staff.start("worker")

    def publication(self) -> None:
        """Two people publish a version; the database dies meanwhile, and whoever plans anew after it."""
        approved, to_pending = self.drafts.approved()
        with ThreadPoolExecutor(1) as publisher:
            publishing = publisher.submit(self.drafts.publish, approved, to_pending=to_pending)
            Event().wait(self._random.uniform(0, 0.1))
            self._land.server.kill()
            self._done["killed postgres"] += 1
            self._land.server.start()
            publishing.result()
        self.worker()

    def receipts(self) -> None:
        """The SMS centre reports otherwise from now on: good news, bad news, none."""
        self._peers.report(next(self._reports))

    def _rest(self) -> None:
        """A random moment."""
        Event().wait(self._random.uniform(0, 1))
