"""What the benchmarks of production work on: a real PostgreSQL and Kafka of their own, with events that wait."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL

from app.clock import system_clock
from app.compose import Platform, compose
from app.settings import load_settings
from benchmarks.world import AT_NOW, batched, envelopes, event, national_id, publish, shipped_packs
from projections import history, positions
from streams.intake.cloudevents import Envelope, envelope_of
from streams.kafka.brokers import Brokers
from streams.kafka.relay import READER, Relay
from streams.kafka.topics import Topics
from tests.beginnings import KEYRING
from tests.services import postgres

BATCH, LOOK_EVERY = 1000, 0.2
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""All that is known of people before they write."""
_numbers = itertools.count(1)


def platform(at: URL) -> Platform:
    """A process's platform on that database."""
    return compose(load_settings(database=at.render_as_string(hide_password=False)), AT_NOW, KEYRING)


@contextmanager
def waiting(server: URL, events: int) -> Iterator[URL]:
    """A database with so many events of an invented population, none of which is planned; to be copied."""
    with postgres.fresh(server) as at:
        on = platform(at)
        with closing(on.database):
            publish(on, shipped_packs())
            for batch in batched(itertools.islice(envelopes(), events), BATCH):
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


@contextmanager
def roles(to: Topics, url: str, keys: Path, commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, int]]:
    """Processes of that database and these topics: name -> module and arguments; gives name -> process id."""
    environment = os.environ | {
        "HABARSHY_DATABASE": url,
        "HABARSHY_KEY_FILE": str(keys),
        "HABARSHY_KAFKA": to.address,
        "HABARSHY_KAFKA_PREFIX": to.prefix,
    }
    made = {
        name: subprocess.Popen([sys.executable, "-m", *command], env=environment, stderr=subprocess.DEVNULL)  # noqa: S603  (ourselves)
        for name, command in commands.items()
    }
    try:
        yield {name: each.pid for name, each in made.items()}
    finally:
        for each in made.values():
            each.terminate()
        for each in made.values():
            each.wait()


def awake(number: int) -> Iterator[Envelope]:
    """The telephone of a person, who reads English and never sleeps."""
    choices = {"channels": ["sms"], "quiet_from": "03:00", "quiet_to": "03:00", "language": "en"}
    yield before(number, "citizen.contact_changed", {"phone": f"+7701{number:07d}"})
    yield before(number, "citizen.preferences_changed", choices)


def before(number: int, type_: str, data: Mapping[str, object]) -> Envelope:
    return envelope_of(event(national_id(number), type_, BEFORE, data, number))


def written(number: int, name: str) -> Envelope:
    """Something that the person wrote now and that is answered at once, by an SMS that ends with the name."""
    data = {
        "nudge": "00000000-0000-0000-0000-000000000001",
        "understood": "unclear",
        "owner": "labour",
        "topic": "",
        "choices": name,
    }
    return envelope_of(event(national_id(number), "citizen.message_received", system_clock(), data, name))
