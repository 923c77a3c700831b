"""What is known of a draft is not found out again for each of its pages."""

import pytest

from app.packs.recent import MOST_KEPT, Recent


class Finder:
    """Gives an answer, and counts how often it was asked."""

    def __init__(self, answer: str = "fine") -> None:
        self.answer, self.asked = answer, 0

    def __call__(self) -> str:
        self.asked += 1
        return self.answer


def anything(_: str) -> bool:
    """Keep every answer."""
    return True


def test_what_is_known_is_not_found_again() -> None:
    """The same question under the same rules is answered from memory, another question is not."""
    recent, find, rules = Recent(anything), Finder(), object()
    assert [recent.of(key, rules, find) for key in ("a", "a", "b", "a")] == ["fine"] * 4
    assert find.asked == 2


def test_other_rules_make_everything_unknown() -> None:
    """After a publication nothing is answered from memory that was found before it."""
    recent, find = Recent(anything), Finder()
    for rules in (first := object(), object(), first):
        recent.of("a", rules, find)
    assert find.asked == 3


def test_an_answer_that_comes_after_a_publication_is_not_kept() -> None:
    """Whoever began under older rules gets their answer, and nobody else does."""
    recent, find, before, now = Recent(anything), Finder("of now"), object(), object()
    assert recent.of("a", before, lambda: recent.of("b", now, find) and "of before") == "of before"
    assert recent.of("a", now, find) == "of now"


def test_what_fails_is_tried_again() -> None:
    """An answer that did not come is not kept: the machine may have been busy."""
    recent, rules = Recent(anything), object()
    with pytest.raises(ZeroDivisionError):
        recent.of("a", rules, lambda: str(1 // 0))
    assert recent.of("a", rules, Finder()) == "fine"


def test_it_stays_small() -> None:
    """Answers that are too large are not kept, nor more than so many: the one that was asked for last stays."""
    large, rules = Recent[str](lambda answer: len(answer) < 9), object()
    find = Finder("a long answer")
    assert [large.of("a", rules, find) for _ in range(2)] == ["a long answer"] * 2
    assert find.asked == 2
    recent, find = Recent(anything), Finder()
    for number in range(MOST_KEPT):
        recent.of(number, rules, find)
    recent.of(0, rules, find)
    recent.of("more", rules, find)
    recent.of(0, rules, find)
    assert find.asked == MOST_KEPT + 1
    recent.of(1, rules, find)
    assert find.asked == MOST_KEPT + 2
