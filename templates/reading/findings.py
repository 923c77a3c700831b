"""Findings in a pack, in words by which its owner can mend it: file, line, column, a guess at what was meant."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from msgspec import Struct

from domain.core.translatable import Said, Words

BESIDE = 60
"""The most characters of a line that are shown on either side of a place."""


class Finding(Struct, frozen=True):
    """An error or a warning; `line` and `column` count from 1, and are 0 where the whole file is meant.

    A `warning` stops neither tests nor previews. `placeholder`: text that nobody has replaced yet, so the trigger
    cannot be submitted. `excerpt`: the line itself, where the place is within a condition.
    """

    path: str
    line: int
    column: int
    message: Said
    suggestion: str | None = None
    warning: bool = False
    placeholder: bool = False
    excerpt: str | None = None

    @property
    def stops_submitting(self) -> bool:
        """Return True if a trigger with it cannot be submitted for approval."""
        return self.placeholder or not self.warning

    def __str__(self) -> str:
        hint = "" if self.suggestion is None else f" (did you mean {self.suggestion!r}?)"
        kind = "warning: " if self.warning else ""
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{place}: {kind}{self.message}{hint}"

    @property
    def pointer(self) -> tuple[str, str] | None:
        """Return a part of the line, and below it a caret under the place; None where there is no excerpt."""
        if self.excerpt is None:
            return None
        begin = max(0, min(self.column - 1, len(self.excerpt)) - BESIDE)
        shown = self.excerpt[begin : begin + 2 * BESIDE].expandtabs(1)
        return shown, " " * (self.column - 1 - begin) + "^"

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Findings are listed file by file, from top to bottom."""
        return (self.path, self.line, self.column, self.message)


class BrokenPack(Exception):
    """Raised for packs with findings, which it lists."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        listed = "\n".join(map(str, self.findings))
        super().__init__(f"The packs have findings ({len(self.findings)}); mend them and load again.\n\n{listed}")


class Report:
    """Gathers findings; the same one twice (by an alias) counts once."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()

    def add(self, finding: Finding) -> None:
        """Note one more finding."""
        self._found.add(finding)

    def about(self, paths: Iterable[str]) -> bool:
        """Return True if there is an error in any of these files."""
        return not {finding.path for finding in self._found if not finding.warning}.isdisjoint(paths)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings so far, file by file, from top to bottom."""
        return tuple(sorted(self._found, key=lambda finding: finding.order))

    def close(self) -> None:
        """End the reading. Raises BrokenPack where there was more to find than warnings."""
        if errors := [finding for finding in self.findings if not finding.warning]:
            raise BrokenPack(errors)


def unknown_agency(name: str, known: Iterable[str]) -> Words:
    """Return the error for an unknown agency, with the list of agencies if the name resembles none of them."""
    if closest(name, known := list(known)) is not None:
        return Words("no agency is called {name!r}", name=name)
    return Words("no agency is called {name!r}; there are: {names}", name=name, names=", ".join(sorted(known)))


MOST_SHOWN = 200
"""The most findings that are listed at once; whoever mends these sees the next."""


def listed(findings: Sequence[Finding]) -> tuple[list[Finding], int]:
    """Return the findings to list, in their order, and how many more there are.

    Where not all fit, a mistake comes before a warning.
    """
    if len(findings) <= MOST_SHOWN:
        return list(findings), 0
    kept = sorted(range(len(findings)), key=lambda at: findings[at].warning)[:MOST_SHOWN]
    return [findings[at] for at in sorted(kept)], len(findings) - MOST_SHOWN


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant; None for a known name, or for one like no other.

    A common beginning of several names (`event.`) makes them no more alike.
    """
    names = sorted(known)
    root = name.partition(".")[0] + "."
    inside = [each.removeprefix(root) for each in names if each.startswith(root)]
    if name in names:
        return None
    if inside:
        found = next(iter(get_close_matches(name.removeprefix(root), inside, n=1)), None)
        return None if found is None else root + found
    return next(iter(get_close_matches(name, names, n=1)), None)


def hint(name: str, known: Iterable[str]) -> str:
    """Return what was probably meant, in brackets behind a sentence; empty where nothing is like it."""
    meant = closest(name, known)
    return "" if meant is None else Words(" (did you mean {name!r}?)", name=meant)
