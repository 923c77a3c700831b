"""Appends facts to nudges, with the views that show them, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from domain.facts import NudgeFact
from domain.nudge import Nudge, evolve
from projections import nudges
from streams.log import Log
from streams.mapper import Entry


def append_if_unmoved(connection: Connection, log: Log, facts: Iterable[tuple[Nudge, NudgeFact]]) -> set[UUID]:
    """Append facts to nudges that have not changed since they were read; the others are let go.

    Returns the nudges that the facts were appended to.
    """
    by_nudge: dict[UUID, tuple[Nudge, list[NudgeFact]]] = {}
    for nudge, fact in facts:
        by_nudge.setdefault(nudge.intent.id, (nudge, []))[1].append(fact)
    nudges.hold(connection, by_nudge)
    versions = nudges.versions(connection, by_nudge)
    kept = {id_: each for id_, each in by_nudge.items() if versions.get(id_) == each[0].version}
    _append(connection, log, kept.values())
    nudges.release(connection, [id_ for id_ in by_nudge if id_ not in kept])
    return set(kept)


def record(connection: Connection, log: Log, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
    """Append facts to nudges as they are now: outcomes and receipts, which are accepted however late."""
    nudges.hold(connection, [id_ for id_, _ in facts])
    found = nudges.by_id(connection, [id_ for id_, _ in facts])
    by_nudge: dict[UUID, tuple[Nudge, list[NudgeFact]]] = {}
    for id_, fact in facts:
        by_nudge.setdefault(id_, (found[id_], []))[1].append(fact)
    _append(connection, log, by_nudge.values())


def _append(connection: Connection, log: Log, changes: Iterable[tuple[Nudge, Sequence[NudgeFact]]]) -> None:
    entries, after = [], []
    for nudge, facts in changes:
        current, id_ = nudge, nudge.intent.id
        for fact in facts:
            entries.append(Entry(id_, current.version + 1, fact))
            current = evolve(current, id_, current.version + 1, fact)
        after.append(current)
    nudges.store(connection, after)
    if entries:
        log.append(connection, entries)
