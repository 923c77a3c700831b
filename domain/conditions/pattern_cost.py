"""The size of a regular expression's automaton: the cost of making it, and of matching one character.

An upper bound in the states of an automaton, near enough for a limit: a character is one state, a class of all the
letters of the world a few hundred, and what is repeated n times is there n times.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import jsonschema_rs

LINEAR = jsonschema_rs.RegexOptions()
"""The engine for the patterns of fields: time grows with the text, and not with its square or worse.

It knows no look-around, no back reference and nothing atomic.
"""
MOST_WEIGHT = 20_000
"""The most that the pattern of a field may weigh: a hundred letters of any script, or 20,000 given characters."""
HEAVY = 200
"""States of a class such as `\\\\w`: all letters of all scripts, as UTF-8."""
_COUNT = re.compile(r"\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x")
"""The beginning of a part in which white space and remarks mean nothing, so a count may stand apart from its atom."""
_LARGEST = 10**9
"""The highest weight that is told apart."""


def validator_of(schema: Mapping[str, Any], *, validate_formats: bool = False) -> jsonschema_rs.Validator:
    """Return the validator of a JSON Schema, whose patterns are matched in linear time.

    A type that was published before patterns that look around were refused keeps the other engine.
    """
    make = partial(
        jsonschema_rs.Draft202012Validator,
        dict(schema),
        validate_formats=validate_formats,
        ignore_unknown_formats=True,
    )
    try:
        return make(pattern_options=LINEAR)
    except ValueError:  # a jsonschema_rs.ValidationError is one
        return make()


def pattern_weight(pattern: str) -> int:
    """Return the weight of a pattern; where its brackets do not fit, that of what can be read.

    A class ends at its first bracket for JSON Schema. In conditions one may stand first in it, and `[:alpha:]` is a
    member of it. The larger weight holds.
    """
    if _VERBOSE.search(pattern):
        return _LARGEST
    return max(_Reader(pattern, json=json).alternatives(0) for json in (True, False))


class _Reader:
    def __init__(self, text: str, *, json: bool) -> None:
        self._text, self._at, self._json = text, 0, json

    def alternatives(self, depth: int) -> int:
        """Return the weight of everything up to the closing bracket or the end."""
        total = 0
        while self._at < len(self._text):
            character = self._take()
            if character == ")" and depth:
                break
            total += self._atom(character, depth) * self._times()
        return min(total, _LARGEST)

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _atom(self, character: str, depth: int) -> int:
        match character:
            case "(" if depth < _DEEPEST:
                return 1 + self.alternatives(depth + 1)
            case "[":
                return self._class()
            case "\\":
                return self._escaped(self._take())
            case ".":
                return 10
        return 4  # one of any script, or both cases of it

    def _escaped(self, character: str) -> int:
        if character in "pPxu" and self._text.startswith("{", self._at):
            self._at = self._text.find("}", self._at) + 1 or len(self._text)  # a name, not a count
        return HEAVY if character in "wWdDsSbBpP" else 4

    def _class(self) -> int:
        total, first = 10, -1
        if not self._json:
            first = self._at + self._text.startswith("^", self._at)
        while self._at < len(self._text) and (self._text[self._at] != "]" or self._at == first):
            if not self._json and (found := _POSIX.match(self._text, self._at)):
                self._at = found.end()
                total += HEAVY
            elif self._take() == "\\":
                total += self._escaped(self._take())
            else:
                total += 4
        self._take()
        return total

    def _times(self) -> int:
        """Read a quantifier and return its number of copies: the count that is given, else one or two."""
        times = 1
        while self._at < len(self._text):
            if found := _COUNT.match(self._text, self._at):
                self._at = found.end()
                least, most = int(found[1][:9]), int((found[3] or "")[:9] or 0)
                times *= max(1, least + 1 if found[2] and not found[3] else max(least, most))
            elif self._text[self._at] in "*+?":
                self._at += 1
            else:
                break
        return min(times, _LARGEST)


_DEEPEST = 200
