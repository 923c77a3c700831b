"""An area event on PostgreSQL, planned by one process and by two; `benchmarks/area.py` says what is made.

One process and the server take turns on a processor; two of them need two.
"""

import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy.engine import URL

from app.clock import fixed
from app.compose import compose
from app.settings import load_settings
from app.tuning import calm_collector
from benchmarks.area import city, outage, settle
from benchmarks.measuring import Row, seconds, sized, worked
from benchmarks.world import NOW
from projections import area_plans
from streams.intake.cloudevents import envelope_of
from streams.planning.areas import AreaPlanning
from tests.beginnings import KEYRING
from tests.services import postgres

RESIDENTS, CHUNK = sized(200_000, least=2000), sized(5_000, least=50)


def measure() -> tuple[list[Row], dict[str, float]]:
    with postgres.server() as server:
        (one, busy), (two, busier) = _planned(server, 1), _planned(server, 2)
    row = Row(f"an area event to {RESIDENTS:,} residents by two processes, against one", one / two, "×", 1.7)
    notes = {"s by one": one, "s by two": two, "processors at work by one": busy, "processors at work by two": busier}
    return [row], notes


def _planned(server: URL, number: int) -> tuple[float, float]:
    """Seconds from the area event to the last resident, by so many processes; and how many processors worked."""
    with tempfile.TemporaryDirectory() as folder, postgres.fresh(server) as at, ExitStack() as using:
        url = at.render_as_string(hide_password=False)
        on = city(Path(folder), url)
        using.callback(on.database.close)
        settle(on, RESIDENTS)
        command = [sys.executable, "-m", "benchmarks.area_shared", url]
        others = [
            using.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # noqa: S603  (ourselves)
            for _ in range(number)
        ]
        for each in others:
            assert each.stdout is not None
            each.stdout.readline()
        on.intake.accept([envelope_of(outage())])

        def all_planned() -> None:
            for each in others:  # all begin before one is waited for
                assert each.stdin is not None
                each.stdin.write(b"\n")
                each.stdin.flush()
            for each in others:
                each.communicate()

        before = worked()
        taken = seconds(all_planned)
        busy = (worked() - before) / taken
        with on.database.reading() as connection:
            assert area_plans.waiting(connection) == 0
            assert connection.exec_driver_sql("SELECT count(*) FROM due").scalar_one() == RESIDENTS
        return taken, busy


def plan(url: str) -> None:
    """Plan in turns with other processes, from the moment that standard input has a line, until nothing waits."""
    calm_collector()
    on = compose(load_settings(database=url), fixed(NOW), KEYRING)
    on.rules.library.rules()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    letters = on.queues.dead_letter_queue
    areas = AreaPlanning(on.database, on.log, on.rules.library, on.planning.planning, letters, on.clock, CHUNK)
    pause, left = threading.Event(), True
    while left:
        areas.drain()
        with on.database.reading() as connection:
            left = bool(area_plans.waiting(connection))
        pause.wait(0.01 if left else 0)
    on.database.close()


if __name__ == "__main__":
    plan(sys.argv[1])
