"""The parts that wait for their turn, and what becomes of the messages that they are parts of."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater, Unknown

_WEIGHT = {Accepted: 0, RetryLater: 1, GiveUp: 2, Unknown: 3}


@dataclass(slots=True, eq=False)
class Part:
    """A submit_sm of a message, with any sequence number. `since` is when it was written, in loop time."""

    pdu: bytes
    sending: "Sending"
    last: bool
    since: float = 0.0
    throttled: str = ""
    settled: bool = False

    def settle(self, outcome: Outcome) -> None:
        """Record the outcome; only the first one counts."""
        if not self.settled:
            self.settled = True
            self.sending.note_outcome(outcome, last=self.last)


@dataclass(slots=True, eq=False)
class Sending:
    """A message under way: the `number`th of its batch.

    It is accepted when all its parts are, and its reference is the id of its last part; `parts` has those of the
    others. Otherwise the gravest outcome of a part is the message's: unknown, then given up, then later. A message
    that has gone only in part may be tried again: its parts have the same header at every attempt, so that they
    complete each other.
    """

    batch: "Batch"
    number: int
    message: Message
    open: int = 0
    outcome: Outcome | None = None
    reference: str = ""
    parts: tuple[str, ...] = ()
    _answered: int = 0
    _accepted: int = 0

    @property
    def is_halted(self) -> bool:
        """Return True if there is no use in its further parts."""
        return self.outcome is not None and not isinstance(self.outcome, Accepted)

    def note_outcome(self, outcome: Outcome, *, last: bool) -> None:
        """Note the outcome of one of its parts."""
        self.open -= 1
        self._answered += 1
        self._note(outcome, last=last)
        if self._counts(outcome, last=last):
            self.outcome = outcome
        if not self.open:
            self.batch.settle(self, self._whole())

    def answered_late(self, outcome: Outcome, *, last: bool) -> None:
        """Record a late answer to a part that was given up: it was accepted after all, or never will be."""
        self._note(outcome, last=last)
        if isinstance(outcome, GiveUp):
            self.outcome = outcome
        if not self.open and (self._accepted == self._answered or isinstance(outcome, GiveUp)):
            self.batch.correct(self, self._whole())

    def _note(self, outcome: Outcome, *, last: bool) -> None:
        if isinstance(outcome, Accepted):
            self._accepted += 1
            if last:
                self.reference = outcome.reference
            else:
                self.parts += (outcome.reference,)
            self.batch.part_taken(self.message, outcome.reference, last or outcome.reference == self.reference)

    def _counts(self, outcome: Outcome, *, last: bool) -> bool:
        if self.outcome is None:
            return True
        graver = _WEIGHT[type(outcome)] - _WEIGHT[type(self.outcome)]
        return graver > 0 or (graver == 0 and last and isinstance(outcome, Accepted))

    def _whole(self) -> Outcome:
        if self._accepted == self._answered:
            return Accepted(self.reference or f"key:{self.message.key}", self.parts)
        assert self.outcome is not None
        if not isinstance(self.outcome, Unknown):
            return self.outcome
        return replace(self.outcome, parts=(*self.parts, self.reference) if self.reference else self.parts)


@dataclass(slots=True, eq=False)
class Batch:
    """The messages of one `send`: nothing is written after `until` (loop time).

    `part_taken` is called with the id of each part of a message as soon as the centre says it, and whether that is
    the message's; `late` with what became of a message that was given up, once the batch has ended.
    """

    until: float
    outcomes: list[Outcome | None]
    part_taken: Callable[[Message, str, bool], None]
    late: Callable[[Message, Outcome], None] = field(default=lambda *_: None)
    parts: list[Part] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def settle(self, sending: Sending, outcome: Outcome) -> None:
        """The outcome of one message is known."""
        self.outcomes[sending.number] = outcome
        self.waiting -= 1
        if not self.waiting:
            self.done.set()

    def correct(self, sending: Sending, outcome: Outcome) -> None:
        """Replace an unknown outcome by a late one."""
        self.outcomes[sending.number] = outcome
        if self.done.is_set():
            self.late(sending.message, outcome)

    def expire(self) -> None:
        """Settle the parts that were not written by now; they will not be."""
        for part in self.parts:
            if not part.since:
                part.settle(_late(part))


class Outbox:
    """A queue of parts. Those that are settled while they wait are passed over."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()

    def put(self, parts: Sequence[Part]) -> None:
        """Add parts at the end."""
        self._parts.extend(parts)

    def back(self, part: Part) -> None:
        """Put a part back to the front, after it was refused for now."""
        part.since = 0.0
        self._parts.appendleft(part)

    def next(self, now: float) -> Part | None:
        """Return the part whose turn it is; those for which it is too late are settled on the way."""
        while self._parts:
            part = self._parts.popleft()
            if part.settled:
                continue
            if part.sending.batch.until > now and not part.sending.is_halted:
                return part
            part.settle(_late(part))
        return None

    def refuse(self, outcome: RetryLater) -> None:
        """None of those that wait will be written."""
        parts, self._parts = self._parts, deque()
        for part in parts:
            part.settle(outcome)


class UnderWay:
    """The parts that are written and not answered, by their sequence numbers, the oldest first.

    An answer is overdue after `patience` seconds; it may come all the same.
    """

    MOST_OVERDUE = 10_000

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._parts: dict[int, Part] = {}
        self._overdue: dict[int, Part] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def put(self, sequence: int, part: Part, now: float) -> None:
        """A part is being written."""
        part.since = now
        self._parts[sequence] = part

    def take(self, sequence: int) -> Part | None:
        """Return the part that is answered."""
        return self._parts.pop(sequence, None)

    def take_overdue(self, sequence: int) -> Part | None:
        """Return the part that is answered after it was given up."""
        return self._overdue.pop(sequence, None)

    def due(self) -> float:
        """Return the loop time at which the oldest answer is overdue."""
        oldest = next(iter(self._parts.values()), None)
        return inf if oldest is None else oldest.since + self._patience

    def give_up(self, outcome: Unknown, now: float = inf) -> bool:
        """Settle those whose answers are overdue by now, or all; whether there were any."""
        some = False
        while self._parts and (now == inf or now >= self.due()):
            sequence = next(iter(self._parts))
            part = self._overdue[sequence] = self._parts.pop(sequence)
            if len(self._overdue) > self.MOST_OVERDUE:
                del self._overdue[next(iter(self._overdue))]
            part.settle(outcome)
            some = True
        return some


def _late(part: Part) -> RetryLater:
    return RetryLater(None, Reason.BUSY, part.throttled) if part.throttled else RetryLater(None, Reason.NO_TIME)
