"""Dispatch on PostgreSQL by one process and by two, to a provider that does nothing.

One process and the server take turns on a processor; two of them need two. They are measured in turn, and long
enough that the first second, in which each process meets everything for the first time, does not count for much.
"""

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median

import uvloop
from sqlalchemy.engine import URL

from app.clock import VirtualClock, fixed
from app.compose import compose
from app.compose_sending import compose_dispatcher
from app.settings import load_settings
from app.tuning import calm_collector
from benchmarks.dispatch import DUE, Count, Nothing, analyze, fill
from benchmarks.measuring import Row, Shared, sharing, sized, wait_to_begin
from benchmarks.world import NOW, fresh, published
from domain.persons.channels import ADDRESS_OF
from notifiers.port.routes import single_routes
from tests.services import postgres

CITIZENS, TURNS = sized(24_000, least=200), 3


def measure() -> tuple[list[Row], dict[str, float]]:
    with postgres.server(lasting=True) as server:
        turns = [(_dispatched(server, 1), _dispatched(server, 2)) for _ in range(TURNS)]
    one, two = (median(shared.seconds for shared in by) for by in zip(*turns, strict=True))
    row = Row("dispatch on PostgreSQL by two processes, against one", one / two, "×", 1.6)
    rates = {"nudges/s by one": CITIZENS / one, "nudges/s by two": CITIZENS / two}
    busy = [median(shared.busy for shared in by) for by in zip(*turns, strict=True)]
    return [row], rates | {"processors at work by one": busy[0], "processors at work by two": busy[1]}


def _dispatched(server: URL, number: int) -> Shared:
    """From the first claim to the last outcome."""
    with tempfile.TemporaryDirectory() as folder, fresh(server) as url:
        key_file = Path(folder) / "key"
        platform = published(url, VirtualClock(NOW), key_file=key_file)
        fill(platform, CITIZENS)
        analyze(platform)
        with closing(platform.database), sharing(number, "benchmarks.dispatch_shared", url, str(key_file)) as share:
            found = share()
        assert sum(map(int, found.told)) == CITIZENS
        return found


def dispatch(url: str, key_file: Path) -> None:
    """Send in turns with other processes until nothing is due; tell how many were sent here."""
    calm_collector()
    platform = compose(load_settings(database=url, key_file=key_file), fixed(DUE))
    platform.rules.library.rules()
    sent = Count()
    routes = single_routes({channel: Nothing(channel, sent) for channel in ADDRESS_OF})
    dispatcher = compose_dispatcher(platform, routes)

    async def drained() -> None:
        await dispatcher.drain()
        await dispatcher.wait_ended()

    wait_to_begin()
    uvloop.run(drained())
    platform.database.close()
    sys.stdout.write(f"{sent.count}\n")


if __name__ == "__main__":
    dispatch(sys.argv[1], Path(sys.argv[2]))
