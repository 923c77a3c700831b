"""Whether a provider's reports about addresses are believed: who reports nearly everybody is wrong somewhere else.

What a provider answers at once is judged by its row (`notifiers.port.routes`). Reports come one by one, in any
order, to
any process, and many providers never report what arrived: so what a provider took over just before tells.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from uuid import UUID

from sqlalchemy import Connection

from domain.facts.facts import NudgeFailed, NudgeSent
from notifiers.port.interface import Reason
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.storage.tables import log, log_rows

MANY, BEFORE, NEAR = 5, 20, 2_000
"""At least so many bad addresses, and half of so many messages, looked for among so many facts before."""
Tried = tuple[UUID, str, int]


BAD = frozenset({Reason.BAD_ADDRESS.value})


def believed(connection: Connection, log_: Log, reported: Sequence[Tried], reasons: AbstractSet[str]) -> set[Tried]:
    """Those of the attempts (nudge, recipient, number) whose provider reports few others around for these reasons."""
    sent = _sent(log_.streams(connection, {nudge for nudge, *_ in reported}))
    return {each for each in reported if each not in sent or not _too_many(connection, log_, sent[each], reasons)}


def _sent(entries: Sequence[Entry]) -> Mapping[Tried, Entry]:
    return {_tried(entry): entry for entry in entries if isinstance(entry.fact, NudgeSent)}


def _tried(entry: Entry) -> Tried:
    assert isinstance(entry.fact, NudgeSent | NudgeFailed)
    return entry.originator_id, entry.fact.recipient, entry.fact.attempt


def _too_many(connection: Connection, log_: Log, sent: Entry, reasons: AbstractSet[str]) -> bool:
    """Whether half of what the same provider took over before it was reported so, too."""
    assert isinstance(sent.fact, NudgeSent)
    near = log.c.position.between(sent.position - NEAR, sent.position - 1)
    rows = connection.execute(log_rows.where(near, log.c.topic == NudgeSent.TOPIC).order_by(log.c.position.desc()))
    same = (each for each in log_.decoded(connection, rows) if _provider(each) == sent.fact.provider)
    before = {_tried(each) for each in islice(same, BEFORE)}
    facts = log_.streams(connection, {nudge for nudge, *_ in before})
    bad = before.intersection(_tried(each) for each in facts if _is_bad(each, reasons))
    return len(bad) >= max(MANY, len(before) / 2)


def _provider(entry: Entry) -> str:
    assert isinstance(entry.fact, NudgeSent)
    return entry.fact.provider


def _is_bad(entry: Entry, reasons: AbstractSet[str]) -> bool:
    return isinstance(entry.fact, NudgeFailed) and entry.fact.reason in reasons
