"""Runs very many generated conditions and patterns and prints the dearest: `python -m tests.fuzz.costs_campaign`.

Each must end within a second of processor time and 64 MB, refused or not; one that does not ends the run with 1.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from time import process_time
from typing import NamedTuple

from tests.fuzz.of_costs import DEEPEST, KILOBYTES, SECONDS, Writer, pattern, try_condition, try_pattern

CONDITIONS, PATTERNS, SEED = 100_000, 10_000, 0
LONGEST_TEXT = 10_000


class Dearest(NamedTuple):
    """What the dearest of some took: seconds of the processor, and kilobytes by which the process grew."""

    number: int = 0
    seconds: float = 0.0
    kilobytes: int = 0

    def and_one(self, seconds: float, kilobytes: int) -> "Dearest":
        """Return it with one more."""
        return Dearest(self.number + 1, max(self.seconds, seconds), max(self.kilobytes, kilobytes))

    @property
    def is_kept(self) -> bool:
        """Return whether none took more than it may."""
        return self.seconds < SECONDS and self.kilobytes < KILOBYTES

    def told(self, name: str) -> str:
        """Return a line about it."""
        peak = getrusage(RUSAGE_SELF).ru_maxrss / 1024
        return (
            f"{self.number} {name}: dearest {self.seconds * 1000:.0f} ms and {self.kilobytes / 1024:.0f} MB more; "
            f"the process had {peak:.0f} MB at most"
        )


def conditions(count: int, seed: int) -> Iterable[str]:
    """Yield so many conditions, of every depth."""
    for number in range(count):
        chance = Random(f"{seed} {number}")  # noqa: S311  (a seeded campaign)
        yield Writer(chance).truth(chance.randint(1, DEEPEST))[:LONGEST_TEXT]


def patterns(count: int, seed: int) -> Iterable[str]:
    """Yield so many patterns, of every depth."""
    for number in range(count):
        chance = Random(f"{seed} {number}")  # noqa: S311  (a seeded campaign)
        yield pattern(chance, chance.randint(0, 5))


def tried(name: str, texts: Iterable[str]) -> bool:
    """Try each of the texts; return whether all kept to what they may take."""
    dearest, attempt = Dearest(), try_condition if name == "conditions" else try_pattern
    for text in texts:
        seconds, kilobytes = process_time(), getrusage(RUSAGE_SELF).ru_maxrss
        attempt(text)
        grown = getrusage(RUSAGE_SELF).ru_maxrss - kilobytes
        dearest = dearest.and_one(process_time() - seconds, grown)
        if not dearest.is_kept:
            sys.stdout.write(f"too much: {text}\n")
            break
    sys.stdout.write(dearest.told(name) + "\n")
    sys.stdout.flush()
    return dearest.is_kept


def main(arguments: list[str]) -> int:
    """Try as many as asked for."""
    asked = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{Path(__file__).stem}")
    asked.add_argument("--conditions", type=int, default=CONDITIONS, help="how many conditions")
    asked.add_argument("--patterns", type=int, default=PATTERNS, help="how many patterns")
    asked.add_argument("--seed", type=int, default=SEED)
    given = asked.parse_args(arguments)
    kept = [
        tried("patterns", patterns(given.patterns, given.seed)),
        tried("conditions", conditions(given.conditions, given.seed)),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
