"""Dispatch on PostgreSQL by one process and by two, to a provider that does nothing.

One process and the server take turns on a processor; two of them need two.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop
from sqlalchemy.engine import URL

from app.clock import VirtualClock, fixed
from app.compose import Platform, compose
from app.compose_sending import compose_dispatcher
from app.identity.key_file import load_keyring
from app.settings import load_settings
from app.tuning import calm_collector
from benchmarks.dispatch import DUE, Count, Nothing, analyze, fill
from benchmarks.measuring import Row, seconds, sized, worked
from benchmarks.world import NOW, shipped_packs
from domain.persons.channels import ADDRESS_OF
from notifiers.port.routes import single_routes
from streams.rules.publishing import Publisher
from tests.services import postgres

CITIZENS = sized(12_000, least=200)


def measure() -> tuple[list[Row], dict[str, float]]:
    with postgres.server(lasting=True) as server:
        (one, busy), (two, busier) = _dispatched(server, 1), _dispatched(server, 2)
    row = Row("dispatch on PostgreSQL by two processes, against one", one / two, "×", 1.6)
    rates = {"nudges/s by one": CITIZENS / one, "nudges/s by two": CITIZENS / two}
    return [row], rates | {"processors at work by one": busy, "processors at work by two": busier}


def _dispatched(server: URL, number: int) -> tuple[float, float]:
    """Seconds from the first claim to the last outcome, by so many processes; and how many processors worked."""
    with tempfile.TemporaryDirectory() as folder, postgres.fresh(server) as at, ExitStack() as using:
        url, key_file = at.render_as_string(hide_password=False), Path(folder) / "key"
        load_keyring(key_file, create=True)
        platform = _filled(url, key_file)
        using.callback(platform.database.close)
        command = [sys.executable, "-m", "benchmarks.dispatch_shared", url, str(key_file)]
        others = [
            using.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # noqa: S603  (ourselves)
            for _ in range(number)
        ]
        for each in others:
            assert each.stdout is not None
            each.stdout.readline()
        sent = 0

        def all_sent() -> None:
            nonlocal sent
            for each in others:  # all begin before one is waited for
                assert each.stdin is not None
                each.stdin.write(b"\n")
                each.stdin.flush()
            sent = sum(int(each.communicate()[0]) for each in others)

        before = worked()
        taken = seconds(all_sent)
        busy = (worked() - before) / taken
        assert sent == CITIZENS
        return taken, busy


def _filled(url: str, key_file: Path) -> Platform:
    platform = compose(load_settings(database=url, key_file=key_file), VirtualClock(NOW))
    publisher = Publisher(platform.database, platform.log, platform.identity.names)
    publisher.publish(shipped_packs(), by="pack", now=NOW)
    fill(platform, CITIZENS)
    analyze(platform)
    return platform


def dispatch(url: str, key_file: Path) -> None:
    """Send in turns with other processes, from the moment that standard input has a line, until nothing is due."""
    calm_collector()
    platform = compose(load_settings(database=url, key_file=key_file), fixed(DUE))
    platform.rules.library.rules()
    sent = Count()
    routes = single_routes({channel: Nothing(channel, sent) for channel in ADDRESS_OF})
    dispatcher = compose_dispatcher(platform, routes)

    async def drained() -> None:
        await dispatcher.drain()
        await dispatcher.ended()

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    uvloop.run(drained())
    platform.database.close()
    sys.stdout.write(f"{sent.count}\n")


if __name__ == "__main__":
    dispatch(sys.argv[1], Path(sys.argv[2]))
