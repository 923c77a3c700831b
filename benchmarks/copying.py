"""A backtest on PostgreSQL, against COPY of the same range and decoding it without deciding anything."""

import tempfile
from pathlib import Path

from app.backtests.run import run_backtest
from app.compose import Platform
from benchmarks.backtest import year_of_fines
from benchmarks.large_log import make
from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.world import fresh
from streams.log.decoding import LIFE
from streams.log.mapper import decode_life
from tests.services import postgres

EVENTS, ROUNDS = sized(500_000), sized(3)
RANGE = "COPY (SELECT topic, state FROM log ORDER BY position) TO STDOUT (FORMAT BINARY)"


def measure() -> tuple[list[Row], dict[str, float]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server(lasting=True) as server,
        fresh(server) as url,
    ):
        on = make(Path(folder), EVENTS, url)
        order = year_of_fines(on)
        to_raw, ours, raw = ratio(
            lambda _: seconds(lambda: run_backtest(on, order)), lambda _: seconds(lambda: _copied(on)), ROUNDS
        )
        on.database.close()
    rows = [Row("backtest on PostgreSQL against COPY and decoding the range", to_raw, "×", 0.4)]
    return rows, {"backtest events/s": EVENTS / ours, "COPY and decode events/s": EVENTS / raw}


def _copied(on: Platform) -> None:
    with on.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor, cursor.copy(RANGE) as copy:
            copy.set_types(["text", "bytea"])
            events = sum(1 for _ in (decode_life(state) for topic, state in copy.rows() if topic == LIFE))
    assert events == EVENTS
