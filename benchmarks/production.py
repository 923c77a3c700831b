"""What the benchmarks of production work on: a real PostgreSQL and Kafka of their own, with events that wait."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from app.clock import fixed
from app.compose import Platform, compose
from app.settings import load_settings
from benchmarks.world import NOW, envelopes, shipped_packs
from projections import history, positions
from streams.kafka.brokers import Brokers
from streams.kafka.relay import READER, Relay
from streams.kafka.topics import Topics
from streams.rules.publishing import Publisher
from tests.beginnings import KEYRING
from tests.services import postgres

BATCH, LOOK_EVERY = 1000, 0.2
_numbers = itertools.count(1)


def platform(at: URL) -> Platform:
    """A process's platform on that database."""
    return compose(load_settings(database=at.render_as_string(hide_password=False)), fixed(NOW), KEYRING)


@contextmanager
def waiting(server: URL, events: int) -> Iterator[URL]:
    """A database with so many events of an invented population, none of which is planned; to be copied."""
    with postgres.fresh(server) as at:
        on = platform(at)
        with closing(on.database):
            Publisher(on.database, on.log, on.identity.names).publish(shipped_packs(), by="pack", now=NOW)
            source = itertools.islice(envelopes(10**9), events)
            while batch := list(itertools.islice(source, BATCH)):
                on.intake.accept(batch)
        yield at


@contextmanager
def copied(server: URL, like: URL) -> Iterator[Platform]:
    """A platform on a copy of that database."""
    with postgres.empty(server, like) as at:
        on = platform(at)
        yield on
        on.database.close()


def topics(kafka: str) -> Topics:
    """Topics of their own, made."""
    made = Topics(Brokers(kafka), f"bench{os.getpid()}-{next(_numbers)}.")
    made.ensure()
    return made


def relayed(on: Platform, to: Topics) -> float:
    """Relay the whole log page by page; returns the seconds that it took."""
    on.database.write(lambda connection: positions.save(connection, READER, 0))
    relay = Relay(on.database, on.identity.names, to, on.clock, lambda _: None)
    with on.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        relay.page(session)  # connections, leaders, statements: not what is measured
        positions.save(session, READER, 0)
        start = time.perf_counter()
        while relay.page(session):
            pass
        return time.perf_counter() - start


def unplanned(on: Platform) -> int:
    """How many history rows wait for their plan."""
    with on.database.reading() as connection:
        return history.waiting(connection)[0]


def key_file(folder: Path) -> Path:
    """The keys of the benchmarks, for processes."""
    file = folder / "keys"
    file.touch(mode=0o600)
    wrapping = {str(version): key.hex() for version, key in KEYRING.wrapping.items()}
    file.write_text(json.dumps({"names": KEYRING.names.hex(), "wrapping": wrapping}))
    return file


def worker(on: Platform, to: Topics, keys: Path) -> "subprocess.Popen[bytes]":
    """A worker as a process of its own."""
    environment = os.environ | {
        "HABARSHY_DATABASE": on.database.engine.url.render_as_string(hide_password=False),
        "HABARSHY_KEY_FILE": str(keys),
        "HABARSHY_KAFKA": to.address,
        "HABARSHY_KAFKA_PREFIX": to.prefix,
    }
    command = [sys.executable, "-m", "app", "worker", "--clock", NOW.isoformat()]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603  (ourselves)
