"""Sends a range of the log to Kafka once more, for other consumers: the relay's records, marked as a replay.

They go to a topic of their own, so that no worker is woken; on the workers' topic they would wake, which is harmless.
"""

import re
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from domain.core.ids import Names, Position
from domain.core.translatable import Number, Said, Words
from projections.bulk import among
from projections.tables import micros
from streams.kafka.producer import Record, Sender
from streams.kafka.topics import Topics
from streams.log.decoding import LIFE, life_of
from streams.log.recorder import WAKING, FactRecorder, first_fact
from streams.planning.wakeups import WakeUpReader
from streams.queues.jobs import HoldsNothing, Plan, Save, Step
from streams.storage.database import Database
from streams.storage.tables import log

HEADER = "replay"
"""Its value is the number of the job."""
PAGE, COUNTED = 20_000, 1_000_000
_LEGAL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
USUAL_RATE = 30_000.0


class BadRange(ValueError):
    """Raised for a range without life events."""

    def __init__(self, problem: str) -> None:
        super().__init__(Words("There is nothing to replay: {problem}.", problem=problem))


class BadTopic(ValueError):
    """Raised for a topic that replays must not go to."""

    def __init__(self, topic: str, problem: str) -> None:
        super().__init__(Words("Replays do not go to {topic}: {problem}.", topic=topic, problem=problem))


def position_at(connection: Connection, moment: datetime) -> Position:
    """Return the position after which the life events were recorded at that moment or later.

    A binary search: the log is in the order of recording. With several machines it is as exact as their clocks agree.
    """
    low, high = Position(0), FactRecorder.last_position(connection)
    while low < high:
        middle = Position((low + high) // 2)
        row = first_fact(connection, middle, high, (LIFE,))
        if row is None or micros(life_of(row).recorded) >= micros(moment):
            high = middle
        else:
            low = row[0]
    return low


class Range(msgspec.Struct, frozen=True):
    """The facts after position `after`, up to and including `upto`."""

    after: int
    upto: int


def checked(connection: Connection, asked: Range) -> Range:
    """Return the range, cut at the end of the log.

    Raises:
        BadRange: it ends before it begins, or no life event is in it.
    """
    found = Range(asked.after, min(asked.upto, FactRecorder.last_position(connection)))
    if asked.after >= asked.upto:
        raise BadRange(Said("its end does not come after its beginning"))
    if first_fact(connection, found.after, found.upto, WAKING) is None:
        raise BadRange(
            Words(
                "no life event was recorded between positions {first} and {last}",
                first=Number(asked.after + 1),
                last=Number(asked.upto),
            )
        )
    return found


class Republishing(HoldsNothing):
    """The work of a job. A crash repeats at most one page; consumers tell repeated records by key and `position`."""

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
        self._waking, self._sender = WakeUpReader(names, page), Sender(topics.brokers)
        self._headers = [(HEADER, str(job).encode())]
        self._there, self._counted = False, counted

    def count(self, cursor: str) -> Step | Plan:
        """Count the events of the next part of the range; a record is sent for each person whom one names.

        Raises:
            BadTopic: the topic is one of the registries' events, or its name is not allowed.
        """
        if not _LEGAL.fullmatch(self._topic):
            raise BadTopic(
                self._topic, Said("a topic has up to 249 Latin letters, digits, '.', '_' and '-' for a name")
            )
        if self._topic in (self._topics.life_in, self._topics.life_dead):
            raise BadTopic(self._topic, Said("what registries send in goes there"))
        start, end = self._chosen.after, self._chosen.upto
        after, count = map(int, cursor.split()) if cursor else (start, 0)
        upto = min(end, after + self._counted)
        these = (log.c.position > after, log.c.position <= upto, among(log.c.topic, WAKING))
        with self._database.reading() as connection:
            count += connection.execute(select(func.count()).select_from(log).where(*these)).scalar_one()
        if upto < end:
            return Step(f"{upto} {count}", upto - start, end - start, unit="facts")
        places = {"first": Number(start + 1), "last": Number(end)}
        what = Words("send positions {first} to {last} to {topic}", **places, topic=self._topic)
        return Plan(what, count, "events", USUAL_RATE)

    def step(self, cursor: str, _save: Save) -> Step:
        """Send one page; the cursor is the position, and the counts of events and records sent up to it.

        Raises:
            KafkaFailure, NotDelivered: not all was sent.
        """
        if not self._there:
            self._topics.ensure({self._topic: self._topics.retention_hours})
            self._there = True
        after, events, records = map(int, cursor.split()) if cursor else (self._chosen.after, 0, 0)
        with self._database.reading() as connection:
            position, woken = self._waking.page_after(connection, after, self._chosen.upto)
        records += self._sender.send(Record(self._topic, key, value, self._headers) for key, value in woken)
        events += len({value for _, value in woken})
        finished = position >= self._chosen.upto
        words = msgspec.json.encode({"topic": self._topic, "records": records}).decode() if finished else ""
        if finished:
            self._sender.close()
        of = events if finished else None  # an event that names nobody has no record
        return Step(f"{position} {events} {records}", events, of=of, finished=finished, words=words)

    def abandon(self) -> None:
        """Close the connections; records that were sent cannot be taken back."""
        self._sender.close()
