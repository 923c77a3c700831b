"""Builds the blocks of the chain from the facts of the log, without holding up the appenders."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from domain.facts.chain import BEGINNING, CODED, Block, leaf, marked, root
from projections.tables import micros, moment
from streams.log import chain
from streams.log.chain import SignedBlock, StoredFact
from streams.log.recorder import FactRecorder
from streams.log.row_codes import codes_of
from streams.log.signing import Signer
from streams.storage.advisory_locks import take_turns
from streams.storage.database import Database, Priority

BLOCK_FACTS = 1024
"""The most facts of a block."""
LONGEST_WAIT = timedelta(minutes=1)
"""The longest wait of facts that do not fill a block."""
CHAIN_LOCK = 0x4841_4243


class ChainBuilder:
    """Makes blocks of at most `size` facts; without a signer it makes none."""

    def __init__(
        self, database: Database, signer: Signer | None, clock: Callable[[], datetime], size: int = BLOCK_FACTS
    ) -> None:
        self._database, self._clock, self._size = database, clock, size
        self.signer = signer

    def drain(self) -> int:
        """Make the full blocks, and one of facts that waited for LONGEST_WAIT; return the number of facts in them."""
        return self._make(patient=True)

    def finish(self) -> int:
        """As `drain`, and make one of the remaining facts, so that every fact is in a block."""
        return self._make(patient=False)

    def _make(self, *, patient: bool) -> int:
        done = 0
        while self.signer is not None and (made := self._next(self.signer, patient=patient)) is not None:
            done += made
        return done

    def _next(self, signer: Signer, *, patient: bool) -> int | None:
        with self._database.reading() as connection:
            last = chain.latest(connection)
            waiting = FactRecorder.last_position(connection) - last.upto
            if waiting <= 0 or (patient and waiting < self._size and not self._waited(last)):
                return None
            facts = self._facts(connection, last.upto)
        if not facts:
            return None
        if patient and len(facts) < self._size and not self._waited(last):
            return None
        leaves = [leaf(*fact) for fact in facts]
        marks = marked([fact[0] for fact in facts], leaves) + CODED
        block = Block(
            last.number + 1,
            last.upto,
            facts[-1][0],
            len(facts),
            micros(self._clock()),
            last.digest,
            root(leaves),
            sha256(marks).digest(),
        )
        one = SignedBlock(block, signer.sign(block.head), signer.id)
        return self._database.write(lambda connection: _store(connection, one, marks), Priority.FOLLOWING)

    def _facts(self, connection: Connection, after: int) -> list[StoredFact]:
        """Return the next facts after a position. Rows without a valid code are not facts and go into no block."""
        valid = codes_of(connection).is_valid
        found: list[StoredFact] = []
        while rows := chain.coded_rows(connection, after, limit=self._size - len(found)):
            found += [row[:5] for row in rows if valid(row)]
            after = rows[-1][0]
            if len(found) == self._size:
                break
        return found

    def _waited(self, last: Block) -> bool:
        """Return whether the facts waited for LONGEST_WAIT.

        A last block from the future was made by a clock that was wrong.
        """
        return last == BEGINNING or abs(self._clock() - moment(last.at)) >= LONGEST_WAIT


def _store(connection: Connection, one: SignedBlock, marks: bytes) -> int:
    """Store the block and return its number of facts; 0 where another process stored one first."""
    take_turns(connection, CHAIN_LOCK)
    if chain.latest(connection).number != one.block.number - 1:
        return 0
    chain.store(connection, one, marks)
    return one.block.count
