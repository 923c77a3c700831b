"""The recent attempts of each provider and their outcomes, from the end of the log, without persons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Select

from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeFailed, NudgeSent, NudgeUnknown
from domain.facts.receipts import PROVIDER_FAILURES
from notifiers.port.routes import FAILURES
from projections.bulk import driver_rows
from projections.handed_over import AttemptId
from streams.delivery.outcomes.references import attempt_id_of
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.storage.tables import IS_OF_ATTEMPT, log_rows
from streams.storage.tables import log as log_table

RECORD_SPAN = timedelta(hours=1)
RECENT = timedelta(minutes=2)
"""The span of a provider's speed."""
FACTS = 5000
"""The number of facts about attempts that are read at most, so that the query stays short."""


class ProviderState(StrEnum):
    """The last that a provider did."""

    IDLE = "nothing to send"
    WORKS = "works"
    FAILED = "failed the last time"
    FAILS_ALL = "failed every time"
    DOWN = "down"


class Record(Struct):
    """A provider's record. `in_row`: attempts that failed by its fault since its last success, first at `since`.

    `failed_at`: the last failure, whoever was to blame; `lately`: attempts a second in the last two minutes;
    `waited`: the seconds that the `answered` attempts took altogether.
    """

    channel: str
    attempted: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    in_row: int = 0
    since: datetime | None = None
    last: datetime | None = None
    failed_at: datetime | None = None
    reasons: Counter[str] = Counter()
    lately: float = 0.0
    answered: int = 0
    waited: float = 0.0

    @property
    def seconds(self) -> float:
        """The seconds from an attempt to the provider's answer, on average."""
        return self.waited / self.answered if self.answered else 0.0

    @property
    def in_trouble(self) -> bool:
        """True if as many attempts failed in a row as make dispatchers avoid the provider."""
        return self.in_row >= FAILURES

    @property
    def state(self) -> "ProviderState":
        """Return the last that the provider did, in a word."""
        if not self.attempted:
            return ProviderState.IDLE
        if self.in_trouble:
            return ProviderState.DOWN
        if self.failed and not self.sent:
            return ProviderState.FAILS_ALL
        return ProviderState.FAILED if self.in_row else ProviderState.WORKS

    @property
    def share_failed(self) -> float:
        """The share of its attempts that failed, from 0 to 1."""
        return self.failed / self.attempted if self.attempted else 0.0


class ProviderFigures(Struct, frozen=True):
    """A provider's record as `status` tells it. `share_failed`: of its attempts, from 0 to 1."""

    channel: str
    state: ProviderState
    attempted: int
    failed: int
    unknown: int
    share_failed: float
    last_failure: datetime | None
    reasons: Mapping[str, int]


def figures_of(record: Record) -> ProviderFigures:
    """Return the record with what is worked out from it."""
    return ProviderFigures(
        record.channel,
        record.state,
        record.attempted,
        record.failed,
        record.unknown,
        round(record.share_failed, 4),
        record.failed_at,
        dict(record.reasons),
    )


class RecentRecords(Struct, frozen=True):
    """Provider -> its record since `since`; `whole`: this covers the whole RECORD_SPAN.

    If it does not, a provider without a record may have had attempts before `since`.
    """

    providers: Mapping[str, Record]
    since: datetime
    whole: bool


class RecentReader:
    """Reads the records of the last hour, or of its last part if there were more than `facts` facts.

    When it reads again, only the new facts are read and decoded.
    """

    def __init__(self, log: Log, facts: int = FACTS) -> None:
        self._log, self._facts = log, facts
        self._known: tuple[Entry, ...] = ()

    def read(self, now: datetime) -> RecentRecords:
        """Return the records as of now."""
        known = self._known
        after = known[-1].position if known else 0
        with self._log.database.reading() as connection:
            new = self._log.genuine_entries(connection, driver_rows(connection, _last(self._facts, after)))[::-1]
        entries = (*known, *new)[-self._facts :]
        self._known = entries  # another thread may have read as much meanwhile: either is right
        recent = [entry for entry in entries if _at(entry) >= now - RECORD_SPAN]
        whole = len(entries) < self._facts or len(recent) < len(entries)
        since = now - RECORD_SPAN if whole else _at(recent[0])
        return RecentRecords(_records(recent, max(since, now - RECENT), now), since, whole)


def _last(facts: int, after: int) -> Select[Any]:
    rows = log_rows.where(IS_OF_ATTEMPT, log_table.c.position > after)
    return rows.order_by(log_table.c.position.desc()).limit(facts)


def _at(entry: Entry) -> datetime:
    fact: Any = entry.fact
    at: datetime = fact.at
    return at


def _records(entries: Sequence[Entry], lately: datetime, now: datetime) -> dict[str, Record]:
    """Return provider -> its record. `lately`: the begin of the time from which its speed is told."""
    found: dict[str, Record] = {}
    of: dict[AttemptId, tuple[Record, datetime]] = {}
    span = max((now - lately).total_seconds(), 1.0)
    doubted: set[AttemptId] = set()
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgeAttempted):
            record = found.setdefault(fact.provider, Record(fact.channel, reasons=Counter()))
            of[attempt_id_of(entry)] = record, fact.at
            record.attempted += 1
            if fact.at >= lately:
                record.lately += 1 / span
        elif isinstance(fact, NudgeSent | NudgeDelivered | NudgeFailed | NudgeUnknown):
            attempt = attempt_id_of(entry)
            known = None if isinstance(fact, NudgeUnknown) and attempt in doubted else of.get(attempt)
            if known is not None:
                record, begun = known
                _note(record, fact)
                if isinstance(fact, NudgeSent) and fact.at >= lately:
                    record.answered += 1
                    record.waited += (fact.at - begun).total_seconds()
            if isinstance(fact, NudgeUnknown):  # recorded again when the provider was asked and could not tell
                doubted.add(attempt)
    return found


def _note(record: Record, fact: NudgeSent | NudgeDelivered | NudgeFailed | NudgeUnknown) -> None:
    record.last = fact.at
    if isinstance(fact, NudgeFailed):
        record.failed_at = fact.at
    match fact:
        case NudgeSent():
            record.sent, record.in_row, record.since = record.sent + 1, 0, None
        case NudgeDelivered():
            record.delivered += 1
        case NudgeFailed() | NudgeUnknown():
            record.failed += isinstance(fact, NudgeFailed)
            record.unknown += isinstance(fact, NudgeUnknown)
            record.reasons[fact.reason] += 1
            if fact.reason in PROVIDER_FAILURES:
                record.in_row, record.since = record.in_row + 1, record.since or fact.at
