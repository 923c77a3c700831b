"""The due table: what an idle tick costs beside 3 million rows that are not due yet, and how fast it is drained."""

import statistics
from uuid import UUID

from sqlalchemy import delete, text

from benchmarks.measuring import Row, seconds, sized
from benchmarks.world import fresh
from domain.nudges.delivery import Due
from projections import claims, upcoming
from projections.bulk import insert_rows
from projections.front import Front
from projections.lanes import Shares
from projections.tables import due
from streams.storage.database import Database
from tests.services import postgres

ROWS, CHUNK, TICKS, CLAIM, CLAIMED = sized(3_000_000), sized(250_000), sized(50, least=5), 2000, sized(500_000)
HOUR, LANES, IDLE = 3_600_000_000, 100, (False, False, None, None)


def measure() -> tuple[list[Row], dict[str, float]]:
    with postgres.server(lasting=True) as server, fresh(server) as url:
        database = _filled(Database(url))
        idle = statistics.median(seconds(lambda: _claim(database, Front(), now=0)) for _ in range(TICKS))
        by_lane = statistics.median(seconds(lambda: _fairly(database, now=0)) for _ in range(TICKS))
        fair = statistics.median(seconds(lambda: _fairly(database, now=2 * HOUR)) for _ in range(5))
        counted = seconds(lambda: _count(database))
        drained = CLAIMED / seconds(lambda: _drain(database))
        database.close()
    rows = [
        Row("due, idle tick beside 3 million rows", idle * 1000, "ms", 5, most=True),
        Row("due, idle tick by lanes, as where rates bind", by_lane * 1000, "ms", 10, most=True),
        Row("due, a claim from 100 lanes of 3 million due rows", fair * 1000, "ms", 300, most=True),
        Row("forecast, counting 3 million due rows by hour and trigger", counted, "s", 5, most=True),
        Row("due, draining on PostgreSQL", drained, "rows/s", 50_000),
    ]
    return rows, {"rows": ROWS, "a claim": CLAIM}


def _filled(database: Database) -> Database:
    """Rows from one hour after the beginning on, a hundred of them due at each moment."""
    for start in range(0, ROWS, CHUNK):
        rows = [
            (
                HOUR + number // 100,
                2,
                UUID(int=number << 64),
                f"{number % 1_000_000:032x}",
                *IDLE,
                number % LANES,
                HOUR + number // 100,
            )
            for number in range(start, start + CHUNK)
        ]
        with database.engine.begin() as connection:
            insert_rows(connection, due, rows)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE due"))
    return database


def _count(database: Database) -> None:
    with database.reading() as connection:
        assert sum(many for _, _, many in upcoming.by_hour(connection, until=1000 * HOUR)) == ROWS


def _fairly(database: Database, *, now: int) -> list[Due]:
    return _claim(database, Front(), now=now, shares=Shares())


def _claim(database: Database, front: Front, *, now: int, shares: Shares | None = None) -> list[Due]:
    return database.write(
        lambda connection: claims.claim(
            connection, now=now, until=now + HOUR, holder="bench", limit=CLAIM, front=front, shares=shares
        )
    )


def _drain(database: Database) -> None:
    """Claim, and take away what was claimed, as ended nudges' rows are."""
    done, front = 0, Front()
    while done < CLAIMED:
        claimed = _claim(database, front, now=2 * HOUR)
        done += len(claimed)
        first, latest = (HOUR + (claimed[at].nudge.int >> 64) // 100 for at in (0, -1))
        gone = delete(due).where(due.c.due_at.between(first, latest))
        database.write(lambda connection: connection.execute(gone))  # noqa: B023  (runs at once)
