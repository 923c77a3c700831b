"""Audit: compares the log with its chain and with deposited heads, and reports every difference.

Heads are deposited elsewhere, so that rewriting the log together with its chain is noticed.
"""

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from domain.core.ids import Position
from domain.core.translatable import N_
from domain.facts.chain import BEGINNING, Block, differing_marks, leaf, marked, root
from projections.tables import micros, moment
from streams.log import chain
from streams.log.chain import CodedRow, SignedBlock, StoredFact
from streams.log.first_codes import first_codes
from streams.log.forgeries import behind, moved_away
from streams.log.row_codes import codes_of
from streams.log.signing import key_id, signed_by
from streams.storage.database import Database
from streams.storage.tables import log

BLOCKS_PER_PART = 16
"""The blocks read in one short transaction."""


class Finding(Struct, frozen=True):
    """A difference (`what`: see WORDS) in a block, with its position where that is known."""

    what: str
    block: int
    position: int | None = None


WORDS = {
    "changed": N_("the fact is not the one that was there"),
    "missing": N_("the fact is gone"),
    "added": N_("there was no fact"),
    "forged": N_("the row carries no valid code: none of our processes wrote it, and it is ignored"),
    "uncoded": N_("the fact is the one that was there, but its code is not: it cannot be read"),
    "no-note": N_("the note of which facts were there before the codes is gone, or not ours"),
    "altered": N_("facts were altered, and the block's marks with them: where cannot be told"),
    "no-block": N_("the block is gone; its facts cannot be checked"),
    "not-signed": N_("the block is not what was signed; its facts cannot be checked"),
    "other-key": N_("the block was signed by another key; start with the key file that the log was made with"),
    "not-next": N_("the block does not follow the one before it"),
    "cut-off": N_("the deposited head lies beyond the end of the chain: the log was cut off, or is an older backup"),
    "rewritten": N_("the deposited head is not the one in the chain: the log was written anew"),
    "no-head": N_("the deposited head is none that this key signed"),
    "no-chain": N_("nothing is in the chain, so nothing can be checked"),
}


class Audit:
    """Checks the log from the block of position `start` on; `blocks` and `facts` count what it read."""

    def __init__(self, database: Database, public: bytes, start: int = 1) -> None:
        self._database, self._public, self._start = database, public, start
        self._signer = key_id(public)
        self.blocks = self.facts = 0

    def findings(self, deposited: Iterable[SignedBlock] = ()) -> Iterator[Finding]:
        """Yield all differences in the order of the log, then those of the deposited heads."""
        yield from self.before_the_log()
        yield from self.moved_away()
        with self._database.reading() as connection:
            before = self._before(connection)
        while part := self.next_blocks(before):
            for found, one in part:
                yield from found
                before = one.block
        yield from self.behind_the_chain()
        if not self.chained_up_to and self.unchained:
            yield Finding("no-chain", 0)
        for head in deposited:
            yield from self._deposited(head)

    @property
    def chained_up_to(self) -> int:
        """The position of the last fact in the chain; 0 without one."""
        with self._database.reading() as connection:
            return chain.latest(connection).upto

    @property
    def unchained(self) -> int:
        """The number of facts that are in no block yet."""
        return sum(fact for _, fact in self._behind())

    def behind_the_chain(self) -> list[Finding]:
        """Return the forged rows after the end of the chain."""
        return [Finding("forged", 0, position) for position, fact in self._behind() if not fact]

    def _behind(self) -> list[tuple[int, bool]]:
        """Return the position of each row after the end of the chain, and whether it is a fact."""
        with self._database.reading() as connection:
            return list(behind(connection, chain.latest(connection).upto))

    def moved_away(self) -> list[Finding]:
        """Return the forged rows that were moved away, and the note of the first codes where it is not valid."""
        with self._database.reading() as connection:
            found = [Finding("forged", 0, position) for position in moved_away(connection)]
            return found if first_codes(connection) is not None else [*found, Finding("no-note", 0)]

    def _before(self, connection: Connection) -> Block:
        """Return the block before the first one to check."""
        first = chain.block_of(connection, self._start)
        if first is None or first.block.number == 1:
            return BEGINNING if first is not None or self._start <= 1 else chain.latest(connection)
        return chain.blocks_from(connection, first.block.number - 1, 1)[0].block

    def before_the_log(self) -> list[Finding]:
        """Return the rows at positions up to 0, which the log never uses and no block covers."""
        query = select(log.c.position).where(log.c.position <= 0)
        with self._database.reading() as connection:
            return [Finding("added", 0, position) for position in connection.execute(query).scalars()]

    def next_blocks(self, before: Block) -> list[tuple[list[Finding], SignedBlock]]:
        """Return the next blocks, each with its differences."""
        checked: list[tuple[list[Finding], SignedBlock]] = []
        with self._database.reading() as connection:
            for one in chain.blocks_from(connection, before.number + 1, BLOCKS_PER_PART):
                trusted = not checked or not checked[-1][0]
                checked.append((list(self._block(connection, before, one, trusted=trusted)), one))
                before = one.block
        return checked

    def _block(self, connection: Connection, before: Block, one: SignedBlock, *, trusted: bool) -> Iterator[Finding]:
        block = one.block
        self.blocks += 1
        yield from (Finding("no-block", number) for number in range(before.number + 1, block.number))
        if one.signer != self._signer:
            yield Finding("other-key", block.number)
        elif not signed_by(self._public, one.signature, block.head):
            yield Finding("not-signed", block.number)
        else:
            follows = (block.after, block.previous) == (before.upto, before.digest)
            if trusted and block.number == before.number + 1 and not follows:
                yield Finding("not-next", block.number)
            yield from self._facts(connection, block)

    def _facts(self, connection: Connection, block: Block) -> Iterator[Finding]:
        rows, valid = _stored(connection, block), codes_of(connection).is_valid
        self.facts += len(rows)
        uncoded = {row[0] for row in rows if not valid(row)}
        facts = [row[:5] for row in rows if row[0] not in uncoded]
        if len(facts) == block.count and root([*map(_leaf, facts)]) == block.root:
            yield from (Finding("forged", block.number, position) for position in sorted(uncoded))
            return
        marks = chain.marks_of(connection, block.number)
        found = dict(differing_marks(marks, marked([row[0] for row in rows], [_leaf(row[:5]) for row in rows])))
        if sha256(marks).digest() != block.marks or not (found or uncoded):
            yield Finding("altered", block.number)
            return
        for position in sorted(found.keys() | uncoded):
            what = found.get(position, "uncoded")
            yield Finding("forged" if what == "added" and position in uncoded else what, block.number, position)

    def _deposited(self, head: SignedBlock) -> Iterator[Finding]:
        number = head.block.number
        with self._database.reading() as connection:
            found = chain.blocks_from(connection, number, 1)
        if not signed_by(self._public, head.signature, head.block.head):
            yield Finding("no-head", number)
        elif not found or found[0].block.number != number:
            yield Finding("cut-off", number)
        elif found[0].block != head.block:
            yield Finding("rewritten", number)


def _stored(connection: Connection, block: Block) -> Sequence[CodedRow]:
    try:
        return chain.coded_rows(connection, block.after, upto=block.upto)
    except sqlite3.OperationalError:  # a text that is not UTF-8: the driver stops there
        within = (log.c.position > block.after, log.c.position <= block.upto)
        query = select(log.c.position).where(*within).order_by(log.c.position)
        return [_stored_at(connection, position) for position in connection.execute(query).scalars().all()]


def _stored_at(connection: Connection, position: Position) -> CodedRow:
    try:
        return chain.coded_rows(connection, position - 1, upto=position)[0]
    except sqlite3.OperationalError:
        return (position, b"", 0, "", b"", None)


def _leaf(fact: StoredFact) -> bytes:
    """Return the fact's digest; zeros for values that the log never stores."""
    try:
        return leaf(*fact)
    except (AttributeError, struct.error, TypeError):
        return bytes(32)


class BadHead(ValueError):
    """Raised for a line that is no deposited head."""


class Head(msgspec.Struct, frozen=True):
    """A block and the signature under its head, in JSON: digests, signature and key in hex."""

    block: int
    after: int
    upto: int
    count: int
    at: datetime
    previous: str
    root: str
    marks: str
    digest: str
    signature: str
    public_key: str


def head_of(one: SignedBlock, public: bytes) -> Head:
    """Return the head of a block that the key with that public half signed."""
    block = one.block
    return Head(
        block.number,
        block.after,
        block.upto,
        block.count,
        moment(block.at),
        block.previous.hex(),
        block.root.hex(),
        block.marks.hex(),
        block.digest.hex(),
        one.signature.hex(),
        public.hex(),
    )


def read_head(line: bytes) -> SignedBlock:
    """Return the block of a deposited head. Raises BadHead where the line is not one."""
    try:
        head = msgspec.json.decode(line, type=Head)
        block = Block(
            head.block,
            head.after,
            head.upto,
            head.count,
            micros(head.at),
            bytes.fromhex(head.previous),
            bytes.fromhex(head.root),
            bytes.fromhex(head.marks),
        )
        return SignedBlock(block, bytes.fromhex(head.signature), key_id(bytes.fromhex(head.public_key)))
    except (ValueError, TypeError) as error:
        raise BadHead(f"Not a line of `habarshy audit heads --json`: {error}.") from None
