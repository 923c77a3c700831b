"""Single texts of a trigger, compiled: plain ones, and Markdown ones that give HTML and text."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

from jinja2 import TemplateError, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from domain.core.translatable import Said, Words
from templates.words.environment import COLLECTED, collect, markdown_environment, plain_environment, printable
from templates.words.markdown import MARKS, Markdown, Page, spells_marks
from templates.words.policy import Scope
from templates.words.simple import Finalize, Generate, compile_simple
from templates.words.syntax import read_words

MAX_BYTES, LENGTHENED = 65_536, 12
"""No honest words are longer; bytes that a character may become in HTML."""
COMPILED = 1024
"""So many texts, of each kind, are kept compiled for whoever asks next: a new version repeats most of its texts."""
REMEMBERED = 256
"""So many courses through one text (each `if` taken or not) keep their Markdown parsed."""

_DYNAMIC = re.compile(r"\{[{%#]")
_BREAK = re.compile(r"[ \t]*[\t\n][ \t\n]*")


NO_VALUE = Said("has no value")
UNSEEN = Said("has characters that cannot be seen")


class BadWords(Exception):
    """Raised when a text cannot be compiled or rendered."""

    def __init__(self, variable: str, problem: Said) -> None:
        super().__init__(f"A text cannot be compiled or rendered: {variable} {problem}.")
        self.variable, self.problem = variable, problem


class Compiler:
    """Compiles the texts of one language; the same text is compiled once in a process, whoever asks for it."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.reads: set[str] = set()
        """The dotted names of all values that the compiled texts read."""

    def plain(self, text: str) -> "PlainText":
        """Return a text of one line: a subject, a push message, an SMS. Raises BadWords."""
        made, reads = _plain(self._language, text)
        self.reads |= reads
        return made

    def markdown(self, text: str) -> "MarkdownText":
        """Return the body of an email. Raises BadWords."""
        made, reads = _markdown(self._language, text)
        self.reads |= reads
        return made


@lru_cache(maxsize=COMPILED)
def _plain(language: str, text: str) -> "tuple[PlainText, AbstractSet[str]]":
    """Return the compiled text, and what it reads."""
    reading = _read(plain_environment(language), text, lambda _, value: printable(value))
    if reading is None:
        return PlainText(None, text), frozenset()
    return PlainText(reading.compiled(), text), reading.reads


@lru_cache(maxsize=COMPILED)
def _markdown(language: str, text: str) -> "tuple[MarkdownText, AbstractSet[str]]":
    """Return the same of a Markdown text."""
    if not MARKS.isdisjoint(text):
        raise BadWords(Said("the text"), UNSEEN)
    reading = _read(markdown_environment(language), text, collect)
    return MarkdownText(reading, text, _markdown_parser()), reading.reads if reading else frozenset()


def _read(environment: ImmutableSandboxedEnvironment, text: str, finalize: Finalize) -> "_Read | None":
    """Return the parsed text, or None for one that is always the same."""
    if not _DYNAMIC.search(text):
        return None
    reading = read_words(text, environment, Scope())
    if reading.tree is None or reading.problems:
        raise BadWords(Said("the text"), Words("is refused: {problem}", problem=reading.problems[0].message))
    return _Read(environment, finalize, reading.tree, reading.reads)


class _Read(NamedTuple):
    """A text as it was read."""

    environment: ImmutableSandboxedEnvironment
    finalize: Finalize
    tree: nodes.Template
    reads: AbstractSet[str]

    def compiled(self) -> Generate:
        found = compile_simple(self.tree, self.environment, self.finalize)
        return found or self.environment.from_string(self.tree).generate


class PlainText:
    """A text of one line."""

    def __init__(self, generate: Generate | None, text: str) -> None:
        self._generate, self._constant = generate, _one_line(text)

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text for these values. Raises BadWords."""
        return self._constant if self._generate is None else _one_line(_capped(self._generate, values))


class MarkdownText:
    """A Markdown text: which words are said depends on the values, but the values are never read as Markdown."""

    def __init__(self, read: _Read | None, text: str, parser: Markdown) -> None:
        self._read, self._text, self._parser = read, text, parser
        self._pages: dict[str, Page] = {}

    def render(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Return HTML and plain text for these values. Raises BadWords."""
        words, collected = self.words(values)
        if (page := self._pages.get(words)) is None:
            page = self._remember(words)
        html, text = page.fill(collected)
        _check_size(len(html.encode()))
        return html, text

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise BadWords where `render` would; what is short enough in any case is not laid out for that."""
        words, collected = self.words(values)
        if spells_marks(words) or len(words) + sum(map(len, collected)) > MAX_BYTES // LENGTHENED:
            self.render(values)

    @cached_property
    def _generate(self) -> Generate | None:
        return None if self._read is None else self._read.compiled()

    def words(self, values: Mapping[str, Any]) -> tuple[str, list[str]]:
        """Return the Markdown for these values with marks in their places, and the values. Raises BadWords."""
        collected: list[str] = []
        if self._generate is None:
            return self._text, collected
        return _capped(self._generate, {**values, COLLECTED: collected}), collected

    def _remember(self, words: str) -> Page:
        if len(self._pages) >= REMEMBERED:
            self._pages.clear()
        if spells_marks(words):
            raise BadWords(Said("the text"), UNSEEN)
        page = self._pages[words] = self._parser.page(words)
        return page


@cache
def _markdown_parser() -> Markdown:
    """Return the one parser of all languages: it keeps nothing of what it parsed, and takes long to make."""
    return Markdown()


def _one_line(text: str) -> str:
    return _BREAK.sub(" ", text.strip()) if "\n" in text or "\t" in text else text.strip()


def _capped(generate: Generate, values: Mapping[str, Any]) -> str:
    chunks, size = [], 0
    try:
        for chunk in generate(values):
            chunks.append(chunk)
            size += len(chunk.encode())
            _check_size(size)
    except UndefinedError as error:
        raise BadWords(error.message or Said("a variable"), NO_VALUE) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError):  # their texts may quote values
        raise BadWords(Said("a value"), Said("is of another type than the words take it for")) from None
    return "".join(chunks)


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise BadWords(Said("the text"), Words("comes out longer than {most} bytes", most=MAX_BYTES))
