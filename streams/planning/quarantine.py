"""Dead letters of the planning worker: records that it cannot read, and persons who cannot be planned.

A person's letter is removed when they are planned after all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Select, select

from streams.planning.planning import Planning
from streams.planning.wakeups import BadRecord, read_wake_up
from streams.queues.dead_letters import DeadLetterQueue, Letter, LetterKind, StillDead
from streams.storage.database import Database, Priority
from streams.storage.tables import dead_letters

RECORD, PERSON = "kafka.record", "person"
"""The kinds of dead letters."""


class UnreadableRecord(Struct, frozen=True):
    """A record that cannot be read: its place, the cause, and its content."""

    place: str
    cause: str
    key: bytes | None
    value: bytes | None


class PlanningQuarantine:
    """Keeps unreadable records and unplannable persons as dead letters; removes those of persons planned since."""

    def __init__(self, database: Database, letters: DeadLetterQueue) -> None:
        self._database, self._letters = database, letters

    def keep(
        self, records: Iterable[UnreadableRecord], unplannable: Mapping[str, str], planned: Sequence[str] = ()
    ) -> None:
        """Add letters for these records and persons (person -> cause); remove those of the planned persons."""
        letters = [
            Letter(RECORD, record.place, record.cause, _encode((record.key, record.value))) for record in records
        ]
        letters += [Letter(PERSON, who, cause, who.encode(), who) for who, cause in unplannable.items()]
        with self._database.reading() as connection:
            settled = sorted(self.among(connection, planned))
        if letters or settled:
            self._database.write(lambda connection: self._write(connection, letters, settled), Priority.PLANNING)

    def _write(self, connection: Connection, letters: Iterable[Letter], settled: Sequence[str]) -> None:
        for letter in letters:
            self._letters.put(connection, letter)
        self._letters.settle(connection, PERSON, settled)

    def among(self, connection: Connection, persons: Sequence[str]) -> set[str]:
        """Return those of the persons who have a letter."""
        return self._letters.about(connection, PERSON, persons)


def unplannable_persons() -> Select[tuple[str | None]]:
    """Select the persons who cannot be planned until somebody mends the cause."""
    return select(dead_letters.c.person).where(dead_letters.c.kind == PERSON, dead_letters.c.person.is_not(None))


def letter_kinds(planning: Planning) -> dict[str, LetterKind]:
    """Return how these dead letters are retried: by planning the person they are about."""

    def plan(person: str) -> None:
        if cause := planning.plan_woken([person]).get(person):
            raise StillDead(cause)

    def record(content: bytes) -> None:
        try:
            plan(read_wake_up(*_decode(content))[0])
        except BadRecord as bad:
            raise StillDead(bad.args[0]) from None

    return {
        RECORD: LetterKind(record, _description),
        PERSON: LetterKind(lambda content: plan(content.decode()), bytes.decode),
    }


def _description(content: bytes) -> str:
    key, value = _decode(content)
    return f"a record with a key of {len(key or b'')} bytes and a value of {len(value or b'')}"


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], tuple[bytes | None, bytes | None]] = msgspec.msgpack.Decoder(
    tuple[bytes | None, bytes | None]
).decode
