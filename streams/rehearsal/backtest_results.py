"""The results of a backtest as plain data: messages, unsent nudges, samples, and all of it counted."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from heapq import nlargest, nsmallest
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from domain.rules.triggers import Class

SAMPLES, TOP = 10, 10
"""Samples kept of each channel, and recipients kept of those who get most."""
DAY = len("2025-01-01")
AHEAD = "ahead"
"""The outcome of a nudge that still waited at the end."""
TOLD = "told"
"""The outcome of a person about whom something was sent; all others have a reason instead."""
_FOREMOST = {"withheld": 0, "expired": 1, AHEAD: 2, "cancelled": 3}
"""The order in which one of several reasons of a person is chosen, the lowest first."""
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class Message(Struct, frozen=True, array_like=True):
    """One message that would have been sent. `about`: the person it is about; `parts`: of an SMS, else 0.

    `digest`: it was part of a digest and is no message of its own; `words`: a fingerprint of the text.
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
        """A number from the nudge's hashed id; messages with the lowest ranks are the samples."""
        return self.nudge.int & 0xFFFF_FFFF


class Unsent(Struct, frozen=True, array_like=True):
    """A nudge not sent to this recipient: withheld, expired, cancelled, or still ahead at the end."""

    nudge: UUID
    about: str
    to: str
    trigger: str
    step: str
    what: str
    reason: str | None


class PlayedPerson(Struct, frozen=True, array_like=True):
    """The outcome of everything planned for one person. `deferred`: trigger and reason of each deferral."""

    messages: tuple[Message, ...]
    unsent: tuple[Unsent, ...]
    deferred: tuple[tuple[str, str], ...]

    def outcome(self, spoken: Collection[str]) -> str | None:
        """Return TOLD if one of these triggers sent something, else the foremost reason; None: no plan."""
        if any(message.trigger in spoken for message in self.messages):
            return TOLD
        unsent = [one for one in self.unsent if one.trigger in spoken]
        first = min(unsent, key=lambda one: (_FOREMOST.get(one.what, 0), one.reason or ""), default=None)
        if first is None:
            return None
        return first.reason if first.what == "withheld" and first.reason is not None else first.what


class Difference(Struct, frozen=True, array_like=True):
    """One message under two rulebooks: the draft's, or the other's if the draft has none; `why`: only one has it."""

    what: str
    message: Message
    why: str | None = None


class PersonResult(Struct, frozen=True, array_like=True):
    """The result of one person. `outcome`: TOLD, or the reason why nothing was sent about them.

    `against`: the messages under the rules to compare with, if any; `settled`: the last time that something of the
    draft's triggers was sent or held back, by either rules; `capped`: the cap objected to some of it.
    """

    person: str
    played: PlayedPerson
    outcome: str
    against: tuple[Message, ...] = ()
    differences: tuple[Difference, ...] = ()
    settled: datetime | None = None
    capped: bool = False


class Sample(Struct, frozen=True, array_like=True):
    """A message with its text; `html`: of an email."""

    message: Message
    text: str
    html: str


class Samples(Struct):
    """A few messages of each channel. The choice does not depend on the division of persons or on their order."""

    kept: dict[str, list[Sample]] = field(default_factory=dict)

    def wants(self, message: Message) -> bool:
        """Return True if the message would be kept."""
        kept = self.kept.get(message.channel, [])
        return len(kept) < SAMPLES or message.rank < kept[-1].message.rank

    def keep(self, sample: Sample) -> None:
        """Add a sample, and keep the SAMPLES of lowest rank."""
        kept = self.kept.get(sample.message.channel, [])
        if len(kept) < SAMPLES or _rank(sample) < _rank(kept[-1]):
            self.kept[sample.message.channel] = nsmallest(SAMPLES, [*kept, sample], key=_rank)

    def add(self, others: "Samples") -> None:
        """Add the samples of others."""
        for sample in others.all():
            self.keep(sample)

    def without(self, persons: Collection[str]) -> None:
        """Remove samples about these persons."""
        for channel, kept in self.kept.items():
            self.kept[channel] = [sample for sample in kept if sample.message.about not in persons]

    def all(self) -> Iterator[Sample]:
        """Return all samples."""
        return (sample for kept in self.kept.values() for sample in kept)

    def chosen(self) -> list[Sample]:
        """Return the samples to be shown, of all channels in turn."""
        turns = [(at, channel, sample) for channel, kept in self.kept.items() for at, sample in enumerate(kept)]
        return [sample for _, _, sample in sorted(turns, key=lambda turn: turn[:2])[:SAMPLES]]


def _rank(each: "Sample | Difference") -> tuple[int, str]:
    return each.message.rank, each.message.to


COUNTS = ("messages", "parts", "steps", "days", "hours", "deferred", "withheld", "ended", "outcomes", "changes")
"""The counters of a tally."""


class Tally(Struct):
    """All counts of a part of the persons; tallies of several parts are added up.

    `messages`: (channel, language) -> count; `parts`: (language, parts of an SMS) -> count; `days`: (local day,
    channel) -> count; `hours`: local hour -> count; `outcomes`: outcome -> persons, whose sum is `persons`;
    `changes`: (change, reason) -> count; `most`: (messages, recipient).
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

    def take(self, owns: Iterable[PersonResult], zone: ZoneInfo, spoken: Collection[str]) -> None:
        """Count the results of these persons for these triggers. All results of a recipient must come in one call."""
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
            for difference in own.differences:
                if difference.message.trigger in spoken:
                    self._differs(difference)
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
        self.examples[one.what] = nsmallest(SAMPLES, [*self.examples.get(one.what, ()), one], key=_rank)

    def _fingerprint(self, one: Message | Unsent) -> None:
        found = int.from_bytes(blake2b(_encode(one), digest_size=16).digest())
        self.digest = (self.digest + found) % 2**128

    def add(self, other: "Tally") -> None:
        """Add the tally of another part, which has no recipient in common with this one."""
        self.persons, self.facts, self.people = (
            self.persons + other.persons,
            self.facts + other.facts,
            self.people + other.people,
        )
        self.along, self.digest = self.along + other.along, (self.digest + other.digest) % 2**128
        for name in COUNTS:
            getattr(self, name).update(getattr(other, name))
        for what, some in other.examples.items():
            self.examples[what] = nsmallest(SAMPLES, [*self.examples.get(what, ()), *some], key=_rank)
        self.most = nlargest(TOP, [*self.most, *other.most])
        self.samples.add(other.samples)

    def in_order(self) -> "Tally":
        """Return the same with equal counts in an order that does not depend on who counted first."""
        ordered = {name: Counter(dict(sorted(getattr(self, name).items()))) for name in COUNTS}
        found: Tally = replace(self, **ordered)
        return found
