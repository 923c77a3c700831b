"""Sent parts: the provider's names for the parts of a long SMS but the last, for reports to any process."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from domain.facts.facts import NudgeSent
from projections import nudges
from projections.bulk import replace_rows
from projections.lookup import Lookup
from projections.references import AttemptId
from projections.tables import micros
from streams.log.log import Log
from streams.storage.tables import sent_parts

KEPT = timedelta(days=30)
"""How long a part may fail: centres try for days."""
Parts = Mapping[tuple[str, str], AttemptId]
"""(Provider, its name for a part) -> the attempt."""
_OF = sent_parts.c.provider == bindparam("by", type_=sent_parts.c.provider.type)
_FOUND = Lookup(
    select(*(sent_parts.c[name] for name in ("reference", *AttemptId._fields[:3], "at"))).where(_OF),
    sent_parts.c.reference,
)


def parts_of(provider: str, attempt_id: AttemptId, references: Iterable[str]) -> Parts:
    """Return these parts of an attempt."""
    return {(provider, each): attempt_id._replace(part=True) for each in references}


def keep(connection: Connection, parts: Parts, now: datetime) -> None:
    """Store parts, except of persons erased since the attempt; of one name, the last part counts.

    Call it after the outcomes are appended: that holds the nudges, as erasing does.
    """
    gone = _forgotten(connection, set(parts.values())) if parts else ()
    rows = [
        (*name, *attempt_id[:3], micros(now)) for name, attempt_id in sorted(parts.items()) if attempt_id not in gone
    ]
    replace_rows(connection, sent_parts, rows)


def _forgotten(connection: Connection, attempts: AbstractSet[AttemptId]) -> set[AttemptId]:
    erased_at = nudges.erasures(connection, {each.recipient for each in attempts})
    these = {each for each in attempts if each.recipient in erased_at}
    found = nudges.by_id(connection, {each.nudge for each in these}) if these else {}
    return {each for each in these if nudges.is_forgotten(found[each.nudge].to(each.recipient), erased_at)}


def find(
    connection: Connection, log: Log, provider: str, references: Iterable[str], whole: Mapping[str, AttemptId]
) -> dict[str, AttemptId]:
    """Return reference -> the attempt of which it is a part, unless the provider uses it for a `whole` message since.

    Centres reuse their ids: the last message or part with a name counts. Some have one id for all parts of a message;
    that is the whole.
    """
    rows = list(_FOUND.rows(connection, sorted(set(references)), by=provider))
    since = _sent_at(connection, log, [whole[row[0]] for row in rows if row[0] in whole])
    return {
        row[0]: AttemptId(row[1], row[2], row[3], part=True)
        for row in rows
        if (one := whole.get(row[0])) is None or (one[:3] != tuple(row[1:4]) and since.get(one, 0) < row[4])
    }


def _sent_at(connection: Connection, log: Log, attempts: Collection[AttemptId]) -> Mapping[AttemptId, int]:
    if not attempts:
        return {}
    found: dict[AttemptId, int] = {}
    for entry in log.streams(connection, {each.nudge for each in attempts}, [NudgeSent.TOPIC]):
        assert isinstance(entry.fact, NudgeSent)
        found[AttemptId(entry.originator_id, entry.fact.recipient, entry.fact.attempt)] = micros(entry.fact.at)
    return found


def tidy(connection: Connection, now: datetime) -> None:
    """Delete parts that are not reported any more."""
    connection.execute(delete(sent_parts).where(sent_parts.c.at < micros(now - KEPT)))
