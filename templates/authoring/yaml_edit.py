"""Changes single values of a YAML text where they stand: comments, order, quotes and everything else stay.

A change is checked by reading the result: it must differ in that value only. What cannot be changed that way (because
of an alias, for instance) is refused, so nothing is ever lost.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import yaml

from domain.core.plain import PlainData
from templates.reading.findings import Report
from templates.reading.yaml_file import Path, read_yaml

MOST_CHARACTERS = 64 * 1024
"""The longest text that can be edited."""
_PLAIN = re.compile(r"[A-Za-zА-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі][\w./@+-]*(?: [\w./@+-]+)*")
"""A text that needs no quotation marks, in braces neither."""
_DURATION = re.compile(r"[+-]P[0-9A-Z]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?[+-]\d\d:\d\d")
_CONDITION = re.compile(r"""[a-z][\w.]* ?(?:[=<>!]=|[<>]|\.)[\w.\s=<>!&|()"'+-]*[\w)"']""")


class CannotEdit(ValueError):
    """Raised when a text, or a part of it, can be changed only as a whole, by whoever writes it."""


class YamlText:
    """A YAML text with the place of each value."""

    def __init__(self, text: str) -> None:
        """Read the text.

        Raises:
            CannotEdit: it is no YAML, is too long, or says one thing twice.
        """
        if len(text) > MOST_CHARACTERS:
            raise CannotEdit("the file is too long")
        self.text = text
        self.data = _read(text)
        try:
            self._root: Any = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        except (yaml.YAMLError, RecursionError):
            raise CannotEdit("the file cannot be read") from None

    def get(self, path: Path) -> PlainData:
        """Return the value at a path; None where there is none."""
        found: Any = self.data
        for key in path:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def is_shared(self, path: Path) -> bool:
        """Return True if a value, or a group around it, is used in several places (by an alias)."""
        return any(
            id(node) in self._shared for at in range(len(path) + 1) if (node := self._node(path[:at])) is not None
        )

    @cached_property
    def _shared(self) -> set[int]:
        """Return the nodes that are used more than once."""
        seen, shared, todo = set[int](), set[int](), [self._root]
        while todo:
            node = todo.pop()
            if id(node) in seen:
                shared.add(id(node))
                continue
            seen.add(id(node))
            inner = node.value if isinstance(node, yaml.CollectionNode) else []
            todo += [each[1] if isinstance(each, tuple) else each for each in inner]
        return shared

    def source(self, path: Path) -> str:
        """Return the text of a value, as it stands in the file."""
        node = self._node(path)
        if node is None:
            return ""
        start, end = node.start_mark.index, self._end(node)
        begin = self.text.rfind("\n", 0, start) + 1
        indent = start - begin if not self.text[begin:start].strip(" -") else 0
        return "\n".join(
            line[indent:] if not line[:indent].strip() else line
            for line in (" " * indent + self.text[start:end]).split("\n")
        )

    def lines(self, path: Path) -> tuple[int, int] | None:
        """Return the first and last line (from 1) of a value; None where there is none."""
        node = self._node(path)
        if node is None:
            return None
        start, end = node.start_mark.index, self._end(node)
        return self.text.count("\n", 0, start) + 1, self.text.count("\n", 0, max(start, end)) + 1

    def _value(self, path: Path) -> tuple[int, int] | None:
        """Return where a value begins and ends, in characters; None where there is none."""
        node = self._node(path)
        return None if node is None else (node.start_mark.index, self._end(node))

    def _entry(self, path: Path) -> tuple[int, int] | None:
        """Return where a value begins, with its key, and where it ends, in characters; None where there is none."""
        parent = self._node(path[:-1])
        entries = self._entries(parent) if isinstance(parent, yaml.CollectionNode) else ()
        return next(((start, end) for key, start, end in entries if key == path[-1]), None)

    def innermost(self, places: Iterable[tuple[str, Path]], line: int, column: int) -> str:
        """Return the name of the smallest value at a place of the text (from 1), or else of one whose key is there.

        Empty for none.
        """
        where = sum(len(each) + 1 for each in self.text.split("\n")[: line - 1]) + column - 1
        named = list(places)
        for span in (self._value, self._entry):
            spans = [(name, found) for name, path in named if (found := span(path)) is not None]
            here = [(end - start, name) for name, (start, end) in spans if start <= where <= end]
            if here:
                return min(here, key=lambda each: each[0])[1]
        return ""

    def changed(self, path: Path, value: PlainData, order: Sequence[str] = ()) -> "YamlText":
        """Return the text with this value there; None takes the key away. `order`: in which keys of a group stand.

        Raises:
            CannotEdit: the value cannot be changed without touching something else.
        """
        if value == self.get(path) and (value is not None or self._node(path) is None):
            return self
        wanted = _with(self.data, path, value)
        text = self._removed(path) if value is None else self._put(path, value, order)
        if wanted == {}:  # nothing but remarks is no group
            text = f"{text.rstrip()}\n{{}}\n".lstrip()
        made = YamlText(text)
        if made.data != wanted:
            raise CannotEdit(f"{_path_in_words(path)} can be changed only in the file")
        return made

    def _put(self, path: Path, value: PlainData, order: Sequence[str]) -> str:
        node = self._node(path)
        if node is not None:
            return self._replaced(node, value)
        parent = self._node(path[:-1])
        if parent is None or _is_nothing(parent):
            return self._put(path[:-1], _group(path[-1], value), order)
        if isinstance(parent, yaml.MappingNode):
            return self._inserted(parent, str(path[-1]), value, order)
        if isinstance(parent, yaml.SequenceNode):
            return self._appended(parent, value)
        raise CannotEdit(f"{_path_in_words(path)} can be changed only in the file")

    def _replaced(self, node: yaml.Node, value: PlainData) -> str:
        start, end = node.start_mark.index, self._end(node)
        style = getattr(node, "style", None) or ""
        if style in ("|", ">") and isinstance(value, str) and "\n" in value:
            indent = self._block_indent(node)
            return self.text[:start] + _block(value, indent) + self.text[end:]
        if start == end:  # nothing stands there yet
            before = "" if self.text[start - 1 : start] in (" ", "\n", "") else " "
            return f"{self.text[:start]}{before}{on_one_line(value)}{self.text[end:]}"
        if _is_block(node, self.text):  # on lines of its own, below its key: now beside it
            key_end = len(self.text[:start].rstrip(" \n"))
            if self.text[key_end - 1] not in ":-":
                raise CannotEdit("a remark stands between the key and its value")
            return f"{self.text[:key_end]} {on_one_line(value)}{self.text[end:]}"
        return self.text[:start] + on_one_line(value, style) + self.text[end:]

    def _block_indent(self, node: yaml.Node) -> int:
        first = self.text.find("\n", node.start_mark.index) + 1
        line = self.text[first : self.text.find("\n", first)]
        return max(1, len(line) - len(line.lstrip(" ")))

    def _inserted(self, parent: yaml.MappingNode, key: str, value: PlainData, order: Sequence[str]) -> str:
        entry = f"{_scalar(key)}: {on_one_line(value)}"
        keys = [each.value for each, _ in parent.value]
        earlier = set(order[: order.index(key)]) if key in order else set(keys)
        after = next((at for at in reversed(range(len(keys))) if keys[at] in earlier), None)
        if parent.flow_style and not keys and parent is self._root:
            return f"{self.text[: parent.start_mark.index]}{entry}{self.text[self._end(parent) :]}"
        if parent.flow_style:
            if after is None:
                at = parent.start_mark.index + 1
                return f"{self.text[:at]}{entry}{', ' if keys else ''}{self.text[at:]}"
            at = (
                self._end(parent.value[after][1])
                if not _is_nothing(parent.value[after][1])
                else self._end(parent) - 1
            )
            return f"{self.text[:at]}, {entry}{self.text[at:]}"
        indent = " " * parent.start_mark.column
        if after is None:
            at = parent.start_mark.index
            return f"{self.text[:at]}{entry}\n{indent}{self.text[at:]}"
        at = self._line_end(self._end(parent.value[after][1]))
        return f"{self.text[:at]}\n{indent}{entry}{self.text[at:]}"

    def _appended(self, parent: yaml.SequenceNode, value: PlainData) -> str:
        if parent.flow_style:
            at = self._end(parent) - 1
            return f"{self.text[:at]}{', ' if parent.value else ''}{on_one_line(value)}{self.text[at:]}"
        at = self._line_end(self._end(parent.value[-1]))
        return f"{self.text[:at]}\n{' ' * parent.start_mark.column}- {on_one_line(value)}{self.text[at:]}"

    def _removed(self, path: Path) -> str:  # noqa: PLR0911  (one for each notation)
        parent = self._node(path[:-1])
        if parent is None or self._node(path) is None:
            return self.text
        entries = list(self._entries(parent))
        at = next(at for at, (key, _, _) in enumerate(entries) if key == path[-1])
        if len(entries) == 1 and path[:-1] and not parent.flow_style:
            return self._replaced(parent, {} if isinstance(parent, yaml.MappingNode) else [])
        _, start, end = entries[at]
        if parent.flow_style:
            if at + 1 < len(entries):
                return self.text[:start] + self.text[entries[at + 1][1] :]
            before = entries[at - 1][2] if at else start
            return self.text[:before] + self.text[end:]
        begin = self.text.rfind("\n", 0, start) + 1
        if self.text[begin:start].strip(" -"):
            raise CannotEdit(f"{_path_in_words(path)} can be changed only in the file")
        if self.text[begin:start].strip():  # the first key of an entry of a list, behind its dash
            if isinstance(parent, yaml.SequenceNode):
                return self.text[:begin] + self.text[self._line_end(end) + 1 :]
            return self.text[:start] + self.text[self._line_end(end) + 1 :].lstrip(" ")
        return self.text[:begin] + self.text[self._line_end(end) + 1 :]

    def _line_end(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found

    def _entries(self, parent: yaml.Node) -> Iterator[tuple[str | int, int, int]]:
        """Yield each key or index with where its entry begins and ends."""
        for at, each in enumerate(parent.value):
            if isinstance(each, tuple):
                yield each[0].value, each[0].start_mark.index, max(self._end(each[1]), each[0].end_mark.index + 1)
            else:
                yield at, each.start_mark.index, self._end(each)

    def _end(self, node: yaml.Node) -> int:
        """Return where a value ends: of a group on several lines, behind the last thing in it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        end = int(node.end_mark.index)
        if getattr(node, "style", None) in ("|", ">"):  # the line ends behind it, and those that it does not keep
            return max(node.start_mark.index + 1, len(self.text[:end].rstrip(" \n")))
        return end

    def _node(self, path: Path) -> Any:  # noqa: ANN401  (a node, or None)
        node = self._root
        for key in path:
            if isinstance(node, yaml.MappingNode):
                node = next((value for each, value in node.value if each.value == key), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
            else:
                return None
        return node


def on_one_line(value: PlainData, style: str = "") -> str:  # noqa: PLR0911  (one for each kind)
    """Return plain data as YAML on one line; `style`: the quotation mark that stood around a text there before."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_scalar(str(key))}: {on_one_line(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(on_one_line(inner) for inner in value) + "]"
        case str() if style == "'" and "\n" not in value:
            return "'" + value.replace("'", "''") + "'"
        case str() if style == '"':
            return _quoted(value)
        case str():
            return _scalar(value)
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
    return str(value)


def _scalar(text: str) -> str:
    """Return a text, in quotation marks where it would be something else without them."""
    kinds = (_PLAIN, _DURATION, _MOMENT, _CONDITION)
    plain = "\n" not in text and " #" not in text and any(each.fullmatch(text) for each in kinds)
    return text if plain and text.lower() not in ("null", "true", "false", "yes", "no") else _quoted(text)


def _quoted(text: str) -> str:
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def _block(text: str, indent: int) -> str:
    """Return a text of several lines as a block."""
    head = "|" if text.endswith("\n") else "|-"
    lines = (f"{' ' * indent}{line}".rstrip(" ") for line in text.rstrip("\n").split("\n"))
    return f"{head}\n" + "\n".join(lines)


def _read(text: str) -> Any:  # noqa: ANN401  (plain data)
    report = Report()
    document = read_yaml("", text, report)
    if any(not each.warning for each in report.findings):
        raise CannotEdit("the file cannot be read")
    return document.data


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in ("", "~", "null")


def _is_block(node: yaml.Node, text: str) -> bool:
    """Return True for a group on lines of its own."""
    return isinstance(node, yaml.CollectionNode) and not node.flow_style and "\n" in text[: node.start_mark.index]


def _group(key: str | int, value: PlainData) -> Any:  # noqa: ANN401  (plain data)
    return [value] if isinstance(key, int) else {key: value}


def _with(data: Any, path: Path, value: PlainData) -> Any:  # noqa: ANN401  (plain data)
    """Return the data with that value there, or without it."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        items = list(data) if isinstance(data, list) else []
        if value is None and not rest:
            return items[:key] + items[key + 1 :]
        inner = _with(items[key] if key < len(items) else None, rest, value)
        return [*items[:key], inner, *items[key + 1 :]]
    group = dict(data) if isinstance(data, dict) else {}
    if value is None and not rest:
        group.pop(key, None)
        return group
    group[key] = _with(group.get(key), rest, value)
    return group


def _path_in_words(path: Path) -> str:
    return ".".join(map(str, path))
