"""Area events that cannot be planned are put aside as dead letters, as persons are, so that the next have a turn."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection

from projections import area_plans
from projections.area_plans import AreaPlan
from streams.database import Database, Priority
from streams.dead_letters import DeadLetters, Kind, Letter

AREA = "area"
"""The kind of letters."""


class AreasAside:
    """Keeps them, and lets go of what was planned after all."""

    def __init__(self, database: Database, letters: DeadLetters) -> None:
        self._database, self._letters = database, letters

    def keep(self, work: AreaPlan, cause: str) -> None:
        """Have it wait no longer, unless something new came of it meanwhile."""
        self._database.write(lambda connection: self._keep(connection, work, cause), Priority.PLANNING)

    def _keep(self, connection: Connection, work: AreaPlan, cause: str) -> None:
        if area_plans.end(connection, work):
            self._letters.put(connection, Letter(AREA, work.original.hex, cause, work.original.bytes))

    def settle(self, connection: Connection, original: UUID) -> None:
        """It is planned for all residents, by what came of it since or by a retry."""
        self._letters.settle_one(connection, AREA, original.hex)


def kind_of_areas(again: Callable[[UUID], None]) -> Kind:
    """How such a letter is handled once more, by planning it, and how it is told."""
    return Kind(lambda content: again(UUID(bytes=content)), lambda content: f"area event {UUID(bytes=content)}")
