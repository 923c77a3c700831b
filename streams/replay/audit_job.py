"""An audit of the whole log as the work of a job, some blocks a step. It counts findings by kind.

A step continues after the last block that was checked, found by its number. If that block was removed meanwhile, the
audit starts again.
"""

import msgspec
from msgspec import Struct

from domain.core.translatable import Said
from domain.facts.chain import BEGINNING, Block
from streams.log import chain
from streams.log.audit import WORDS, Audit, Finding
from streams.queues.jobs import HoldsNothing, Plan, Save, Step
from streams.storage.database import Database

FACTS_A_STEP = 20_000
A_SECOND = 100_000.0


class AuditProgress(Struct, frozen=True):
    """The progress of an audit: last block checked, facts read, and kind of finding -> its count and first place."""

    block: int = 0
    facts: int = 0
    found: dict[str, tuple[int, str]] = {}

    def longer(self, audit: Audit, block: int, findings: list[Finding]) -> "AuditProgress":
        """Return the progress after a step."""
        found = dict(self.found)
        for finding in findings:
            many, first = found.get(finding.what, (0, _place(finding)))
            found[finding.what] = (many + 1, first)
        return AuditProgress(block, self.facts + audit.facts, found)


class AuditJob(HoldsNothing):
    """The work of an audit job. `public`: key to verify the signed heads of blocks; `facts`: about so many a step."""

    def __init__(self, database: Database, public: bytes, facts: int = FACTS_A_STEP) -> None:
        self._database, self._public, self._facts = database, public, facts

    def count(self, cursor: str) -> Plan:  # noqa: ARG002  (counted in one step)
        """Count the facts."""
        with self._database.reading() as connection:
            count = chain.count_of_facts(connection)
        return Plan(Said("check every fact in the chain against its block's signed head"), count, "facts", A_SECOND)

    def step(self, cursor: str, save: Save) -> Step:
        """Check the next blocks."""
        seen = msgspec.json.decode(cursor, type=AuditProgress) if cursor else AuditProgress()
        before = self._block(seen.block)
        if before is None:
            seen, before = AuditProgress(), BEGINNING
        audit = Audit(self._database, self._public)
        findings = [] if seen.block else [*audit.before_the_log(), *audit.moved_away()]
        part = audit.next_blocks(before)
        while part:
            findings += [finding for found, _ in part for finding in found]
            before = part[-1][1].block
            part = audit.next_blocks(before) if audit.facts < self._facts else []
        ended = not audit.blocks
        findings += audit.behind_the_chain() if ended else []
        if ended and not seen.block and audit.unchained:
            findings.append(Finding("no-chain", 0))
        return self._step(seen.longer(audit, before.number, findings), audit, save, finished=ended)

    def _step(self, seen: AuditProgress, audit: Audit, save: Save, *, finished: bool) -> Step:
        words = _words(seen, audit.unchained) if finished else ""
        step = Step(msgspec.json.encode(seen).decode(), seen.facts, finished=finished, words=words)
        self._database.write(lambda connection: save(connection, step))
        return step

    def _block(self, number: int) -> Block | None:
        if not number:
            return BEGINNING
        with self._database.reading() as connection:
            found = chain.blocks_from(connection, number, 1)
        return found[0].block if found and found[0].block.number == number else None


def _place(finding: Finding) -> str:
    position = "" if finding.position is None else f"position {finding.position}, "
    return f"{position}block {finding.block}" if finding.block else f"{position}in no block"


def _words(seen: AuditProgress, unchained: int) -> str:
    told = {what: f"{many}; the first: {first} ({WORDS[what]})" for what, (many, first) in seen.found.items()}
    counts = {
        "facts": seen.facts,
        "blocks": seen.block,
        "unchained": unchained,
        "findings": sum(many for many, _ in seen.found.values()),
    }
    return msgspec.json.encode(counts | told).decode()
