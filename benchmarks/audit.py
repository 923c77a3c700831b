"""Audit: every fact hashed as it is stored and held against its block, beside the same rows only read."""

import itertools
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from app.compose import Platform
from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.world import NOW, envelopes, platform
from projections.bulk import insert_rows
from streams.log.audit import Audit
from streams.log.chain_builder import ChainBuilder
from streams.log.row_codes import codes_of
from streams.log.signing import Signer
from streams.storage.database import Database
from streams.storage.tables import log
from tests.services import postgres

EVENTS, ROUNDS = sized(60_000), sized(7)
SIGNER = Signer(bytes(range(32)))
ROWS = "SELECT position, originator_id, originator_version, topic, state FROM log ORDER BY position"


def measure() -> tuple[list[Row], dict[str, float]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server(lasting=True) as server,
        postgres.fresh(server) as at,
    ):
        full = platform(Path(folder))
        full.intake.accept(list(itertools.islice(envelopes(), EVENTS)))
        other = _copied(full, at)
        one, noted = _measured("SQLite", full.database, partial(_sqlite, Path(folder) / "bench.sqlite"))
        two, also_noted = _measured("PostgreSQL", other, partial(_postgresql, at))
        full.database.close()
        other.close()
    return one + two, noted | also_noted


def _copied(full: Platform, at: URL) -> Database:
    """The same log on PostgreSQL."""
    made = Database(at.render_as_string(hide_password=False))
    with full.database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(log.select())]
        made.use_codes(codes_of(connection))
    made.write(lambda connection: insert_rows(connection, log, rows))
    return made


def _measured(name: str, database: Database, raw: Callable[[], Any]) -> tuple[list[Row], dict[str, float]]:
    chain_builder = ChainBuilder(database, SIGNER, lambda: NOW)
    chained: list[int] = []
    took = seconds(lambda: chained.append(chain_builder.finish()))
    share, ours, read = ratio(lambda _: seconds(lambda: _audit(database)), lambda _: seconds(raw), ROUNDS)
    return [
        Row(f"audit on {name}", chained[0] / ours, "facts/s", 200_000),
        Row(f"audit on {name}, ratio to reading the rows", share, "×", 0.15),
    ], {f"{name} facts/s read": chained[0] / read, f"{name} facts/s chained": chained[0] / took}


def _audit(database: Database) -> None:
    deque(Audit(database, SIGNER.public).findings(), maxlen=0)


def _sqlite(file: Path) -> None:
    connection = sqlite3.connect(file)
    deque(connection.execute(ROWS), maxlen=0)
    connection.close()


def _postgresql(at: URL) -> None:
    plain = at.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, connection.cursor("log", binary=True) as cursor:
        cursor.itersize = 1024
        deque(cursor.execute(ROWS), maxlen=0)
