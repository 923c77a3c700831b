"""The work of jobs that go through persons or nudges in an order, and find at each that nothing is left to do."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from streams.jobs import Plan, Save, Step

A_SECOND = 1000.0


class NothingToDo(Exception):
    """There is nothing to do: {looked} looked at."""

    def __init__(self, looked: str) -> None:
        super().__init__((type(self).__doc__ or "").format(looked=looked))


class Stride(NamedTuple):
    """What was gone through: up to where, how many, and of what kind what was done (or would be)."""

    upto: str
    looked: int
    done: Mapping[str, int]


class Walk:
    """Goes from a place on, a stride a step. Each stride commits what it does; done once more, it finds nothing.

    `look` says what each stride would do; `go` does it, after a place; `unit`: what is looked at.
    """

    def __init__(
        self, wish: str, unit: str, look: Callable[[], Iterable[Stride]], go: Callable[[str], Iterator[Stride]]
    ) -> None:  # fmt: skip
        self._wish, self._unit, self._look, self._go = wish, unit, look, go
        self._under_way: tuple[str, Iterator[Stride]] | None = None

    def plan(self) -> Plan:
        """How many of what.

        Raises:
            NothingToDo: there is none.
        """
        looked, counts = 0, Counter[str]()
        for stride in self._look():
            looked += stride.looked
            counts.update(stride.done)
        if not counts:
            raise NothingToDo(f"{looked} {self._unit}")
        return Plan(f"{self._wish}: {words_of(counts)}", counts.total(), "nudges", A_SECOND)

    def step(self, cursor: str, save: Save) -> Step:  # noqa: ARG002  (a stride keeps what it does by itself)
        """The next stride."""
        place, _, before = cursor.partition(" ")
        at, strides = self._under_way or ("", iter(()))
        if self._under_way is None or at != cursor:
            strides = self._go(place)
        counts = _counts(before)
        if (stride := next(strides, None)) is None:
            return Step(cursor, counts.total(), finished=True, words=words_of(counts) or "nothing was left to do")
        counts.update(stride.done)
        cursor = f"{stride.upto} {','.join(f'{what}={many}' for what, many in sorted(counts.items()))}"
        self._under_way = (cursor, strides)
        return Step(cursor, counts.total())

    def abandon(self) -> None:
        """What is done is done; there is nothing else."""


def words_of(counts: Mapping[str, int]) -> str:
    """How many of each kind."""
    return ", ".join(f"{many:,} to {what}" for what, many in sorted(counts.items()))


def _counts(kept: str) -> Counter[str]:
    """As the cursor keeps them."""
    pairs = (each.partition("=") for each in kept.split(",") if each)
    return Counter({what: int(many) for what, _, many in pairs})
