"""A country of the campaign's own: PostgreSQL and Kafka, its rules, and its roles, each a process."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy.engine import URL

from app.compose import compose
from app.identity.key_file import load_keyring
from app.settings import load_settings
from projections import area_plans, positions
from streams.kafka.brokers import Brokers
from streams.kafka.lag import KafkaLag
from streams.kafka.relay import READER
from streams.kafka.topics import PARTITIONS, Topics
from streams.log.recorder import FactRecorder
from streams.queries.health import read_status
from streams.rules.publishing import Publisher
from streams.storage.errors import UNAVAILABLE_ERRORS
from templates.checks.loader import shipped
from tests.beginnings import packs_in
from tests.kills.registries import START
from tests.kills.shared_clock import SharedClock
from tests.services import postgres
from tests.services.commands import Command
from tests.services.kafka import Broker
from tests.services.postgres_server import Server
from tests.streams.distributed import eventually, lasting

T = TypeVar("T")
PATIENCE = 90.0
"""Seconds that anything may take on a busy machine."""
LONG = 900.0
"""Seconds that what looks at all of a large campaign may take there."""

LEGAL = (
    "clinic_attachment",
    "fine_enforcement",
    "military_registration",
    "screening_invitation",
    "traffic_fine_discount",
)
BEGUN = ("running;", "working at jobs", "Registered to", "working on", "relaying to", "another relay is active")
"""What roles say when they have begun."""


class Role:
    """A process of a role, with what it says in a file."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, module: str
    ) -> None:
        self.name, self.log = name, log
        self._process = Command(arguments, environment, log, module)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended, if it has."""
        return self._process.poll()

    def said(self, words: str) -> bool:
        """Whether it has said that."""
        return words in self._process.said()

    @property
    def ready(self) -> bool:
        """Whether it has begun its work, and would end well if it was asked to."""
        return any(map(self.said, BEGUN))

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()

    def send(self, number: signal.Signals) -> None:
        """Send it that signal, if it lives."""
        if self.code is None:
            self._process.send_signal(number)

    def stop(self) -> int:
        """Ask it to stop, and wait until it has; returns how it ended."""
        self._process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self, patience: float = PATIENCE) -> int:
        """Wait until it ends by itself; returns how.

        Raises:
            TimeoutExpired: it goes on.
        """
        return self._process.wait(patience)

    def words(self) -> str:
        """The last of what it said."""
        return f"{self.name} ended with {self.code}: {self._process.said()[-2000:]}"


class Land:
    """The parts, the rules that hold in it, and the roles that are at work in it."""

    def __init__(
        self, server: Server, broker: Broker, at: URL, folder: Path, providers: Mapping[str, object], cluster: str
    ) -> None:
        self.server, self.broker, self.folder, self.cluster = server, broker, folder, cluster
        self.clock_file, self.url = folder / "clock", at.render_as_string(hide_password=False)
        self.clock = SharedClock(self.clock_file, START)
        self.topics = Topics(Brokers(broker.address), prefix=f"{at.database}.")
        self.key_file = folder / "keys"
        load_keyring(self.key_file, create=True)
        self.packs = packs_with_legal_triggers(folder)
        self.platform = compose(load_settings(database=self.url, key_file=self.key_file), self.clock)
        Publisher(self.platform.database, self.platform.log, self.platform.identity.names).publish(
            packs_in(self.packs), by="pack", now=START
        )
        self.topics.ensure()
        self._environment = os.environ | self._settings(providers)
        self.roles: list[Role] = []
        self._started = 0

    def _settings(self, providers: Mapping[str, object]) -> dict[str, str]:
        return {
            "HABARSHY_DATABASE": self.url,
            "HABARSHY_KEY_FILE": str(self.key_file),
            "HABARSHY_KAFKA": self.topics.address,
            "HABARSHY_KAFKA_PREFIX": self.topics.prefix,
            "HABARSHY_KAFKA_SESSION_SECONDS": "6",
            "HABARSHY_PROVIDERS": json.dumps(providers),
            "HABARSHY_CLUSTER": self.cluster,
        }

    def start(self, name: str, *arguments: str, module: str = "app") -> Role:
        """A role as a process of its own, at the land's time: `habarshy NAME`, or another module's."""
        return self._start(name, [*(arguments or [name]), "--clock", self.clock().isoformat()], module)

    def start_timed(self, name: str, mode: str) -> Role:
        """A role that lives while the land's time moves (see tests/kills/roles.py)."""
        return self._start(name, [mode, "--clock-file", str(self.clock_file)], "tests.kills.roles")

    def start_dask(self) -> Role:
        """A worker of the cluster."""
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(self.folder))
        return self._start("dask", [self.cluster, *options], "distributed.cli.dask_worker")

    def _start(self, name: str, arguments: Sequence[str], module: str) -> Role:
        self._started += 1
        log = self.folder / f"{self._started}-{name}.log"
        role = Role(name, arguments, self._environment, log, module)
        self.roles.append(role)
        return role

    def of(self, name: str) -> list[Role]:
        """The processes of that role which were not ended by us."""
        return [role for role in self.roles if role.name == name]

    def left(self, role: Role) -> None:
        """We have ended it."""
        self.roles.remove(role)

    def asked(self, *arguments: str, database: str) -> bytes:
        """What a command of the platform prints about a database."""
        command = [sys.executable, "-m", "app", *arguments, "--database", database, "--key-file", str(self.key_file)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ, timeout=LONG)  # noqa: S603  (ourselves)
        return done.stdout

    def lasting(self, work: Callable[[], T]) -> T:
        """What the work gives, as soon as the database lets it: registries try again, too."""
        return lasting(work, UNAVAILABLE_ERRORS, PATIENCE)

    def behind(self, role: str, topic: str) -> int:
        """How many records of the topic that role has not acknowledged."""
        lag = KafkaLag(self.topics, role, topic, self.clock)
        try:
            return sum(each.count for each in lag.partitions())
        finally:
            lag.close()

    def relayed(self) -> None:
        """Wait until the relay has passed all that is in the log now."""
        upto = self.lasting(self._positions)[1]
        eventually(lambda: self.lasting(self._positions)[0] >= upto, PATIENCE)

    def _positions(self) -> tuple[int, int]:
        with self.platform.database.reading() as connection:
            return positions.position_of(connection, READER), FactRecorder.last_position(connection)

    def halfway(self) -> bool:
        """Whether an area event is planned for some of its residents, and for others not yet."""
        with self.platform.database.reading() as connection:
            plan = next(iter(area_plans.all_waiting(connection)), None)
        return plan is not None and bool(plan.home)

    def areas(self) -> int:
        """How many area events are not planned for all of their residents."""
        with self.platform.database.reading() as connection:
            return len(area_plans.waiting_for(connection))

    def waiting(self) -> tuple[int, int, int]:
        """What is unplanned, due, and without an outcome."""
        on = self.platform
        found = read_status(on.database, on.log, on.replay.follower, self.clock())
        return found.unplanned, found.due_now, found.open_attempts

    def lose(self) -> int:
        """Have Kafka forget whom it should wake; returns how many records no worker had acknowledged."""
        topic = self.topics.persons
        waited = self.behind("worker", topic)
        every = [TopicPartition(topic, number, OFFSET_END) for number in range(PARTITIONS)]
        admin = AdminClient(self.topics.brokers.client())  # kept: who forgets it never hears of the end
        for gone in admin.delete_records(every).values():
            gone.result(PATIENCE)
        return waited

    def close(self) -> None:
        """End what still runs."""
        for role in self.roles:
            role.kill()
        self.platform.database.close()


def packs_with_legal_triggers(folder: Path) -> list[Path]:
    """The shipped packs; what some triggers say is a legal notice in them, which is repeated if nobody knows."""
    found = []
    for pack in shipped():
        made = folder / "packs" / pack.name
        shutil.copytree(pack, made)
        found.append(made)
    for name in LEGAL:
        trigger = folder / "packs" / "kz" / name / "trigger.yaml"
        words = trigger.read_text()
        assert "class: service" in words
        trigger.write_text(words.replace("class: service", "class: legal"))
    return found


@contextmanager
def land(
    server: Server, broker: Broker, folder: Path, providers: Mapping[str, object], cluster: str = ""
) -> Iterator[Land]:
    """A country on a new database and on topics of its own; `cluster`: the Dask scheduler of its long work."""
    with postgres.fresh(server.url) as at:
        made = Land(server, broker, at, folder, providers, cluster)
        try:
            yield made
        finally:
            made.close()
