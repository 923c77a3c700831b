"""Plan everybody again without writing or sending anything."""

from collections.abc import Iterator

from domain.planning.plan import Intent, plan
from domain.rules.rulebook import Rulebook
from streams.log.log import Log
from streams.planning import histories
from streams.planning.histories import EVERYBODY, Selection
from streams.storage.database import Database

BATCH = 500


def intents_of(
    database: Database, log: Log, rulebook: Rulebook, selection: Selection = EVERYBODY
) -> Iterator[list[Intent]]:
    """Yield the intents of the selected persons by these rules, a batch of persons at a time."""
    for known, _ in histories.all_revisions(database, log, rulebook, selection, batch=BATCH):
        found = (recorded.history(person, rulebook.catalogue) for person, recorded in known.items())
        yield [intent for history in found for intent in plan(history, rulebook)]
