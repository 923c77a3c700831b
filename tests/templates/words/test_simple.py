"""A simple text comes out as Jinja's own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

from templates.words.environment import plain_environment
from templates.words.policy import Scope
from templates.words.simple import simple
from templates.words.syntax import read_words
from tests.templates.fine import values

PIECES = [
    "Сумма ",
    "\n",
    " {{ event.amount | money }}",
    "{{ event.number }}",
    "{{ event.issued_on | date }}",
    "{{ event.absent }}",
    "{{ event.absent.deep }}",
    "{{ absent }}",
    "{{ event.absent | money }}",
    "{{ step }}",
    "{{ event.number | upper_first }}",
    "{{ citizen.name }}",
    "{{ event.amount | number }}",
    "{# none #}",
    "{{ event.number | money }}",
    "{{ due | date }}",
]


def _outcome(template: Any, read: dict[str, Any]) -> str:
    try:
        return "".join(template.generate(read))
    except (TemplateError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("language", ["kk", "en"])
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=6), name=st.text(max_size=5))
def test_the_same_words_or_the_same_failure(language: str, pieces: list[str], name: str) -> None:
    """Whatever is named, and whether or not it is there, the text or the error is that of the compiled template."""
    environment = plain_environment(language)
    tree = read_words("".join(pieces), environment, Scope()).tree
    assert tree is not None
    made, read = simple(tree, environment), {**values(name=name), "step": "day"}
    assert made is not None
    assert _outcome(made, read) == _outcome(environment.from_string("".join(pieces)), read)


@pytest.mark.parametrize(
    "text",
    [
        "{% if step %}a{% endif %}",
        "{{ event.number ~ 'a' }}",
        "{{ event.number | default('-') }}",
        "{{ 'a' }}",
        "{% for each in event.list %}{{ each }}{% endfor %}",
        "{{ 'a' if step else 'b' }}",
    ],
)
def test_everything_else_is_left_to_jinja(text: str) -> None:
    """What decides, repeats or computes is no simple text."""
    environment = plain_environment("en")
    tree = read_words(text, environment, Scope()).tree
    assert tree is not None
    assert simple(tree, environment) is None
