"""Differences as a person reads them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates.authoring.text_diff import marked_changes, most_similar_part, parts_of

SHORT = st.text(alphabet="аб 1.", max_size=30)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("valid until 9 March", "valid until 10 March", "valid until [-9-]{+10+} March"),
        ("Пора заменить", "Пора менять", "Пора [-за-]мен[-и-]{+я+}ть"),
        ("the same", "the same", "the same"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("apply today", "come tomorrow", "[-apply-]{+come+} [-today-]{+tomorrow+}"),
    ],
)
def test_what_went_and_what_came(before: str, after: str, shown: str) -> None:
    """A mended word shows its letters, another word is shown whole."""
    assert marked_changes(before, after) == shown


def test_a_marked_text_falls_into_its_parts() -> None:
    """Each part has its sign; a mark that nothing closes, or that opens inside another, is text or taken as one."""
    assert list(parts_of("at [-9-]{+10+} h")) == [("", "at "), ("-", "9"), ("+", "10"), ("", " h")]
    assert "".join(text for _, text in parts_of("a -] b +} c")) == "a -] b +} c"


def test_long_stretches_without_a_change_are_left_out() -> None:
    """So that the change is found."""
    shown = marked_changes("a " * 100 + "old" + " b" * 100, "a " * 100 + "new" + " b" * 100)
    assert "…" in shown
    assert "[-old-]{+new+}" in shown
    assert len(shown) < 120


@given(SHORT, SHORT)
def test_both_texts_can_be_read_from_it(before: str, after: str) -> None:
    """Without what came it is the old text, without what went the new one."""
    shown = marked_changes(before, after)
    assert re.sub(r"\[-(.*?)-\]", r"\1", re.sub(r"\{\+.*?\+\}", "", shown)) == before
    assert re.sub(r"\{\+(.*?)\+\}", r"\1", re.sub(r"\[-.*?-\]", "", shown)) == after


def test_the_nearest_words() -> None:
    """What is most like the words that were wanted; nothing where nothing is."""
    text = "Куәлігіңіз 2026 ж. 10 наурыз күніне дейін жарамды."
    assert most_similar_part(text, "11 наурыз") == "10 наурыз"
    assert most_similar_part(text, "10 Наурызда") == "10 наурыз"
    assert most_similar_part(text, "xylophone") is None
    assert most_similar_part("", "a") is None
