"""Whether people's nudges are what their plan asks for; what has yet to be planned is left out, and counted."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.diff import diff
from domain.nudge import Nudge, evolve
from domain.plan import Intent, Plan, whole_plan
from domain.rulebook import Rulebook
from projections import area_plans, history, nudges
from streams import reading
from streams.log import Log
from streams.reading import Recorded


class Compared(NamedTuple):
    """Of some persons: all intents; how many have other nudges, wait for a plan, are residents of what waits."""

    intents: Sequence[Intent]
    unlike: int
    waiting: int
    residents: int


class People(NamedTuple):
    """Some persons as they are at one moment. `areas`: the area events that have yet to be planned."""

    known: Mapping[str, Recorded]
    nudges: Mapping[str, Mapping[UUID, Nudge]]
    waiting: AbstractSet[str]
    areas: AbstractSet[UUID]

    def compared(self, rulebook: Rulebook, now: datetime) -> Compared:
        """With what their plans ask for.

        Of an area event that waits, left out is what its plan may change of the nudges of residents, and no more.
        """
        plans = {
            person: whole_plan(known.history(person, rulebook.catalogue), rulebook)
            for person, known in self.known.items()
        }
        left_out = {person: self._left_out(person, rulebook) for person in plans if person not in self.waiting}
        unlike = sum(self._is_unlike(person, plans[person], rulebook, now, left_out[person]) for person in left_out)
        intents = [intent for plan in plans.values() for intent in plan.intents]
        return Compared(intents, unlike, len(self.waiting), sum(map(bool, left_out.values())))

    def _left_out(self, person: str, rulebook: Rulebook) -> set[str]:
        """The triggers of which nothing can be said yet."""
        types = {
            event.type for event, _ in (self.known[person].areas if self.areas else ())
            if rulebook.names.stream(event.source, event.original) in self.areas
        }  # fmt: skip
        return {version.trigger.name for version in rulebook.about(types)} if types else set()

    def _is_unlike(
        self, person: str, plan: Plan, rulebook: Rulebook, now: datetime, left_out: AbstractSet[str]
    ) -> bool:  # fmt: skip
        known = self.nudges[person]
        changes = diff(plan, known, rulebook, now)
        return any(evolve(known.get(each.nudge), *each).intent.trigger not in left_out for each in changes)


def people(connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook) -> People:
    """These persons as they are now."""
    return People(
        reading.recorded(connection, log, persons, rulebook), nudges.of_persons(connection, persons),
        history.waiting_among(connection, persons), area_plans.waiting_for(connection),
    )  # fmt: skip
