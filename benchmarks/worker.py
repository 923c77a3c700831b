"""Worker: events planned a second by one, two and four of them, beside a Faust worker that only decodes records."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from app.compose import Platform
from app.tuning import calm_collector
from benchmarks.measuring import Row, in_a_process, sized, tell
from benchmarks.production import LOOK_EVERY, copied, key_file, relayed, roles, topics, unplanned, waiting
from benchmarks.world import NOW
from streams.kafka.brokers import Brokers
from streams.kafka.topics import Topics
from streams.kafka.worker import IncomingRecord, Worker
from streams.planning.wakeups import read_wake_up
from tests.services import kafka, postgres

EVENTS = sized(20_000, least=3000)
WORKERS = (1, 2, 4)


def measure() -> tuple[list[Row], dict[str, float]]:
    rates: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder, postgres.server(lasting=True) as server, kafka.server() as broker:
        keys = key_file(Path(folder))
        with waiting(server, EVENTS) as at:
            decoding = 0.0
            for count in WORKERS:
                with copied(server, at) as on:
                    to = topics(broker)
                    rates[count] = _rate(on, to, keys, count)
                    decoding = decoding or _decoding(to, EVENTS)
    rows = [
        Row("worker, one, to the due table", rates[1], "events/s", 1500),
        Row("two workers against one", rates[2] / rates[1], "×", 1.15),
    ]
    notes = {"events/s, two": rates[2], "events/s, four": rates[4], "records/s, Faust that only decodes": decoding}
    return rows, notes


def _rate(on: Platform, to: Topics, keys: Path, count: int) -> float:
    """Events planned a second by workers that have all joined before, from the first tenth to the last."""
    total = unplanned(on)
    workers = {f"worker {number}": ["app", "worker", "--clock", NOW.isoformat()] for number in range(count)}
    with roles(to, on.database.engine.url.render_as_string(hide_password=False), keys, workers):
        _joined(to, count)
        relayed(on, to)
        began, left = _until(on, int(total * 0.9))
        ended, rest = _until(on, total // 10)
    return (left - rest) / (ended - began) * EVENTS / total


def _joined(to: Topics, count: int) -> None:
    """Wait until so many workers share the partitions."""
    admin, group = AdminClient(to.brokers.client()), to.group("worker")
    while True:
        described = admin.describe_consumer_groups([group])[group].result()
        if len(described.members) == count and described.state == ConsumerGroupState.STABLE:
            return
        time.sleep(LOOK_EVERY)


def _until(on: Platform, few: int) -> tuple[float, int]:
    """The moment when no more than that wait, and how many do."""
    while (left := unplanned(on)) > few:
        time.sleep(LOOK_EVERY)
    return time.perf_counter(), left


def _decoding(to: Topics, enough: int) -> float:
    return in_a_process("benchmarks.worker", float, to.address, to.prefix, enough)


class _Decodes:
    """Reads each record, and does nothing with it."""

    def __init__(self, topic: str, enough: int, stopped: asyncio.Event) -> None:
        self.topic, self._enough, self._stopped = topic, enough, stopped
        self._loop = asyncio.get_running_loop()
        self.seen, self.first, self.began, self.ended = 0, 0, 0.0, 0.0

    def take(self, records: Sequence[IncomingRecord]) -> None:
        for record in records:
            read_wake_up(record.key, record.value)
        self.seen, self.ended = self.seen + len(records), time.perf_counter()
        if not self.began:
            self.first, self.began = self.seen, self.ended
        if self.seen >= self._enough:
            self._loop.call_soon_threadsafe(self._stopped.set)


async def _decode(address: str, prefix: str, enough: int) -> float:
    to, stopped = Topics(Brokers(address), prefix), asyncio.Event()
    handler = _Decodes(to.persons, enough, stopped)
    await Worker(to, "decoding", handler, lambda _: None, tuple).run(stopped)
    return (handler.seen - handler.first) / (handler.ended - handler.began)


if __name__ == "__main__":
    calm_collector()
    tell(uvloop.run(_decode(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
