"""JSON from outside: its size is checked before it is decoded, and no object may have the same key twice.

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
    """Raised for JSON that receivers may read in different ways, or with too many keys."""


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise UnclearJson("the same key stands twice in one object; keep one of them")


def _look_and_count(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > MOST_KEYS:
        raise UnclearJson(f"an object has more than {MOST_KEYS} keys")
    _refuse_repeated_keys(pairs)


_decode = json.JSONDecoder(object_pairs_hook=_refuse_repeated_keys).decode
_decode_bounded = json.JSONDecoder(object_pairs_hook=_look_and_count).decode


def refuse_unclear(text: bytes, *, bounded: bool = False) -> None:
    """Refuse JSON in which an object has the same key twice or, if `bounded`, more than `MOST_KEYS` keys.

    Raises:
        UnclearJson: with the reason, which names no key.
        ValueError: the text is not JSON in UTF-8.
        RecursionError: it is nested too deeply.
    """
    (_decode_bounded if bounded else _decode)(text.decode())


def has_more_items(text: bytes, most: int) -> bool:
    """Return whether a JSON array has more than `most` items, without decoding any and in constant memory.

    For a text that is not JSON the result means nothing: decoding refuses it.
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
