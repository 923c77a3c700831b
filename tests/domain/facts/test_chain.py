from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.facts.chain import BEGINNING, Block, Proof, differing_marks, leaf, marked, proof, root

FACT = (7, b"s" * 16, 1, "life/1", b"state")
BLOCK = Block(3, 10, 20, 9, 1_750_000_000_000_000, b"p" * 32, b"r" * 32, b"m" * 32)

leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70, unique=True)


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbours, as RFC 6962 has it."""
    return sha256(b"\1" + left + right).digest()


def root_by(steps: Proof, digest: bytes) -> bytes:
    """Return the root to which a proof leads from a leaf."""
    for side, beside in steps:
        digest = node(beside, digest) if side == "left" else node(digest, beside)
    return digest


def test_the_tree_is_that_of_the_rfc() -> None:
    """The root over seven leaves is the one that RFC 6962 draws: ((ab)(cd))((ef)g)."""
    a, b, c, d, e, f, g = (bytes([number]) * 32 for number in range(7))
    expected = node(node(node(a, b), node(c, d)), node(node(e, f), g))
    assert root([a, b, c, d, e, f, g]) == expected


@given(leaves, st.data())
def test_every_leaf_is_shown_to_be_in_the_tree(found: list[bytes], data: st.DataObject) -> None:
    """From each leaf a proof leads to the root, of at most as many digests as the tree has levels."""
    index = data.draw(st.integers(0, len(found) - 1))
    steps = proof(found, index)
    assert root_by(steps, found[index]) == root(found)
    assert len(steps) <= (len(found) - 1).bit_length()


@given(leaves, st.data())
def test_no_other_leaf_is(found: list[bytes], data: st.DataObject) -> None:
    """What is not that leaf does not lead to the root."""
    index = data.draw(st.integers(0, len(found) - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda each: each != found[index]))
    assert root_by(proof(found, index), other) != root(found)


@pytest.mark.parametrize(
    "other",
    [
        (8, b"s" * 16, 1, "life/1", b"state"),
        (7, b"t" * 16, 1, "life/1", b"state"),
        (7, b"s" * 16, 2, "life/1", b"state"),
        (7, b"s" * 16, 1, "life/2", b"state"),
        (7, b"s" * 16, 1, "life/1", b"State"),
        (7, b"s" * 15, 1, "slife/1", b"state"),
        (7, b"s" * 16, 1, "life/", b"1state"),
        (7, b"s" * 16, 1, "life/1s", b"tate"),
    ],
)
def test_whatever_differs_in_a_fact_differs_in_its_digest(other: tuple[int, bytes, int, str, bytes]) -> None:
    """Position, stream, version, topic and state each count, and none can lend the next one a byte."""
    assert leaf(*other) != leaf(*FACT)


@pytest.mark.parametrize("name", Block.__struct_fields__)
def test_whatever_differs_in_a_block_differs_in_its_head(name: str) -> None:
    """Each field of a block is signed."""
    value = getattr(BLOCK, name)
    other = replace(BLOCK, **{name: value + 1 if isinstance(value, int) else bytes(32)})
    assert other.head != BLOCK.head
    assert other.digest != BLOCK.digest


def test_the_first_block_has_zeros_before_it() -> None:
    """What the first block names as the one before it is no digest of anything."""
    assert BEGINNING.digest == bytes(32)


def test_marks_tell_what_became_of_facts() -> None:
    """By their marks, facts are told apart that are gone, were added, and were changed."""
    a, b, c, d = (bytes([number]) * 32 for number in range(4))
    before, now = marked([1, 2, 4], [a, b, c]), marked([1, 3, 4], [a, b, d])
    assert list(differing_marks(before, now)) == [(2, "missing"), (3, "added"), (4, "changed")]
    assert list(differing_marks(before, before)) == []
