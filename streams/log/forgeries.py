"""Forged rows, which have no valid code: finds them, and moves them where a fact needs their place."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select

from projections.bulk import among, chunked, driver_rows, insert_rows
from streams.log import chain
from streams.log.row_codes import codes_of, genuine
from streams.storage.tables import log, log_forged, log_rows, stream_of

PAGE = 1000


def move_away(connection: Connection, wanted: Sequence[tuple[Any, ...]], highest: int) -> int:
    """Move forged rows at the positions or versions of these rows, or from `highest` on; return how many.

    Raises:
        DamagedFact: one of them is a fact that was altered.
    """
    found: dict[int, Any] = {}
    for part in chunked(wanted):
        places = or_(
            among(log.c.position, [row[0] for row in part]), among(log.c.originator_id, [row[1] for row in part])
        )
        versions = {(row[1], row[2]) for row in part} | {row[0] for row in part}
        rows = list(driver_rows(connection, log_rows.where(places)))
        found |= {row[0]: row for row in rows if row[0] in versions or (stream_of(row[1]), row[2]) in versions}
    beyond = log_rows.where(log.c.position >= highest)
    found |= {row[0]: row for row in driver_rows(connection, beyond)}
    for row in genuine(connection, list(found.values())):
        del found[row[0]]
    if found:
        number = connection.execute(select(func.coalesce(func.max(log_forged.c.number), 0))).scalar_one()
        kept = [(number + at, row[0], stream_of(row[1]).bytes, *row[2:]) for at, row in enumerate(found.values(), 1)]
        insert_rows(connection, log_forged, kept)
        connection.execute(delete(log).where(log.c.position.in_(list(found))))
    return len(found)


def moved_away(connection: Connection) -> list[int]:
    """Return the positions that forged rows had before they were moved away."""
    return list(connection.execute(select(log_forged.c.position).order_by(log_forged.c.number)).scalars())


def behind(connection: Connection, position: int) -> Iterator[tuple[int, bool]]:
    """Yield the position of each row after that one, and whether it is a fact."""
    valid = codes_of(connection).is_valid
    while rows := chain.coded_rows(connection, position, limit=PAGE):
        yield from ((row[0], valid(row)) for row in rows)
        position = rows[-1][0]
