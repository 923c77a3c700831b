"""Targets: conditions and patterns that are made to cost as much as they can; each ends within a second and 64 MB."""

import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import jsonschema_rs

from domain.conditions.cost import TooCostly
from domain.conditions.language import BadCondition, Conditions
from domain.conditions.pattern_cost import LINEAR, MOST_WEIGHT, pattern_weight
from templates.checks.pattern_samples import example
from tests.fuzz.target import Target, Try, promised

SECONDS, KILOBYTES = 1.0, 64 * 1024
CONDITIONS = Conditions(
    {"event.kind": "string", "event.number": "string", "event.amount": "integer", "event.marks": "strings"}
)
USUAL: Mapping[str, Any] = {
    "event.kind": "a" * 1000,
    "event.number": "a" * 999 + "b",
    "event.amount": 7,
    "event.marks": [f"{at}" + "a" * 1000 for at in range(200)],
}
LARGE: Mapping[str, Any] = {
    "event.kind": "a" * 200_000,
    "event.number": "ab" * 1000,
    "event.amount": 7,
    "event.marks": ["a"] * 20_000,
}
DEEPEST = 9
"""The engine takes no more than 32 levels of brackets, and each of ours is two or three."""


@contextmanager
def cheaply() -> Iterator[None]:
    """What is done inside takes no more of the processor and of memory than it may."""
    seconds, kilobytes = process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    promised("it ends within a second", kept=process_time() - seconds < SECONDS)
    promised("it ends within 64 MB", kept=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - kilobytes < KILOBYTES)


class Writer:
    """Writes expressions of each type, out of chance; the names of loops are known inside of them."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._names: list[str] = []
        self._count = 0

    def truth(self, depth: int) -> str:
        """A condition."""
        return self._one(
            depth,
            [lambda: "event.amount > 1", lambda: f"{self.text(0)} == {self.text(0)}"],
            [
                lambda: self._loop(depth, self._chance.choice(["exists", "all", "exists_one"])),
                lambda: self._loop(depth, "exists"),
                lambda: f"({self.truth(depth - 1)} {self._chance.choice(['&&', '||'])} {self.truth(depth - 1)})",
                lambda: f"{self.text(depth - 1)}.contains({self.text(depth - 1)})",
                lambda: f"{self.text(depth - 1)}.matches({pattern(self._chance, 3)!r})",
                lambda: f"{self.text(depth - 1)} in {self.texts(depth - 1)}",
                lambda: f"{self.texts(depth - 1)} == {self.texts(depth - 1)}",
                lambda: f"size({self.text(depth - 1)}) > 3",
                lambda: f"!({self.truth(depth - 1)})",
            ],
        )

    def text(self, depth: int) -> str:
        """A text."""
        known = [*self._names[-2:], *self._names, "event.kind", "event.number", "'a'"]
        return self._one(
            depth,
            [lambda: self._chance.choice(known)],
            [
                lambda: self._twice(self.text(depth - 1)),
                lambda: f"({self.text(depth - 1)} + {self.text(depth - 1)})",
                lambda: f"({self.truth(depth - 1)} ? {self.text(depth - 1)} : {self.text(depth - 1)})",
                lambda: f"string({self.text(depth - 1)})",
                lambda: f"{self.texts(depth - 1)}[0]",
            ],
        )

    def texts(self, depth: int) -> str:
        """A list of texts."""
        return self._one(
            depth,
            [lambda: "event.marks", lambda: f"[{self.text(0)}]", lambda: f"[{', '.join(['1'] * 10)}].map(n, 'x')"],
            [
                lambda: f"[{self.text(depth - 1)}]",
                lambda: self._twice(self.texts(depth - 1)),
                lambda: self._loop(depth, "map"),
                lambda: self._loop(depth, "filter"),
            ],
        )

    def _one(self, depth: int, small: list[Callable[[], str]], large: list[Callable[[], str]]) -> str:
        return self._chance.choice(large if depth > 0 and self._chance.random() < 0.85 else small)()

    @staticmethod
    def _twice(text: str) -> str:
        return f"({text} + {text})"

    def _one_doubled(self, depth: int) -> str:
        return f"[{self._twice(self.text(depth))}]"

    def _loop(self, depth: int, macro: str) -> str:
        over = self._chance.choice([self.texts, self._one_doubled])(depth - 1)
        self._count += 1
        name = f"v{self._count}"
        self._names.append(name)
        body = self.text(depth - 1) if macro == "map" else self.truth(depth - 1)
        self._names.pop()
        return f"{over}.{macro}({name}, {body})"


def pattern(chance: Random, depth: int) -> str:
    """A pattern that counts, and counts what it counted."""
    atoms = ["a", ".", r"\w", r"[\w]", r"\d", r"\S", "[^a]", "[a-z]", r"\p{L}", "é", "(a|b)", "(?i)k", "(a|a)++"]
    atoms += ["(?=(a+)+$)", "(?!(a|a)*b)", r"(a+)\1", "[[]", "[^]a]", "[[:alpha:]]"]
    counts = ["", "*", "+", "?", "{9}", "{1,20}", "{100}", "{500}", "{1,1000}", "{3,}", "{ 500 }"]
    parts = []
    for _ in range(chance.randint(1, 3)):
        inner = pattern(chance, depth - 1) if depth > 0 and chance.random() < 0.5 else ""
        parts.append((f"({inner})" if inner else chance.choice(atoms)) + chance.choice(counts))
    return "".join(parts) + chance.choice(["", "", "$", "x"])


def try_condition(text: str) -> None:
    """Compile a condition and ask it about usual values and large ones; raises where it gives no answer."""
    with suppress(BadCondition):
        condition = CONDITIONS.compile(text)
        for values in (USUAL, LARGE):
            with suppress(TooCostly):
                promised("yes, no or nothing", kept=condition.holds(values) in (True, False, None))
        promised("its price is known", kept=condition.cost > 0)


def try_pattern(text: str) -> None:
    """Weigh a pattern, and match it where it is light enough."""
    made = example(text)
    if pattern_weight(text) <= MOST_WEIGHT:
        with suppress(ValueError):
            validator = jsonschema_rs.Draft202012Validator(
                {"type": "string", "pattern": text}, pattern_options=LINEAR
            )
            for value in (made or "", "a" * 1000, "aé1 " * 250, "k" * 1000 + "!"):
                validator.is_valid(value)


def _condition(_: Path) -> Try:
    """Any condition is refused, or answered at a price that is stated, for usual values and for large ones."""

    def attempt(data: bytes) -> None:
        text = Writer(Random(data)).truth(DEEPEST)[:10_000]  # noqa: S311  (a seeded test)
        with cheaply():
            try_condition(text)

    return attempt


def _pattern(_: Path) -> Try:
    """Any pattern is refused before it is compiled, or matches quickly."""

    def attempt(data: bytes) -> None:
        text = pattern(Random(data), 4)  # noqa: S311  (a seeded test)
        with cheaply():
            try_pattern(text)

    return attempt


SEEDS = [bytes([at]) for at in range(40)]
TARGETS = {
    "costly-condition": Target(_condition, SEEDS, slow=8),
    "costly-pattern": Target(_pattern, SEEDS, slow=2),
}
