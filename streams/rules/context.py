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
from streams.storage.database import Database, Priority

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


class EventWriter:
    """The parts of a context that a writer of life events works with, and its transactions."""

    def __init__(self, context: WriteContext) -> None:
        self._database, self._log, self._library = context.database, context.log, context.library
        self._names, self._append, self._clock = context.names, context.append, context.clock

    def _write(
        self, work: Callable[[Connection], Mapping[str, PersonKey] | None], priority: Priority = Priority.INTAKE
    ) -> bool:
        """Run the work in a transaction, and remember the keys that it made; return False for None: nothing new."""
        made = self._database.write(work, priority)
        self._log.keys.remember(made or {})
        return made is not None
