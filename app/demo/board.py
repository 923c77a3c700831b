"""The content of the page about the country at one moment."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.core.sms import segments
from streams.delivery.send.fake_outbox import KeptMessage


class ReportedEvent(Struct, frozen=True):
    """A life event: its title, the office that reported it, and who it is about, by first name."""

    at: datetime
    title: str
    office: str
    names: str


class HandedOverMessage(Struct, frozen=True):
    """A message as it was handed over. `number`: which of the nudge's deliveries."""

    nudge: UUID
    number: int
    at: datetime
    title: str
    name: str
    office: str
    channel: str
    language: str
    state: str
    words: KeptMessage

    @property
    def parts(self) -> int:
        """Return the number of parts in which an SMS carries the words."""
        return len(segments(self.words.text).parts)


class NotSent(Struct, frozen=True):
    """A nudge that was withheld; `reason` in the reader's words."""

    nudge: UUID
    at: datetime
    title: str
    name: str
    reason: str


class Counters(Struct, frozen=True):
    """The counts of each kind; `withheld`: reason -> count."""

    events: int
    planned: int
    cancelled: int
    sent: int
    delivered: int
    opened: int
    deferred: int
    failed: int
    withheld: Mapping[str, int]


class Board(Struct, frozen=True):
    """The content of the page at one moment."""

    counters: Counters
    events: tuple[ReportedEvent, ...]
    messages: tuple[HandedOverMessage, ...]
    pushed: tuple[HandedOverMessage, ...]
    texted: tuple[HandedOverMessage, ...]
    mailed: tuple[HandedOverMessage, ...]
    not_sent: tuple[NotSent, ...]


def counters_of(totals: Mapping[tuple[str, str], int], known: int) -> Counters:
    """Return the counters from the statistics' totals, without the events that were `known` before the year."""
    counts: dict[str, int] = {}
    withheld: dict[str, int] = {}
    for (trigger, what), count in totals.items():
        kind, _, detail = what.partition(".") if trigger else ("events", "", "")
        counts[kind] = counts.get(kind, 0) + count
        if kind == "withheld":
            withheld[detail] = withheld.get(detail, 0) + count
    names = ("planned", "cancelled", "sent", "delivered", "opened", "deferred", "failed")
    amounts = {name: counts.get(name, 0) for name in names}
    events = max(0, counts.get("events", 0) - known)
    return Counters(events=events, withheld=dict(sorted(withheld.items())), **amounts)
