"""The access log: a fact says who reads a person's data and why, before they read it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, true

from domain.core.translatable import Said
from domain.facts.access_facts import LettersDropped, PersonViewed
from domain.facts.principals import Principal
from projections import trail
from projections.bulk import driver_rows
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.replay.follower import Follower
from streams.rules.context import WriteContext
from streams.storage.tables import IS_ACCOUNT, log_rows
from streams.storage.tables import log as log_table

PATIENCE = timedelta(hours=1)
"""A stated purpose allows reading for this long."""
PAGE, LOOKED_AT = 50, 200
Account = PersonViewed | LettersDropped
"""A fact of the access log."""


class NotTheirView(LookupError):
    """Raised when a reader has stated no purpose lately."""


def note_viewing(context: WriteContext, who: Principal, person: str, what: str, purpose: str) -> UUID:
    """Commit the fact that `who` reads this data of the person; return the id of the viewing, which names nobody."""
    fact, id_ = PersonViewed(context.clock(), who.name, who.agency, person, what, purpose), uuid4()
    context.database.write(lambda connection: context.log.append(connection, [Entry(id_, 1, fact)]))
    return id_


class Views:
    """Reads trails for readers who have stated a purpose."""

    def __init__(self, context: WriteContext, follower: Follower) -> None:
        self._context, self._follower = context, follower

    def begin(self, who: Principal, person: str, purpose: str) -> UUID | None:
        """Note the purpose and return the viewing; None where nothing is known about the person. Both are noted."""
        self._follower.drain()
        with self._context.database.reading() as connection:
            known = trail.is_known(connection, person)
        viewing = note_viewing(self._context, who, person, "trail", purpose)
        return viewing if known else None

    def viewing(self, id_: UUID, who: Principal) -> PersonViewed:
        """Return the viewing, if it is the reader's own and not too old. Raises NotTheirView where it is not."""
        with self._context.database.reading() as connection:
            facts = [entry.fact for entry in self._context.log.streams(connection, [id_])]
        found = next((fact for fact in facts if isinstance(fact, PersonViewed)), None)
        if found is None or found.by != who.name or self._context.clock() - found.at >= PATIENCE:
            raise NotTheirView(Said("It is some time since you said why you read this person's data; say it again."))
        return found

    def facts(self, person: str, after: int) -> list[Entry]:
        """Return the next facts about the person, in the order of the log."""
        with self._context.database.reading() as connection:
            positions = list(trail.positions(connection, person, after=after, limit=PAGE))
            return self._context.log.read(connection, positions)


def accounts(log: Log) -> Iterator[Account]:
    """Yield every reading of personal data and every discarding of dead letters, the earliest first."""
    after: int | None = 0
    while after is not None:
        entries, after = _page(log, log_table.c.position > after, log_table.c.position)
        yield from map(_account, entries)


def latest_accounts(log: Log, before: int | None, by: str = "") -> tuple[list[Account], int | None]:
    """Return the latest entries before a position (None: of all), and the position to go on from (None: at the end).

    `by`: only entries of that person. Only LOOKED_AT entries are searched in one call, so few or none may be found.
    """
    at = log_table.c.position
    entries, more = _page(log, at < before if before is not None else true(), at.desc())
    found = [account for account in map(_account, entries) if by in ("", account.by)]
    return found, more


def _page(log: Log, where: ColumnElement[bool], order: ColumnElement[int]) -> tuple[list[Entry], int | None]:
    """Return the next entries, and the position after which there may be more."""
    query = log_rows.where(IS_ACCOUNT, where).order_by(order).limit(LOOKED_AT)
    with log.database.reading() as connection:
        rows = list(driver_rows(connection, query))
        return log.genuine_entries(connection, rows), rows[-1][0] if len(rows) == LOOKED_AT else None


def _account(entry: Entry) -> Account:
    assert isinstance(entry.fact, Account)
    return entry.fact
