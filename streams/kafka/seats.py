"""Seats: the names by which Kafka knows a group's members over their restarts (static membership, KIP-345).

A member without a name is a new one after each restart. Kafka then stops the whole group until the session of the
dead one has ended. A named one resumes its partitions, and the others never stop. Names must be unique among running
members, so each is a lock of the database that ends with its process. A new process takes the lowest free one.
"""

import threading
from contextlib import suppress
from itertools import count

from streams.kafka.errors import KafkaFailure
from streams.storage.database import Database
from streams.storage.errors import UNAVAILABLE_ERRORS
from streams.storage.leadership import SEAT_LOCKS, LeaderLock

ROLES = ("worker", "intake")
MANY = 0x100
"""The most seats of one role."""


class SeatTaken(KafkaFailure):
    """Raised when another process took the seat while the database was away."""


class Seat:
    """The seat of this process in its group."""

    def __init__(self, database: Database, role: str) -> None:
        """Take the lowest seat that is free. Raises OperationalError where the database does not answer."""
        self._role, self._guard = role, threading.Lock()
        base = SEAT_LOCKS + ROLES.index(role) * MANY
        for number in count():
            lock = LeaderLock(database, base + number)
            if lock.acquire() is not None:
                self.number, self._lock = number, lock
                return

    @property
    def name(self) -> str:
        """The `group.instance.id`."""
        return f"{self._role}-{self.number}"

    def keep(self) -> None:
        """Take the seat again if it was lost with the connection; where the database is away, the next call tries.

        Raises:
            SeatTaken: another process has the seat by now.
        """
        with self._guard:
            try:
                self._lock.check()
            except Exception:  # noqa: BLE001  (whatever failed, the lock may be gone)
                with suppress(Exception):
                    self._lock.release()
            with suppress(*UNAVAILABLE_ERRORS):
                if self._lock.acquire() is None:
                    raise SeatTaken(
                        f"Another {self._role} took seat {self.number} while the database was away. Start again:"
                        " this one gets another seat."
                    )

    def close(self) -> None:
        """Leave the seat to the next process that starts."""
        with self._guard, suppress(Exception):
            self._lock.release()
