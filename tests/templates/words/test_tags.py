"""Tags in a text are found as Jinja would end them, also where the text is wrong."""

import re

import hypothesis.strategies as st
from hypothesis import given

from templates.words.tags import without_tags

TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
VISIBLE = re.compile(r"[^\n]")


@given(st.text("{}%#a\n", max_size=20))
def test_a_tag_ends_with_the_first_end_after_it(text: str) -> None:
    """It gives way to spaces, so all else keeps its place; what has no end is no tag."""
    assert without_tags(text, comments=True) == TAG.sub(lambda tag: VISIBLE.sub(" ", tag[0]), text)


def test_tags_without_an_end_are_looked_at_once() -> None:
    """A text of a million braces that nobody closed is read at once; it took hours."""
    text = "{{ {% {# " * 250_000
    assert without_tags(text, comments=True) == text
