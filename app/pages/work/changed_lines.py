"""The lines in which the files of two versions of a draft differ."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Final

AROUND: Final = 2
"""How many lines are shown before and after a change."""


def changed_lines(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each file that differs, with its lines: the sign of each (+, -, nothing), and its text."""
    for name in sorted(old.keys() | new.keys(), key=lambda each: (each != "trigger.yaml", each)):
        lines = list(
            unified_diff(old.get(name, "").split("\n"), new.get(name, "").split("\n"), lineterm="", n=AROUND)
        )
        if lines:
            yield name, [(line[0].strip(), line[1:]) for line in lines[2:] if line]
