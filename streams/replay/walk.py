"""Cursor jobs: work that goes through persons or nudges in order, and does nothing when repeated."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.core.translatable import N_, Counted, Joined, Number, Said, Words
from domain.nudges.delivery import Due
from streams.planning.histories import share_upto
from streams.queues.jobs import HoldsNothing, NothingToDo, Plan, Save, Step
from streams.rules.library import Library

A_SECOND = 1000.0
FIRST = Due(UUID(int=0), "")
"""The place before all deliveries, which are walked through by recipient."""


def place_of(delivery: Due) -> str:
    """Return the place of a delivery as a job keeps it."""
    return f"{delivery.recipient}/{delivery.nudge}"


def delivery_at(place: str) -> Due:
    """Return the delivery at a place; FIRST where there is none yet."""
    recipient, _, nudge = place.partition("/")
    return Due(UUID(nudge), recipient) if nudge else FIRST


CANNOT = "cannot be planned"
"""The words of a walk for persons whom it left out."""


class Stride(NamedTuple):
    """One stride: up to where, how many were looked at, kind -> how many were (or would be) done.

    `left`: persons left out because they cannot be planned. `again`: those that are tried again by themselves, the
    first at `next_at`.
    """

    upto: str
    looked: int
    done: Mapping[str, int]
    left: int = 0
    again: int = 0
    next_at: datetime | None = None


class Batch(Protocol):
    """The changes of one stride: made, or only counted."""

    @property
    def stride(self) -> Stride:
        """Return the batch as a stride of a job."""


class _Sofar(Struct, frozen=True):
    """The progress of a walk: the sum of the strides, and for a count the position of the rules that made them."""

    upto: str = ""
    looked: int = 0
    done: dict[str, int] = {}
    rules: int = 0
    left: int = 0
    again: int = 0
    next_at: datetime | None = None

    @property
    def total(self) -> int:
        """The number of what is done, of all kinds."""
        return sum(self.done.values())

    def further(self, stride: Stride) -> "_Sofar":
        """Return the progress with one more stride."""
        done = Counter(self.done)
        done.update(stride.done)
        times = [each for each in (self.next_at, stride.next_at) if each is not None]
        return _Sofar(
            stride.upto,
            self.looked + stride.looked,
            dict(done),
            self.rules,
            self.left + stride.left,
            self.again + stride.again,
            min(times, default=None),
        )


class Walk(HoldsNothing):
    """Goes through persons or nudges, one stride a step. A stride commits what it does; repeated, it does nothing.

    `look` yields what each stride would do, `go` does it, both after a place that begins with a pseudonym; `unit`:
    the things looked at.
    """

    def __init__(
        self,
        wish: Said,
        unit: str,
        library: Library,
        look: Callable[[str], Iterator[Batch]],
        go: Callable[[str], Iterator[Batch]],
    ) -> None:
        self._wish, self._unit, self._library, self._look, self._go = wish, unit, library, look, go
        self._looking: tuple[str | None, Iterator[Stride]] = (None, iter(()))
        self._under_way: tuple[str | None, Iterator[Stride]] = (None, iter(()))

    def count(self, cursor: str) -> Step | Plan:
        """Count the next stride; start again if the rules have changed meanwhile.

        The total is estimated from the pseudonym reached, as pseudonyms are spread evenly.
        """
        at, rules = _read(cursor), self._library.rules().position
        place, strides = self._looking
        if place != cursor or at.rules != rules:
            at = at if at.rules == rules else _Sofar(rules=rules)
            strides = (batch.stride for batch in self._look(at.upto))
        if (stride := next(strides, None)) is None:
            return self._plan(at)
        at = at.further(stride)
        cursor = msgspec.json.encode(at).decode()
        self._looking = (cursor, strides)
        return Step(cursor, at.looked, round(at.looked / share_upto(at.upto)), unit=self._unit)

    def _plan(self, at: _Sofar) -> Plan:
        if not at.done:
            raise NothingToDo(_counted(at.looked, self._unit), [*_left_out(at.left)], [*self._tried_again(at)])
        what = Words("{wish}: {counts}", wish=self._wish, counts=words_of(at.done))
        return Plan(Joined([what, *self._tried_again(at)], "; "), at.total, N_("nudges"), A_SECOND, at.rules)

    def _tried_again(self, at: _Sofar) -> Iterator[Said]:
        """Say how many are tried again by themselves, and when the first is."""
        if not at.again:
            return
        words = Counted(
            "{count} is tried again without a repair", "{count} are tried again without a repair", at.again
        )
        if at.next_at is None:
            yield words
        else:
            zone = self._library.rules().defaults.zone
            time = at.next_at.astimezone(zone).isoformat(" ", "minutes")
            yield Words("{words}, the next at {time}", words=words, time=time)

    def step(self, cursor: str, save: Save) -> Step:  # noqa: ARG002  (a stride commits its work itself)
        """Do the next stride."""
        at = _read(cursor)
        place, strides = self._under_way
        if place != cursor:
            strides = (batch.stride for batch in self._go(at.upto))
        if (stride := next(strides, None)) is None:
            words = words_of(at.done) if at.done else Said("nothing was left to do")
            return Step(cursor, at.total, finished=True, words=Joined([words, *_left_out(at.left)], "; "))
        at = at.further(stride)
        cursor = msgspec.json.encode(at).decode()
        self._under_way = (cursor, strides)
        return Step(cursor, at.total)


_DONE: Mapping[str, str] = {
    "plan": N_("{count} to plan"),
    "reschedule": N_("{count} to reschedule"),
    "cancel": N_("{count} to cancel"),
    "correct": N_("{count} to correct"),
    "done": N_("{count} to done"),
    "withhold": N_("{count} to withhold"),
    "renew": N_("{count} to renew({reason})"),
    "ask": N_("{count} to ask({reason})"),
    "again": N_("{count} to again({reason})"),
    "close": N_("{count} to close({reason})"),
}
"""Kind of what is done -> how many, in words; some kinds have a reason in brackets."""


def words_of(counts: Mapping[str, int]) -> Joined:
    """Return the counts of each kind in words."""
    parts = ((*what.rstrip(")").partition("("), many) for what, many in sorted(counts.items()))
    told = (Words(_DONE[kind], count=Number(many), reason=reason) for kind, _, reason, many in parts)
    return Joined(told, ", ")


def _counted(many: int, unit: str) -> Counted:
    """Return a count with its unit."""
    match unit:
        case "failed deliveries":
            return Counted("{count} failed delivery", "{count} failed deliveries", many)
        case "unknown outcomes":
            return Counted("{count} unknown outcome", "{count} unknown outcomes", many)
        case _:
            return Counted("{count} person", "{count} persons", many)


def _left_out(many: int) -> Iterator[Counted]:
    if many:
        yield Counted(
            "{count} person cannot be planned, and their facts wait until that is mended",
            "{count} persons cannot be planned, and their facts wait until that is mended",
            many,
        )


def _read(cursor: str) -> _Sofar:
    """Return the progress; after a cursor of an older version the walk begins anew, which does nothing twice."""
    try:
        return msgspec.json.decode(cursor or "{}", type=_Sofar)
    except msgspec.DecodeError:
        return _Sofar()
