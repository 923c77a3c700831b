"""Finds words that mix Cyrillic and Latin letters which look alike: no eye sees it, and no name is found."""

import re
from collections.abc import Iterator

from domain.core.translatable import Words
from templates.reading.findings import Finding

_CYRILLIC_LIKE_LATIN = frozenset("аеорсухіһАВЕКМНОРСТУХІҺ")
_LATIN_LIKE_CYRILLIC = frozenset("aeopcyxihABEKMHOPCTYXIH")
_WORD = re.compile(r"\w+")
_CYRILLIC, _LATIN = re.compile("[\u0400-\u04ff]"), re.compile("[A-Za-z]")


def mixed_words(path: str, lines: list[str]) -> Iterator[Finding]:
    """Yield a warning for each word whose letters of one alphabet all look like letters of the other one.

    Remarks in YAML (lines that begin with #) are nobody's names.
    """
    for number, line in enumerate(lines, 1):
        if line.isascii() or (path.endswith(".yaml") and line.lstrip().startswith("#")):
            continue
        for found in _WORD.finditer(line):
            if not found[0].isascii() and (message := _mixed(found[0])):
                yield Finding(path, number, found.start() + 1, message, warning=True)


def _mixed(word: str) -> Words | None:
    if not (latin := _LATIN.findall(word)) or not (cyrillic := _CYRILLIC.findall(word)):
        return None
    looks_latin, looks_cyrillic = _CYRILLIC_LIKE_LATIN.issuperset(cyrillic), _LATIN_LIKE_CYRILLIC.issuperset(latin)
    if looks_latin and (len(cyrillic) <= len(latin) or not looks_cyrillic):
        return Words(
            "{word!r}: {letters} is Cyrillic here, and looks like Latin", word=word, letters=_listed(cyrillic)
        )
    if looks_cyrillic:
        return Words("{word!r}: {letters} is Latin here, and looks like Cyrillic", word=word, letters=_listed(latin))
    return None


def _listed(letters: list[str]) -> str:
    return ", ".join(map(repr, dict.fromkeys(letters)))
