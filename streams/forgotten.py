"""What was planned for somebody before they were erased: nobody knows any more why, so it stays as it is."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from domain.facts import NudgePlanned, NudgeRescheduled
from domain.nudge import Nudge
from domain.plan import Plan
from projections import erased
from streams.log import Log

_PLANNED = (NudgePlanned.TOPIC, NudgeRescheduled.TOPIC)


def forgotten(connection: Connection, log: Log, known: Mapping[str, Mapping[UUID, Nudge]]) -> frozenset[UUID]:
    """Of these persons' nudges those that were last planned before their person was erased.

    Of hardly anybody there are any: who was erased has come back by a later event.
    """
    since = erased.since(connection, [person for person, theirs in known.items() if theirs])
    ids = [id_ for person in since for id_ in known[person]]
    if not ids:
        return frozenset()
    last = {entry.originator_id: entry.position for entry in log.streams(connection, ids, _PLANNED)}
    return frozenset([id_ for person, at in since.items() for id_ in known[person] if last[id_] < at])


def leaving(plan: Plan, nudges: AbstractSet[UUID]) -> Plan:
    """The same plan, by which these stay as they are unless it asks for them."""
    return replace(plan, undecided=plan.undecided.union(nudges)) if nudges else plan
