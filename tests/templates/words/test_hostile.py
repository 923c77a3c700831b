"""Words that would reach out of their sandbox, or eat the machine, are refused: when linted and when compiled."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from templates.words.compiled_texts import BadWords
from templates.words.environment import plain_environment
from templates.words.policy import Scope
from templates.words.rendering import Renderer, WordsFailed, context
from templates.words.syntax import read_words
from tests.templates.packs import KK, findings_of, write_town

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
REFUSED = [
    ("{{ ''.__class__.__mro__ }}", "words cannot use getattr"),
    ("{{ event.__class__ }}", "there is no variable event.__class__"),
    ("{{ event['number'] }}", "write event.name, without brackets"),
    ("{{ event.number[0:1] }}", "write event.name, without brackets"),
    ("{{ '{:>999999999}'.format(1) }}", "nothing can be called in words"),
    ("{{ event.number.center(999999999) }}", "nothing can be called in words"),
    ("{{ range(10) }}", "nothing can be called in words"),
    ("{{ lipsum(n=100000) }}", "nothing can be called in words"),
    ("{{ cycler.__init__.__globals__ }}", "there is no variable cycler.__init__.__globals__"),
    ("{{ self._TemplateReference__context }}", "there is no variable self._TemplateReference__context"),
    ("{{ 'a' * 10 }}", "words cannot multiply"),
    ("{{ 10 ** 9 }}", "words cannot raise to a power"),
    ("{{ '%999999999d' % 1 }}", "words cannot use %"),
    ("{{ 1 / 0 }}", "words cannot divide"),
    ("{{ 1 // 0 }}", "words cannot divide"),
    ("{% include 'secret' %}", "words cannot take in other files"),
    ("{% import 'secret' as s %}", "words cannot take in other files"),
    ("{% from 'secret' import s %}", "words cannot take in other files"),
    ("{% extends 'secret' %}", "words cannot take in other files"),
    ("{% macro m() %}{% endmacro %}", "words cannot define macros"),
    ("{% call m() %}{% endcall %}", "words cannot define macros"),
    ("{% set a = 1 %}", "words cannot set variables"),
    ("{% set a %}x{% endset %}", "words cannot set variables"),
    ("{% block b %}{% endblock %}", "words cannot use block"),
    ("{% with a = 1 %}{% endwith %}", "words cannot use with"),
    ("{% filter upper_first %}x{% endfilter %}", "words cannot use filterblock"),
    ("{% autoescape false %}{{ event.number }}{% endautoescape %}", "words cannot use scope"),
    ("{{ event.number | safe }}", "there is no filter safe"),
    ("{{ event.number | attr('x') }}", "there is no filter attr"),
    ("{{ event.number | default(event.fee) }}", 'default takes one text: default("…")'),
    ("{{ event.fee | money(2) }}", "the filter money takes nothing in brackets"),
    ("{{ event.fee | money(*[1]) }}", "the filter money takes nothing in brackets"),
    ("{% if event.fee is divisibleby(2) %}{% endif %}", "there is no test divisibleby"),
    ("{% for a in [1, 2] %}{% endfor %}", "a loop goes over a list of the event or the citizen"),
    ("{% for a in event.number %}{% endfor %}", "a loop goes over a list of the event or the citizen"),
    (
        "{% for a in event.seals %}{% for b in event.seals %}{% endfor %}{% endfor %}",
        "one loop over one list, and no loop inside another",
    ),
    ("{% for a in event.seals recursive %}{% endfor %}", "one loop over one list, and no loop inside another"),
    ("{% for a, b in event.seals %}{% endfor %}", "one loop over one list, and no loop inside another"),
    ("{% for event in event.seals %}{% endfor %}", "a loop cannot call its variable 'event'"),
    ("{% for a in event.seals %}{{ loop.cycle }}{% endfor %}", "there is no variable loop.cycle"),
    ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "this is nested too deeply"),
    ("{{ " + "not " * 400 + "1 }}", "this is nested too deeply"),
    ("{{ 1" + " - 1" * 400 + " }}", "this is nested too deeply"),
    ("{% if step %}" * 60 + "{% endif %}" * 60, "this is nested too deeply"),
    ("{% if step %}" + "{% elif step %}" * 60 + "{% endif %}", "this is nested too deeply"),
    ("x" * 20_001, "this is longer than 20000 characters"),
]
VARIABLES = {
    "event.number": "string",
    "event.fee": "integer",
    "event.seals": "strings",
    "step": "string",
    "due": "instant",
}


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_what_words_may_not_do_is_a_problem(text: str, message: str) -> None:
    """Only what is on the short list of syntax passes; the problem says what is not."""
    problems = read_words(text, plain_environment("en"), Scope(VARIABLES)).problems
    assert message in [problem.message for problem in problems]


BY_SYNTAX = [text for text, message in REFUSED if not message.startswith("there is no variable")]


@pytest.mark.parametrize(
    "text",
    [text for text in BY_SYNTAX if "in event.number" not in text and len(text) < 20_000],
    ids=lambda text: text[:40],
)
def test_what_words_may_not_do_is_not_even_compiled(text: str) -> None:
    """Words that came into the log by another way than lint are refused by the renderer too."""
    with pytest.raises(BadWords):
        Renderer({"en": {"sms": text}}, {})


def test_hostile_words_in_a_pack_are_findings_with_a_place(tmp_path: Path) -> None:
    """The owner sees the line; nothing of the pack is loaded or rendered."""
    pack = write_town(
        tmp_path, (KK, "- Нөмірі: {{ event.number }}", "- Нөмірі: {{ event.number.center(999999999) }}")
    )
    assert findings_of(pack) == [f"{KK}:22:14: nothing can be called in words"]


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "update", "pop", "__class__", "_values"])
def test_a_field_is_never_an_attribute_of_python(name: str) -> None:
    """A field that is called as a method is read as the field, and where there is none, as nothing."""
    renderer = Renderer({"en": {"sms": f"{{{{ event.{name} }}}}"}}, {})
    assert renderer.render("en", "s", context({f"event.{name}": "mine"}, {}, {}, NOW)).sms == "mine"
    with pytest.raises(WordsFailed, match=rf"event\.{name} has no value"):
        renderer.render("en", "s", context({}, {}, {}, NOW))


def test_output_has_a_cap() -> None:
    """A loop over a huge list stops at the cap, in plain words and in Markdown."""
    text = "{% for each in event.seals %}{{ each }}, {% endfor %}"
    values = context({"event.seals": ["x" * 100] * 10_000}, {}, {}, NOW)
    for words in ({"sms": text}, {"body": text}):
        with pytest.raises(WordsFailed, match="comes out longer than 65536 bytes"):
            Renderer({"en": words}, {}).render("en", "s", values)


def test_characters_that_stand_for_values_cannot_be_written() -> None:
    """Words that hold the platform's own marks would show one value in another's place."""
    with pytest.raises(BadWords, match="cannot be seen"):
        Renderer({"en": {"body": "\ue0000\ue001"}}, {})


@pytest.mark.parametrize(
    "body",
    [
        "&#xE000;7&#xE001;",
        "&#57344;0&#57345; {{ step }}",
        "[x](https://egov.kz/&#xE000;0&#xE001;)",
        "&#x{% if step %}E000{% endif %};0&#xE001;",
    ],
)
def test_nor_can_they_be_written_as_entities(body: str) -> None:
    """An entity is read after the values' marks are set, and would be taken for one of them."""
    with pytest.raises(WordsFailed, match="cannot be seen"):
        Renderer({"en": {"body": body}}, {}).render("en", "s", context({}, {}, {}, NOW))


@pytest.mark.parametrize("value", [1e30, -1e300])
def test_a_number_that_nobody_can_write_fails_as_words(value: float) -> None:
    """Its digits are more than decimal arithmetic has; that is the event's fault, and is told as such."""
    renderer = Renderer({"en": {"sms": "{{ event.rate | number }}"}}, {})
    with pytest.raises(WordsFailed, match="of another type"):
        renderer.render("en", "s", context({"event.rate": value}, {}, {}, NOW))
