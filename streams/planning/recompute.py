"""Plan everybody again without writing or sending anything."""

from collections.abc import Iterator

from domain.core.ids import Names
from domain.planning.plan import Intent, plan
from domain.rules.rulebook import Rulebook
from streams.log.log import Log
from streams.planning import histories
from streams.planning.histories import EVERYBODY, Selection
from streams.rules.governed import Governed
from streams.storage.database import Database
from templates.reading.catalogue import catalogue_of, defaults_of

BATCH = 500


def intents_of(
    database: Database, log: Log, rulebook: Rulebook, selection: Selection = EVERYBODY
) -> Iterator[list[Intent]]:
    """Yield the intents of the selected persons by these rules, a batch of persons at a time."""
    for known in histories.all_histories(database, log, rulebook, selection, BATCH):
        yield [intent for history in known.values() for intent in plan(history, rulebook)]


def rulebook_of(now: Governed, names: Names) -> Rulebook:
    """Return the rulebook of what was in force; a process that plans a share has it from who asked."""
    catalogue = catalogue_of(now.contents)
    versions = [publication.version(catalogue) for publication in now.publications]
    return Rulebook(catalogue, defaults_of(now.contents), names, versions)
