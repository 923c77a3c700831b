"""What a backtest finds, as plain data: what would have gone, what not, samples of it, and all of it counted."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from heapq import nlargest, nsmallest
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, field

from domain.rules.triggers import Class

SAMPLES, TOP = 10, 10
"""How many samples of a channel are kept, and how many of those recipients who get most."""
DAY = len("2025-01-01")
AHEAD = "ahead"
"""What became of a nudge that still waited at the end."""
TOLD = "told"
"""The outcome of whoever was looked at and about whom something was sent; all others have a reason instead."""
_FOREMOST = {"withheld": 0, "expired": 1, AHEAD: 2, "cancelled": 3}
"""Which of several reasons of one person is told, the lowest first."""
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class Message(Struct, frozen=True, array_like=True):
    """One message that would have gone. `about`: whom it concerns; `parts`: of an SMS, else 0.

    `digest`: it went along with a digest and is no message of its own; `words`: a fingerprint of what is read.
    """

    nudge: UUID
    about: str
    to: str
    trigger: str
    klass: Class
    step: str
    at: datetime
    channel: str
    language: str
    parts: int
    digest: bool
    words: bytes

    @property
    def rank(self) -> int:
        """A number that has nothing to do with anything: whoever has the lowest is a sample."""
        return self.nudge.int & 0xFFFF_FFFF


class Unsent(Struct, frozen=True, array_like=True):
    """A nudge that would not have gone to this recipient: withheld, expired, cancelled, or still ahead at the end."""

    nudge: UUID
    about: str
    to: str
    trigger: str
    step: str
    what: str
    reason: str | None


class Played(Struct, frozen=True, array_like=True):
    """What became of everything that was planned for one person. `deferred`: trigger and reason of each
    time that something was put off.
    """

    messages: tuple[Message, ...]
    unsent: tuple[Unsent, ...]
    deferred: tuple[tuple[str, str], ...]

    def outcome(self, spoken: Collection[str]) -> str | None:
        """That something of these triggers was sent, or the foremost reason why not; None: nothing was planned."""
        if any(message.trigger in spoken for message in self.messages):
            return TOLD
        unsent = [one for one in self.unsent if one.trigger in spoken]
        first = min(unsent, key=lambda one: (_FOREMOST.get(one.what, 0), one.reason or ""), default=None)
        if first is None:
            return None
        return first.reason if first.what == "withheld" and first.reason is not None else first.what


class Difference(Struct, frozen=True, array_like=True):
    """One message under two rulebooks: the draft's (or, where it has none, the other's), and why only one has it."""

    what: str
    message: Message
    why: str | None = None


class Own(Struct, frozen=True, array_like=True):
    """What one person's part came to. `outcome`: that something was sent about them, or the reason why nothing was.

    `against`: the messages under the rules that it is compared with, if it is.
    """

    person: str
    played: Played
    outcome: str
    against: tuple[Message, ...] = ()
    differences: tuple[Difference, ...] = ()


class Sample(Struct, frozen=True, array_like=True):
    """A message as its recipient would read it; `html`: of an email."""

    message: Message
    text: str
    html: str


class Samples(Struct):
    """A few messages of each channel, the same whoever played which part of the persons, and in whatever order."""

    kept: dict[str, list[Sample]] = field(default_factory=dict)

    def wants(self, message: Message) -> bool:
        """Whether it would be kept."""
        kept = self.kept.get(message.channel, [])
        return len(kept) < SAMPLES or message.rank < kept[-1].message.rank

    def keep(self, sample: Sample) -> None:
        """Keep it, if it is wanted still."""
        kept = [*self.kept.get(sample.message.channel, ()), sample]
        self.kept[sample.message.channel] = nsmallest(SAMPLES, kept, key=_of_sample)

    def without(self, persons: Collection[str]) -> None:
        """Forget what concerns these persons."""
        for channel, kept in self.kept.items():
            self.kept[channel] = [each for each in kept if each.message.about not in persons]

    def all(self) -> Iterator[Sample]:
        """All that are kept."""
        return (each for kept in self.kept.values() for each in kept)

    def chosen(self, number: int = SAMPLES) -> list[Sample]:
        """So many of them, of all channels in turn."""
        turns = [(at, channel, each) for channel, kept in self.kept.items() for at, each in enumerate(kept)]
        return [each for _, _, each in sorted(turns, key=lambda turn: turn[:2])[:number]]


def _of_sample(sample: Sample) -> tuple[int, str]:
    return sample.message.rank, sample.message.to


def _by_rank(each: Difference) -> tuple[int, str]:
    return each.message.rank, each.message.to


class Tally(Struct):
    """Everything counted, so that two parts of the persons are put together by adding.

    `messages`: (channel, language) -> how many, `parts`: language -> parts of SMS; `days`: (local day, channel);
    `hours`: local hour; `outcomes`: what became of each person who was looked at, so that its sum is `persons`;
    `changes`: what a comparison found -> why -> how often;
    `most`: (messages, recipient).
    """

    persons: int = 0
    facts: int = 0
    people: int = 0
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    along: int = 0
    parts: Counter[tuple[str, int]] = field(default_factory=Counter)
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    hours: Counter[str] = field(default_factory=Counter)
    deferred: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, list[Difference]] = field(default_factory=dict)
    most: list[tuple[int, str]] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)
    digest: int = 0

    def take(self, owns: Iterable[Own], zone: ZoneInfo, spoken: Collection[str]) -> None:
        """Count what these persons' parts came to, of these triggers and of digests; all of a recipient's at once."""
        recipients: dict[str, int] = {}
        for own in owns:
            self.outcomes[own.outcome] += 1
            for message in own.played.messages:
                if message.trigger in spoken:
                    self._sent(message, zone)
                    recipients[message.to] = recipients.get(message.to, 0) + (not message.digest)
            for unsent in own.played.unsent:
                if unsent.trigger in spoken:
                    self._unsent(unsent)
            self.deferred.update(reason for trigger, reason in own.played.deferred if trigger in spoken)
            for each in own.differences:
                if each.message.trigger in spoken:
                    self._differs(each)
        self.people += len(recipients)
        least = self.most[-1] if len(self.most) == TOP else (0, "")
        if more := [(many, who) for who, many in recipients.items() if (many, who) > least]:
            self.most = nlargest(TOP, [*self.most, *more])

    def _sent(self, one: Message, zone: ZoneInfo) -> None:
        self._fingerprint(one)
        if one.digest:
            self.along += 1
            return
        local = one.at.astimezone(zone)
        self.messages[one.channel, one.language] += 1
        self.steps[one.trigger, one.step] += 1
        hour = local.replace(minute=0, second=0, microsecond=0).isoformat(timespec="minutes")
        self.days[hour[:DAY], one.channel] += 1
        self.hours[hour] += 1
        if one.channel == "sms":
            self.parts[one.language, one.parts] += 1

    def _unsent(self, one: Unsent) -> None:
        self._fingerprint(one)
        if one.reason is not None and one.what == "withheld":
            self.withheld[one.reason] += 1
        else:
            self.ended[one.what] += 1

    def _differs(self, one: Difference) -> None:
        self.changes[one.what, one.why or ""] += 1
        self.examples[one.what] = nsmallest(SAMPLES, [*self.examples.get(one.what, ()), one], key=_by_rank)

    def _fingerprint(self, one: Message | Unsent) -> None:
        found = int.from_bytes(blake2b(_encode(one), digest_size=16).digest())
        self.digest = (self.digest + found) % 2**128

    def add(self, other: "Tally") -> None:
        """Put another part to this one; no recipient is in both."""
        self.persons, self.facts, self.people = (
            self.persons + other.persons,
            self.facts + other.facts,
            self.people + other.people,
        )
        self.along, self.digest = self.along + other.along, (self.digest + other.digest) % 2**128
        for name in (
            "messages",
            "parts",
            "steps",
            "days",
            "hours",
            "deferred",
            "withheld",
            "ended",
            "outcomes",
            "changes",
        ):
            getattr(self, name).update(getattr(other, name))
        for what, some in other.examples.items():
            self.examples[what] = nsmallest(SAMPLES, [*self.examples.get(what, ()), *some], key=_by_rank)
        self.most = nlargest(TOP, [*self.most, *other.most])
        for sample in other.samples.all():
            self.samples.keep(sample)
