"""Compare persons' nudges with what their plans ask for; what waits to be planned is left out, and counted."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.facts.facts import NudgeDone
from domain.nudges.diff import Change, diff
from domain.nudges.later_completion import afterwards
from domain.nudges.nudge import Nudge, evolve
from domain.planning.plan import Intent, Plan, whole_plan
from domain.rules.rulebook import Rulebook
from projections import area_plans, history, nudges
from streams.log.log import Log
from streams.planning import histories
from streams.planning.histories import Recorded
from streams.planning.person_plans import leaving_undecided, planned_before_erasure
from streams.storage.errors import SYSTEM_ERRORS


class Compared(NamedTuple):
    """The result for some persons: all their intents, and counts.

    Counted are persons with other nudges than planned (`unlike`), waiting for a plan (`waiting`), living where an
    area event waits (`residents`), or without a possible plan (`unplannable`), and nudges whose thing was done after
    they were sent, without a note in the log (`unnoted`).
    """

    intents: Sequence[Intent]
    unlike: int = 0
    waiting: int = 0
    residents: int = 0
    unplannable: int = 0
    unnoted: int = 0

    def joined(self, other: "Compared") -> "Compared":
        """Return the result joined with that of later persons."""
        counts = [one + more for one, more in zip(self[1:], other[1:], strict=True)]
        return Compared([*self.intents, *other.intents], *counts)


class People(NamedTuple):
    """Some persons at one moment.

    `areas`: area events that wait to be planned; `left`: nudges planned before an erasure, which plans leave as they
    are.
    """

    known: Mapping[str, Recorded]
    nudges: Mapping[str, Mapping[UUID, Nudge]]
    waiting: AbstractSet[str]
    areas: AbstractSet[UUID]
    left: AbstractSet[UUID]

    def compared(self, rulebook: Rulebook, now: datetime) -> Compared:
        """Compare with what the persons' plans ask for.

        Left out are only the nudges of residents that a waiting area event may change.
        """
        plans = {
            person: leaving_undecided(whole_plan(known.history(person, rulebook.catalogue), rulebook), self.left)
            for person, known in self.known.items()
        }
        left_out = {person: self._left_out(person, rulebook) for person in plans if person not in self.waiting}
        owed = {
            person: self._owed(person, plans[person], rulebook, now, triggers)
            for person, triggers in left_out.items()
        }
        unlike = sum(any(not _is_note(each) for each in changes) for changes in owed.values())
        unnoted = {each.nudge for changes in owed.values() for each in changes if _is_note(each)}
        intents = [intent for plan in plans.values() for intent in plan.intents]
        residents = sum(map(bool, left_out.values()))
        return Compared(intents, unlike, len(self.waiting), residents, unnoted=len(unnoted))

    def _left_out(self, person: str, rulebook: Rulebook) -> set[str]:
        """Return the triggers that cannot be compared yet."""
        types = {
            event.type
            for event, _ in (self.known[person].areas if self.areas else ())
            if rulebook.names.stream(event.source, event.original) in self.areas
        }
        return {version.trigger.name for version in rulebook.about(types)} if types else set()

    def _owed(
        self, person: str, plan: Plan, rulebook: Rulebook, now: datetime, left_out: AbstractSet[str]
    ) -> list[Change]:
        """Return the changes that the plan asks for, except of the triggers left out."""
        known = self.nudges[person]
        changes = diff(plan, known, rulebook, now)
        changes += afterwards(plan, known, changes, now)
        return [each for each in changes if evolve(known.get(each.nudge), *each).intent.trigger not in left_out]


def _is_note(change: Change) -> bool:
    """Return True if the change only notes that a thing was done after its nudge; older logs lack such notes."""
    return type(change.fact) is NudgeDone  # not NudgeUndone, which takes back what is wrong


def compared(connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook, now: datetime) -> Compared:
    """Compare these persons; those who cannot be planned are found by halving."""
    try:
        return people(connection, log, persons, rulebook).compared(rulebook, now)
    except SYSTEM_ERRORS:
        raise
    except Exception:  # noqa: BLE001  (whatever a defect about one person's facts raises, as planning takes it)
        if len(persons) == 1:
            return Compared((), unplannable=1)
    half = len(persons) // 2
    first, second = (compared(connection, log, part, rulebook, now) for part in (persons[:half], persons[half:]))
    return first.joined(second)


def people(connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook) -> People:
    """Read these persons as they are now."""
    known = nudges.of_persons(connection, persons)
    return People(
        histories.recorded(connection, log, persons, rulebook),
        known,
        history.waiting_among(connection, persons),
        area_plans.waiting_for(connection),
        planned_before_erasure(connection, log, known),
    )
