"""The work of jobs that go through persons or nudges in an order, and find at each that nothing is left to do."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

from streams.planning.bulk_reading import share_upto
from streams.queues.jobs import NothingToDo, Plan, Save, Step

A_SECOND = 1000.0


CANNOT = "cannot be planned"
"""In the words of a walk that had to leave somebody out."""


class Stride(NamedTuple):
    """What was gone through: up to where, how many, of what kind what was done (or would be), how many were left out.

    Those are who cannot be planned: nothing can be done for them.
    """

    upto: str
    looked: int
    done: Mapping[str, int]
    left: int = 0


class _Sofar(Struct, frozen=True):
    """How far a count has come: the strides in one, and the rules by which they were looked at."""

    upto: str = ""
    looked: int = 0
    done: dict[str, int] = {}
    rules: int = 0
    left: int = 0

    def further(self, stride: Stride) -> "_Sofar":
        """With one more stride."""
        done = Counter(self.done)
        done.update(stride.done)
        return _Sofar(stride.upto, self.looked + stride.looked, dict(done), self.rules, self.left + stride.left)


class Walk:
    """Goes from a place on, a stride a step. Each stride commits what it does; done once more, it finds nothing.

    `look` says what each stride would do, `go` does it, both after a place, which begins with a pseudonym; `unit`:
    what is looked at; `rules`: up to which position those go by which it is looked.
    """

    def __init__(
        self,
        wish: str,
        unit: str,
        rules: Callable[[], int],
        look: Callable[[str], Iterator[Stride]],
        go: Callable[[str], Iterator[Stride]],
    ) -> None:
        self._wish, self._unit, self._rules, self._look, self._go = wish, unit, rules, look, go
        self._looking: tuple[str, Iterator[Stride]] | None = None
        self._under_way: tuple[str, Iterator[Stride]] | None = None

    def count(self, cursor: str) -> Step | Plan:
        """The next stride's; from the beginning where the rules have moved meanwhile.

        How many there are is taken from how far it has come: pseudonyms are spread evenly.
        """
        at, rules = msgspec.json.decode(cursor or "{}", type=_Sofar), self._rules()
        place, strides = self._looking or ("", iter(()))
        if self._looking is None or place != cursor or at.rules != rules:
            at = at if at.rules == rules else _Sofar(rules=rules)
            strides = self._look(at.upto)
        if (stride := next(strides, None)) is None:
            return self._plan(at)
        at = at.further(stride)
        cursor = msgspec.json.encode(at).decode()
        self._looking = (cursor, strides)
        return Step(cursor, at.looked, round(at.looked / share_upto(at.upto)), unit=self._unit)

    def _plan(self, at: _Sofar) -> Plan:
        if not at.done:
            raise NothingToDo(f"{at.looked} {self._unit}", _left_out(at.left))
        count = sum(at.done.values())
        return Plan(f"{self._wish}: {words_of(at.done)}", count, "nudges", A_SECOND, at.rules)

    def step(self, cursor: str, save: Save) -> Step:  # noqa: ARG002  (a stride keeps what it does by itself)
        """The next stride."""
        place, before, left = _kept(cursor)
        at, strides = self._under_way or ("", iter(()))
        if self._under_way is None or at != cursor:
            strides = self._go(place)
        counts = _counts(before)
        if (stride := next(strides, None)) is None:
            words = [words_of(counts) or "nothing was left to do", *filter(None, [_left_out(left)])]
            return Step(cursor, counts.total(), finished=True, words="; ".join(words))
        counts.update(stride.done)
        told = ",".join(f"{what}={many}" for what, many in sorted(counts.items()))
        cursor = f"{stride.upto} {told} {left + stride.left}"
        self._under_way = (cursor, strides)
        return Step(cursor, counts.total())

    def rest(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """What is done is done; there is nothing else."""


def words_of(counts: Mapping[str, int]) -> str:
    """How many of each kind."""
    return ", ".join(f"{many:,} to {what}" for what, many in sorted(counts.items()))


def _left_out(many: int) -> str:
    who = "1 person" if many == 1 else f"{many:,} persons"
    return f"{who} {CANNOT}, and their facts wait until that is mended" if many else ""


def _kept(cursor: str) -> tuple[str, str, int]:
    """Up to where, what was done, and how many were left out; of a job that an older version began, none."""
    place, counts, left, *_ = [*cursor.split(" "), "", "", ""]
    return place, counts, int(left or 0)


def _counts(kept: str) -> Counter[str]:
    """As the cursor keeps them."""
    pairs = (each.partition("=") for each in kept.split(",") if each)
    return Counter({what: int(many) for what, _, many in pairs})
