"""JSON from outside: counted before it is decoded, and read in one way only (no object has the same key twice).

Source: RFC 8259, section 4: names within an object should be unique, for receivers disagree about which value counts.
"""

import json
import re
from typing import Any

MOST_KEYS = 1000
"""The most keys that one object of a request may have."""
MOST_BRACKETS = 1_000_000
"""An array with more brackets than this counts as too long, so that counting stays short."""
_ARRAY = re.compile(rb"[ \t\r\n]*\[")
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_TO_ITEM = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+([\[\]{},])", re.DOTALL)
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+([\[\]{}])", re.DOTALL)


class UnclearJson(ValueError):
    """The text is JSON whose meaning receivers disagree about, or has more keys than anybody needs."""


def _look(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise UnclearJson("the same key stands twice in one object; keep one of them")


def _look_and_count(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > MOST_KEYS:
        raise UnclearJson(f"an object has more than {MOST_KEYS} keys")
    _look(pairs)


_decode = json.JSONDecoder(object_pairs_hook=_look).decode
_decode_bounded = json.JSONDecoder(object_pairs_hook=_look_and_count).decode


def refuse_unclear(text: bytes, *, bounded: bool = False) -> None:
    """Refuse JSON in which an object has the same key twice or, if `bounded`, more than `MOST_KEYS` keys.

    Raises:
        UnclearJson: with the reason, which names no key.
        ValueError: it is no JSON in UTF-8.
        RecursionError: it is nested too deeply.
    """
    (_decode_bounded if bounded else _decode)(text.decode())


def has_more_items(text: bytes, most: int) -> bool:
    """Whether a JSON array has more than `most` items: told without decoding any, in memory that does not grow.

    Of what is no JSON it tells something or other: whoever decodes that refuses it.
    """
    if (begin := _ARRAY.match(text)) is None:
        return False
    at, depth, commas = begin.end(), 1, 0
    for _ in range(MOST_BRACKETS):
        found = (_TO_ITEM if depth == 1 else _TO_BRACKET).match(text, at)
        if found is None:
            return False
        at, sign = found.end(), found[1]
        if sign == b",":
            commas += 1
        else:
            depth += 1 if sign in b"[{" else -1
        if commas >= most or depth == 0:
            return commas >= most
    return True
