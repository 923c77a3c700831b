"""The write context: what every writer of facts about a person needs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.facts.facts import Fact
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKey
from streams.rules.library import Library
from streams.storage.database import Database

Append = Callable[[Connection, Sequence[LifeEvent]], Mapping[str, PersonKey]]


class WriteContext(Struct, frozen=True):
    """Database, log, rules in force and clock. `append` (Intake's) takes in life events that the platform reports."""

    database: Database
    log: Log
    library: Library
    names: Names
    append: Append
    clock: Callable[[], datetime]

    def note(self, stream: UUID, person: str, fact: Fact) -> None:
        """Append a fact about a person to a stream of such facts. Concurrent calls get consecutive versions."""

        def work(connection: Connection) -> None:
            self.log.keys.hold(connection, [person])
            before = len(self.log.streams(connection, [stream]))
            self.log.append(connection, [Entry(stream, before + 1, fact)])

        self.database.write(work)
