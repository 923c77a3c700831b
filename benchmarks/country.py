"""The whole way: from an event over HTTP to a message that a provider took, with all roles and people with a past.

`python -m benchmarks country --help` lists what can be varied. PostgreSQL syncs its commits, Kafka carries the
wake-ups; api, relay, workers and dispatchers are processes; letters go to Postfix's smtp-sink, texts by SMPP, push
messages by Web Push. With `--mixed 1` the SMS centre reports each delivery, of ten people one has a device for push
messages, and one is a child of the one before, whose guardian is told.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import os
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import uvloop
from sqlalchemy import Connection, text

from app.clock import system_clock
from benchmarks.measuring import Row, sized
from benchmarks.postgres import BATCHED, SINGLE, api_key
from benchmarks.push import push_sink
from benchmarks.world import event, fresh, named, national_id, published
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgePlanned, NudgeSent
from domain.persons.devices import Device, written
from projections import history, nudges, positions
from projections.tables import micros
from streams.intake.cloudevents import envelope_of
from streams.kafka.relay import READER
from tests.notifiers.browsers import Browser, vapid_file
from tests.notifiers.smsc import real_centre
from tests.services import kafka, postgres
from tests.services.commands import Command
from tests.services.sink import sink

BATCH, LOAD, WARM_UP, LOOK_EVERY, PATIENCE = 1000, 500, 1000, 0.5, 900.0
CLIENTS, ARRIVES_MS = 8, 2000
TICKS = os.sysconf("SC_CLK_TCK")
STAGES = ("recorded → plan begun", "plan begun → attempt decided", "attempt decided → taken over")
_WAITS = text(
    "SELECT coalesce(wait_event_type || ' ' || wait_event, 'none: it works') FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"
)
OLD = 1000
"""Facts of one person in a thousand, instead of the usual number."""
CHILD = 9
"""The last digit of a child's number, if people are mixed; the mother is the one before, with a device."""


class Asked(msgspec.Struct, frozen=True):
    """What is measured: so many people with so many facts each, and how they are served.

    `rate`: single events a second, for so many `seconds`; `mixed`: with receipts, push messages and guardians.
    """

    people: int
    facts: int = 40
    workers: int = 1
    dispatchers: int = 1
    rate: int = 200
    seconds: int = 30
    mixed: int = 1


def measure(asked: Asked | None = None) -> tuple[list[Row], dict[str, float]]:
    """Return the rows of the whole way, and what each process took."""
    asked = asked or Asked(sized(20_000, least=40), seconds=sized(30, least=2), rate=sized(200, least=10))
    return uvloop.run(_measured(asked))


def main(arguments: Sequence[str]) -> tuple[list[Row], dict[str, float]]:
    """Measure as the arguments ask, and print what each process took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks country", description=__doc__)
    usual = Asked(sized(20_000, least=40))
    for name in Asked.__struct_fields__:
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    rows, notes = measure(Asked(**vars(parser.parse_args(arguments))))
    for name, value in notes.items():
        print(f"    {name:<55} {value:>12,.2f}")
    return rows, notes


async def _measured(asked: Asked) -> tuple[list[Row], dict[str, float]]:
    receipts = {"receipts": "DELIVRD", "arrives": ARRIVES_MS} if asked.mixed else {}
    async with sink() as mail, real_centre(quiet=True, **receipts) as centre:
        with tempfile.TemporaryDirectory() as folder, push_sink() as push:
            providers = _providers(mail, centre.port, push, vapid_file(Path(folder)))
            people = _People(asked, f"http://127.0.0.1:{push}")
            land = await asyncio.to_thread(_Country, Path(folder), people, providers)
            try:
                return await asyncio.to_thread(land.measured)
            finally:
                await asyncio.to_thread(land.close)


def _providers(mail: int, sms: int, push: int, key: Path) -> dict[str, object]:
    here, us = "127.0.0.1", "h@example.org"
    return {
        "mail": {"kind": "smtp", "host": here, "port": mail, "security": "none", "sender": us},
        "sms": {"kind": "smpp", "host": here, "port": sms, "system_id": "habarshy", "sender": "1414"},
        "push": {
            "kind": "web_push",
            "key_file": str(key),
            "subject": f"mailto:{us}",
            "hosts": [f"http://{here}:{push}"],
        },
    }


class _Country:
    """All roles at work, and people whose past is planned."""

    def __init__(self, folder: Path, people: "_People", providers: dict[str, object]) -> None:
        self._asked, self._past, self._folder, self._kept = people.asked, people.past, folder, ExitStack()
        server = self._kept.enter_context(postgres.server(lasting=True))
        broker = self._kept.enter_context(kafka.server())
        url = self._kept.enter_context(fresh(server))
        keys, principals = folder / "keys", folder / "principals.toml"
        month_ago = system_clock() - timedelta(days=30)
        self._platform = published(url, system_clock, now=month_ago, key_file=keys, principals=principals)
        self._people = [national_id(number) for number in range(self._asked.people)]
        self._load()
        self._key = api_key(self._platform)
        self._environment = os.environ | {
            "HABARSHY_DATABASE": url,
            "HABARSHY_KEY_FILE": str(keys),
            "HABARSHY_PRINCIPALS": str(principals),
            "HABARSHY_KAFKA": broker,
            "HABARSHY_PROVIDERS": json.dumps(providers),
            "HABARSHY_REQUESTS_A_MINUTE": "0",  # one key reports as much as a country
        }
        self._sampled: Counter[str] = Counter()
        self._roles = dict(self._started())

    def _load(self) -> None:
        """Take in everybody's past, and plan it."""
        for start in range(0, len(self._people), LOAD):
            numbers = range(start, min(start + LOAD, len(self._people)))
            events = [event for number in numbers for event in self._past(number)]
            for at in range(0, len(events), BATCH):
                taken = self._platform.intake.accept(list(map(envelope_of, events[at : at + BATCH])))
                assert all(each.accepted for each in taken), taken[:1]
        on = self._platform
        on.planning.planning.drain()
        on.replay.follower.drain()
        on.runtime.chain_builder.finish()
        newest = on.log.facts.max_notification_id() or 0
        on.database.write(
            lambda connection: positions.save(connection, READER, newest)
        )  # Kafka had its turn long ago

    def _vacuum(self) -> None:
        """Do what PostgreSQL's autovacuum has long done to the past of a country, and would do beside the load."""
        engine = self._platform.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE)")

    def _started(self) -> Iterator[tuple[str, Command]]:
        many = {"api": 1, "relay": 1, "worker": self._asked.workers, "dispatch": self._asked.dispatchers}
        for role, count in many.items():
            for number in range(count):
                name = f"{role} {number + 1}" if count > 1 else role
                options = ["--port", "0"] if role == "api" else []
                yield name, Command([role, *options], self._environment, self._folder / f"{name}.log")

    def _port(self) -> int:
        api, until = self._roles["api"], time.monotonic() + PATIENCE
        while not (found := re.search(r":(\d+);", api.said())):
            assert api.poll() is None, api.said()
            assert time.monotonic() < until, api.said()
            time.sleep(LOOK_EVERY)
        return int(found[1])

    def measured(self) -> tuple[list[Row], dict[str, float]]:
        """Measure a load of fines at once, then single events at a steady rate, then roles with nothing to do."""
        port, people = self._port(), self._people
        self._warm_up(port)
        before = self._used()
        start = time.perf_counter()
        self._post(port, BATCHED, [_fines(people[at : at + BATCH], f"L{at}-") for at in range(0, len(people), BATCH)])
        accepted = time.perf_counter() - start
        planned = self._await(len(people), only_planned=True) - start
        told = self._await(len(people)) - start
        notes = _taken(before, self._used(), told) | self._resident() | self._waited()
        before, begun = self._used(), time.perf_counter()
        waits, stages = self._steady(port)
        busy = _taken(before, self._used(), time.perf_counter() - begun)
        notes |= {f"at {self._asked.rate}/s: {name}": share for name, share in busy.items()}
        rows = [
            Row("whole way: accepted by batches of 1,000", len(people) / accepted, "events/s", 12_000),
            Row("whole way: planned", len(people) / planned, "persons/s", 1_200),
            Row("whole way: told", len(people) / told, "persons/s", 1_000),
            Row(f"whole way: {len(people):,} accepted → all told", told, "s", 20, most=True),
        ]
        rows += [
            Row(f"whole way: accepted → told at {self._asked.rate}/s, p{share}", 1000 * at, "ms", most, most=True)
            for share, most in ((50, 200), (95, 300), (99, 600))
            for at in [waits[min(len(waits) - 1, len(waits) * share // 100)]]
        ]
        rows.append(Row("whole way: roles with nothing to do, share of a core", self._idle(), "", 0.08, most=True))
        return rows, notes | stages

    def _warm_up(self, port: int) -> None:
        """Tell the first people, so that no role, and no table, meets its first message under the load."""
        first = [_fines(self._people[:WARM_UP], "W")]
        self._vacuum()
        self._post(port, BATCHED, first)
        self._await(WARM_UP)
        self._vacuum()

    def _idle(self) -> float:
        """Return the share of a core that all roles take together while nothing comes and nothing is due."""
        before = self._used()
        time.sleep(self._asked.seconds)
        return sum((self._used() - before)[name] for name in self._roles) / 1000 / self._asked.seconds

    def _post(self, port: int, kind: dict[str, str], bodies: Sequence[bytes], rate: float | None = None) -> None:
        """Post by a few connections; `rate`: so many a second."""
        start, numbers = time.perf_counter(), itertools.count()

        def post(some: Sequence[bytes]) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for body in some:
                if rate is not None:
                    time.sleep(max(0.0, start + next(numbers) / rate - time.perf_counter()))
                connection.request("POST", "/events", body, kind | {"Authorization": f"Bearer {self._key}"})
                answer = connection.getresponse()
                said = answer.read()
                assert answer.status in (HTTPStatus.OK, HTTPStatus.ACCEPTED), said[:500]
            connection.close()

        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(post, [bodies[at::CLIENTS] for at in range(min(CLIENTS, len(bodies)))]))

    def _await(self, many: int, *, only_planned: bool = False) -> float:
        """Wait until nothing waits to be planned, or to be sent; return the time of it."""
        on, until = self._platform, time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 2:
            assert time.monotonic() < until, f"{many} are not told"
            assert all(role.poll() is None for role in self._roles.values()), [
                role.said() for role in self._roles.values()
            ]
            time.sleep(LOOK_EVERY)
            with on.database.reading() as connection:
                self._sample_waits(connection)
                left = history.waiting(connection)[0]
                if not only_planned:
                    left += nudges.waiting(connection, micros(system_clock()))[0] + nudges.open_attempts(connection)
            quiet = 0 if left else quiet + 1
        return time.perf_counter() - LOOK_EVERY * quiet

    def _steady(self, port: int) -> tuple[list[float], dict[str, float]]:
        """Return the seconds from accepted to told of single events at a steady rate, sorted, and of each stage."""
        count = self._asked.rate * self._asked.seconds
        people = list(itertools.islice(itertools.cycle(self._people), count))
        after = self._platform.log.facts.max_notification_id() or 0
        fines = [msgspec.json.encode(_fine(person, f"S{number}")) for number, person in enumerate(people)]
        self._post(port, SINGLE, fines, self._asked.rate)
        self._await(count)
        return self._waits(after)

    def _waits(self, after: int) -> tuple[list[float], dict[str, float]]:
        """Return the time from each event's recording to its message's taking over, and the median of each stage."""
        stages: dict[Any, list[datetime]] = {}
        for page in self._platform.log.scan(after):
            for entry in page:
                fact = entry.fact
                if isinstance(fact, LifeEvent) and entry.recorded is not None:
                    stages[fact.stream] = [entry.recorded]
                elif isinstance(fact, NudgePlanned) and fact.cause in stages:
                    stages[entry.originator_id] = [*stages[fact.cause], fact.at]
                elif isinstance(fact, NudgeAttempted | NudgeSent) and entry.originator_id in stages:
                    stages[entry.originator_id].append(fact.at)
        told = [times for times in stages.values() if len(times) == len(STAGES) + 1]
        medians = {
            f"{name}, median ms": 1000 * median((times[at + 1] - times[at]).total_seconds() for times in told)
            for at, name in enumerate(STAGES)
        }
        return sorted((times[-1] - times[0]).total_seconds() for times in told), medians

    def _sample_waits(self, connection: Connection) -> None:
        """Count what the database's sessions wait for at this moment."""
        self._sampled.update(row[0] for row in connection.execute(_WAITS))

    def _waited(self) -> dict[str, float]:
        total = self._sampled.total() or 1
        return {f"waits of sessions: {what}": count / total for what, count in self._sampled.most_common(6)}

    def _resident(self) -> dict[str, float]:
        """Return the most memory that each role had so far (MB)."""
        status = {name: Path(f"/proc/{role.pid}/status").read_text() for name, role in self._roles.items()}
        found = {name: re.search(r"VmHWM:\s+(\d+)", text) for name, text in status.items()}
        return {f"{name}, peak MB": int(most[1]) / 1024 for name, most in found.items() if most}

    def _used(self) -> Counter[str]:
        """Return the seconds of processor time of each process so far."""
        pids = {role.pid: name for name, role in self._roles.items()}
        found: Counter[str] = Counter()
        for pid, (parent, name, seconds) in _processes().items():
            called = pids.get(pid) or pids.get(parent) or name
            if called in pids.values() or called in {"postgres", "java"}:
                found[called] += int(seconds * 1000)
        return found

    def close(self) -> None:
        """Stop the roles, then what they stand on."""
        for role in self._roles.values():
            role.send_signal(signal.SIGTERM)
        for role in self._roles.values():
            role.wait(60)
        self._platform.database.close()
        self._kept.close()


def _processes() -> dict[int, tuple[int, str, float]]:
    """Return pid -> parent, name, and seconds of processor time."""
    found: dict[int, tuple[int, str, float]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = file.read_text().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError):
            continue
        fields = rest.split()
        found[int(file.parent.name)] = int(fields[1]), name, (int(fields[11]) + int(fields[12])) / TICKS
    return found


def _taken(before: Counter[str], after: Counter[str], seconds: float) -> dict[str, float]:
    return {f"{name}, share of a core": (after[name] - before[name]) / 1000 / seconds for name in sorted(after)}


class _People:
    """The people and everything that happened to each: half have a telephone, half mail; nobody sleeps."""

    def __init__(self, asked: Asked, push: str) -> None:
        self.asked, self._push, self._browser = asked, push, Browser()

    def past(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield the events of a person before the benchmark begins."""
        person, last = national_id(number), number % 10 if self.asked.mixed else 0
        if last == CHILD:
            yield event(person, "kz.civil.birth_registered", "2020-01-01T00:00:00+05:00", _born(number), f"{number}")
        else:
            yield event(person, "kz.citizen.registered", "2020-01-01T00:00:00+05:00", named(), f"{number}")
            yield self._reached(person, number, push=last == CHILD - 1)
        awake = {"quiet_from": "03:00", "quiet_to": "03:00"}
        yield event(person, "citizen.preferences_changed", "2020-01-03T00:00:00+05:00", awake, f"{number}")
        day = datetime.fromisoformat("2020-02-01T10:00:00+05:00")
        for each in range((OLD if number % 1000 == 999 else self.asked.facts) - 3):
            at = (day + timedelta(days=each)).isoformat()
            tax = {"kind": "land", "year": 2020, "paid_on": at[:10]}
            yield event(person, "kz.tax.paid", at, tax, f"{number}-{each}")

    def _reached(self, person: str, number: int, *, push: bool) -> dict[str, Any]:
        """Return the event that says where the person is reached: on a device, by telephone or by mail."""
        at = "2020-01-02T00:00:00+05:00"
        if push:
            device = Device(
                f"{number}", "", datetime.fromisoformat(at), self._browser.address(f"{self._push}/{number}")
            )
            return event(person, "citizen.devices_changed", at, {"devices": [written(device)]}, f"{number}")
        contact = {"phone": f"+7701{number:07d}"} if number % 2 else {"email": f"c{number}@example.org"}
        return event(person, "citizen.contact_changed", at, contact, f"{number}")


def _born(number: int) -> dict[str, Any]:
    return named() | {"born_on": "2015-05-05", "mother": national_id(number - 1), "order": 1}


def _fines(people: Iterable[str], prefix: str) -> bytes:
    return msgspec.json.encode([_fine(person, f"{prefix}{number}") for number, person in enumerate(people)])


def _fine(person: str, number: str) -> dict[str, Any]:
    at = system_clock() - timedelta(hours=2)
    day = at.date().isoformat()
    data = {"number": number, "amount": 7000, "violated_on": day, "issued_on": day}
    return event(person, "kz.traffic.fine_issued", at.isoformat(), data, number)
