"""Plan everybody again without writing or sending anything."""

from collections.abc import Iterator

from domain.planning.plan import Intent, plan
from streams.log.log import Log
from streams.planning import histories
from streams.rules.library import Library
from streams.storage.database import Database

BATCH = 500


def all_intents(database: Database, log: Log, library: Library) -> Iterator[list[Intent]]:
    """Yield the intents of all persons, a batch of persons at a time."""
    rulebook = library.rules().rulebook
    for known in histories.all_histories(database, log, rulebook, batch=BATCH):
        yield [intent for history in known.values() for intent in plan(history, rulebook)]
