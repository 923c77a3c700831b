"""Changes between two short texts, marked for a reader: `valid until [-9-]{+10+} March`."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_MARK = re.compile(r"(\[-|-\]|\{\+|\+\})")
_OPENING: Mapping[str, tuple[str, str]] = {"[-": ("-", "-]"), "{+": ("+", "+}")}
"""Mark that opens a part -> its sign, and the mark that closes it."""
CONTEXT = 40
"""So much of what stayed is shown beside what changed."""
_ALIKE = 0.5


def marked_changes(before: str, after: str) -> str:
    """Return both texts in one: what went as [-…-], what came as {+…+}; long stretches without a change become …."""
    olds, news = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces = list(_pieces(olds, news))
    return "".join(
        _shortened(text, first=at == 0, last=at == len(pieces) - 1) if same else text
        for at, (same, text) in enumerate(pieces)
    )


def parts_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a marked text, each with its sign: - for what went, + for what came, else nothing."""
    sign, closing = "", ""
    for part in _MARK.split(text):
        if part in _OPENING and not sign:
            sign, closing = _OPENING[part]
        elif part == closing and sign:
            sign, closing = "", ""
        elif part:
            yield sign, part


def _pieces(olds: list[str], news: list[str]) -> Iterator[tuple[bool, str]]:
    for kind, start, end, other_start, other_end in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        gone, come = "".join(olds[start:end]), "".join(news[other_start:other_end])
        if kind == "equal":
            yield True, gone
        else:
            yield False, _within(gone, come) if _one_word(gone, come) else _marks(gone, come)


def _one_word(gone: str, come: str) -> bool:
    """Return True if a single word was corrected: only then are single letters easier to see than the whole."""
    if not (gone.isalnum() and come.isalnum()) or gone.isdigit() or come.isdigit():
        return False
    return SequenceMatcher(None, gone, come, autojunk=False).ratio() > _ALIKE


def _within(gone: str, come: str) -> str:
    matcher = SequenceMatcher(None, gone, come, autojunk=False)
    return "".join(
        gone[start:end] if kind == "equal" else _marks(gone[start:end], come[other_start:other_end])
        for kind, start, end, other_start, other_end in matcher.get_opcodes()
    )


def _marks(gone: str, come: str) -> str:
    return (f"[-{gone}-]" if gone else "") + (f"{{+{come}+}}" if come else "")


def _shortened(text: str, *, first: bool, last: bool) -> str:
    if first and last:
        return text
    before = "" if first else text[:CONTEXT]
    after = "" if last else text[-CONTEXT:]
    return text if len(before) + len(after) + 3 >= len(text) else f"{before}…{after}"


def most_similar_part(text: str, wanted: str) -> str | None:
    """Return the part of a text that is most like what was wanted, word by word; None where nothing is."""
    words = list(re.finditer(r"\S+", text))
    count = max(1, len(wanted.split()))
    best, found = _ALIKE, None
    for at in range(len(words)):
        for size in (count, count + 1, max(1, count - 1)):
            part = text[words[at].start() : words[min(at + size, len(words)) - 1].end()]
            likeness = SequenceMatcher(None, wanted.lower(), part.lower(), autojunk=False).ratio()
            if likeness > best:
                best, found = likeness, part
    return found
