"""What a worker does with the records of those who are woken: plan them, from the database."""

from collections.abc import Sequence

from sqlalchemy import Connection

from streams import unplanned
from streams.database import Database, Priority
from streams.dead_letters import DeadLetters, Letter
from streams.planning import Planning
from streams.wakes import BadRecord, read_wake
from streams.worker import Incoming


class PlanWoken:
    """Plans whoever the records name; what cannot be read, and who cannot be planned, becomes a dead letter."""

    def __init__(self, database: Database, planning: Planning, letters: DeadLetters, topic: str) -> None:
        self._database, self._planning, self._letters = database, planning, letters
        self.topic = topic

    def take(self, records: Sequence[Incoming]) -> None:
        """Plan; what came before, or more than once, costs a look into the database."""
        persons, letters = self._read(records)
        causes = self._planning.plan_woken(persons)
        letters += unplanned.of_persons(causes)
        planned = [person for person in persons if person not in causes]
        with self._database.reading() as connection:
            settled = sorted(self._letters.about(connection, unplanned.PLAN, planned))
        if letters or settled:

            def keep(connection: Connection) -> None:
                for letter in letters:
                    self._letters.put(connection, letter)
                self._letters.settle(connection, unplanned.PLAN, settled)

            self._database.write(keep, Priority.PLANNING)

    def _read(self, records: Sequence[Incoming]) -> tuple[list[str], list[Letter]]:
        persons: dict[str, None] = {}
        letters: list[Letter] = []
        for record in records:
            try:
                persons[read_wake(record.key, record.value)[0]] = None
            except BadRecord as bad:
                letters.append(unplanned.of_record(self.topic, record.partition, record.offset, bad.args[0]))
        return list(persons), letters
