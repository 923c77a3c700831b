"""The handler of wake-ups: plans the persons that the records name, from the database."""

from collections.abc import Sequence

from streams.kafka.worker import IncomingRecord
from streams.planning.planning import Planning
from streams.planning.quarantine import PlanningQuarantine, UnreadableRecord
from streams.planning.wakeups import BadRecord, read_wake_up


class WakeupHandler:
    """Plans the persons that records name; unreadable records, and persons who cannot be planned, are put aside."""

    def __init__(self, planning: Planning, aside: PlanningQuarantine, topic: str) -> None:
        self._planning, self._aside, self.topic = planning, aside, topic

    def take(self, records: Sequence[IncomingRecord]) -> None:
        """Plan the persons; a repeated record costs a look into the database only."""
        persons, bad = self._read(records)
        causes = self._planning.plan_woken(persons)
        self._aside.keep(bad, causes, [person for person in persons if person not in causes])

    def _read(self, records: Sequence[IncomingRecord]) -> tuple[list[str], list[UnreadableRecord]]:
        persons: dict[str, None] = {}
        bad: list[UnreadableRecord] = []
        for record in records:
            try:
                persons[read_wake_up(record.key, record.value)[0]] = None
            except BadRecord as error:
                place = f"{self.topic}/{record.partition}/{record.offset}"
                bad.append(UnreadableRecord(place, error.args[0], record.key, record.value))
        return list(persons), bad
