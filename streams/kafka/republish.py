"""A range of the log to Kafka once more, for other consumers: the relay's records, marked as a replay.

They go to a topic of their own, so that no worker is woken; to the workers' topic they would wake, which is harmless.
"""

import re
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from domain.core.ids import Names
from projections.bulk import among
from projections.tables import micros
from streams.kafka.records import Record, Sender
from streams.kafka.topics import Topics
from streams.log.decoding import LIFE, head_of
from streams.log.recorder import FactRecorder, first_fact
from streams.planning.wakeups import WAKING, Waking
from streams.queues.jobs import Plan, Save, Step
from streams.storage.database import Database
from streams.storage.tables import log

HEADER = "replay"
"""Its value is the number of the job."""
PAGE, COUNTED = 20_000, 1_000_000
_LEGAL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
A_SECOND = 30_000.0


class BadRange(ValueError):
    """There is nothing to replay: {problem}."""

    def __init__(self, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(problem=problem))


class BadTopic(ValueError):
    """Replays do not go to {topic}: {problem}."""

    def __init__(self, topic: str, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(topic=topic, problem=problem))


def position_at(connection: Connection, moment: datetime) -> int:
    """The position behind which the life events begin that were recorded at that moment or later.

    By halving, since the log is in the order of recording: whoever has several machines with other clocks is off by
    as much as these.
    """
    low, high = 0, FactRecorder.last_position(connection)
    while low < high:
        middle = (low + high) // 2
        row = first_fact(connection, middle, high, (LIFE,))
        if row is None or micros(head_of(row).recorded) >= micros(moment):
            high = middle
        else:
            low = row[0]
    return low


class Range(msgspec.Struct, frozen=True):
    """The facts behind `after`, up to `upto`."""

    after: int
    upto: int


def checked(connection: Connection, asked: Range) -> Range:
    """The range, as far as there is a log.

    Raises:
        BadRange: it is the wrong way round, or no life event is in it.
    """
    found = Range(asked.after, min(asked.upto, FactRecorder.last_position(connection)))
    if asked.after >= asked.upto:
        raise BadRange("its end does not come after its beginning")
    if first_fact(connection, found.after, found.upto, WAKING) is None:
        raise BadRange(f"no life event was recorded between positions {asked.after + 1:,} and {asked.upto:,}")
    return found


class Republishing:
    """The work of a job. A kill repeats at most one page: whoever counts tells records by key and `position`."""

    def __init__(
        self,
        database: Database,
        names: Names,
        topics: Topics,
        topic: str,
        chosen: Range,
        job: int,
        page: int = PAGE,
        counted: int = COUNTED,
    ) -> None:
        self._database, self._topics, self._topic, self._chosen = database, topics, topic, chosen
        self._waking, self._sender = Waking(names, page), Sender(topics.brokers)
        self._headers = [(HEADER, str(job).encode())]
        self._there, self._counted = False, counted

    def count(self, cursor: str) -> Step | Plan:
        """So many events, a part of the range at a time; a record is sent for each person whom one names.

        Raises:
            BadTopic: it is one for what registries send in, or none can be called so.
        """
        if not _LEGAL.fullmatch(self._topic):
            raise BadTopic(self._topic, "a topic has up to 249 Latin letters, digits, '.', '_' and '-' for a name")
        if self._topic in (self._topics.life_in, self._topics.life_dead):
            raise BadTopic(self._topic, "what registries send in goes there")
        start, end = self._chosen.after, self._chosen.upto
        after, count = map(int, cursor.split()) if cursor else (start, 0)
        upto = min(end, after + self._counted)
        these = (log.c.position > after, log.c.position <= upto, among(log.c.topic, WAKING))
        with self._database.reading() as connection:
            count += connection.execute(select(func.count()).select_from(log).where(*these)).scalar_one()
        if upto < end:
            return Step(f"{upto} {count}", upto - start, end - start, unit="facts")
        what = f"send positions {start + 1:,} to {end:,} to {self._topic}"
        return Plan(what, count, "events", A_SECOND)

    def step(self, cursor: str, _save: Save) -> Step:
        """One page; its cursor is the position, and how many events and records were sent up to it.

        Raises:
            KafkaFailure, NotDelivered: with what to do.
        """
        if not self._there:
            self._topics.ensure({self._topic: self._topics.retention_hours})
            self._there = True
        after, events, records = map(int, cursor.split()) if cursor else (self._chosen.after, 0, 0)
        with self._database.reading() as connection:
            position, woken = self._waking.after(connection, after, self._chosen.upto)
        records += self._sender.send(Record(self._topic, key, value, self._headers) for key, value in woken)
        events += len({value for _, value in woken})
        finished = position >= self._chosen.upto
        words = msgspec.json.encode({"topic": self._topic, "records": records}).decode() if finished else ""
        if finished:
            self._sender.close()
        of = events if finished else None  # an event that names nobody has no record
        return Step(f"{position} {events} {records}", events, of=of, finished=finished, words=words)

    def rest(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """What was sent is sent."""
        self._sender.close()
