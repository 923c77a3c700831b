"""The lines in which the files of two versions of a draft differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from itertools import takewhile
from typing import Final

AROUND: Final = 2
"""How many lines are shown before and after a change."""
MOST_COMPARED: Final = 1000
"""Between the first and the last change so many lines of both are compared: the time grows with their square."""
MOST_LETTERS: Final = 500_000
"""So many characters of both are shown on a page, however few lines they are."""


class Room:
    """The lines, and characters, that may still be compared on a page that compares many versions."""

    def __init__(self, lines: int = 3 * MOST_COMPARED) -> None:
        self._left, self._letters = lines, MOST_LETTERS

    def take(self, lines: Sequence[str]) -> bool:
        """Take room for these lines; return whether they may be compared."""
        count, letters = len(lines), sum(map(len, lines))
        if fits := count <= min(self._left, MOST_COMPARED) and letters <= self._letters:
            self._left, self._letters = self._left - count, self._letters - letters
        return fits


def changed_lines(
    old: Mapping[str, str], new: Mapping[str, str], room: Room | None = None
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each file that differs, with its lines: the sign of each (+, -, nothing; @ left out), and its text.

    `room`: of a page that compares several versions.
    """
    room = room or Room(MOST_COMPARED * len(old.keys() | new.keys()))
    for name in sorted(old.keys() | new.keys(), key=lambda each: (each != "trigger.yaml", each)):
        before, after = old.get(name, ""), new.get(name, "")
        if before != after:
            yield name, [(line[0].strip(), line[1:]) for line in _compared(before, after, room) if line]


def _compared(old: str, new: str, room: Room) -> Iterable[str]:
    """Return the lines of the comparison; only that much is left out, where so much differs."""
    olds, news = old.split("\n"), new.split("\n")
    first = max(0, _alike(olds, news) - AROUND)
    olds, news = olds[first:][::-1], news[first:][::-1]
    last = max(0, _alike(olds, news) - AROUND)
    olds, news = olds[last:][::-1], news[last:][::-1]
    if not room.take([*olds, *news]):
        return ["@"]
    return list(unified_diff(olds, news, lineterm="", n=AROUND))[2:]


def _alike(olds: Sequence[str], news: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(olds, news, strict=False)))
