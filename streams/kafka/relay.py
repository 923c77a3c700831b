"""The relay: reads the log by position and tells Kafka whom each event woke.

One is active; its position is saved only after every record was reported as delivered. What happens in between is
sent again, which costs nothing: a record only wakes, and the database decides.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection

from domain.core.ids import Names
from projections import positions
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import Lag, of_log
from streams.kafka.records import NotDelivered, Record, Sender
from streams.kafka.topics import Topics
from streams.planning.wakeups import Waking, Woken
from streams.queries.health import RELAY_READER
from streams.storage.database import Database
from streams.storage.errors import UNAVAILABLE_ERRORS, Backoff, permanent_error, summary
from streams.storage.leadership import RELAY, LeaderLock

READER = RELAY_READER
PAGE = 5000
LOOK_EVERY, TURN_EVERY, ASK_EVERY = 0.05, 1.0, 5.0
"""Seconds between two looks for new facts, between two tries to become the active one, and of having nothing to send
until Kafka is asked whether it answers."""


class Relay:
    """Sends one record for each event and person named, in the order of the log.

    Raises NeedsPostgres on SQLite.
    """

    def __init__(
        self,
        database: Database,
        names: Names,
        topics: Topics,
        clock: Callable[[], datetime],
        tell: Callable[[str], None],
        page: int = PAGE,
    ) -> None:
        self._database, self._topics, self._clock, self._tell = database, topics, clock, tell
        self._waking, self._sender = Waking(names, page), Sender(topics.brokers)
        self._lock = LeaderLock(database, RELAY)
        self._stopping = threading.Event()
        self.active, self._waiting, self.away = False, False, ""
        self._unasked = 0.0

    def stop(self) -> None:
        """Begin no further page."""
        self._stopping.set()

    def run(self) -> None:
        """Relay until stopped; waits for its turn, for the database and for Kafka.

        Raises:
            DatabaseUnavailable: what waiting does not heal, such as another password.
            KafkaFailure: another than KafkaUnavailable: we are refused, or the topics are not ours.
        """
        backoff = Backoff(self._tell)
        try:
            while not self._stopping.is_set():
                try:
                    self._lead(backoff)
                except UNAVAILABLE_ERRORS as error:
                    if (refused := permanent_error(error)) is not None:
                        raise refused from None
                    self._pause(backoff, summary(error))
                except (KafkaUnavailable, NotDelivered) as error:
                    self._pause(backoff, str(error))
        finally:
            self._give_up()
            self._sender.close()

    def _lead(self, backoff: Backoff) -> None:
        if (session := self._lock.acquire()) is not None:
            self._active(session, backoff)
            return
        if not self._waiting:
            self._tell("another relay is active; this one takes over when it ends")
        self._waiting = True
        self._idle(TURN_EVERY)

    def _idle(self, seconds: float) -> None:
        """Wait for something to do; now and then see whether it could be done."""
        self._stopping.wait(seconds)
        self._unasked += seconds
        if self._unasked >= ASK_EVERY:
            self._unasked = 0.0
            there = [self._sender.ask(each, self._topics.answer_seconds) for each in self._topics.hours()]
            if self.active and not all(there):  # somebody deleted one: who reads it wants it, though nothing is sent
                self._make_topics()
            self.away = ""

    def _pause(self, backoff: Backoff, reason: str) -> None:
        """Let another one try meanwhile."""
        self._give_up()
        self.away = reason
        self._stopping.wait(backoff.next_pause(reason))

    def _give_up(self) -> None:
        self.active = False
        self._lock.release()

    def _active(self, session: Connection, backoff: Backoff) -> None:
        self._make_topics()
        self._tell(f"relaying to {self._topics.persons} from position {positions.position_of(session, READER)} on")
        self.active, self._waiting = True, False
        while not self._stopping.is_set():
            if not self.page(session):
                self._idle(LOOK_EVERY)
            backoff.recovered("relaying")
            self.away = ""

    def _make_topics(self) -> None:
        for altered in self._topics.ensure():
            self._tell(altered)

    def page(self, session: Connection) -> int:
        """One page further; returns how many positions that was."""
        before = positions.position_of(session, READER)
        with self._database.reading() as connection:
            upto, woken = self._waking.after(connection, before)
        self._sender.send(self._records(woken))
        if upto > before:
            positions.save(session, READER, upto)
        return upto - before

    def _records(self, woken: list[Woken]) -> Iterator[Record]:
        topic = self._topics.persons
        return (Record(topic, key, value) for key, value in woken)

    def behind(self) -> Lag:
        """How far the relay, whichever is active, is behind the log (in positions)."""
        return of_log(self._database, READER, self._clock())
