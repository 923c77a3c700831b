"""What registries report over a simulated time: late, twice, in any order, corrected, some of it through Kafka."""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from app.simulation.population import simulate
from streams.intake.cloudevents import Envelope, envelope_of
from tests.world import annulled, corrected

START = datetime(2025, 1, 1, 7, tzinfo=UTC)  # 12:00 in Almaty: nobody's quiet hours
TWICE, LATE, CORRECTED, ANNULLED, BY_KAFKA = 0.15, 0.3, 0.2, 0.05, 0.2
SUBSCRIBED = 3
"""Of so many citizens, one has a browser that takes pushes."""
_DATES = {"kz.document.issued": "expires_on", "kz.traffic.fine_issued": "issued_on"}
"""The dates that are corrected; nudges hang on them."""


class Report(NamedTuple):
    """An event as it arrives, by Kafka or not."""

    at: datetime
    envelope: Envelope
    by_kafka: bool


class Registries:
    """Everything that is reported about so many citizens in that time.

    What happened before comes in at some time of its first third. `browsers`: the addresses of those that there are.
    """

    def __init__(self, citizens: int, span: timedelta, seed: int, browsers: Sequence[str] = ()) -> None:
        self._span = span
        self._random = random.Random(seed)  # noqa: S311  (a seeded test)
        events = simulate(citizens, seed, START.date(), (START + span).date())
        first = [_reachable(envelope_of(event), browsers) for event in events]
        self.events = [*first, *self._revisions(first)]
        self.contacts = {each.subject: each.data for each in first if each.type == "citizen.contact_changed"}
        self._coming = deque(sorted(self._reports(), key=lambda report: report.at))
        self.duplicates, self.end = len(self._coming) - len(self.events), self._coming[-1].at

    def until(self, now: datetime) -> list[Report]:
        """What has arrived since it was asked last, in any order."""
        found: list[Report] = []
        while self._coming and self._coming[0].at <= now:
            found.append(self._coming.popleft())
        self._random.shuffle(found)
        return found

    def happens(self, envelope: Envelope) -> list[Report]:
        """Something that nobody foresaw: it is reported at once, by both ways."""
        self.events.append(envelope)
        self.duplicates += 1
        return [Report(datetime.fromisoformat(envelope.time), envelope, by_kafka) for by_kafka in (False, True)]

    def in_order(self) -> list[Envelope]:
        """All that happened, once each, as it happened."""
        return sorted(self.events, key=lambda each: datetime.fromisoformat(each.time))

    def _revisions(self, first: Sequence[Envelope]) -> Iterator[Envelope]:
        for each in first:
            if (field := _DATES.get(each.type)) is None or not (each.data or {}).get(field):
                continue
            luck = self._random.random()
            if luck < CORRECTED:
                yield corrected(each, 2, **{field: _later(str((each.data or {})[field]), 30)})
            if luck < ANNULLED:
                yield annulled(each, 3)

    def _reports(self) -> Iterator[Report]:
        for each in self.events:
            for _ in range(2 if self._random.random() < TWICE else 1):
                yield Report(self._arrives(each), each, self._random.random() < BY_KAFKA)

    def _arrives(self, envelope: Envelope) -> datetime:
        happened = datetime.fromisoformat(envelope.time)
        if happened < START:
            return START + self._span / 3 * self._random.random()
        late = self._span / 10 * self._random.random() if self._random.random() < LATE else timedelta()
        return happened + late


def _reachable(envelope: Envelope, browsers: Sequence[str]) -> Envelope:
    """The same event of a population of whom each has a phone of their own, or mail, or both, and some a browser."""
    if envelope.type != "citizen.contact_changed":
        return envelope
    number = int(envelope.id.partition("c")[2][:6])
    ways: dict[str, Any] = {"phone": f"+7701{number:07d}", "email": f"c{number}@example.org"}
    if number % 4 < 2:
        del ways["phone" if number % 4 else "email"]
    if number % SUBSCRIBED == 0 and number // SUBSCRIBED < len(browsers):
        ways["push"] = browsers[number // SUBSCRIBED]
    return envelope_of({**_plain(envelope), "data": ways})


def _plain(envelope: Envelope) -> dict[str, Any]:
    return {
        name: value for name in envelope.__struct_fields__ if (value := getattr(envelope, name)) not in (None, False)
    }


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
