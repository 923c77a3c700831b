"""Reads whole histories in bulk, person by person in the order of pseudonyms: what replay, backtest and repair read.

Each batch is read in a short transaction of its own: what is recorded meanwhile may be in it or not.
"""

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.persons.history import History
from domain.rules.rulebook import Rulebook
from projections import history as index
from projections.bulk import chunked
from streams.log.log import Log
from streams.planning import histories as reading
from streams.planning.histories import Recorded
from streams.storage.database import Database

BATCH = 1000
DIGITS = 6
"""Of a pseudonym's hexadecimal digits, so many tell the shares of several processes apart."""


class Selection(Struct, frozen=True):
    """Whose histories: of the pseudonyms after `after` and up to `upto` (None: to the end).

    `types`: only those who have any fact of these event types, in whatever revision (None: everybody); `since`: which
    happened (in microseconds) not before that.
    """

    types: frozenset[str] | None = None
    after: str = ""
    upto: str | None = None
    since: int | None = None

    def shares(self, number: int) -> list["Selection"]:
        """The selection in so many parts, of about as many persons if it is of all, for as many processes."""
        edges = [f"{16**DIGITS * at // number:0{DIGITS}x}" for at in range(1, number)]
        within = [edge for edge in edges if self.after < edge and (self.upto is None or edge < self.upto)]
        starts, ends = [self.after, *within], [*within, self.upto]
        return [replace(self, after=start, upto=end) for start, end in zip(starts, ends, strict=True)]


def share_upto(person: str) -> float:
    """Which share of all pseudonyms there could be comes up to that one."""
    return (int(person[:DIGITS], 16) + 1) / float(16**DIGITS)


EVERYBODY = Selection()


def histories(
    database: Database, log: Log, rulebook: Rulebook, selection: Selection = EVERYBODY, batch: int = BATCH
) -> Iterator[dict[str, History]]:
    """Person -> history, a batch of persons at a time: corrections counted, what happened where they lived joined in.

    Erased persons are left out; a batch may therefore be empty.
    """
    for persons in batches(database, selection, batch):
        with database.reading() as connection:
            yield reading.histories(connection, log, _not_erased(connection, log, persons), rulebook)


def recorded(
    database: Database,
    log: Log,
    rulebook: Rulebook,
    selection: Selection = EVERYBODY,
    batch: int = BATCH,
    types: Collection[str] | None = None,
) -> Iterator[tuple[dict[str, Recorded], int]]:
    """As `histories`, but every revision with the moment of its recording, for who asks what was known when.

    With how many facts these persons have. `types`: see reading.recorded.
    """
    for persons in batches(database, selection, batch):
        with database.reading() as connection:
            some = _not_erased(connection, log, persons)
            yield reading.recorded(connection, log, some, rulebook, types=types), index.counts(connection, some)


def batches(database: Database, selection: Selection = EVERYBODY, size: int = BATCH) -> Iterator[Sequence[str]]:
    """The selection's pseudonyms in their order, so many at a time; erased persons may be among them.

    Who has facts of some types is found in one look over the index, which is in the order of persons.
    """
    if selection.types is not None:
        with database.reading() as connection:
            found = index.persons_with(connection, selection.types, selection.after, selection.upto, selection.since)
        yield from chunked(found, size)
        return
    after = selection.after
    while True:
        with database.reading() as connection:
            persons = index.persons_after(connection, after, size, selection.upto)
        if not persons:
            return
        yield persons
        after = persons[-1]


def _not_erased(connection: Connection, log: Log, persons: Sequence[str]) -> list[str]:
    """Those of the persons who have a key."""
    keys = log.keys.load(connection, persons)
    return [person for person in persons if person in keys]
