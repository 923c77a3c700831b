"""Evidence: the facts behind a nudge as they are stored, each with a proof that it is in the chain."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, select

from domain.core.events import LifeEvent
from domain.facts.chain import Proof, leaf, proof, root
from domain.facts.facts import NudgeAnswered, NudgePlanned
from domain.facts.governance import TriggerApproved, TriggerPublished, TriggerSubmitted
from projections import governance
from projections import history as view
from projections.bulk import among
from projections.tables import history
from streams.log import chain as blocks
from streams.log.chain import SignedBlock, StoredFact
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.row_codes import codes_of
from streams.log.signing import signed_by
from streams.queries.explain import Explanation, explain
from streams.rules.in_force import Rules

RULE_FACTS = (TriggerSubmitted, TriggerApproved, TriggerPublished)
OF_THE_DATE = {"citizen.age": "citizen.born_on"}


class NotAsWritten(Exception):
    """Raised when a block does not match its signed head."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Block {number} does not hold what its head says, so nothing is proven by it:"
            " see `habarshy audit verify`."
        )


class NotChained(Exception):
    """Raised when a fact of the nudge is in no block, or only in one after the given head."""


class EvidenceFact(NamedTuple):
    """One fact: its subject (nudge, event, person or rule), its decoded and its stored form, its block and proof."""

    of: str
    entry: Entry
    stored: StoredFact
    block: int
    proof: Proof


class Evidence(Struct, frozen=True):
    """The explanation of a nudge, with its facts in the order of the log, and their blocks.

    If a later head was asked for, `chain` has all blocks up to it, as each block names the one before it.
    """

    why: Explanation
    facts: Sequence[EvidenceFact]
    chain: Sequence[SignedBlock]


def evidence(
    connection: Connection, log: Log, rules: Rules, id_: UUID, now: datetime, public: bytes, upto: int = 0
) -> Evidence:
    """Return the evidence of one nudge; `upto`: the number of a block whose head was deposited.

    Raises:
        NotAsWritten: the log was tampered with.
        NotChained: a fact is in no block, or in one after `upto`.
        UnknownNudge: there is none.
    """
    why = explain(connection, log, rules, id_, now)
    of = dict(_facts(connection, log, rules, why))
    chain = list(_blocks(connection, of, upto))
    entries = {entry.position: entry for entry in log.read(connection, of)}
    return Evidence(why, [fact for one in chain for fact in _proven(connection, one, of, entries, public)], chain)


def _facts(connection: Connection, log: Log, rules: Rules, why: Explanation) -> Iterator[tuple[int, str]]:
    """Yield position and subject of all facts behind the nudge."""
    own = log.streams(connection, [why.nudge])
    planned = [entry.fact for entry in own if isinstance(entry.fact, NudgePlanned)]
    replies = {entry.fact.reply for entry in own if isinstance(entry.fact, NudgeAnswered)}
    versions = {fact.version for fact in planned}
    for entry in log.read(connection, governance.positions(connection)):
        if isinstance(entry.fact, RULE_FACTS) and entry.fact.hash in versions:
            yield entry.position, "rule"
    yield from ((position, "person") for position in _read_of_person(connection, rules, why))
    events = {fact.cause for fact in planned} | replies
    yield from ((position, "event") for position in _events(connection, log, rules, events))
    yield from ((entry.position, "nudge") for entry in own)


def _events(connection: Connection, log: Log, rules: Rules, streams: Iterable[UUID]) -> Iterator[int]:
    """Yield the positions of the events and of all their revisions."""
    found = [entry.fact for entry in log.streams(connection, streams) if isinstance(entry.fact, LifeEvent)]
    originals = [rules.rulebook.names.stream(event.source, event.original) for event in found]
    yield from (entry.position for entry in log.streams(connection, originals))
    for positions in view.revisions_of(connection, originals).values():
        yield from positions


def _read_of_person(connection: Connection, rules: Rules, why: Explanation) -> Iterable[int]:
    """Return the positions of the facts that set the person's attributes which the rule read."""
    read = {OF_THE_DATE.get(name, name).removeprefix("citizen.") for name in why.used if name.startswith("citizen.")}
    types = [
        name
        for name, type_ in rules.catalogue.types.items()
        if any(setting.attribute in read for settings in type_.sets.values() for setting in settings)
    ]
    if not types:
        return []
    where = (history.c.person == why.person, among(history.c.type, types))
    return connection.execute(select(history.c.position).where(*where)).scalars().all()


def _blocks(connection: Connection, positions: Iterable[int], upto: int) -> Iterator[SignedBlock]:
    over: dict[int, SignedBlock] = {}
    for position in positions:
        one = blocks.block_of(connection, position)
        if one is None or (upto and one.block.number > upto):
            raise NotChained(
                "The facts of this nudge are not in the chain, or not before the given head:"
                " see `habarshy audit heads`."
            )
        over[one.block.number] = one
    if upto:
        first = min(over)
        over |= {one.block.number: one for one in blocks.blocks_from(connection, first, upto - first + 1)}
    yield from (over[number] for number in sorted(over))


def _proven(
    connection: Connection, one: SignedBlock, of: Mapping[int, str], entries: Mapping[int, Entry], public: bytes
) -> Iterator[EvidenceFact]:
    """Yield those of the facts that the block covers, in the order of the log."""
    block = one.block
    if not signed_by(public, one.signature, block.head):
        raise NotAsWritten(block.number)
    if not any(block.after < position <= block.upto for position in of):
        return
    rows, valid = blocks.coded_rows(connection, block.after, upto=block.upto), codes_of(connection).is_valid
    facts: list[StoredFact] = [row[:5] for row in rows if valid(row)]
    leaves = [leaf(*fact) for fact in facts]
    if root(leaves) != block.root:
        raise NotAsWritten(block.number)
    for at, fact in enumerate(facts):
        if (position := fact[0]) in of:
            yield EvidenceFact(of[position], entries[position], fact, block.number, proof(leaves, at))
