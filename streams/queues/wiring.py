"""Build the objects of streams.queues."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from domain.core.ids import Names
from streams.log.person_keys import PersonKeys
from streams.queues.dead_letters import DeadLetterQueue
from streams.queues.job_store import Jobs
from streams.storage.database import Database


class QueueParts(Struct, frozen=True):
    """The jobs, and the queue that takes what cannot be handled."""

    jobs: Jobs
    dead_letter_queue: DeadLetterQueue


def build(database: Database, keys: PersonKeys, names: Names, clock: Callable[[], datetime]) -> QueueParts:
    """Return the objects of this package."""
    return QueueParts(Jobs(database, clock), DeadLetterQueue(keys, names, clock))
