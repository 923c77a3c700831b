"""Sent parts: what a provider calls the parts of a long SMS but the last, whichever process hears that one failed."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from domain.facts.facts import NudgeSent
from projections import nudges
from projections.bulk import replace_rows
from projections.lookup import Lookup
from projections.references import Tried
from projections.tables import micros
from streams.log.log import Log
from streams.storage.tables import sent_parts

KEPT = timedelta(days=30)
"""How long a part may fail: centres try for days."""
Parts = Mapping[tuple[str, str], Tried]
"""(Provider, its name for a part) -> the attempt."""
_OF = sent_parts.c.provider == bindparam("by", type_=sent_parts.c.provider.type)
_FOUND = Lookup(
    select(*(sent_parts.c[name] for name in ("reference", *Tried._fields[:3], "at"))).where(_OF),
    sent_parts.c.reference,
)


def parts_of(provider: str, tried: Tried, references: Iterable[str]) -> Parts:
    """These parts of an attempt."""
    return {(provider, each): tried._replace(part=True) for each in references}


def keep(connection: Connection, parts: Parts, now: datetime) -> None:
    """Know these from now on, of nobody who was erased since the attempt; the last one counts of what has one name.

    After the outcomes are appended: who does that holds the nudges, and so does who erases.
    """
    gone = _forgotten(connection, set(parts.values())) if parts else ()
    rows = [(*name, *tried[:3], micros(now)) for name, tried in sorted(parts.items()) if tried not in gone]
    replace_rows(connection, sent_parts, rows)


def _forgotten(connection: Connection, attempts: AbstractSet[Tried]) -> set[Tried]:
    erased_at = nudges.erasures(connection, {each.recipient for each in attempts})
    these = {each for each in attempts if each.recipient in erased_at}
    found = nudges.by_id(connection, {each.nudge for each in these}) if these else {}
    return {each for each in these if nudges.is_forgotten(found[each.nudge].to(each.recipient), erased_at)}


def find(
    connection: Connection, log: Log, provider: str, references: Iterable[str], whole: Mapping[str, Tried]
) -> dict[str, Tried]:
    """Reference -> the attempt of which that is a part, but for what the provider calls a `whole` message since.

    Centres use their ids again: the last one counts of what has one name, whether it is a message or a part. Some
    have one id for all parts of a message: that is the whole.
    """
    rows = list(_FOUND.rows(connection, sorted(set(references)), by=provider))
    since = _sent_at(connection, log, [whole[row[0]] for row in rows if row[0] in whole])
    return {
        row[0]: Tried(row[1], row[2], row[3], part=True)
        for row in rows
        if (one := whole.get(row[0])) is None or (one[:3] != tuple(row[1:4]) and since.get(one, 0) < row[4])
    }


def _sent_at(connection: Connection, log: Log, attempts: Collection[Tried]) -> Mapping[Tried, int]:
    if not attempts:
        return {}
    found: dict[Tried, int] = {}
    for entry in log.streams(connection, {each.nudge for each in attempts}, [NudgeSent.TOPIC]):
        assert isinstance(entry.fact, NudgeSent)
        found[Tried(entry.originator_id, entry.fact.recipient, entry.fact.attempt)] = micros(entry.fact.at)
    return found


def tidy(connection: Connection, now: datetime) -> None:
    """Let go of those of which nothing comes any more."""
    connection.execute(delete(sent_parts).where(sent_parts.c.at < micros(now - KEPT)))
