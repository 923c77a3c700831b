"""Dead letters: what could not be handled is kept, grouped by cause, until somebody retries it or gives it up.

How a part of the platform uses this:

- It has a `Kind`: how a letter's content is handled once more, and how it is told in a line without anybody's data.
  The kinds are wired in app/compose.py by name: `{"kafka.record": Kind(...), "webhook": Kind(...)}`.
- Where something cannot be handled (never, not just now), it calls `put` in the transaction of its own progress:
  `database.write(lambda connection: letters.put(connection, Letter("kafka.record", "topic/3/14", "not_json", raw)))`.
  The key names the failed thing, so that to put it twice (a record comes again) keeps one letter.
- `cause` is one of a few words or a short reason without data (`not_json`, `gone: 410`): letters are grouped by it.
- The content is sealed: with the key of `person` (a pseudonym), where it is about one whose key exists, so that their
  erasure takes it along; else with a key of the platform's own. What is shown to anybody is what `Kind.tell` says.
- Where it is enough to know whom it is about, the content is empty; `about` and `settle` find and end such letters.
- `Kind.retry` may be called again for a letter that it handled before: the letter goes only after it returned, and
  the process may die in between.

Which dead letters are meant: by their ids, or by kind and cause.

Dead letters about a person who is erased: also those that only name them in their content.
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
from projections.bulk import among, chunked, insert_rows
from projections.tables import micros, moment
from streams.log.person_keys import PersonKeys, Sealing
from streams.storage.database import Database
from streams.storage.tables import dead_letters


class Choice(Struct, frozen=True):
    """Which letters are meant; what is None does not matter."""

    ids: tuple[UUID, ...] | None = None
    kind: str | None = None
    cause: str | None = None


def chosen(query: Select[Any], choice: Choice) -> Select[Any]:
    """The query, of those letters only that are meant."""
    if choice.ids is not None:
        query = query.where(among(dead_letters.c.id, choice.ids))
    for column, value in ((dead_letters.c.kind, choice.kind), (dead_letters.c.cause, choice.cause)):
        query = query if value is None else query.where(column == value)
    return query


def rows_of(connection: Connection, query: Select[Any], choice: Choice) -> Iterator[Any]:
    """What the query says of the letters that are meant, however many ids were named; in no order."""
    parts = [choice] if choice.ids is None else [replace(choice, ids=tuple(part)) for part in chunked(choice.ids)]
    for part in parts:
        yield from connection.execute(chosen(query, part))


CAUSE_LENGTH = 200


class StillDead(Exception):
    """The letter could not be handled: {cause}. Raised by `Kind.retry`; the cause holds nobody's data."""

    def __init__(self, cause: str) -> None:
        super().__init__((type(self).__doc__ or "").format(cause=cause))
        self.cause = cause


class Kind(Struct, frozen=True):
    """What can be done with letters of a kind.

    `retry`: handle the content, or raise; `StillDead` says why, of any other exception only its name is kept.
    `tell`: what it is, in a line that holds nobody's data.
    """

    retry: Callable[[bytes], None]
    tell: Callable[[bytes], str]


class Letter(Struct, frozen=True):
    """Something that cannot be handled; `key` names it among those of its kind, `person` is whom it is about."""

    kind: str
    key: str
    cause: str
    content: bytes
    person: str | None = None


class DeadLetter(Struct, frozen=True):
    """A letter as it is kept; `told` is what it is, or why that cannot be said."""

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
    """What a retry came to; `unknown`: letters of a kind that nobody handles (any more)."""

    handled: int
    failed: int
    unknown: int


class DeadLetters:
    """Keeps what could not be handled, on either database."""

    def __init__(
        self,
        database: Database,
        keys: PersonKeys,
        names: Names,
        clock: Callable[[], datetime],
        kinds: Mapping[str, Kind],
    ) -> None:
        self._database, self._names, self._clock, self._kinds = database, names, clock, kinds
        self._sealing = Sealing(keys)

    def put(self, connection: Connection, letter: Letter) -> UUID:
        """Keep it, in the caller's transaction; the same one again has one more attempt and the newer cause."""
        id_ = self._names.letter(letter.kind, letter.key)
        if not _failed_again(connection, id_, letter.cause):
            sealed = self._sealing.seal(connection, letter.content, id_.bytes, letter.person)
            row = (id_, letter.kind, letter.cause[:CAUSE_LENGTH], micros(self._clock()), 1, letter.person, sealed)
            insert_rows(connection, dead_letters, [row], ignore=True)
        return id_

    @staticmethod
    def about(connection: Connection, kind: str, persons: Sequence[str]) -> set[str]:
        """Those of the persons about whom there is a letter of that kind."""
        found = select(dead_letters.c.person).where(dead_letters.c.kind == kind)
        return {
            person
            for part in chunked(persons)
            for person in connection.execute(found.where(among(dead_letters.c.person, part))).scalars()
        }

    @staticmethod
    def settle(connection: Connection, kind: str, persons: Sequence[str]) -> None:
        """What letters of that kind say of these persons is done after all."""
        for part in chunked(persons):
            these = (dead_letters.c.kind == kind, among(dead_letters.c.person, part))
            connection.execute(delete(dead_letters).where(*these))

    def settle_one(self, connection: Connection, kind: str, key: str) -> None:
        """What the letter of that kind and key says is done after all, if there is one."""
        connection.execute(delete(dead_letters).where(dead_letters.c.id == self._names.letter(kind, key)))

    def groups(self, choice: Choice | None = None) -> list[Group]:
        """The letters (all, or those that are meant) by kind and cause, the largest group first."""
        kind, cause, at = dead_letters.c.kind, dead_letters.c.cause, dead_letters.c.at
        query = select(kind, cause, func.count(), func.min(at), func.max(at)).group_by(kind, cause)
        with self._database.reading() as connection:
            rows = rows_of(connection, query, choice or Choice())
            return _merged(Group(one, why, many, moment(old), moment(new)) for one, why, many, old, new in rows)

    def held_still(self, choice: Choice) -> Choice:
        """The same letters, and none that come after them: what is agreed to is what was shown."""
        return replace(choice, ids=tuple(self._ids(choice)))

    def count(self, choice: Choice) -> int:
        """How many letters are meant."""
        return len(self._ids(choice))

    def letters(self, choice: Choice, limit: int = 100) -> list[DeadLetter]:
        """Those that are meant, the oldest first."""
        query = chosen(select(dead_letters), choice).order_by(dead_letters.c.at, dead_letters.c.id).limit(limit)
        with self._database.reading() as connection:
            return [
                DeadLetter(row.id, row.kind, row.cause, moment(row.at), row.attempts, self._told(connection, row))
                for row in connection.execute(query).all()
            ]

    def retry(self, choice: Choice) -> Retried:
        """Handle those that are meant once more, each by itself; what is handled goes, the rest has its new cause."""
        results = [self._retry(id_) for id_ in self._ids(choice)]
        return Retried(*(results.count(each) for each in (_HANDLED, _FAILED, _UNKNOWN)))

    def _ids(self, choice: Choice) -> list[UUID]:
        query = select(dead_letters.c.at, dead_letters.c.id)
        with self._database.reading() as connection:
            return [id_ for _, id_ in sorted(tuple(row) for row in rows_of(connection, query, choice))]

    def _retry(self, id_: UUID) -> str:
        with self._database.reading() as connection:
            row = connection.execute(select(dead_letters).where(dead_letters.c.id == id_)).first()
            content = None if row is None else self.content(connection, row)
        if row is None:
            return _GONE
        kind = self._kinds.get(row.kind)
        if kind is None:
            return _UNKNOWN
        cause = _ERASED if content is None else _tried(kind, content)
        same = (dead_letters.c.id == id_, dead_letters.c.attempts == row.attempts)  # it may have come again meanwhile
        if cause is None:
            self._database.write(lambda connection: connection.execute(delete(dead_letters).where(*same)))
            return _HANDLED
        self._database.write(lambda connection: _failed_again(connection, id_, cause))
        return _FAILED

    def content(self, connection: Connection, row: Any) -> bytes | None:  # noqa: ANN401  (a row of the table)
        """What the letter holds, or None where its key was destroyed."""
        return self._sealing.open(connection, row.sealed, row.id.bytes, row.person)

    def _told(self, connection: Connection, row: Any) -> str:  # noqa: ANN401  (a row of the table)
        kind, content = self._kinds.get(row.kind), self.content(connection, row)
        if content is None:
            return _ERASED
        return kind.tell(content) if kind is not None else "nobody here handles this kind"


def total(connection: Connection) -> int:
    """How many letters there are of all kinds."""
    return connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()


def _merged(groups: Iterable[Group]) -> list[Group]:
    """Each kind and cause once, the largest group first."""
    found: dict[tuple[str, str], Group] = {}
    for one in groups:
        other = found.get((one.kind, one.cause), one)
        count = one.count if other is one else one.count + other.count
        oldest, newest = min(one.oldest, other.oldest), max(one.newest, other.newest)
        found[one.kind, one.cause] = Group(one.kind, one.cause, count, oldest, newest)
    return sorted(found.values(), key=lambda group: (-group.count, group.kind, group.cause))


_HANDLED, _FAILED, _UNKNOWN, _GONE = "handled", "failed", "unknown", "gone"
_ERASED = "whom it was about was erased"


def _tried(kind: Kind, content: bytes) -> str | None:
    """Why it could not be handled, or None."""
    try:
        kind.retry(content)
    except StillDead as dead:
        return dead.cause
    except Exception as error:  # noqa: BLE001  (one letter stops no other; a text might hold somebody's data)
        return type(error).__name__
    return None


def _failed_again(connection: Connection, id_: UUID, cause: str) -> bool:
    """Note one more attempt; whether there is such a letter."""
    again = update(dead_letters).where(dead_letters.c.id == id_)
    attempts = dead_letters.c.attempts + 1
    return connection.execute(again.values(attempts=attempts, cause=cause[:CAUSE_LENGTH])).rowcount > 0


_DIGITS = re.compile(rb"\d{6,20}")


def forget(connection: Connection, letters: DeadLetters, names: Names, person: str) -> int:
    """Let go of them; returns how many went."""
    unnamed = connection.execute(select(dead_letters).where(dead_letters.c.person.is_(None))).all()
    naming = [row.id for row in unnamed if names_them(letters.content(connection, row) or b"", names, person)]
    gone = connection.execute(delete(dead_letters).where(dead_letters.c.person == person)).rowcount
    for part in chunked(naming):
        gone += connection.execute(delete(dead_letters).where(among(dead_letters.c.id, part))).rowcount
    return gone


def names_them(content: bytes, names: Names, person: str) -> bool:
    """What could not be taken in still has national ids, or at least what looks like one."""
    named = (names.pseudonym(each.decode()) for each in _DIGITS.findall(content))
    return person.encode() in content or person in named
