"""A text that a pattern matches, for the patterns that event types use: letters, classes, groups and repetition."""

import re
from collections.abc import Iterator

from domain.conditions.pattern_cost import MOST_WEIGHT, pattern_weight, validator_of

_CLASSES = {"d": "0123456789", "w": "a1", "s": " ", "D": "a", "W": "-", "S": "a"}
_COUNT = re.compile(r"\{(\d+)(?:,\d*)?\}")


def example(pattern: str) -> str | None:
    """Return a short text that the pattern matches; None for a pattern that is too clever, or too large."""
    if pattern_weight(pattern) > MOST_WEIGHT:
        return None
    try:
        text = "".join(_branches(_Reader(pattern)))
        # by the validator that intake uses: it keeps to a limit where Python's own matching can take for ever
        return text if validator_of({"pattern": pattern}).is_valid(text) else None
    except (IndexError, ValueError, RecursionError):  # a jsonschema_rs.ValidationError is one
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def more(self) -> bool:
        return self.at < len(self.text)

    def peek(self) -> str:
        return self.text[self.at] if self.more() else ""

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]


def _branches(reader: _Reader) -> Iterator[str]:
    """Yield the first of the alternatives, up to the end or the closing bracket; the others are read over."""
    first = True
    while reader.more() and reader.peek() != ")":
        if reader.peek() == "|":
            reader.take()
            first = False
            continue
        text = _repeated(reader, _atom(reader))
        if first:
            yield text


def _repeated(reader: _Reader, atom: str) -> str:
    if found := _COUNT.match(reader.text, reader.at):
        reader.at = found.end()
        return atom * int(found[1])
    if reader.peek() in ("*", "?"):
        reader.take()
        return "" if atom.isascii() and atom.isalnum() else atom
    if reader.peek() == "+":
        reader.take()
    return atom


def _atom(reader: _Reader) -> str:
    match character := reader.take():
        case "^" | "$":
            return ""
        case "(":
            if reader.text.startswith(("?!", "?<", "?="), reader.at):
                raise ValueError
            reader.at += 2 if reader.text.startswith("?:", reader.at) else 0
            text = "".join(_branches(reader))
            reader.take()
            return text
        case "[":
            return _class(reader)
        case "\\":
            return _CLASSES.get(escaped := reader.take(), escaped)[0]
        case ".":
            return "a"
    return character


def _class(reader: _Reader) -> str:
    """Return the first character of a class that is none of its neighbours' business: no `^` classes."""
    if reader.peek() == "^":
        raise ValueError
    members = []
    while (character := reader.take()) != "]":
        members.append(_CLASSES.get(reader.peek(), reader.peek())[0] if character == "\\" else character)
        if character == "\\":
            reader.take()
    return members[0]
