"""The relay: reads the log by position and sends Kafka a record for each person whom an event wakes.

One process is active. Its position is saved only after every record was reported as stored. After a crash some
records are sent again, which does no harm: a record only wakes a worker, and the database decides.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from domain.core.ids import Names
from projections import positions
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import Lag, log_lag
from streams.kafka.producer import NotDelivered, Record, Sender
from streams.kafka.topics import Topics
from streams.planning.wakeups import WakeUpReader
from streams.storage import signals
from streams.storage.database import Database
from streams.storage.errors import UNAVAILABLE_ERRORS, Backoff, permanent_error, summary
from streams.storage.leadership import RELAY_LOCK, LeaderLock
from streams.storage.signals import Signal

READER = positions.RELAY
PAGE = 5000
LOOK_EVERY, TURN_EVERY, ASK_EVERY = 0.5, 1.0, 5.0
"""Seconds between two looks for facts of which no signal came, between two tries to become active, and between
two checks of Kafka while there is nothing to send."""
PACE = 0.02
"""Seconds between the signal of an append and the look for it: what is appended meanwhile goes along."""


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
        self._waking, self._sender, self._limit = WakeUpReader(names, page), Sender(topics.brokers), page
        self._lock = LeaderLock(database, RELAY_LOCK)
        self._stopping = threading.Event()
        self.active, self._waiting, self.away = False, False, ""
        self._unasked = 0.0

    def stop(self) -> None:
        """Begin no further page."""
        self._stopping.set()

    def run(self) -> None:
        """Relay until stopped; waits for the leader lock, for the database and for Kafka.

        Raises:
            DatabaseUnavailable: waiting does not help, such as a wrong password.
            KafkaFailure: waiting does not help: we are refused, or the topics are not like ours.
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
        self._stopping.wait(TURN_EVERY)
        self._idled(TURN_EVERY)

    def _await_facts(self, session: Connection) -> None:
        """Wait for the signal of a fact that wakes persons, or for the time of the next look."""
        if signals.wait(session, LOOK_EVERY):
            self._stopping.wait(PACE)
        else:
            self._idled(LOOK_EVERY)

    def _idled(self, seconds: float) -> None:
        """Every ASK_EVERY seconds without work, check that Kafka answers and the topics exist."""
        self._unasked += seconds
        if self._unasked >= ASK_EVERY:
            self._unasked = 0.0
            there = [
                self._sender.check_topic(topic, self._topics.partitions, self._topics.answer_seconds)
                for topic in self._topics.hours()
            ]
            if self.active and not all(there):  # somebody deleted one, which its readers need
                self._make_topics()
            self.away = ""

    def _pause(self, backoff: Backoff, reason: str) -> None:
        """Give up the lead, so that another relay may try, and wait."""
        self._give_up()
        self.away = reason
        self._stopping.wait(backoff.next_pause(reason))

    def _give_up(self) -> None:
        self.active = False
        self._lock.release()

    def _active(self, session: Connection, backoff: Backoff) -> None:
        self._make_topics()
        signals.listen(session, Signal.WAKES)
        self._tell(f"relaying to {self._topics.persons} from position {positions.position_of(session, READER)} on")
        self.active, self._waiting = True, False
        while not self._stopping.is_set():
            if self.page(session) < self._limit:  # else more may wait already
                self._await_facts(session)
            backoff.recovered("relaying")
            self.away = ""

    def _make_topics(self) -> None:
        for altered in self._topics.ensure():
            self._tell(altered)

    def page(self, session: Connection) -> int:
        """Relay one page; return its number of positions."""
        before = positions.position_of(session, READER)
        with self._database.reading() as connection:
            upto, woken = self._waking.page_after(connection, before)
        self._sender.send(Record(self._topics.persons, key, value) for key, value in woken)
        if upto > before:
            positions.save(session, READER, upto)
        return upto - before

    def behind(self) -> Lag:
        """Return the lag of the active relay, in this or another process."""
        return log_lag(self._database, READER, self._clock())
