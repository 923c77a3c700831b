"""A canary: a version for a share of all persons, drawn once and for all, before it is for everybody."""

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.rules.rulebook import Version
from tests.domain.given import before, given, modest, published, rulebook, rules
from tests.domain.world import AIDA, at, paper

CARD = rules("paper.issued", {"month": before(30), "week": before(7)})
PERSONS = st.text("0123456789abcdef", min_size=1, max_size=32)
SHARES = st.floats(0, 1)
BOOK = rulebook()


def canary(hash_: str, number: int = 2, share: float = 0.05, **more: str) -> Version:
    """A version of the card's trigger with that hash, for a share of all."""
    return replace(published(CARD, number, **more), hash=hash_, share=share)


IN = next(f"v{number}" for number in range(1000) if BOOK.is_for(canary(f"v{number}"), AIDA))
OUT = next(f"v{number}" for number in range(1000) if not BOOK.is_for(canary(f"v{number}", share=0.95), AIDA))
"""Versions in whose smallest canary Aida is, and in whose largest she is not."""


@modest
@forall(PERSONS, SHARES, SHARES)
def test_who_is_in_a_share_is_in_every_larger_one(person: str, one: float, other: float) -> None:
    """Widening a canary takes nobody out of it."""
    small, large = (canary("v1", share=share) for share in sorted((one, other)))
    assert BOOK.is_for(small, person) <= BOOK.is_for(large, person)


@modest
@forall(PERSONS)
def test_nothing_is_for_nobody_and_all_is_for_everybody(person: str) -> None:
    """The ends of the scale are what they say."""
    assert not BOOK.is_for(canary("v1", share=0), person)
    assert BOOK.is_for(canary("v1", share=1), person)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95])
def test_a_share_is_about_as_large_as_it_says(share: float) -> None:
    """Of many persons, that part is in, and another part for another version or trigger."""
    drawn = {
        (each.trigger.name, each.hash): {one for one in range(10_000) if BOOK.is_for(each, f"person {one}")}
        for each in (canary(hash_, share=share, name=name) for name in ("card", "fee") for hash_ in ("v1", "v2"))
    }
    assert all(abs(len(some) - share * 10_000) < 200 for some in drawn.values())
    assert len({frozenset(some) for some in drawn.values()}) == 4


def test_whoever_is_in_the_canary_gets_the_new_version_and_the_others_the_one_before() -> None:
    """The rulebook decides person by person; the share of a version changes nobody else's plan."""
    first = published(CARD, 1)
    inside = given(paper()).when(first, canary(IN))
    outside = given(paper()).when(first, canary(OUT, share=0.95))
    assert {intent.version for intent in inside.intents} == {IN}
    assert outside.intents == given(paper()).when(first).intents


def test_the_first_version_of_a_trigger_is_for_its_canary_alone() -> None:
    """Whoever is outside the canary of a first version hears nothing."""
    given(paper()).when(canary(OUT, 1, 0.95)).then_nothing()
    assert len(given(paper()).when(canary(IN, 1)).intents) == 2


def test_whoever_was_in_the_canary_keeps_what_they_were_told_from_then() -> None:
    """When a version is for everybody, its canary's plan stays to the byte; the others get what is still ahead."""
    for hash_, steps in ((IN, 2), (OUT, 1)):
        small = canary(hash_, 1, 0.05 if hash_ == IN else 0.95)
        wide = replace(small, published=2, share=1.0, ahead_from=at("2025-02-01"))
        after = given(paper("2025-02-20")).when(small, wide)
        assert len(after.intents) == steps
        if hash_ == IN:
            assert after.intents == given(paper("2025-02-20")).when(small).intents


def test_another_version_in_between_ends_the_canary() -> None:
    """Going back to a version after another one is a publication of its own, also for its former canary."""
    small, other = canary(IN, 1), published(CARD, 2)
    again = replace(small, published=3, share=1.0, ahead_from=at("2025-02-01"))
    assert [intent.step for intent in given(paper("2025-02-20")).when(small, other, again).intents] == ["week"]


@modest
@forall(st.permutations([1, 2, 3, 4]), SHARES)
def test_the_order_in_which_versions_are_given_does_not_matter(order: list[int], share: float) -> None:
    """Only the order of publication decides, with canaries too."""
    some = {
        1: published(CARD, 1),
        2: canary(IN, 2, share),
        3: replace(canary(IN, 3), share=1.0),
        4: canary(OUT, 4, share / 2),
    }
    book, same = rulebook(*some.values()), rulebook(*(some[number] for number in order))
    time = at("2025-01-10")
    assert [one.published for one in same.applying("paper.issued", time, AIDA)] == [
        one.published for one in book.applying("paper.issued", time, AIDA)
    ]
