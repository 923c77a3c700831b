"""A search among attempts that failed, whatever became of their messages, from the end of the log, without persons.

The view of messages knows only how each message stands. One that failed by a provider and then went by another
channel is found here.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts.facts import NudgeAttempted, NudgeFailed, NudgeUnknown
from domain.nudges.nudge import Nudge
from projections import nudges
from projections.bulk import driver_rows
from projections.handed_over import AttemptId
from projections.inbox import PAGE, Search
from projections.tables import micros
from streams.delivery.outcomes.references import attempt_id_of
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.storage.tables import IS_OF_ATTEMPT, log_rows
from streams.storage.tables import log as log_table

SCANNED = 1500
"""The facts about attempts that are read for one page at most."""


class FailedAttempt(Struct, frozen=True):
    """An attempt that failed, or of which nobody knows: `at` in microseconds; `state`: of its message now."""

    position: int
    nudge: UUID
    at: int
    channel: str
    provider: str
    reason: str
    trigger: str
    state: str


class FailedAttempts(Struct, frozen=True):
    """A page, the latest first. `further`: the position where the next begins; None: the end."""

    rows: list[FailedAttempt]
    further: int | None


def failed_attempts(log: Log, wanted: Search, before: int | None = None, scanned: int = SCANNED) -> FailedAttempts:
    """Return the next failed attempts before a position; `wanted.state` is not looked at.

    At most `scanned` facts are read, so that a search for what is rare may take several pages.
    """
    query = log_rows.where(IS_OF_ATTEMPT).order_by(log_table.c.position.desc()).limit(scanned)
    if before is not None:
        query = query.where(log_table.c.position < before)
    with log.database.reading() as connection:
        read = list(driver_rows(connection, query))
        entries = log.genuine_entries(connection, read)
        failed = [each for each in entries if _is_failure(each, wanted)]
        made_by = _made_by(log, connection, entries, failed)
        found = [
            each for each in failed if (by := made_by.get(attempt_id_of(each))) is not None and _is_by(by, wanted)
        ]
        of = nudges.by_id(connection, {each.originator_id for each in found})
    rows = [_row(each, made_by[attempt_id_of(each)], of) for each in found if each.originator_id in of]
    if wanted.triggers is not None:
        rows = [row for row in rows if row.trigger in wanted.triggers]
    if len(rows) > PAGE:
        return FailedAttempts(rows[:PAGE], rows[PAGE - 1].position)
    over = len(read) < scanned or (wanted.since is not None and any(_at(each) < wanted.since for each in entries))
    return FailedAttempts(rows, None if over else read[-1][0])


def _is_failure(entry: Entry, wanted: Search) -> bool:
    fact = entry.fact
    if not isinstance(fact, NudgeFailed | NudgeUnknown):
        return False
    at = micros(fact.at)
    return (wanted.since is None or at >= wanted.since) and (wanted.until is None or at < wanted.until)


def _at(entry: Entry) -> int:
    fact = entry.fact
    return micros(fact.at) if isinstance(fact, NudgeAttempted | NudgeFailed | NudgeUnknown) else 2**62


def _made_by(
    log: Log, connection: Connection, entries: Iterable[Entry], failed: Iterable[Entry]
) -> dict[AttemptId, NudgeAttempted]:
    """Return attempt -> how it was made; those that began before what was read are read besides."""
    found = {attempt_id_of(each): each.fact for each in entries if isinstance(each.fact, NudgeAttempted)}
    missing = {each.originator_id for each in failed if attempt_id_of(each) not in found}
    earlier = log.streams(connection, missing, (NudgeAttempted.TOPIC,)) if missing else []
    return found | {attempt_id_of(each): each.fact for each in earlier if isinstance(each.fact, NudgeAttempted)}


def _is_by(made: NudgeAttempted, wanted: Search) -> bool:
    return wanted.provider in {None, made.provider} and wanted.channel in {None, made.channel}


def _row(entry: Entry, made: NudgeAttempted, of: Mapping[UUID, Nudge]) -> FailedAttempt:
    fact = entry.fact
    assert isinstance(fact, NudgeFailed | NudgeUnknown)
    nudge = of[entry.originator_id]
    return FailedAttempt(
        entry.position,
        nudge.intent.id,
        micros(fact.at),
        made.channel,
        made.provider,
        fact.reason,
        nudge.intent.trigger,
        str(nudge.to(fact.recipient).state),
    )
