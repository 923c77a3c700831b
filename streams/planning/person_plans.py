"""Plans of persons: the changes that a plan asks for, the state that it was made from, and when it is out of date."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.facts.facts import NudgePlanned, NudgeRescheduled
from domain.nudges.diff import Change, diff
from domain.nudges.later_completion import completion_changes
from domain.nudges.nudge import Nudge, evolve
from domain.planning.affected import RulebookPart
from domain.planning.plan import Plan
from domain.rules.rulebook import Rulebook
from projections import erased, governance
from projections.history import HistoryVersion
from projections.residents import Resident
from streams.log.log import Log

_PLANNED = (NudgePlanned.TOPIC, NudgeRescheduled.TOPIC)


class PersonPlan(Struct, frozen=True):
    """The changes that one person's plan asks for, and the state of the person that it was made from.

    `nudges`: those that the plan decides on; `residences`: the person's rows for the view `residents`;
    `residences_changed`: the view has other rows; `for_new_events_only`: the plan is for the triggers that new events
    affect, not for all; `is_whole`: False if `changes` are only a part of what the plan asks for.
    """

    person: str
    history: HistoryVersion
    changes: Sequence[Change]
    nudges: Mapping[UUID, Nudge]
    residences: list[Resident]
    residences_changed: bool
    for_new_events_only: bool = False
    is_whole: bool = True

    def is_made_from(self, history: HistoryVersion | None, nudges: Mapping[UUID, int]) -> bool:
        """Return True if these are still the versions of the person's history and of their nudges.

        A nudge that was added meanwhile is a digest, which no plan asks for, or planned, with a new history version.
        """
        return history == self.history and all(nudges.get(id_) == nudge.version for id_, nudge in self.nudges.items())


class Plans(Struct, frozen=True):
    """Plans made at one moment, by the rules at position `rules` of the log, with all area events up to `areas`."""

    persons: Sequence[PersonPlan]
    areas: int
    rules: int


class RulesMoved(Exception):
    """Raised when a governance fact was appended since the rules were read; plan again by the new rules."""


def refuse_moved_rules(connection: Connection, position: int) -> None:
    """Check that the rules of that position still hold. Call it after the rows are marked as planned.

    A publication wakes those rows first, so either this check sees the publication, or the waking removes the mark.

    Raises:
        RulesMoved: other rules hold now.
    """
    if governance.latest(connection) != position:
        raise RulesMoved


def planned_before_erasure(
    connection: Connection, log: Log, known: Mapping[str, Mapping[UUID, Nudge]]
) -> frozenset[UUID]:
    """Return those of the persons' nudges that were last planned before their person was erased.

    Usually empty: such a person was erased and then named again by a later event.
    """
    since = erased.last_erasures(connection, [person for person, theirs in known.items() if theirs])
    ids = [id_ for person in since for id_ in known[person]]
    if not ids:
        return frozenset()
    last = {entry.originator_id: entry.position for entry in log.streams(connection, ids, _PLANNED)}
    return frozenset([id_ for person, at in since.items() for id_ in known[person] if last[id_] < at])


def decided_by(part: RulebookPart, nudges: Mapping[UUID, Nudge]) -> Mapping[UUID, Nudge]:
    """Return those of a person's nudges that this part of the rulebook decides on."""
    if part.triggers is None:
        return nudges
    return {id_: nudge for id_, nudge in nudges.items() if nudge.intent.trigger in part.triggers}


def leaving_undecided(plan: Plan, nudges: AbstractSet[UUID]) -> Plan:
    """Return the plan with these nudges undecided: they stay as they are unless the plan asks for them."""
    return replace(plan, undecided=plan.undecided.union(nudges)) if nudges else plan


def changes_of(plan: Plan, known: Mapping[UUID, Nudge], rulebook: Rulebook, now: datetime) -> list[Change]:
    """Return the changes that bring the known nudges to the plan."""
    changes = diff(plan, known, rulebook, now)
    return [*changes, *completion_changes(plan, known, changes, now)]


def any_due(nudges: Sequence[Nudge], now: datetime) -> bool:
    """Return True if something of the nudges is due by now."""
    return any(nudge.is_due(now) for nudge in nudges)


def changed_nudges(plans: Sequence[PersonPlan]) -> list[Nudge]:
    """Return the changed nudges as they are after their changes."""
    now: dict[UUID, Nudge] = {}
    for plan in plans:
        for change in plan.changes:
            now[change.nudge] = evolve(now.get(change.nudge) or plan.nudges.get(change.nudge), *change)
    return list(now.values())
