"""The roles as processes: what is wrong is said, what heals is waited for, what cannot heal ends with its code."""

import asyncio
import itertools
import json
import signal
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from msgspec import structs
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.clock import system_clock
from streams.kafka.errors import KafkaUnavailable, TopicRefused
from streams.kafka.lag import KafkaLag, Lag
from streams.kafka.producer import Record, Sender
from streams.kafka.topics import Topics
from streams.kafka.worker import DEFECT_EXIT, IncomingRecord, Tuning, Worker
from streams.storage.errors import may_recover
from tests.services.delay import far_away
from tests.streams.distributed import Country, ended, eventually, everyday, health_port, process, says, sent, working
from tests.streams.storing import PATIENCE, url_in

KAFKA_ROLES = (["relay"], ["worker"], ["worker", "--intake"])
DATABASE_ROLES = (*KAFKA_ROLES, ["api", "--port", "0"], ["dispatch"])


@pytest.mark.parametrize("role", KAFKA_ROLES)
@pytest.mark.parametrize(
    ("environment", "code", "words"),
    [
        ({"HABARSHY_KAFKA": ""}, 2, "HABARSHY_KAFKA=host:9092"),
        (
            {"HABARSHY_KAFKA_TLS": "true", "HABARSHY_KAFKA_CA_FILE": "/nonexistent.pem"},
            2,
            "kafka_ca_file: /nonexistent.pem: No such file",
        ),
        ({"HABARSHY_DATABASE": "sqlite:////tmp/none.sqlite"}, 2, "habarshy run"),
    ],
)
def test_what_cannot_be_used_is_said(
    land: Country, role: list[str], environment: dict[str, str], code: int, words: str
) -> None:
    """Without a broker named or the file that is, or on SQLite, a role ends with 2 and says what to do."""
    assert_ends(land, role, environment, code, words)


@pytest.mark.parametrize("role", DATABASE_ROLES)
def test_a_database_that_refuses_us_ends_the_role(land: Country, role: list[str]) -> None:
    """Where the server answers that there is no such database, waiting does not help: 3."""
    other = make_url(land.url).set(database="nobody_made_it").render_as_string(hide_password=False)
    assert_ends(land, role, {"HABARSHY_DATABASE": other}, 3, "nobody_made_it")


@pytest.mark.parametrize("role", KAFKA_ROLES)
def test_a_topic_of_another_size_ends_the_role(land: Country, role: list[str]) -> None:
    """A topic with another number of partitions ends a role with 3, and the words say what to do."""
    admin = AdminClient({"bootstrap.servers": land.topics.address})
    for made in admin.create_topics([NewTopic(land.topics.persons, 3, 1)]).values():
        made.result()
    assert_ends(land, role, {}, 3, "has 3 partitions, not 12")


@pytest.mark.parametrize("role", DATABASE_ROLES)
@pytest.mark.parametrize(
    ("version", "words"), [("0001", "Run `habarshy migrate`"), ("9999", "is newer than this code")]
)
def test_a_schema_of_another_version_ends_the_role(land: Country, role: list[str], version: str, words: str) -> None:
    """Where the tables are older or newer than the code, a role ends with 3, says what to do, and changes nothing."""
    with land.platform.database.engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version_num = :version"), {"version": version})
    assert_ends(land, role, {}, 3, words)


def assert_ends(land: Country, role: list[str], environment: dict[str, str], code: int, words: str) -> None:
    """The role ends with that code and these words, and no traceback."""
    ended_with, said = ended(process(land, *role, **environment))
    assert (ended_with, words in said, "Traceback" in said) == (code, True, False), said


@pytest.mark.parametrize(
    ("words", "may_heal"),
    [
        ('FATAL:  password authentication failed for user "habarshy"', False),
        ('FATAL:  role "habarshy" does not exist', False),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ("FATAL:  terminating connection due to administrator command", True),
        ('ВАЖНО:  пользователь "habarshy" не прошёл проверку подлинности (по паролю)', False),
        ('ВАЖНО:  роль "habarshy" не существует', False),
        ("ВАЖНО:  система баз данных запускается", True),
        ("ВАЖНО:  извините, уже слишком много клиентов", True),
        ("ВАЖНО:  закрытие подключения по команде администратора", True),
        ("connection to server at 127.0.0.1 failed: Connection refused", True),
        ("server closed the connection unexpectedly", True),
    ],
)
def test_what_may_heal_is_told_from_what_may_not(words: str, may_heal: bool) -> None:  # noqa: FBT001  (a table)
    """A server that is away comes back; one that refuses the password goes on refusing it, in Russian too."""
    assert may_recover(Exception(words)) == may_heal


@pytest.mark.parametrize("role", DATABASE_ROLES)
def test_a_database_that_is_not_there_is_waited_for(land: Country, role: list[str]) -> None:
    """Without a server a role says so in a line, makes nothing, and goes on trying until it is asked to stop."""
    nobody = make_url(land.url).set(port=1).render_as_string(hide_password=False)
    running = process(land, *role, HABARSHY_DATABASE=nobody)
    assert "trying again" in says(running, "connection failed")
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    ended(running)


@pytest.mark.parametrize("role", KAFKA_ROLES)
def test_a_broker_that_is_not_there_is_waited_for(land: Country, role: list[str]) -> None:
    """Without a broker a role says so in a line, and goes on trying until it is asked to stop."""
    running = process(land, *role, HABARSHY_KAFKA="127.0.0.1:1")
    says(running, "Kafka does not answer at 127.0.0.1:1")
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    ended(running)


@pytest.mark.parametrize("role", [["relay"], ["worker"], ["worker", "--intake"], ["api", "--port", "0"]])
def test_each_role_answers_on_its_health_port(land: Country, role: list[str]) -> None:
    """Every role has /livez, /readyz, /health and /metrics, and ends well when it is asked to."""
    land.take(*everyday(2))
    running = process(land, *role, "--health-port", "0")
    port = health_port(running)
    answered: dict[str, str] = {}

    def answers() -> bool:
        for path in ("livez", "readyz", "health", "metrics"):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=PATIENCE) as answer:
                    answered[path] = answer.read().decode()
            except OSError:
                return False
        return True

    eventually(answers, 2 * PATIENCE)
    assert json.loads(answered["health"])["standing"]["facts"] > 0
    assert "habarshy_reconciled_total 0.0" in answered["metrics"]
    running.send_signal(signal.SIGTERM)
    assert ended(running)[0] == 0


def known(lag: KafkaLag) -> list[Lag]:
    """The lag, once the broker leads the partitions that were just made."""
    try:
        return lag.partitions()
    except KafkaUnavailable:
        return []


def test_the_lag_of_a_topic_is_known_by_partition(land: Country) -> None:
    """How many records a group has not acknowledged, and how long the first waits, is read from Kafka itself."""
    land.topics.ensure()
    lag = KafkaLag(land.topics, "worker", land.topics.persons, system_clock)
    eventually(lambda: known(lag) == [Lag(0, 0.0, land.topics.persons, at) for at in range(12)])
    before = system_clock()
    sender = Sender(land.topics.brokers)
    sender.send(Record(land.topics.persons, b"same key", b"") for _ in range(5))
    sender.close()
    lag.partitions()
    [behind] = [each for each in lag.partitions() if each.count]  # also the second time
    assert behind.count == 5
    assert 0 <= behind.seconds <= (system_clock() - before).total_seconds() + 1
    with working(land):
        eventually(lambda: not any(each.count for each in lag.partitions()))
    lag.close()


class Stuck(KafkaLag):
    """Its first consumer gets no record, as one may that knows a topic which was deleted and made anew meanwhile."""

    _first: Consumer | None = None

    def _since(self, consumer: Consumer, first: Mapping[int, int]) -> dict[int, int]:
        self._first = self._first or consumer
        if consumer is self._first:
            raise KafkaUnavailable("127.0.0.1", "no record in time")
        return super()._since(consumer, first)


def test_who_gets_no_record_looks_by_another_connection(land: Country) -> None:
    """A consumer that gets nothing is not asked again: else a worker that is stuck beside it is never noticed."""
    land.topics.ensure()
    sent(land, 3)
    lag = Stuck(land.topics, "worker", land.topics.persons, system_clock)
    eventually(lambda: sum(each.count for each in known(lag)) == 3)
    lag.close()


class Nothing:
    """Takes records, and has none."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def take(self, records: object) -> None:
        raise AssertionError(records)


async def silent(land: Country, topics: Topics, stalled: float) -> list[int]:
    """The codes with which a worker ended of whose partitions ever older records are told, and that gets none."""
    codes: list[int] = []
    ages = itertools.count()
    worker = Worker(
        topics,
        "worker",
        Nothing(topics.persons),
        land.told.append,
        lambda: [Lag(5, float(next(ages)), topics.persons, 3)],
        Tuning(session=6.0, stalled=stalled),
        codes.append,
    )
    await asyncio.wait_for(worker.run(asyncio.Event()), PATIENCE)
    return codes


async def test_a_worker_that_goes_silent_ends(land: Country) -> None:
    """Where records of its partitions wait and none arrives, a worker ends, so that it is started anew."""
    land.topics.ensure()
    assert await silent(land, land.topics, 0.5) == [DEFECT_EXIT]
    assert "do not arrive" in land.told[-1]


async def test_a_worker_that_starts_slowly_is_not_given_up_in_the_midst(land: Country) -> None:
    """A start that takes longer than a stall is waited for: in the midst it would leave connections behind."""
    land.topics.ensure()
    async with far_away(int(land.topics.address.rpartition(":")[2]), 1.0) as far:
        brokers = structs.replace(land.topics.brokers, address=f"127.0.0.1:{far}")
        topics = structs.replace(land.topics, brokers=brokers)
        assert await silent(land, topics, 0.2) == [DEFECT_EXIT]
    assert ["working on" in told for told in land.told] == [True, False]


async def test_a_topic_that_was_lost_and_made_anew_is_read(land: Country) -> None:
    """A worker gets no records of a topic that was deleted and made again, so it ends, and the next one does."""
    land.topics.ensure()
    handler, codes = Keeps(land.topics.persons), list[int]()
    lag = KafkaLag(land.topics, "worker", land.topics.persons, system_clock)
    first = Worker(
        land.topics,
        "worker",
        handler,
        land.told.append,
        lag.partitions,
        Tuning(session=6.0, stalled=1.0),
        codes.append,
    )
    running = asyncio.create_task(first.run(asyncio.Event()))
    await asyncio.to_thread(sent, land, 20)
    await asyncio.to_thread(eventually, lambda: land.committed("worker") == 20)
    await asyncio.to_thread(made_anew, land)
    await asyncio.to_thread(sent, land, 5)
    await asyncio.wait_for(running, 3 * PATIENCE)
    lag.close()
    assert (codes, len(handler.taken)) == ([DEFECT_EXIT], 20)
    with working(land, handler):
        await asyncio.to_thread(eventually, lambda: len(handler.taken) == 25, 2 * PATIENCE)


def made_anew(land: Country) -> None:
    """All topics, deleted and made again."""
    land.forget()

    def made() -> bool:
        try:
            land.topics.ensure()
        except (KafkaUnavailable, TopicRefused):
            return False  # the deletion is not over yet
        return True

    eventually(made)


class Keeps:
    """Keeps what it takes."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.taken: list[IncomingRecord] = []

    def take(self, records: Sequence[IncomingRecord]) -> None:
        self.taken += records


def test_where_it_is_sqlite_nothing_is_made(land: Country, tmp_path: Path) -> None:
    """A role that is refused on SQLite makes no file."""
    ended(process(land, "relay", HABARSHY_DATABASE=url_in(tmp_path / "none")))
    assert not (tmp_path / "none").exists()
