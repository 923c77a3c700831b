"""Read the histories of many persons in the order of their pseudonyms, for replay, backtest and repair.

Each batch is read in its own short transaction, so a fact recorded meanwhile may or may not be included.
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
"""Leading hexadecimal digits of a pseudonym that decide which process's share it belongs to."""


class Selection(Struct, frozen=True):
    """A selection of persons: pseudonyms after `after` and up to and including `upto` (None: no upper bound).

    `types`: only persons with a fact of one of these event types, in any revision (None: everybody); `since`: such
    facts that happened at or after this time (microseconds).
    """

    types: frozenset[str] | None = None
    after: str = ""
    upto: str | None = None
    since: int | None = None

    def shares(self, number: int) -> list["Selection"]:
        """Divide the selection into `number` parts, one per process; of similar size if everybody is selected."""
        edges = [f"{16**DIGITS * at // number:0{DIGITS}x}" for at in range(1, number)]
        within = [edge for edge in edges if self.after < edge and (self.upto is None or edge < self.upto)]
        starts, ends = [self.after, *within], [*within, self.upto]
        return [replace(self, after=start, upto=end) for start, end in zip(starts, ends, strict=True)]


def share_upto(person: str) -> float:
    """Return the share (0 to 1) of all possible pseudonyms that are at or before this one."""
    return (int(person[:DIGITS], 16) + 1) / float(16**DIGITS)


EVERYBODY = Selection()


def histories(
    database: Database, log: Log, rulebook: Rulebook, selection: Selection = EVERYBODY, batch: int = BATCH
) -> Iterator[dict[str, History]]:
    """Yield person -> history, a batch at a time, with corrections applied and area events joined in.

    Erased persons are left out, so a batch may be empty.
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
    """As `histories`, but with every revision and the time of its recording, and the number of facts of the batch.

    `types`: see histories.recorded.
    """
    for persons in batches(database, selection, batch):
        with database.reading() as connection:
            some = _not_erased(connection, log, persons)
            yield reading.recorded(connection, log, some, rulebook, types=types), index.counts(connection, some)


def batches(database: Database, selection: Selection = EVERYBODY, size: int = BATCH) -> Iterator[Sequence[str]]:
    """Yield the selected pseudonyms in order, `size` at a time; erased persons may be among them.

    Persons with facts of given types are found in one scan of the index, which is in the order of persons.
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
    """Return the persons whose key still exists."""
    keys = log.keys.load(connection, persons)
    return [person for person in persons if person in keys]
