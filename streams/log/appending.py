"""Appends facts about nudges and updates their views, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts.facts import NudgeFact, NudgeGathered, RecipientFact
from domain.nudges.delivery import Due
from domain.nudges.digest import goes_with, member_fact
from domain.nudges.nudge import Nudge, evolve
from domain.nudges.unreached import passed_to_minor
from projections import handed_over, nudges
from streams.log.log import Log
from streams.log.mapper import Entry


class Unconditional(Struct, frozen=True):
    """Facts to be appended to nudges as they are now: outcomes are accepted however late.

    `known`: the nudges as they were a moment ago; they are read again only if they have changed since.
    """

    facts: Sequence[tuple[UUID, NudgeFact]]
    known: Mapping[UUID, Nudge]


NOTHING_UNCONDITIONAL = Unconditional((), {})


def append_if_unmoved(
    connection: Connection,
    log: Log,
    facts: Iterable[tuple[Nudge, NudgeFact]],
    tied: Mapping[UUID, Sequence[Nudge]] | None = None,
    always: Unconditional = NOTHING_UNCONDITIONAL,
) -> Mapping[UUID, Nudge]:
    """Append facts to the nudges that have not changed since they were read.

    `tied`: the other nudges that must not have changed for a nudge's facts, such as the members of a digest; if only
    these have, the claims on its deliveries are released. (A nudge that has changed lost them by that.)
    `always`: further facts, appended behind them in any case. All nudges are locked in one statement, to avoid
    deadlocks. Return the nudges that `facts` were appended to, as they are afterwards.
    """
    by_nudge: dict[UUID, tuple[Nudge, list[NudgeFact]]] = {}
    for nudge, fact in facts:
        by_nudge.setdefault(nudge.intent.id, (nudge, []))[1].append(fact)
    read = {id_: [each[0], *(tied or {}).get(id_, ())] for id_, each in by_nudge.items()}
    every = {one.intent.id for each in read.values() for one in each}
    members = chain.from_iterable(
        one.members for one in (*(each[0] for each in read.values()), *always.known.values())
    )
    versions = nudges.versions_held(connection, every.union(members, (id_ for id_, _ in always.facts)))
    kept = {
        id_: by_nudge[id_]
        for id_, each in read.items()
        if all(versions.get(one.intent.id) == one.version for one in each)
    }
    after = _append(connection, log, {**kept, **_with_unconditional(connection, log, kept, always, versions)})
    held_back = [
        Due(id_, fact.recipient)
        for id_, (nudge, theirs) in by_nudge.items()
        if id_ not in kept and versions.get(id_) == nudge.version
        for fact in theirs
        if isinstance(fact, RecipientFact)
    ]
    nudges.release(connection, held_back)
    return {id_: after[id_] for id_ in kept}


def _with_unconditional(
    connection: Connection,
    log: Log,
    kept: Mapping[UUID, tuple[Nudge, Sequence[NudgeFact]]],
    always: Unconditional,
    versions: Mapping[UUID, int],
) -> dict[UUID, tuple[Nudge | None, Sequence[NudgeFact]]]:
    """Return the changes of the nudges with unconditional facts, which are locked; `versions`: of now."""
    by_nudge: dict[UUID, list[NudgeFact]] = {}
    for id_, fact in always.facts:
        by_nudge.setdefault(id_, []).append(fact)
    found = {id_: kept[id_][0] for id_ in by_nudge if id_ in kept}
    known = {id_: always.known[id_] for id_ in by_nudge if id_ in always.known and id_ not in found}
    found |= {id_: nudge for id_, nudge in known.items() if versions.get(id_) == nudge.version}
    if moved := by_nudge.keys() - found.keys():
        found |= nudges.held(connection, moved)
        outcomes = [(id_, fact) for id_ in moved for fact in by_nudge.pop(id_)]
        for nudge, fact in unrecorded(connection, log, outcomes):
            by_nudge.setdefault(nudge, []).append(fact)
    return {
        id_: (found.get(id_), [*(kept[id_][1] if id_ in kept else ()), *theirs]) for id_, theirs in by_nudge.items()
    }


def unrecorded(
    connection: Connection, log: Log, facts: Iterable[tuple[UUID, NudgeFact]]
) -> list[tuple[UUID, NudgeFact]]:
    """Return the outcomes that are not in the log yet; the caller has locked their nudges.

    Another process may have recorded them from the hand-over journal, or a commit that was not confirmed.
    """
    wanted, recorded = list(facts), dict[UUID, list[object]]()
    for entry in log.streams(connection, {id_ for id_, _ in wanted}):
        recorded.setdefault(entry.originator_id, []).append(entry.fact)
    return [(id_, fact) for id_, fact in wanted if fact not in recorded.get(id_, ())]


def record(connection: Connection, log: Log, facts: Iterable[tuple[UUID, NudgeFact]]) -> None:
    """Append facts to nudges as they are now, or to new ones: outcomes and receipts are accepted however late."""
    by_nudge: dict[UUID, list[NudgeFact]] = {}
    for id_, fact in facts:
        by_nudge.setdefault(id_, []).append(fact)
    found = nudges.held(connection, by_nudge)
    _append(connection, log, {id_: (found.get(id_), each) for id_, each in by_nudge.items()})


def _append(
    connection: Connection, log: Log, changes: Mapping[UUID, tuple[Nudge | None, Sequence[NudgeFact]]]
) -> dict[UUID, Nudge]:
    folding = _Folding({id_: nudge for id_, (nudge, _) in changes.items() if nudge is not None})
    for nudge, _ in changes.values():
        if nudge is not None and nudge.members:
            folding.know(nudges.by_id(connection, nudge.members))
    for id_, (_, facts) in changes.items():
        for fact in facts:
            folding.take(id_, fact)
        if facts and (passed := passed_to_minor(folding.now[id_], facts[-1].at)) is not None:
            folding.take(id_, passed)
    nudges.store(connection, folding.changed, folding.before)
    handed_over.store(connection, ((entry.originator_id, entry.fact) for entry in folding.entries))
    if folding.entries:
        log.append(connection, folding.entries)
    return {id_: folding.now[id_] for id_ in changes}


class _Folding:
    """Folds facts into nudges; a fact about a digest applies to its members too."""

    def __init__(self, found: Mapping[UUID, Nudge]) -> None:
        self.now = dict(found)
        self.before = dict(found)
        self.entries: list[Entry] = []

    def know(self, others: Mapping[UUID, Nudge]) -> None:
        """Add nudges that may change too."""
        self.now = {**others, **self.now}
        self.before = {**others, **self.before}

    @property
    def changed(self) -> list[Nudge]:
        """The nudges with new facts, as they are afterwards."""
        return [self.now[id_] for id_ in dict.fromkeys(entry.originator_id for entry in self.entries)]

    def take(self, id_: UUID, fact: NudgeFact) -> None:
        """Fold one more fact into a nudge, and into the members that travel with it."""
        nudge = self._fold(id_, fact)
        if isinstance(fact, NudgeGathered):
            return
        for member in (self.now[each] for each in nudge.members if goes_with(self.now[each], nudge)):
            theirs = member_fact(fact, member.to(nudge.intent.person))
            if theirs is not None:
                self._fold(member.intent.id, theirs)

    def _fold(self, id_: UUID, fact: NudgeFact) -> Nudge:
        before = self.now.get(id_)
        version = 1 if before is None else before.version + 1
        nudge = self.now[id_] = evolve(before, id_, version, fact)
        self.entries.append(Entry(id_, version, fact))
        return nudge
