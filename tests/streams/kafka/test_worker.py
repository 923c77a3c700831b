"""The worker: what Faust loses costs nothing, what is bad is put aside, and what is a defect acknowledges nothing."""

import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.engine import URL, make_url

from domain.core.ids import Names
from projections import history
from projections.history import News
from streams.kafka.brokers import Brokers
from streams.kafka.consume_wakeups import WakeupHandler
from streams.kafka.producer import Record, Sender
from streams.kafka.topics import PARTITIONS, Topics
from streams.kafka.worker import DEFECT_EXIT, IncomingRecord
from streams.planning.planning import Planning
from streams.planning.quarantine import UnreadableRecord
from streams.planning.wakeups import WakeUp, _encode
from streams.queues.dead_letters import LetterFilter
from streams.storage.tables import dead_letters
from tests.beginnings import KEYRING
from tests.streams.distributed import (
    QUICK,
    SAME_PLACE,
    Country,
    ended,
    eventually,
    everyday,
    own_land,
    planned,
    process,
    running,
    says,
    sent,
    working,
)
from tests.streams.storing import PATIENCE
from tests.world import LONG_AGO, NOON, World, card, iin, registered

AIGERIM, DANA = iin(1), iin(2)


def letters(land: Country) -> list[tuple[str | None, str]]:
    """The dead letters: person and cause."""
    with land.platform.database.reading() as connection:
        rows = connection.execute(select(dead_letters.c.person, dead_letters.c.cause))
        return [(person, cause) for person, cause in rows]


def embedded(folder: Path, persons: int) -> bytes:
    """What the embedded platform plans of the same events."""
    (folder / "embedded").mkdir()
    world = World(folder / "embedded")
    world.take(*everyday(persons))
    world.plan()
    found = planned(world.platform)
    world.close()
    return found


def fewer(land: Country, than: int) -> bool:
    """Whether some of those who waited are planned."""
    return land.unplanned() < than


def done(land: Country) -> bool:
    """Whether nobody waits and everything is acknowledged."""
    return not land.unplanned() and land.committed("worker") == len(land.records())


class CannotPlan(Planning):
    """Fails on one person, as a defect in a rule that only they meet would."""

    def __init__(self, land: Country, person: str, error: Exception) -> None:
        on = land.platform
        super().__init__(on.database, on.log, on.rules.library, land.clock)
        self.person: str | None = person
        self._error = error

    def plan_batch(self, news: Mapping[str, News]) -> int:
        if self.person in news:
            raise self._error
        return super().plan_batch(news)


def test_relay_and_worker_plan_what_the_embedded_run_plans(land: Country, tmp_path: Path) -> None:
    """The same events give byte-identical nudges by PostgreSQL, Kafka and Faust as by the embedded run."""
    land.take(*everyday(30))
    land.relayed()
    with working(land):
        eventually(lambda: done(land))
    assert planned(land.platform) == embedded(tmp_path, 30)
    assert letters(land) == []


def test_a_worker_makes_no_folders(land: Country) -> None:
    """A worker writes nothing to where it was started: its root may be read-only."""
    with working(land):
        eventually(lambda: any(each.startswith("working on") for each in land.told))
    assert not Path(f"{land.topics.group('worker')}-data").exists()


def test_repeated_records_change_nothing(land: Country) -> None:
    """Records that come twice, and in another order, give no fact more."""
    land.take(*everyday(10))
    land.relayed()
    with working(land):
        eventually(lambda: done(land))
        before, facts = planned(land.platform), land.platform.log.facts.max_notification_id()
        again = [Record(land.topics.persons, one.key, one.value) for one in reversed(land.records())]
        sender = Sender(land.topics.brokers)
        sender.send(again)
        sender.close()
        eventually(lambda: done(land))
    assert planned(land.platform) == before
    assert land.platform.log.facts.max_notification_id() == facts


def test_a_bad_record_is_put_aside(land: Country) -> None:
    """Records that name nobody, or say nothing, become dead letters with their cause, and the rest is planned."""
    land.take(*everyday(3))
    land.topics.ensure()
    good = Names(KEYRING.names).pseudonym(AIGERIM).encode()
    bad = [(b"850101300007", b"{}"), (None, b"{}"), (good, b"no JSON"), (good, None), (good, b"\xff")]
    sender = Sender(land.topics.brokers)
    sender.send(Record(land.topics.persons, key, value) for key, value in bad)
    sender.close()
    land.relayed()
    with working(land):
        eventually(lambda: done(land))
    assert sorted(cause for _, cause in letters(land)) == ["bad_key"] * 2 + ["bad_value"] * 3
    assert {person for person, _ in letters(land)} == {None}


@pytest.mark.parametrize("error", [ZeroDivisionError(), AttributeError()])
def test_who_cannot_be_planned_stops_nobody(land: Country, error: Exception) -> None:
    """A person whose plan fails becomes a dead letter with the cause; everybody else is planned."""
    land.take(*everyday(9))
    dana = land.platform.identity.names.pseudonym(DANA)
    planning = CannotPlan(land, dana, error)
    land.relayed()
    with working(land, WakeupHandler(planning, land.platform.planning.quarantine, land.topics.persons)):
        eventually(lambda: land.committed("worker") == len(land.records()))
        assert letters(land) == [(dana, type(error).__name__)]
        with land.platform.database.reading() as connection:
            assert history.unplanned(connection, 100) == [dana]

        planning.person = None
        land.take(card(DANA, "2025-12-20", number="N99"))
        land.relayed()
        eventually(lambda: done(land))
    assert letters(land) == []


def test_letters_are_retried(land: Country) -> None:
    """`dead-letters retry` plans whom a letter is about, once that can be done; a bad record stays what it is."""
    land.take(*everyday(3))
    on = land.platform
    dana = on.identity.names.pseudonym(DANA)
    on.planning.quarantine.keep(
        [UnreadableRecord("persons/3/14", "bad_key", b"?", None)], {dana: "ZeroDivisionError"}
    )
    on.planning.quarantine.keep(
        [UnreadableRecord("persons/3/14", "bad_key", b"?", None)], {dana: "ZeroDivisionError"}
    )
    told = {letter.told for letter in on.runtime.dead_letters.letters(LetterFilter())}
    assert told == {dana, "a record with a key of 1 bytes and a value of 0"}
    done = on.runtime.dead_letters.retry(LetterFilter())
    assert (done.handled, done.failed, done.unknown) == (1, 1, 0)
    assert dana not in on.planning.planning.waiting()
    assert [letter.cause for letter in on.runtime.dead_letters.letters(LetterFilter())] == ["bad_key"]


class Away:
    """A store that does not answer until it is told to."""

    topic = "persons"

    def __init__(self, topic: str) -> None:
        self.topic, self.tries, self.back = topic, 0, False
        self.taken: list[IncomingRecord] = []

    def take(self, records: Sequence[IncomingRecord]) -> None:
        self.tries += 1
        if not self.back:
            raise psycopg.OperationalError("the store is away")
        self.taken += records


def test_a_store_that_is_away_is_waited_for(land: Country) -> None:
    """While the store does not answer nothing is acknowledged, the worker says so once, and then all is handled."""
    land.take(*everyday(9))
    land.relayed()
    handler = Away(land.topics.persons)
    with working(land, handler) as role:
        eventually(lambda: handler.tries >= 3)
        assert role.away
        assert land.committed("worker") == 0
        handler.back = True
        eventually(lambda: len(handler.taken) == len(land.records()))
        eventually(lambda: land.committed("worker") == len(handler.taken))
    assert [each for each in land.told if "away" in each] == ["the store is away; trying again"]


def test_who_is_asked_to_stop_while_the_store_is_away_stops(land: Country) -> None:
    """A worker that waits for its store ends when it is asked to, and what it had in hand comes again."""
    land.take(*everyday(3))
    land.relayed()
    handler = Away(land.topics.persons)
    with working(land, handler):
        eventually(lambda: handler.tries >= 2)
    assert land.committed("worker") == 0
    with working(land):
        eventually(lambda: done(land))


def test_a_database_that_goes_away_is_waited_for(land: Country) -> None:
    """Connections that break and a database that takes no others delay a plan, and lose none."""
    name = make_url(land.url).database
    server = make_url(land.url).set(database="postgres", drivername="postgresql")
    with working(land), psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as admin:
        land.take(*everyday(4))
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        sender = Sender(land.topics.brokers)
        wake = _encode(WakeUp(1, "test", NOON))
        sender.send(
            Record(land.topics.persons, land.platform.identity.names.pseudonym(iin(number)).encode(), wake)
            for number in range(1, 6)
        )
        sender.close()
        eventually(lambda: any("trying again" in each for each in land.told))
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        eventually(lambda: done(land))


class Defect:
    """Something that nobody thought of."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def take(self, records: Sequence[IncomingRecord]) -> None:
        raise RuntimeError(records[0].key)


class Taking:
    """Takes everything."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def take(self, records: Sequence[IncomingRecord]) -> None:
        pass


class Unacknowledged:
    """A record as Faust has it, whose acknowledgement raises."""

    def __init__(self, event: Any) -> None:
        self.message = event.message

    def ack(self) -> None:
        raise RuntimeError(self.message.key)


def unacknowledging(address: str, prefix: str) -> None:
    """A worker process that cannot acknowledge what it has handled."""
    import asyncio  # noqa: PLC0415  (only the child needs it)

    from app.terminal import talk  # noqa: PLC0415  (the same)
    from streams.kafka.worker import Worker  # noqa: PLC0415  (the same)

    class Collector(Worker):
        async def _collect(self, stream: Any) -> None:
            async for event in stream.noack().events():
                await self._collected.put(Unacknowledged(event))

    topics = Topics(Brokers(address), prefix)
    uvloop.run(Collector(topics, "worker", Taking(topics.persons), talk, tuple, QUICK).run(asyncio.Event()))


def defective(address: str, prefix: str) -> None:
    """A worker process whose handler has a defect."""
    import asyncio  # noqa: PLC0415  (only the child needs it)

    from app.terminal import talk  # noqa: PLC0415  (the same)
    from streams.kafka.worker import Worker  # noqa: PLC0415  (the same)

    topics = Topics(Brokers(address), prefix)
    uvloop.run(Worker(topics, "worker", Defect(topics.persons), talk, tuple, QUICK).run(asyncio.Event()))


def test_topics_of_a_new_generation_take_over_under_load(land: Country, tmp_path: Path) -> None:
    """With more partitions, by another prefix, everybody is planned as by one process, whoever is woken twice."""
    events, half = everyday(12), 30
    with working(land):
        land.take(*events[:half])
        land.relayed()
        old = land.topics
        land.topics = replace(old, prefix=f"{old.prefix}more.", partitions=2 * PARTITIONS)
        try:
            with working(land):
                land.take(*events[half:])
                land.relayed()
                eventually(lambda: done(land))
                assert max(record.partition for record in land.records()) >= PARTITIONS
                where = {(record.key, record.partition) for record in land.records()}
                assert len(where) == len({key for key, _ in where}), "a person's records are not together"
        finally:
            land.forget()
            land.topics = old
        eventually(lambda: done(land))
    assert {record.key for record in land.records()}, "nobody was woken by the old topics"
    assert planned(land.platform) == embedded(tmp_path, 12)


@pytest.mark.parametrize("defect", [defective, unacknowledging])
def test_a_defect_ends_the_process_without_acknowledging(
    land: Country, capfd: pytest.CaptureFixture[str], defect: Callable[[str, str], None]
) -> None:
    """Whatever raises ends the process with 70, says where and never what, and the next worker plans it all."""
    land.take(*everyday(5))
    land.relayed()
    child = multiprocessing.get_context("spawn").Process(
        target=defect, args=(land.topics.address, land.topics.prefix), daemon=True
    )
    child.start()
    child.join(PATIENCE)
    assert child.exitcode == DEFECT_EXIT
    said = capfd.readouterr().err
    assert "RuntimeError: a defect" in said
    assert not any((record.key or b"").decode() in said for record in land.records())
    assert land.committed("worker") == 0
    with working(land):
        eventually(lambda: done(land), 3 * PATIENCE)  # the dead one's share comes when its session has ended


def test_workers_that_come_and_go_lose_nobody(land: Country, tmp_path: Path) -> None:
    """Workers that join and leave while others work change nothing of what is planned."""
    events = everyday(40)
    with working(land):
        for at in range(0, len(events), 50):
            land.take(*events[at : at + 50])
            land.relayed()
            with working(land):
                eventually(lambda: not land.unplanned())
        eventually(lambda: done(land))
    assert planned(land.platform) == embedded(tmp_path, 40)


def test_asked_to_stop_a_worker_finishes_what_is_in_hand(land: Country) -> None:
    """SIGTERM ends a worker process with 0, and what it planned is acknowledged, so that nothing comes again."""
    land.take(*everyday(20))
    roles = [process(land, "relay"), process(land, "worker")]
    eventually(lambda: not land.unplanned(), 3 * PATIENCE)
    for role in roles:
        role.send_signal(signal.SIGTERM)
    assert [ended(role)[0] for role in roles] == [0, 0]
    assert land.committed("worker") == len(land.records())


def test_killed_relays_and_workers_lose_nobody(land: Country, tmp_path: Path) -> None:
    """Relays and workers that are killed while they work, and started again, plan what the embedded run plans."""
    events = everyday(60)
    for at in range(0, len(events), 100):
        land.take(*events[at : at + 100])
        roles = [process(land, "relay"), process(land, "worker")]
        waited = land.unplanned()
        eventually(partial(fewer, land, waited), 3 * PATIENCE)
        for role in roles:
            role.kill()
    roles = [process(land, "relay"), process(land, "worker")]
    eventually(lambda: not land.unplanned(), 3 * PATIENCE)
    for role in roles:
        role.send_signal(signal.SIGTERM)
        ended(role)
    assert planned(land.platform) == embedded(tmp_path, 60)


def test_kafka_that_goes_away_is_waited_for(server: URL, tmp_path: Path) -> None:
    """A broker that is killed and started again delays plans, and loses none."""
    with own_land(server, tmp_path) as (land, kafka), working(land):
        role = land.relay()
        land.take(*registered(AIGERIM, LONG_AGO))
        with running(role.run, role.stop):
            eventually(lambda: not land.unplanned(), 2 * PATIENCE)
            kafka.kill()
            land.take(*registered(DANA, LONG_AGO))
            kafka.start()
            eventually(lambda: not land.unplanned(), 3 * PATIENCE)


def test_records_that_kafka_let_go_of_stop_nobody(land: Country) -> None:
    """After an absence longer than Kafka keeps records, a worker goes on with what is there, and acknowledges it."""
    handler = Away(land.topics.persons)
    handler.back = True
    with working(land, handler):
        sent(land, 10)
        eventually(lambda: land.committed("worker") == 10)
    sent(land, 10)
    admin = AdminClient(land.topics.brokers.client())
    [gone] = admin.delete_records([TopicPartition(land.topics.persons, SAME_PLACE, 15)]).values()
    assert gone.result().low_watermark == 15
    with working(land, handler):
        eventually(lambda: land.committed("worker") == 20)
    assert len(handler.taken) == 15


def test_kafka_that_is_not_there_yet_is_waited_for(server: URL, tmp_path: Path) -> None:
    """A worker that starts while the broker is down says so, begins when it is there, and stops when asked to."""
    with own_land(server, tmp_path) as (land, kafka):
        land.take(*registered(AIGERIM, LONG_AGO))
        land.relayed()
        kafka.kill()
        with working(land, there=False):
            eventually(lambda: any("Kafka does not answer" in each for each in land.told))
        with working(land, there=False):
            kafka.start()
            eventually(lambda: not land.unplanned(), 3 * PATIENCE)


def test_kafka_that_goes_away_during_the_start_is_told(server: URL, tmp_path: Path) -> None:
    """Where the broker falls silent after the first look, the worker is not ready long before Faust gives up."""
    with own_land(server, tmp_path) as (land, kafka):
        land.topics.ensure()
        first = [kafka.pause]
        with working(land, there=False, looked=lambda: [first.pop()() for _ in first[:]]) as worker:
            eventually(lambda: "Kafka does not answer" in worker.away, 20)
            kafka.resume()
            eventually(lambda: f"working on {land.topics.persons}" in land.told, 2 * PATIENCE)
            assert not worker.away


def test_a_worker_says_that_its_topic_was_deleted(land: Country) -> None:
    """While the topic is missing it waits; once it is made anew the worker ends, and says why and what to do."""
    admin, topic = AdminClient(land.topics.brokers.client()), land.topics.persons
    land.topics.ensure()
    sent(land, 5)
    worker = process(land, "worker")
    says(worker, "working on")
    eventually(lambda: land.committed("worker") == 5)
    [gone] = admin.delete_topics([topic]).values()
    gone.result()
    says(worker, f"Kafka has no topic {topic}")
    land.topics.ensure()
    code, said = ended(worker)
    assert (code, f"Somebody deleted the topic {topic}" in said) == (3, True), said
