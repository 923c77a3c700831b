"""Seats: the name by which Kafka knows a member of a group over its restarts (static membership, KIP-345).

A member without a name is a new one after each restart. Kafka then stops the whole group until the session of the
dead one has ended. A named one takes its partitions up again, and the others never stop. Names must be unique among
the living, so each is a lock of the database that ends with its process: whoever starts takes the lowest free one.
"""

import threading
from contextlib import suppress
from itertools import count

from streams.kafka.errors import KafkaFailure
from streams.storage.database import Database
from streams.storage.leadership import SEATS, OneActive
from streams.storage.outages import STORE_AWAY

ROLES = ("worker", "intake")
MANY = 0x100
"""Room for the seats of one role."""


class SeatTaken(KafkaFailure):
    """Another {role} took seat {number} while the database was away. Start again: this one gets another seat."""


class Seat:
    """The seat of this process in its group."""

    def __init__(self, database: Database, role: str) -> None:
        """Take the lowest seat that is free.

        Raises:
            OperationalError: the database does not answer.
        """
        self._role, self._lock = role, threading.Lock()
        base = SEATS + ROLES.index(role) * MANY
        for number in count():
            turn = OneActive(database, base + number)
            if turn.take() is not None:
                self.number, self._turn = number, turn
                return

    @property
    def name(self) -> str:
        """The `group.instance.id`."""
        return f"{self._role}-{self.number}"

    def keep(self) -> None:
        """Take it again if it was lost with the connection to the database; what is away is tried by the next call.

        Raises:
            SeatTaken: somebody else has it by now.
        """
        with self._lock:
            try:
                self._turn.look()
            except Exception:  # noqa: BLE001  (whatever it is, the lock may be gone)
                with suppress(Exception):
                    self._turn.give_up()
            with suppress(*STORE_AWAY):
                if self._turn.take() is None:
                    raise SeatTaken(role=self._role, number=self.number)

    def close(self) -> None:
        """Leave it to the next one that starts."""
        with self._lock, suppress(Exception):
            self._turn.give_up()
