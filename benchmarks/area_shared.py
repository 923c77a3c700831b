"""An area event on PostgreSQL, planned by one process and by two; `benchmarks/area.py` says what is made.

One process and the server take turns on a processor; two of them need two.
"""

import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from app.compose import compose
from app.settings import load_settings
from app.tuning import calm_collector
from benchmarks.area import city, outage, settle
from benchmarks.measuring import Row, Shared, sharing, sized, wait_to_begin
from benchmarks.world import AT_NOW, fresh
from projections import area_plans
from streams.intake.cloudevents import envelope_of
from streams.planning.areas import AreaPlanning
from tests.beginnings import KEYRING
from tests.services import postgres

RESIDENTS, CHUNK = sized(200_000, least=2000), sized(5_000, least=50)


def measure() -> tuple[list[Row], dict[str, float]]:
    with postgres.server() as server:
        one, two = _planned(server, 1), _planned(server, 2)
    faster = one.seconds / two.seconds
    row = Row(f"an area event to {RESIDENTS:,} residents by two processes, against one", faster, "×", 1.7)
    seconds = {"s by one": one.seconds, "s by two": two.seconds}
    return [row], seconds | {"processors at work by one": one.busy, "processors at work by two": two.busy}


def _planned(server: URL, number: int) -> Shared:
    """From the area event to the last resident."""
    with tempfile.TemporaryDirectory() as folder, fresh(server) as url:
        on = city(Path(folder), url)
        settle(on, RESIDENTS)
        with closing(on.database), sharing(number, "benchmarks.area_shared", url) as share:
            on.intake.accept([envelope_of(outage())])
            found = share()
            with on.database.reading() as connection:
                assert not area_plans.waiting_for(connection)
                assert connection.exec_driver_sql("SELECT count(*) FROM due").scalar_one() == RESIDENTS
        return found


def plan(url: str) -> None:
    """Plan in turns with other processes until nothing waits."""
    calm_collector()
    on = compose(load_settings(database=url), AT_NOW, KEYRING)
    on.rules.library.rules()
    wait_to_begin()
    letters = on.queues.dead_letter_queue
    areas = AreaPlanning(on.database, on.log, on.rules.library, on.planning.planning, letters, on.clock, CHUNK)
    pause, left = threading.Event(), True
    while left:
        areas.drain()
        with on.database.reading() as connection:
            left = bool(area_plans.waiting_for(connection))
        pause.wait(0.01 if left else 0)
    on.database.close()


if __name__ == "__main__":
    plan(sys.argv[1])
