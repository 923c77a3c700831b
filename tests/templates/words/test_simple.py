"""A text of values and conditions comes out as Jinja's own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateError, nodes

from templates.words.environment import COLLECTED, collect, markdown_environment, plain_environment, printable
from templates.words.policy import Scope
from templates.words.simple import Generate, compile_simple
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
    "{{ 'a' }}{{ 5 }}",
    "{{ event.number | default('-') }}{{ event.absent | default('-') }}",
    "{% if step %}a{% endif %}",
    "{% if step == 'day' %}day{% elif step != 'week' %}other{% else %}week{% endif %}",
    "{% if event.amount > 5 and event.amount <= 43250 %}{{ event.amount | money }}{% else %}little{% endif %}",
    "{% if event.amount < 5 or not event.amount >= 5 %}few{% endif %}",
    "{% if event.absent is defined %}{{ event.absent }}{% endif %}",
    "{% if event.absent is undefined and event.number is defined %}{{ event.number }}{% endif %}",
    "{% if event.absent %}a{% endif %}",
    "{% if event.absent == 5 %}a{% endif %}",
    "{% if 5 < event.absent %}a{% endif %}",
    "{% if event.number > 5 %}a{% endif %}",
    "  {% if step %}\n a{% if citizen.name == 'x' %}b{% else %}{{ citizen.name }}{% endif %}\n  {% endif %}\n",
]
LANGUAGES, TEXTS = st.sampled_from(["kk", "en"]), st.lists(st.sampled_from(PIECES), max_size=6).map("".join)


def _outcome(generate: Generate, read: dict[str, Any]) -> tuple[str, list[str]]:
    collected: list[str] = []
    try:
        return "".join(generate({**read, COLLECTED: collected})), collected
    except (TemplateError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}", collected


@given(language=LANGUAGES, text=TEXTS, name=st.text(max_size=5))
def test_the_same_words_or_the_same_failure(language: str, text: str, name: str) -> None:
    """Whatever is named or asked, there or not, the text or the error is that of the compiled template."""
    environment, read = plain_environment(language), {**values(name=name), "step": "day"}
    made = compile_simple(_tree(environment, text), environment, lambda _, value: printable(value))
    assert made is not None
    assert _outcome(made, read) == _outcome(environment.from_string(text).generate, read)


@given(language=LANGUAGES, text=TEXTS, name=st.text(max_size=5))
def test_the_same_marks_and_values_in_markdown(language: str, text: str, name: str) -> None:
    """In Markdown the same values are collected as by the compiled template, in the same order."""
    environment, read = markdown_environment(language), {**values(name=name), "step": "day"}
    made = compile_simple(_tree(environment, text), environment, collect)
    assert made is not None
    assert _outcome(made, read) == _outcome(environment.from_string(text).generate, read)


def _tree(environment: Environment, text: str) -> nodes.Template:
    tree = read_words(text, environment, Scope()).tree
    assert tree is not None
    return tree


@pytest.mark.parametrize(
    "text",
    [
        "{{ event.number ~ 'a' }}",
        "{% for each in event.list %}{{ each }}{% endfor %}",
        "{{ 'a' if step else 'b' }}",
        "{% if step in ['a', 'b'] %}a{% endif %}",
        "{% if 1 < event.amount < 5 %}a{% endif %}",
        "{{ event.amount + 1 }}",
    ],
)
def test_everything_else_is_left_to_jinja(text: str) -> None:
    """What repeats, computes or looks into lists is no simple text."""
    environment = plain_environment("en")
    assert compile_simple(_tree(environment, text), environment, lambda _, value: printable(value)) is None
