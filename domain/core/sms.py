"""The cost of a text as SMS: its alphabet, and the parts that it is cut into and paid by.

Source: 3GPP TS 23.038 (alphabets), 3GPP TS 23.040, 9.2.3.24 (concatenation, with the usual 6 bytes of header).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Final, Literal

from msgspec import Struct

Encoding = Literal["gsm7", "ucs2"]

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = "\f^{}\\[~]|€"
_SEPTETS: Final = dict(zip(_BASIC, repeat(1))) | dict(zip(_EXTENSION, repeat(2)))
_GSM: Final = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*")
"""Fails at the first Cyrillic letter: most texts begin with one."""
_SPELT: Final = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
        **dict.fromkeys("\u00ad\u200b\ufeff", ""),
        **dict.fromkeys("‘’‚′", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‐‑‒–—−•", "-"),
        "…": "...",
        "№": "No.",
        "×": "x",
        "₸": "KZT",
    }
)
"""Spellings of typography and of the tenge sign in GSM 03.38, which has neither."""
_SPELLABLE: Final = re.compile(f"[{re.escape(_BASIC + _EXTENSION + ''.join(map(chr, _SPELT)))}]*")
_LAST_IN_ONE_UNIT: Final = "\uffff"

_LIMITS: Final[dict[Encoding, tuple[int, int]]] = {"gsm7": (160, 153), "ucs2": (70, 67)}
"""Encoding -> how many units a text may have that goes alone, and how many each part of a longer one."""


class Segments(Struct, frozen=True):
    """A text as SMS carries it. `parts` put together are the text; an empty text is one empty part."""

    encoding: Encoding
    parts: tuple[str, ...]


def segments(text: str) -> Segments:
    """Cut a text into the parts that are sent and paid.

    GSM 03.38 where its alphabet has every character: 160 septets alone, 153 a part; a character of the extension
    table takes two. Otherwise UCS-2: 70 or 67 UTF-16 units; a character outside the basic plane takes two. No
    character is split between parts.
    """
    encoding: Encoding = "gsm7" if _GSM.fullmatch(text) else "ucs2"
    alone, each = _LIMITS[encoding]
    cost = _cost(text, encoding)
    if cost <= alone:
        return Segments(encoding, (text,))
    if cost == len(text):
        return Segments(encoding, tuple(text[start : start + each] for start in range(0, len(text), each)))
    return Segments(encoding, tuple(_cut(((character, units(character, encoding)) for character in text), each)))


def excess(text: str) -> int:
    """Return the characters by which a text is too long for one part fewer; 0 for a text of one part."""
    parts = len(segments(text).parts)
    return 0 if parts == 1 else -room(text, parts - 1)


def room(text: str, parts: int) -> int:
    """Return how many more of a text's characters fit into so many parts; below 0 it is too long by so many."""
    encoding = segments(text).encoding
    alone, each = _LIMITS[encoding]
    return (alone if parts == 1 else each * parts) - _cost(text, encoding)


def spelt(text: str) -> str:
    """Return the text in GSM 03.38 if only typography or the tenge sign keeps it out, and it takes no more parts.

    Such a text would be UCS-2, and cost about twice as much. One that has other letters as well is left as it is.
    """
    if _GSM.fullmatch(text) or not _SPELLABLE.fullmatch(text):
        return text
    spelling = text.translate(_SPELT)
    return spelling if len(segments(spelling).parts) <= len(segments(text).parts) else text


def units(character: str, encoding: Encoding) -> int:
    """Return the size of a character: in septets for GSM 03.38, in UTF-16 units for UCS-2."""
    if encoding == "gsm7":
        return _SEPTETS[character]
    return 1 if character <= _LAST_IN_ONE_UNIT else 2


def _cost(text: str, encoding: Encoding) -> int:
    """Return the units of a text, without a look at each character.

    Most messages go alone, and there are millions.
    """
    if encoding == "gsm7":
        return len(text) + sum(map(text.count, _EXTENSION))
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def _cut(characters: Iterable[tuple[str, int]], limit: int) -> Iterator[str]:
    part, used = "", 0
    for character, cost in characters:
        if used + cost > limit:
            yield part
            part, used = "", 0
        part, used = part + character, used + cost
    yield part
