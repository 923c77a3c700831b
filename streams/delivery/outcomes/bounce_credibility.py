"""Credibility of bounces: a provider that reports nearly every address as bad has another trouble.

Immediate answers are judged by those before them (`notifiers.port.routes`). Reports come one by one, in any order,
to any process, and many providers never report what arrived. So they are compared with the messages that the provider
accepted just before.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice

from sqlalchemy import Connection

from domain.facts.facts import NudgeFailed, NudgeSent
from notifiers.port.interface import Reason
from projections.references import AttemptId
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.storage.tables import log, log_rows

MANY, BEFORE, NEAR = 5, 20, 2_000
"""Reports are not believed from MANY bad addresses on, and half of the BEFORE last messages among NEAR facts."""
BAD = frozenset({Reason.BAD_ADDRESS.value})


def believed(
    connection: Connection, log_: Log, reported: Sequence[AttemptId], reasons: AbstractSet[str]
) -> set[AttemptId]:
    """Return the attempts around which their provider reported few for these reasons."""
    sent = _sent(log_.streams(connection, {nudge for nudge, *_ in reported}))
    return {one for one in reported if one not in sent or not _too_many(connection, log_, sent[one], reasons)}


def _sent(entries: Sequence[Entry]) -> Mapping[AttemptId, Entry]:
    return {_attempt_id(entry): entry for entry in entries if isinstance(entry.fact, NudgeSent)}


def _attempt_id(entry: Entry) -> AttemptId:
    assert isinstance(entry.fact, NudgeSent | NudgeFailed)
    return AttemptId(entry.originator_id, entry.fact.recipient, entry.fact.attempt)


def _too_many(connection: Connection, log_: Log, sent: Entry, reasons: AbstractSet[str]) -> bool:
    """Return whether half of what the same provider accepted before was reported so, too."""
    assert isinstance(sent.fact, NudgeSent)
    near = log.c.position.between(sent.position - NEAR, sent.position - 1)
    rows = connection.execute(log_rows.where(near, log.c.topic == NudgeSent.TOPIC).order_by(log.c.position.desc()))
    same = (entry for entry in log_.decoded(connection, rows) if _provider(entry) == sent.fact.provider)
    before = {_attempt_id(entry) for entry in islice(same, BEFORE)}
    facts = log_.streams(connection, {nudge for nudge, *_ in before})
    bad = before.intersection(_attempt_id(entry) for entry in facts if _is_bad(entry, reasons))
    return len(bad) >= max(MANY, len(before) / 2)


def _provider(entry: Entry) -> str:
    assert isinstance(entry.fact, NudgeSent)
    return entry.fact.provider


def _is_bad(entry: Entry, reasons: AbstractSet[str]) -> bool:
    return isinstance(entry.fact, NudgeFailed) and entry.fact.reason in reasons
