"""Heads as they are deposited elsewhere, so that nobody can write the log anew without being found out."""

from datetime import datetime

import msgspec

from domain.chain import Block
from projections.tables import micros, moment
from streams.blocks import Chained
from streams.signing import key_id


class BadHead(ValueError):
    """Not a line of `habarshy audit heads --json`: {problem}."""

    def __init__(self, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(problem=problem))


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


def head_of(one: Chained, public: bytes) -> Head:
    """The head of a block that the key with that public half signed."""
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


def read_head(line: bytes) -> Chained:
    """The block of a deposited head.

    Raises:
        BadHead: the line is none.
    """
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
        return Chained(block, bytes.fromhex(head.signature), key_id(bytes.fromhex(head.public_key)))
    except (ValueError, TypeError) as error:
        raise BadHead(str(error)) from None
