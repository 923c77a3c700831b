"""What a worker does with the records of those who are woken: plan them, from the database."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from streams import dead_letters
from streams.database import Database, Priority
from streams.dead_letters import Letter
from streams.planning import Planning
from streams.wakes import BadRecord, read_wake
from streams.worker import Incoming


class PlanWoken:
    """Plans whoever the records name; what cannot be read, and who cannot be planned, becomes a dead letter."""

    def __init__(self, database: Database, planning: Planning, topic: str, clock: Callable[[], datetime]) -> None:
        self._database, self._planning, self._clock = database, planning, clock
        self.topic = topic

    def take(self, records: Sequence[Incoming]) -> None:
        """Plan; what came before, or more than once, costs a look into the database."""
        persons, letters = self._read(records)
        causes = self._planning.plan_woken(persons)
        letters += dead_letters.of_persons(causes)
        planned = [person for person in persons if person not in causes]
        with self._database.reading() as connection:
            settled = sorted(dead_letters.with_letters(connection, planned))
        if letters or settled:
            now = self._clock()

            def keep(connection: Connection) -> None:
                dead_letters.note(connection, letters, now)
                dead_letters.settle(connection, settled)

            self._database.write(keep, Priority.PLANNING)

    def _read(self, records: Sequence[Incoming]) -> tuple[list[str], list[Letter]]:
        persons: dict[str, None] = {}
        letters: list[Letter] = []
        for record in records:
            try:
                persons[read_wake(record.key, record.value)[0]] = None
            except BadRecord as bad:
                letters.append(dead_letters.of_record(self.topic, record.partition, record.offset, bad.args[0]))
        return list(persons), letters
