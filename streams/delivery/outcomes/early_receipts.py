"""Early receipts: reports that came before the outcome of their attempt was committed.

Their name is not known yet, or belongs to an earlier message of the same name. They are kept until the outcome is
there. Keeping and dropping take the append lock, after the locks of the nudges. Reading takes no lock;
the transaction that records an outcome already holds it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from domain.facts.facts import NudgeAttempted
from notifiers.port.interface import Report
from projections import nudges
from projections.bulk import among_keys, replace_rows, rows_of
from projections.for_each import ForEach
from projections.handed_over import AttemptId
from projections.tables import micros
from streams.delivery.outcomes.references import attempt_id_of
from streams.log.log import Log
from streams.log.row_codes import codes_of
from streams.storage.advisory_locks import APPEND_LOCK, take_turns
from streams.storage.tables import early_receipts

KEPT = timedelta(days=7)
"""The time that a receipt waits for its message to become known by its name."""
CLOCK_SKEW = timedelta(minutes=10)
"""The possible difference between the clocks of the processes with the attempt and with the receipt."""


class EarlyReceipt(NamedTuple):
    """A stored row: what the provider said (`heard`) by which name; `at`: when it came (microseconds since 1970)."""

    provider: str
    reference: str
    heard: str
    reason: str | None
    at: int


_COLUMNS = [early_receipts.c[name] for name in (*EarlyReceipt._fields, "code")]
_ROWS = select(*_COLUMNS).where(among_keys(early_receipts.c.reference))


def keep(connection: Connection, provider: str, reports: Sequence[Report], now: datetime) -> None:
    """Store reports; of those that say the same, the last one counts, as names are used again.

    An outcome holds the append lock from its append to its commit, and reads these rows meanwhile. So either it sees
    this row, or it was committed before this row is stored: then the caller must look the name up again, in a new
    transaction (`Receipts.record_reports`).
    """
    take_turns(connection, APPEND_LOCK)
    at = micros(now)
    rows = [
        EarlyReceipt(provider, each.reference, each.status.value, each.reason and each.reason.value, at)
        for each in reports
    ]
    last, codes = {row[:3]: row for row in rows}, codes_of(connection)
    replace_rows(connection, early_receipts, [(*last[key], codes.receipt_code(last[key])) for key in sorted(last)])


def waiting(connection: Connection, names: Sequence[str]) -> Iterator[EarlyReceipt]:
    """Yield the receipts by these names. One that our processes did not write is none."""
    codes = codes_of(connection)
    for *row, code in rows_of(connection, _ROWS, names):
        if code == codes.receipt_code(row):
            yield EarlyReceipt._make(row)


def drop(connection: Connection, rows: Iterable[EarlyReceipt]) -> None:
    """Delete these receipts; one that says the same and came later stays."""
    take_turns(connection, APPEND_LOCK)
    _DROPPED.execute(connection, [(row.provider, row.reference, row.heard, row.at) for row in rows])


_KEY = [early_receipts.c[name] for name in ("provider", "reference", "heard", "at")]


def _this_receipt(*key: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(*(column == value for column, value in zip(_KEY, key, strict=True)))


_DROPPED = ForEach(delete(early_receipts), _KEY, _this_receipt)


def reportable_since(connection: Connection, log: Log, attempts: AbstractSet[AttemptId]) -> Mapping[AttemptId, int]:
    """Return from when on each attempt may be reported (microseconds since 1970): before, its name was another's."""
    facts = log.streams(connection, {each.nudge for each in attempts}, [NudgeAttempted.TOPIC])
    begun = {
        attempt_id_of(entry): micros(entry.fact.at - CLOCK_SKEW)
        for entry in facts
        if isinstance(entry.fact, NudgeAttempted)
    }
    return {attempt: begun.get(attempt._replace(part=False), 0) for attempt in attempts}


def settled(connection: Connection, attempts: AbstractSet[AttemptId]) -> AbstractSet[AttemptId]:
    """Return the attempts whose deliveries wait for nothing more."""
    found = nudges.by_id(connection, {each.nudge for each in attempts})
    there = (attempt for attempt in attempts if attempt.nudge in found)
    return {attempt for attempt in there if found[attempt.nudge].to(attempt.recipient).due is None}


def tidy(connection: Connection, now: datetime) -> None:
    """Delete receipts whose message never became known: it was another platform's."""
    connection.execute(delete(early_receipts).where(early_receipts.c.at < micros(now - KEPT)))
