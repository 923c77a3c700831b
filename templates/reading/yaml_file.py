"""Reads YAML as plain data, with the place of every key and value.

Scalars are read as in YAML 1.2: only `true` and `false` are boolean, so `on` and `no` are words; dates and
times of day stay text. Tags, merges and documents in a row are refused; aliases are followed within a budget.
"""

import re
from typing import Any, NamedTuple

import yaml

from domain.core.plain import PlainData
from domain.core.translatable import N_, Said, Words
from templates.reading.findings import Finding, Report

Path = tuple[str | int, ...]
"""The place of a value in the data: keys and indices from the root."""

MAX_VALUES = 20_000
"""More values than this after following aliases is an attack, not a pack."""
MAX_DEPTH = 30

NOTHING_HERE = N_("there is nothing here")
"""The finding in an empty file."""
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff"
    "\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]"
)

_CURLY = re.compile("[“„”].*[“”]|[‘‚’].*[‘’]")
"""A value that its author has put in quotes that YAML takes for a part of the text."""
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""Characters that look like a space and indent nothing."""
_OPEN = N_("one of {signs} is missing, or a text with such signs is not in quotes")
_NO_SPACE = N_("this line begins with U+{code}, which only looks like a space: indent with spaces")
_NO_KEY = "could not find expected ':'"
"""PyYAML's error for a key without a colon; it points below the line that was meant to be a key."""
_NO_MEMBER = "did not find expected key"
_NESTED = "mapping values are not allowed in this context"
_DASH = re.compile(r"( *-)([{\[\"'\w].*)")
"""An entry of a list whose dash touches what it lists."""
_INNER = re.compile(r'((?:[^"]|"(?:[^"\\]|\\.)*"(?!\w))*?"(?:[^"\\]|\\.)*")(?=\w)')
"""A text in quotes with more right behind its end."""
_FIRST = re.compile(r" *([\w-]+)")
_KEY = re.compile(r"([\w-]+):(?:\s|$)")
_EXPLAINED = {
    _NESTED: Words("a text that contains ': ' must be in quotes, and keys of one group begin in the same column"),
    "found character that cannot start any token": Words("put this text in quotes"),
    _NO_MEMBER: Words("check the indentation of this line, or look for a missing quotation mark above"),
    "did not find expected '-' indicator": Words(
        "check the indentation, or look for a missing quotation mark above: the entries of a list begin with '- '"
    ),
    "did not find expected ',' or '}'": Words(_OPEN, signs=", }"),
    "did not find expected ',' or ']'": Words(_OPEN, signs=", ]"),
    "did not find expected alphabetic or numeric character": Words(
        "put this text in quotes: & and * say something else"
    ),
    _NO_KEY: Words("a key ends with ':' and a space"),
    "found unexpected end of stream": Words("a quotation mark is not closed"),
    "found undefined alias": Words("this alias (*) has no anchor (&)"),
    "but found another document": Words("only the first document is read, so '---' may not come again"),
}


class Place(NamedTuple):
    """The place of a value in its file; `style` is that of its scalar: |, >, a quotation mark, or nothing."""

    line: int
    column: int
    last_line: int
    style: str = ""


class Document:
    """A file as plain data, and the report on it.

    `lines` are those of the whole file, so that places can be looked up in them.
    """

    def __init__(self, path: str, lines: list[str], report: Report) -> None:
        self.path, self.lines, self.report = path, lines, report
        self.data: Any = None
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}

    def at(self, path: str, report: Report) -> "Document":
        """Return the document of another file with the same text."""
        same = Document(path, self.lines, report)
        same.data, same.values, same.keys = self.data, self.values, self.keys
        return same

    def part(self, key: str | int) -> "Document":
        """Return the value of a first-level key as a document of its own, with its places in the file."""
        part = Document(self.path, self.lines, self.report)
        part.data = self.data[key]
        part.values = {path[1:]: place for path, place in self.values.items() if path[:1] == (key,)}
        part.keys = {path[1:]: place for path, place in self.keys.items() if path[:1] == (key,)}
        return part

    def value(self, path: Path) -> Place:
        """Return the place of a value, or of the nearest thing around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(1, 1, 1))

    def key(self, path: Path) -> Place:
        """Return the place of a key, or that of its value."""
        return self.keys.get(path) or self.value(path)

    def finding(
        self,
        place: Place,
        message: Said,
        suggestion: str | None = None,
        *,
        warning: bool = False,
        show_line: bool = False,
    ) -> Finding:
        """Something wrong at a place of this file; `show_line`: the place is told best beside its line."""
        excerpt = self.lines[place.line - 1] if show_line and place.line <= len(self.lines) else None
        return Finding(self.path, place.line, place.column, message, suggestion, warning, excerpt=excerpt)

    def note(
        self, path: Path, message: Said, suggestion: str | None = None, *, key: bool = False, warning: bool = False
    ) -> None:
        """Report something wrong at the value of a path, or at its key."""
        self.note_at(self.key(path) if key else self.value(path), message, suggestion, warning=warning)

    def note_at(
        self,
        place: Place,
        message: Said,
        suggestion: str | None = None,
        *,
        warning: bool = False,
        show_line: bool = False,
    ) -> None:
        """Report something wrong at a place; `show_line`: it is told best beside its line."""
        self.report.add(self.finding(place, message, suggestion, warning=warning, show_line=show_line))

    def inside(self, path: Path, line: int, token: str = "", column: int | None = None) -> Place:
        """Return the place of a token in the text at a path.

        In its `line` (from 1), where the text's lines are the file's.

        `column`: where it is in that line, for a token that cannot be searched for.
        """
        place = self.value(path)
        start = place.line + line - (place.style not in ("|", ">"))
        for at in range(start, place.last_line + 1) if token else ():
            found = re.search(rf"(?<![\w.]){re.escape(token)}(?!\w)", self.lines[at - 1][self._skipped(place, at) :])
            if found:
                return Place(at, self._skipped(place, at) + found.start() + 1, at)
        if column is not None and place.line == place.last_line:
            return Place(place.line, place.column + bool(place.style) + column - 1, place.line)
        if not place.line < start <= place.last_line:
            return place
        return Place(start, 1 if column is None else self._indent(place) + column, start)

    def _indent(self, block: Place) -> int:
        first = self.lines[block.line]
        return len(first) - len(first.lstrip())

    @staticmethod
    def _skipped(place: Place, line: int) -> int:
        return place.column - 1 if line == place.line else 0


def unseen_characters(path: str, lines: list[str], report: Report) -> bool:
    """Report control, invisible and private characters: they hide what a text really says."""
    before = len(report)
    for number, line in enumerate(lines, 1):
        for found in _UNSEEN.finditer(line):
            report.add(Finding(path, number, found.start() + 1, _unseen(found)))
    return len(report) > before


def _unseen(found: re.Match[str]) -> Words:
    return Words("the character U+{code} cannot be seen; delete it", code=f"{ord(found[0]):04X}")


def read_yaml(path: str, text: str, report: Report, *, lines: list[str] | None = None, before: int = 0) -> Document:
    """Read a text; `before`: how many lines of its file come before it (`lines`: the file's)."""
    document = Document(path, text.split("\n") if lines is None else lines, report)
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        report.add(_unreadable(document, error, before))
    except RecursionError:
        report.add(Finding(path, 1 + before, 1, Words("this is nested too deeply")))
    else:
        _Builder(document, before).build(root)
    return document


def _slip(lines: list[str], line: int) -> tuple[int, int, Said] | None:
    """Return line, column and error of a slip on that line or above, for which YAML has only words of its own."""
    for at in (line, line - 1):
        whole = lines[at - 1] if 0 < at <= len(lines) else ""
        if (found := _DASH.match(whole)) is not None:
            example = f"- {found[2].strip()}"
            return at, found.end(1), Words("write a space after the dash: {example}", example=example)
        if (found := _INNER.match(whole)) is not None:
            told = Words('the text ends at this quotation mark: around a text with " in it, put \' and no "')
            return at, found.end(1), told
    return None


def _unreadable(document: Document, error: yaml.YAMLError, before: int) -> Finding:
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or "this cannot be read"
    marks = ("context_mark", "problem_mark") if problem == _NO_KEY else ("problem_mark", "context_mark")
    mark = next(filter(None, (getattr(error, each, None) for each in marks)), None)
    line, column = (mark.line + 1 + before, mark.column + 1) if mark else (1 + before, 1)
    whole = document.lines[line - 1] if line <= len(document.lines) else ""
    if (slip := _slip(document.lines, line)) is not None:
        return Finding(document.path, *slip)
    here = whole[column - 1 :]
    if (key := _misplaced(problem, here, whole[: column - 1])) is not None:
        message = Words(
            "check the indentation of {name!r} and of the line above: keys of one group begin in the same column",
            name=key[1],
        )
        return Finding(document.path, line, key.start(1) + 1 if problem == _NESTED else column, message)
    if here.startswith("\t"):
        return Finding(document.path, line, column, Words("indent with spaces, not with tabs"))
    return Finding(
        document.path, line, column, _EXPLAINED.get(problem) or Words("this is no YAML: {problem}", problem=problem)
    )


def _misplaced(problem: str, here: str, before: str) -> re.Match[str] | None:
    """Return the key that begins a line which its indentation puts where no key can be."""
    if problem == _NO_MEMBER:
        return _KEY.match(here)
    return _FIRST.fullmatch(before) if problem == _NESTED else None


class _TooLarge(Exception):
    """The document has more values or levels than any pack needs."""


class _Builder:
    def __init__(self, document: Document, before: int) -> None:
        self.document, self.before = document, before
        self.count = 0

    def build(self, root: yaml.Node | None) -> None:
        try:
            self.document.data = None if root is None else self._value(root, ())
        except _TooLarge:
            self._report(Words("this is nested too deeply, or its aliases multiply"))
        else:
            if self.document.data is None:
                self._report(Words(NOTHING_HERE))

    def _report(self, message: Said) -> None:
        self.document.note_at(Place(1 + self.before, 1, 1), message)

    def _place(self, node: yaml.Node) -> Place:
        start, end = node.start_mark, node.end_mark
        last = end.line if end.column == 0 and end.line > start.line else end.line + 1
        line = start.line + 1 + self.before
        return Place(line, start.column + 1, last + self.before, getattr(node, "style", None) or "")

    def _value(self, node: yaml.Node, path: Path) -> PlainData:
        self.count += 1
        if self.count > MAX_VALUES or len(path) > MAX_DEPTH:
            raise _TooLarge
        self.document.values[path] = place = self._place(node)
        if node.tag not in _PLAIN_TAGS:
            self.document.note_at(place, Words("the tag {tag!r} is not used here", tag=node.tag))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, (*path, at)) for at, each in enumerate(node.value)]
        if found := _UNSEEN.search(node.value):
            self.document.note_at(place, _unseen(found))
        if not place.style and _CURLY.fullmatch(node.value):
            self.document.note_at(place, Words("use straight quotes: these are a part of the text"), warning=True)
        return node.value if place.style else _scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            place = self._place(key)
            if not isinstance(key, yaml.ScalarNode):
                self.document.note_at(place, Words("a key must be a word"))
            elif blank := _BLANK.match(key.value):
                code = f"{ord(blank[0]):04X}"
                self.document.note_at(place, Words(_NO_SPACE, code=code))
            elif key.value in data:
                self.document.note_at(place, Words("the key {name!r} is here twice", name=key.value))
            else:
                self.document.keys[*path, key.value] = place
                data[key.value] = self._value(value, (*path, key.value))
        return data


def _scalar(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
