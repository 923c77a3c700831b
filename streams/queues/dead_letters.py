"""Dead letters: items that could not be handled, kept and grouped by cause until they are retried or discarded.

A package that has dead letters:

- Defines a `Kind`: how a letter is retried, and how it is described in a line without personal data. The kinds are
  collected in streams/runtime/wiring.py by name: `{"kafka.record": LetterKind(...), "webhook": LetterKind(...)}`.
- Calls `DeadLetterQueue.put` for an item that can never be handled, in the transaction of its own progress:
  `database.write(lambda connection: queue.put(connection, Letter("kafka.record", "topic/3/14", "not_json", raw)))`.
  The key identifies the item, so that putting it twice (a record that comes again) keeps one letter.
- Gives a `cause` that is a word or a short reason without data (`not_json`, `gone: 410`): letters are grouped by it.
- Leaves the content empty where the person is enough; `about` and `settle` find and remove such letters.
- Accepts that `Kind.retry` may get a letter again that it has handled: the letter is deleted only after it returned,
  and the process may die in between.

The content is sealed with the key of `person`, where there is one, so that their erasure destroys it too; else with
the platform's own key. Only the description by `Kind.tell` is shown.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Select, delete, func, select, update

from domain.core.ids import Names
from projections.bulk import among, change_with, chunked, insert_rows, rows_with
from projections.tables import micros, moment
from streams.log.person_keys import PersonKeys, Sealing
from streams.storage.database import Database
from streams.storage.tables import dead_letters


class LetterFilter(Struct, frozen=True):
    """A selection of letters by ids, kind and cause; None selects any."""

    ids: tuple[UUID, ...] | None = None
    kind: str | None = None
    cause: str | None = None


def restricted_to(query: Select[Any], choice: LetterFilter) -> Select[Any]:
    """Return the query restricted to the selected letters."""
    if choice.ids is not None:
        query = query.where(among(dead_letters.c.id, choice.ids))
    for column, value in ((dead_letters.c.kind, choice.kind), (dead_letters.c.cause, choice.cause)):
        query = query if value is None else query.where(column == value)
    return query


def rows_of(connection: Connection, query: Select[Any], choice: LetterFilter) -> Iterator[Any]:
    """Yield the query's rows for the selected letters, for any number of ids; in no order."""
    parts = [choice] if choice.ids is None else [replace(choice, ids=tuple(part)) for part in chunked(choice.ids)]
    for part in parts:
        yield from connection.execute(restricted_to(query, part))


CAUSE_LENGTH = 200


class StillDead(Exception):
    """Raised by `Kind.retry` when the letter cannot be handled; the cause holds no personal data."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"The letter could not be handled: {cause}.")
        self.cause = cause


class LetterKind(Struct, frozen=True):
    """The operations on letters of a kind.

    `retry`: handle the content, or raise. `StillDead` gives the cause; of another exception only the name is kept.
    `tell`: describe the content in a line without personal data.
    """

    retry: Callable[[bytes], None]
    tell: Callable[[bytes], str]


class Letter(Struct, frozen=True):
    """An item that cannot be handled; `key` identifies it within its kind, `person` is its subject."""

    kind: str
    key: str
    cause: str
    content: bytes
    person: str | None = None


class DeadLetter(Struct, frozen=True):
    """A kept letter; `told` describes it, or says why that is not possible."""

    id: UUID
    kind: str
    cause: str
    at: datetime
    attempts: int
    told: str


class Group(Struct, frozen=True):
    """Letters with one cause."""

    kind: str
    cause: str
    count: int
    oldest: datetime
    newest: datetime


class Retried(Struct, frozen=True):
    """The counts of a retry; `unknown`: letters of a kind that this version does not handle."""

    handled: int
    failed: int
    unknown: int


class DeadLetterQueue:
    """The queue that dead letters are put into, and taken from when they are handled after all."""

    def __init__(self, keys: PersonKeys, names: Names, clock: Callable[[], datetime]) -> None:
        self._names, self._clock, self._sealing = names, clock, Sealing(keys)

    def put(self, connection: Connection, letter: Letter) -> UUID:
        """Keep a letter in the caller's transaction; the same one again adds an attempt and takes the new cause."""
        id_ = self._names.dead_letter(letter.kind, letter.key)
        if not _failed_again(connection, id_, letter.cause):
            sealed = self._sealing.seal(connection, letter.content, id_.bytes, letter.person)
            row = (id_, letter.kind, letter.cause[:CAUSE_LENGTH], micros(self._clock()), 1, letter.person, sealed)
            insert_rows(connection, dead_letters, [row], ignore=True)
        return id_

    @staticmethod
    def about(connection: Connection, kind: str, persons: Sequence[str]) -> set[str]:
        """Return those of the persons who have a letter of that kind."""
        found = select(dead_letters.c.person).where(dead_letters.c.kind == kind)
        return {person for (person,) in rows_with(connection, found, dead_letters.c.person, persons)}

    @staticmethod
    def settle(connection: Connection, kind: str, persons: Sequence[str]) -> None:
        """Delete the letters of that kind about these persons, because their matter was handled after all."""
        change_with(
            connection, delete(dead_letters).where(dead_letters.c.kind == kind), dead_letters.c.person, persons
        )

    def resolve_one(self, connection: Connection, kind: str, key: str) -> None:
        """Delete the letter of that kind and key, if there is one, because its matter was handled after all."""
        connection.execute(delete(dead_letters).where(dead_letters.c.id == self._names.dead_letter(kind, key)))

    def content(self, connection: Connection, row: Any) -> bytes | None:  # noqa: ANN401  (a row of the table)
        """Return the letter's content, or None where its key was destroyed."""
        return self._sealing.open(connection, row.sealed, row.id.bytes, row.person)


class DeadLetters:
    """The letters of a queue, to list and retry; `kinds`: the name of a kind -> how its letters are handled."""

    def __init__(self, database: Database, queue: DeadLetterQueue, kinds: Mapping[str, LetterKind]) -> None:
        self._database, self._queue, self._kinds = database, queue, kinds

    def groups(self, choice: LetterFilter | None = None) -> list[Group]:
        """Return the letters (all, or those selected) grouped by kind and cause, the largest group first."""
        kind, cause, at = dead_letters.c.kind, dead_letters.c.cause, dead_letters.c.at
        query = select(kind, cause, func.count(), func.min(at), func.max(at)).group_by(kind, cause)
        with self._database.reading() as connection:
            rows = rows_of(connection, query, choice or LetterFilter())
            return _merged(Group(one, why, many, moment(old), moment(new)) for one, why, many, old, new in rows)

    def fixed(self, choice: LetterFilter) -> LetterFilter:
        """Return a selection of the same letters by id, so that only letters that were shown are affected."""
        return replace(choice, ids=tuple(self._ids(choice)))

    def count(self, choice: LetterFilter) -> int:
        """Return the number of selected letters."""
        return len(self._ids(choice))

    def letters(self, choice: LetterFilter, limit: int = 100) -> list[DeadLetter]:
        """Return the selected letters, the oldest first."""
        query = (
            restricted_to(select(dead_letters), choice).order_by(dead_letters.c.at, dead_letters.c.id).limit(limit)
        )
        with self._database.reading() as connection:
            return [
                DeadLetter(row.id, row.kind, row.cause, moment(row.at), row.attempts, self._told(connection, row))
                for row in connection.execute(query).all()
            ]

    def retry(self, choice: LetterFilter) -> Retried:
        """Retry the selected letters one by one; delete those that were handled, give the others their new cause."""
        results = [self._retry(id_) for id_ in self._ids(choice)]
        return Retried(*(results.count(result) for result in (_HANDLED, _FAILED, _UNKNOWN)))

    def _ids(self, choice: LetterFilter) -> list[UUID]:
        query = select(dead_letters.c.at, dead_letters.c.id)
        with self._database.reading() as connection:
            return [id_ for _, id_ in sorted(tuple(row) for row in rows_of(connection, query, choice))]

    def _retry(self, id_: UUID) -> str:
        with self._database.reading() as connection:
            row = connection.execute(select(dead_letters).where(dead_letters.c.id == id_)).first()
            content = None if row is None else self._queue.content(connection, row)
        if row is None:
            return _GONE
        kind = self._kinds.get(row.kind)
        if kind is None:
            return _UNKNOWN
        cause = _ERASED if content is None else _cause_of_failure(kind, content)
        same = (dead_letters.c.id == id_, dead_letters.c.attempts == row.attempts)  # it may have come again meanwhile
        if cause is None:
            self._database.write(lambda connection: connection.execute(delete(dead_letters).where(*same)))
            return _HANDLED
        self._database.write(lambda connection: _failed_again(connection, id_, cause))
        return _FAILED

    def _told(self, connection: Connection, row: Any) -> str:  # noqa: ANN401  (a row of the table)
        kind, content = self._kinds.get(row.kind), self._queue.content(connection, row)
        if content is None:
            return _ERASED
        return kind.tell(content) if kind is not None else "nobody here handles this kind"


def total(connection: Connection) -> int:
    """Return the number of letters of all kinds."""
    return connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()


def _merged(groups: Iterable[Group]) -> list[Group]:
    """Return one group for each kind and cause, the largest first."""
    found: dict[tuple[str, str], Group] = {}
    for one in groups:
        other = found.get((one.kind, one.cause), one)
        count = one.count if other is one else one.count + other.count
        oldest, newest = min(one.oldest, other.oldest), max(one.newest, other.newest)
        found[one.kind, one.cause] = Group(one.kind, one.cause, count, oldest, newest)
    return sorted(found.values(), key=lambda group: (-group.count, group.kind, group.cause))


_HANDLED, _FAILED, _UNKNOWN, _GONE = "handled", "failed", "unknown", "gone"
_ERASED = "whom it was about was erased"


def _cause_of_failure(kind: LetterKind, content: bytes) -> str | None:
    """Retry a letter; return the cause of its failure, or None."""
    try:
        kind.retry(content)
    except StillDead as dead:
        return dead.cause
    except Exception as error:  # noqa: BLE001  (one letter stops no other; an error's text may hold personal data)
        return type(error).__name__
    return None


def _failed_again(connection: Connection, id_: UUID, cause: str) -> bool:
    """Note one more attempt; return whether there is such a letter."""
    again = update(dead_letters).where(dead_letters.c.id == id_)
    attempts = dead_letters.c.attempts + 1
    return connection.execute(again.values(attempts=attempts, cause=cause[:CAUSE_LENGTH])).rowcount > 0


_DIGITS = re.compile(rb"\d{6,20}")


def forget(connection: Connection, letters: DeadLetterQueue, names: Names, person: str) -> int:
    """Delete the letters about a person who is erased, and those that mention them; return how many."""
    unnamed = connection.execute(select(dead_letters).where(dead_letters.c.person.is_(None))).all()
    naming = [row.id for row in unnamed if mentions(letters.content(connection, row) or b"", names, person)]
    gone = connection.execute(delete(dead_letters).where(dead_letters.c.person == person)).rowcount
    return gone + change_with(connection, delete(dead_letters), dead_letters.c.id, naming)


def mentions(content: bytes, names: Names, person: str) -> bool:
    """Return whether the content has the person's pseudonym, or digits that may be their national id."""
    named = (names.pseudonym(digits.decode()) for digits in _DIGITS.findall(content))
    return person.encode() in content or any(one == person for one in named)
