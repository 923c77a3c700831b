"""The chain over the log: what a fact, a block of facts and its head are, as bytes and as digests.

A block's facts are the leaves of a Merkle tree as in RFC 6962, section 2.1 (leaves and nodes begin with different
bytes, so neither passes for the other); each block names the digest of the one before it. So the digest of the latest
block stands for every fact up to its end, and a fact is shown to be in it by some ten digests.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from struct import Struct as Layout

import msgspec
from msgspec.structs import astuple

_FACT = Layout(">qqHI").pack
_BLOCK = Layout(">qqqIq32s32s32s").pack
_MARK = Layout(">q8s")
_HEAD = b"habarshy block/1\n"

Proof = tuple[tuple[str, bytes], ...]
"""From a leaf to the root: on which side ("left" or "right") which digest stands."""


class Block(msgspec.Struct, frozen=True):
    """The facts at the positions above `after` up to `upto`; positions may have gaps, `count` is how many there are.

    `number`: from 1; `at`: when the block was made, in microseconds since 1970; `previous`: the digest of the block
    before it; `root`: of its facts' tree; `marks`: the SHA-256 of its marks.
    """

    number: int
    after: int
    upto: int
    count: int
    at: int
    previous: bytes
    root: bytes
    marks: bytes

    @property
    def head(self) -> bytes:
        """Return the bytes that are signed: they stand for the block and, through `previous`, for everything before
        it.
        """
        return _HEAD + _BLOCK(*astuple(self))

    @property
    def digest(self) -> bytes:
        """Return the hash by which the next block names this one; zeros for BEGINNING."""
        return sha256(self.head).digest() if self.number else bytes(32)


BEGINNING = Block(0, 0, 0, 0, 0, bytes(32), bytes(32), bytes(32))
"""The imaginary block before the first one."""


def leaf(position: int, stream: bytes, version: int, topic: str, state: bytes) -> bytes:
    """Return the digest of a fact as it is stored, the same on every database.

    Raises:
        AttributeError, struct.error, TypeError: these are no values that the log ever stores.
    """
    name = topic.encode()
    return sha256(b"\0" + _FACT(position, version, len(stream), len(name)) + stream + name + state).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over at least one leaf."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def proof(leaves: Sequence[bytes], index: int) -> Proof:
    """Return the hashes that lead from the leaf of that index to the root."""
    steps: list[tuple[str, bytes]] = []
    level = list(leaves)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            steps.append(("left" if beside < index else "right", level[beside]))
        level, index = _above(level), index // 2
    return tuple(steps)


def _above(level: list[bytes]) -> list[bytes]:
    """Return the level above; who has nobody beside it goes up as it is."""
    pairs = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    return pairs + level[2 * len(pairs) :]


def marked(positions: Sequence[int], leaves: Sequence[bytes]) -> bytes:
    """Return the marks of a block: the positions of its facts, each with the beginning of the fact's digest.

    They find the fact in a block whose root is another.
    """
    return b"".join([_MARK.pack(position, leaf_) for position, leaf_ in zip(positions, leaves, strict=True)])


CODED = _MARK.pack(0, b"codes/1\0")
"""Ends the marks of a block that was made of rows with keyed codes. The log never gives position 0."""


def is_coded(marks: bytes) -> bool:
    """Return True for marks of a block that was made of rows with keyed codes."""
    return marks.endswith(CODED)


def marks_position(marks: bytes) -> frozenset[int]:
    """Return the positions of the facts that the marks are of."""
    return frozenset(position for position, _ in _MARK.iter_unpack(marks)) - {0}


def differing_marks(before: bytes, now: bytes) -> Iterator[tuple[int, str]]:
    """Yield (position, "missing" | "added" | "changed") where a block's marks differ from the present ones."""
    was, is_ = dict(_MARK.iter_unpack(before)), dict(_MARK.iter_unpack(now))
    for position in sorted((was.keys() | is_.keys()) - {0}):
        if position not in is_:
            yield position, "missing"
        elif position not in was:
            yield position, "added"
        elif was[position] != is_[position]:
            yield position, "changed"
