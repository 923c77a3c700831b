"""Viewing: that somebody is about to read a person's data is in the log before they do."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, true

from domain.facts.access_facts import LettersDropped, PersonViewed
from domain.facts.principals import Principal
from projections import trail
from projections.bulk import driver_rows
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.replay.follower import Follower
from streams.rules.context import Books
from streams.storage.tables import IS_ACCOUNT, log_rows
from streams.storage.tables import log as log_table

PATIENCE = timedelta(hours=1)
"""For how long whoever said why may go on reading."""
PAGE, LOOKED_AT = 50, 200
Account = PersonViewed | LettersDropped
"""Somebody answers for it: who dealt with what is not theirs, and why."""


class NotTheirView(LookupError):
    """You said of nobody lately why you read their data; say it again."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


def note_viewing(books: Books, who: Principal, person: str, what: str, purpose: str) -> UUID:
    """Commit it: who, whose data, what of it, and why. Returns the name of this viewing, which says of nobody."""
    fact, id_ = PersonViewed(books.clock(), who.name, who.agency, person, what, purpose), uuid4()
    books.database.write(lambda connection: books.log.append(connection, [Entry(id_, 1, fact)]))
    return id_


class Views:
    """What may be read by whoever has said why."""

    def __init__(self, books: Books, follower: Follower) -> None:
        self._books, self._follower = books, follower

    def begin(self, who: Principal, person: str, purpose: str) -> UUID | None:
        """Say why their trail is read; None where nothing is known about them, which is said of them as well."""
        self._follower.drain()
        with self._books.database.reading() as connection:
            known = trail.is_known(connection, person)
        viewing = note_viewing(self._books, who, person, "trail", purpose)
        return viewing if known else None

    def viewing(self, id_: UUID, who: Principal) -> PersonViewed:
        """The viewing, if it is theirs and not too long ago.

        Raises:
            NotTheirView: it is not.
        """
        with self._books.database.reading() as connection:
            facts = [entry.fact for entry in self._books.log.streams(connection, [id_])]
        found = next((each for each in facts if isinstance(each, PersonViewed)), None)
        if found is None or found.by != who.name or self._books.clock() - found.at >= PATIENCE:
            raise NotTheirView
        return found

    def facts(self, person: str, after: int) -> list[Entry]:
        """The next facts that concern them, in the order of the log."""
        with self._books.database.reading() as connection:
            return self._books.log.read(connection, self._positions(person, after))

    def _positions(self, person: str, after: int) -> list[int]:
        with self._books.database.reading() as connection:
            return list(trail.positions(connection, person, after=after, limit=PAGE))


def accounts(log: Log) -> Iterator[Account]:
    """Every reading of anybody's data, and all dead letters that were given up, the earliest first."""
    after: int | None = 0
    while after is not None:
        entries, after = _page(log, log_table.c.position > after, log_table.c.position)
        yield from map(_account, entries)


def latest_accounts(log: Log, before: int | None, by: str = "") -> tuple[list[Account], int | None]:
    """The latest before a position (None: of all), or those by one; and before which to go on, if there are more.

    By one they may be fewer than there is room for, even none: only so many are looked at in one go.
    """
    at = log_table.c.position
    entries, more = _page(log, at < before if before is not None else true(), at.desc())
    found = [each for each in map(_account, entries) if by in ("", each.by)]
    return found, more


def _page(log: Log, where: ColumnElement[bool], order: ColumnElement[int]) -> tuple[list[Entry], int | None]:
    """The next accounts, and the position behind which there may be more."""
    query = log_rows.where(IS_ACCOUNT, where).order_by(order).limit(LOOKED_AT)
    with log.database.reading() as connection:
        rows = list(driver_rows(connection, query))
        return log.decoded(connection, rows), rows[-1][0] if len(rows) == LOOKED_AT else None


def _account(entry: Entry) -> Account:
    assert isinstance(entry.fact, Account)
    return entry.fact
