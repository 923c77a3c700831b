"""Plans everybody again, only to look: nothing here can write or send."""

from collections.abc import Iterator

from domain.plan import Intent, plan
from projections import history
from streams import reading
from streams.database import Database
from streams.library import Library
from streams.log import Log

BATCH = 500


def all_intents(database: Database, log: Log, library: Library) -> Iterator[list[Intent]]:
    """The intents of all persons, a batch of persons at a time."""
    rulebook = library.rules().rulebook
    after = ""
    while True:
        with database.reading() as connection:
            persons = history.persons_after(connection, after, BATCH)
            known = reading.histories(connection, log, persons, rulebook)
        if not persons:
            return
        yield [intent for person in persons for intent in plan(known[person], rulebook)]
        after = persons[-1]
