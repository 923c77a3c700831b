"""Targets: words as owners write them and values as registries report them, up to the HTML of a letter."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from templates.words.compiled_texts import BadWords, Compiler
from templates.words.markdown import LINK, MARKS, STYLES
from templates.words.rendering import context
from tests.fuzz.target import Target, Try, promised, text_of

DUE = datetime(2026, 3, 1, 9, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "event.name": "A<b>&",
    "event.fee": 43250,
    "event.on": "2026-03-01",
    "event.at": DUE,
    "event.seals": ["a", "*b*"],
    "event.paid": True,
    "event.rate": 0.5,
    "event.place.street": "[x](https://evil.example)",
}
TAGS = frozenset({*STYLES, "h4", "h5", "h6", "strong", "em", "br"})
WORDS = (
    "{{ event.name }}",
    "{{ event.fee | money }}",
    "{{ event.on | date }}",
    "{% if event.paid %}",
    "{% else %}",
    "{% endif %}",
    "{% for a in event.seals %}",
    "{% endfor %}",
    "{{ a }}",
    "{{ loop.index }}",
    "{#",
    "#}",
    "{% raw %}",
    "{{ event.place.street }}",
    "{{ event.name | default('x') }}",
    "{%- ",
    " -%}",
    "{{ due | date }}",
    "| upper_first",
    "[a](https://egov.kz/",
    "](",
    "**",
    "- ",
    "1. ",
    "> ",
    "<script>",
    "javascript:",
    "&#x6a;",
    "\\",
    "<https://",
    "#",
    "is defined",
    "not ",
    "~",
    "{{ 1 - ",
    "\u2028",
    "{{ repetition }}",
    "![",
    "```",
    "---",
    "(" * 9,
    "{{ 'a' ",
    " == ",
)
PLAIN = b"\x00{{ event.name }}: {{ event.fee | money }} {{ event.on | date }}"
LETTER = b"""\x01Hello **{{ event.name }}**,

{% if event.paid %}paid{% else %}pay by {{ event.on | date }}{% endif %}

{% for each in event.seals %}- {{ each }}{% if not loop.last %},{% endif %}
{% endfor %}
[More](https://egov.kz/{{ event.name }}?a={{ event.place.street }} "title")
"""
FIXED = """\
{{ event.text }} **{{ event.text }}**

# {{ event.text }}

- {{ event.text }}
1. {{ event.text | upper_first }}

> {{ event.text }} [{{ event.text }}](https://egov.kz/{{ event.text }}?q={{ event.text }}) <https://egov.kz/x>
"""


class Tags(HTMLParser):
    """The tags of a text, each with its attributes; one that no letter may have is a defect."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        promised(f"<{tag}> is a tag of letters", kept=tag in TAGS)
        for name, value in attrs:
            promised(f"{name} of <{tag}>", kept=_usual(tag, name, value or ""))

    def handle_comment(self, data: str) -> None:
        promised(f"no comment, no declaration of {len(data)} characters", kept=False)

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data)


def _usual(tag: str, name: str, value: str) -> bool:
    match name:
        case "style":
            return value == STYLES[tag]
        case "href":
            return LINK.fullmatch(value) is not None
        case "start":
            return tag == "ol" and value.isdecimal()
    return (tag, name) == ("a", "title")


def _words(_: Path) -> Try:
    """Any words: refused, or a text of one line, or a letter with nothing in it but its own tags."""
    values = {**context(VALUES, {"citizen.given_name": "Дана"}, {}, DUE), "step": "week", "repetition": 2}

    def attempt(data: bytes) -> None:
        compiler, text = Compiler(("kk", "ru", "en")[len(data) % 3]), text_of(data[1:])
        with suppress(BadWords):
            if data[:1] == b"\0":
                promised("one line", kept="\n" not in compiler.plain(text).render(values))
            else:
                html, plain = compiler.markdown(text).render(values)
                Tags(html)
                promised("no mark is left", kept=MARKS.isdisjoint(html) and MARKS.isdisjoint(plain))

    return attempt


def _values(_: Path) -> Try:
    """Any value: it can add no tag, no attribute and no address to the letter, and no line to a subject."""
    compiler = Compiler("en")
    subject, body = compiler.plain("{{ event.text }}"), compiler.markdown(FIXED)

    def said(text: str) -> tuple[str, list[str]]:
        values = context({"event.text": text}, {}, {}, DUE)
        return subject.render(values), Tags(body.render(values)[0]).found

    expected = said("harmless")[1]

    def attempt(data: bytes) -> None:
        with suppress(BadWords):
            line, tags = said(text_of(data))
            promised("one line", kept=not {"\n", "\r"} & {*line})
            promised("no tag comes from a value", kept=tags == expected)

    return attempt


TARGETS = {
    "words": Target(_words, [PLAIN, LETTER], WORDS, slow=4),
    "value": Target(_values, [b"A", b"<b>x</b>", b"**a**", b"](https://evil.example)", b"\"'&amp;"], WORDS, slow=4),
}
