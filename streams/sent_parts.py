"""Sent parts: what a provider calls the parts of a long SMS but the last, whichever process hears that one failed."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from projections.bulk import replace_rows
from projections.lookup import Lookup
from projections.references import Tried
from projections.tables import micros
from streams.tables import sent_parts

KEPT = timedelta(days=30)
"""How long a part may fail: centres try for days."""
Parts = Mapping[tuple[str, str], Tried]
"""(Provider, its name for a part) -> the attempt."""
_OF = sent_parts.c.provider == bindparam("by", type_=sent_parts.c.provider.type)
_FOUND = Lookup(
    select(*(sent_parts.c[name] for name in ("reference", *Tried._fields[:3]))).where(_OF), sent_parts.c.reference
)


def parts_of(provider: str, tried: Tried, references: Iterable[str]) -> Parts:
    """These parts of an attempt."""
    return {(provider, each): tried._replace(part=True) for each in references}


def keep(connection: Connection, parts: Parts, now: datetime) -> None:
    """Know these from now on; the last one counts of what has one name."""
    replace_rows(connection, sent_parts, [(*name, *tried[:3], micros(now)) for name, tried in sorted(parts.items())])


def find(connection: Connection, provider: str, references: Collection[str]) -> dict[str, Tried]:
    """Reference -> the attempt of which that is a part."""
    rows = _FOUND.rows(connection, sorted(references), by=provider)
    return {row[0]: Tried(row[1], row[2], row[3], part=True) for row in rows}


def tidy(connection: Connection, now: datetime) -> None:
    """Let go of those of which nothing comes any more."""
    connection.execute(delete(sent_parts).where(sent_parts.c.at < micros(now - KEPT)))
