"""A platform on a real PostgreSQL and a real Kafka, as one process of several has it, and how to look into both."""

import asyncio
import itertools
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import uvloop
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy.engine import URL

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.settings import load_settings
from projections import history, nudges
from streams.intake.cloudevents import Envelope
from streams.kafka.brokers import Brokers
from streams.kafka.consume_wakeups import WakeupHandler
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import KafkaLag, Lag
from streams.kafka.producer import Record, Sender
from streams.kafka.relay import Relay
from streams.kafka.topics import Topics
from streams.kafka.worker import Handler, Tuning, Worker
from streams.rules.publishing import Publisher
from tests.beginnings import KEYRING, packs_in
from tests.services import kafka as broker
from tests.services import postgres
from tests.services.commands import Command
from tests.streams.storing import PATIENCE
from tests.world import LONG_AGO, NOON, annulled, birth, card, corrected, few_triggers, fine, iin, registered

T = TypeVar("T")
_numbers = itertools.count(1)
LOOK_EVERY = 0.02
QUICK = Tuning(session=6.0)
"""Seconds between two looks whether something has come true in another process."""


class Found(NamedTuple):
    """A record as it stands in a topic."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class Country:
    """One database, one prefix of topics, and one process's platform on them."""

    def __init__(self, at: URL, kafka: Brokers, folder: Path) -> None:
        self.url = at.render_as_string(hide_password=False)
        self.topics = Topics(kafka, prefix=f"t{os.getpid()}-{next(_numbers)}.")
        self.clock = VirtualClock(NOON)
        self.key_file = folder / "keys"
        self.key_file.touch(mode=0o600)
        wrapping = {str(version): key.hex() for version, key in KEYRING.wrapping.items()}
        self.key_file.write_text(json.dumps({"names": KEYRING.names.hex(), "wrapping": wrapping}))
        self.platform = self.process()
        Publisher(self.platform.database, self.platform.log, self.platform.identity.names).publish(
            packs_in([few_triggers(folder)]), by="pack", now=NOON
        )
        self.told: list[str] = []

    def process(self) -> Platform:
        """One more process's platform."""
        return compose(load_settings(database=self.url), self.clock, KEYRING)

    def relay(self, on: Platform | None = None, page: int = 5000) -> Relay:
        """A relay of that platform's."""
        on = on or self.platform
        return Relay(on.database, on.identity.names, self.topics, self.clock, self.told.append, page)

    def take(self, *envelopes: Envelope) -> None:
        """Take events in, all of which are accepted."""
        assert all(outcome.accepted for outcome in self.platform.intake.accept(envelopes))

    def relayed(self) -> None:
        """Have a relay of this process relay all that there is."""
        role = self.relay()
        with running(role.run, role.stop):
            eventually(lambda: role.active and not role.behind().count)

    def unplanned(self) -> int:
        """How many history rows wait for their plan."""
        with self.platform.database.reading() as connection:
            return history.waiting(connection)[0]

    def records(self, topic: str | None = None) -> list[Found]:
        """All records of a topic (by default of those who are woken), by partition, in their order there."""
        return sorted(_read(self.topics, topic or self.topics.persons), key=lambda one: one.partition)

    def committed(self, role: str, topic: str | None = None) -> int:
        """How many records of the topic the role has acknowledged."""
        return sum(max(0, offset) for offset in committed(self.topics, role, topic or self.topics.persons))

    def close(self) -> None:
        """Let go of the database and of the topics."""
        self.platform.database.close()
        self.forget()

    def forget(self) -> None:
        """Delete the topics, where there are any."""
        admin = AdminClient(self.topics.brokers.client())  # with its connections, it outlasts what is raised here
        wait(admin.delete_topics(list(self.topics.hours())).values())


@contextmanager
def country(server: URL, kafka: Brokers, folder: Path) -> Iterator[Country]:
    """A platform on a new database with a few triggers, and on topics of its own."""
    with postgres.fresh(server) as at:
        made = Country(at, kafka, folder)
        yield made
        made.close()


@contextmanager
def own_land(server: URL, folder: Path) -> Iterator[tuple[Country, broker.Broker]]:
    """A platform on a broker that may be stopped."""
    with broker.own() as kafka, country(server, Brokers(kafka.address), folder) as land:
        yield land, kafka


@contextmanager
def working(
    land: Country,
    handler: Handler | None = None,
    role: str = "worker",
    *,
    there: bool = True,
    looked: Callable[[], object] = list,
) -> Iterator[Worker]:
    """A worker of this process works during the block; `there`: so is Kafka, where it has the topics made first.

    `looked`: what happens whenever it has looked whether Kafka answers.
    """
    handler = handler or WakeupHandler(
        land.platform.planning.planning, land.platform.planning.quarantine, land.topics.persons
    )
    lag = KafkaLag(land.topics, role, handler.topic, land.clock)

    def look() -> list[Lag]:
        found = lag.partitions()
        looked()
        return found

    worker = Worker(land.topics, role, handler, land.told.append, look, QUICK)
    stops: list[Callable[[], object]] = []

    async def work() -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stopped.set))
        await worker.run(stopped)

    if there:
        land.topics.ensure()
        eventually(lambda: _led(lag), 2 * PATIENCE)
    with running(lambda: uvloop.run(work()), lambda: [stop() for stop in stops]):
        eventually(lambda: bool(stops))
        yield worker
    lag.close()


def _led(lag: KafkaLag) -> bool:
    """Whether each partition has a leader that answers: a new topic's have none for a moment."""
    with suppress(KafkaUnavailable):
        return bool(lag.partitions())
    return False


_commands = itertools.count(1)


def process(land: Country, *arguments: str, **environment: str) -> Command:
    """A role as a process of its own, at the land's time."""
    settings = {
        "HABARSHY_DATABASE": land.url,
        "HABARSHY_KEY_FILE": str(land.key_file),
        "HABARSHY_KAFKA": land.topics.address,
        "HABARSHY_KAFKA_PREFIX": land.topics.prefix,
        "HABARSHY_KAFKA_SESSION_SECONDS": "6",
        "HABARSHY_KAFKA_USERNAME": land.topics.brokers.username,
        "HABARSHY_KAFKA_PASSWORD": land.topics.brokers.password,
        "HABARSHY_KAFKA_MECHANISM": land.topics.brokers.mechanism,
        "HABARSHY_KAFKA_TLS": str(land.topics.brokers.tls),
        "HABARSHY_KAFKA_CA_FILE": land.topics.brokers.ca_file,
    }
    log = land.key_file.with_name(f"{next(_commands)}.log")
    return Command([*arguments, "--clock", land.clock().isoformat()], os.environ | settings | environment, log)


def says(running: Command, *words: str) -> str:
    """What a process has written, once one of these words is in it."""
    eventually(lambda: any(word in running.said() for word in words) or running.poll() is not None, 2 * PATIENCE)
    said = running.said()
    assert any(word in said for word in words), said
    return said


def health_port(running: Command) -> int:
    """The port on which a role answers how it is."""
    told = re.compile(r"health on http://127.0.0.1:(\d+)\D")
    return int(told.findall(says(running, "health on http://"))[0])


def ended(running: Command) -> tuple[int, str]:
    """The exit code of a process that ends by itself, and its output."""
    return running.wait(PATIENCE), running.said()


def everyday(persons: int) -> list[Envelope]:
    """What happens to some people: registrations, cards, fines, a birth; corrected, annulled, and out of order."""
    events: list[Envelope] = []
    for number in range(1, persons + 1):
        one = iin(number)
        first = card(one, "2025-07-20", number=f"N{number}")
        events += [*registered(one, LONG_AGO), first, fine(one, f"F{number}", "2025-06-01T10:00:00+05:00")]
        if number % 3 == 0:
            events.append(corrected(first, 2, expires_on="2025-09-30"))
        if number % 5 == 0:
            events.insert(0, annulled(first, 3))
    events.append(birth(iin(persons + 1), iin(1), "2025-05-20", father=iin(2)))
    return events


def planned(on: Platform) -> bytes:
    """Every nudge that stands in the database: its intent and whether it is pending, by id, as bytes."""
    with on.database.reading() as connection:
        found = nudges.of_persons(connection, history.persons_after(connection, "", 10**6))
    every = sorted((one for theirs in found.values() for one in theirs.values()), key=lambda one: one.intent.id.int)
    return msgspec.json.encode([(one.intent, one.pending) for one in every])


@contextmanager
def running(work: Callable[[], None], stop: Callable[[], object]) -> Iterator[None]:
    """The work goes on in a thread during the block, and ends well when it is asked to stop."""
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(work)
        try:
            yield
        finally:
            stop()
        going.result(PATIENCE)


SAME_PLACE = 11
"""The partition of the key that `sent` uses."""


def sent(land: Country, count: int) -> None:
    """Send so many records with one key."""
    sender = Sender(land.topics.brokers)
    sender.send(Record(land.topics.persons, b"same key", b"") for _ in range(count))
    sender.close()


def eventually(holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until it holds, as it is another process that makes it so; that looks may take long is in that time."""
    until, pause = time.monotonic() + patience, threading.Event()
    while not holds():
        assert time.monotonic() < until, f"it did not become true within {patience:g} seconds"
        pause.wait(LOOK_EVERY)


def lasting(work: Callable[[], T], failures: type[Exception] | tuple[type[Exception], ...], patience: float) -> T:
    """What the work gives, as soon as it does not fail so; when the time is over, what it failed by is raised."""
    until, pause = time.monotonic() + patience, threading.Event()
    while True:
        try:
            return work()
        except failures:
            if time.monotonic() >= until:
                raise
        pause.wait(LOOK_EVERY)


def committed(topics: Topics, role: str, topic: str) -> list[int]:
    """How far the role has acknowledged each partition (negative: not at all)."""
    looking = Consumer(topics.brokers.client() | {"group.id": topics.group(role)})
    try:
        wanted = [TopicPartition(topic, partition) for partition in range(topics.partitions)]
        return [each.offset for each in looking.committed(wanted, timeout=PATIENCE)]
    finally:
        looking.close()


def _read(topics: Topics, topic: str) -> Iterator[Found]:
    reading = Consumer(topics.brokers.client() | {"group.id": "looking", "enable.auto.commit": False})
    try:
        ends = _ends(reading, topic, topics.partitions)
        reading.assign([TopicPartition(topic, partition, 0) for partition in range(len(ends))])
        for _ in range(sum(ends)):
            message = reading.poll(PATIENCE)
            assert message is not None
            assert message.error() is None
            headers = {name: _bytes(value) or b"" for name, value in dict(message.headers() or {}).items()}
            yield Found(message.partition() or 0, _bytes(message.key()), _bytes(message.value()), headers)
    finally:
        reading.close()


def _ends(reading: Consumer, topic: str, partitions: int) -> list[int]:
    """Where each partition ends; a topic that was just made may not know its leaders yet."""
    ends: list[int] = []

    def known() -> bool:
        try:
            found = [
                reading.get_watermark_offsets(TopicPartition(topic, n), timeout=PATIENCE) for n in range(partitions)
            ]
        except KafkaException:
            return False
        ends[:] = [each[1] for each in found]
        return True

    eventually(known)
    return ends


def _bytes(part: str | bytes | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
