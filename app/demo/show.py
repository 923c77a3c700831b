"""The demo as a whole, in one process: a platform in a temporary folder, its year, and a web server."""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

import uvicorn
from msgspec import Struct

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.compose_sending import compose_engine
from app.demo.family import PARENTS, with_family
from app.demo.mailroom import Mailroom
from app.demo.population import population
from app.demo.reading import DemoReader
from app.demo.site import begin_draft, demo_application, register_staff
from app.demo.year import Year
from app.identity.key_file import load_keyring, new_keyring
from app.settings import Settings
from domain.persons.channels import ADDRESS_OF
from notifiers.port.fake import FakeNotifier
from notifiers.port.routes import single_routes

HOST = "127.0.0.1"
MIDNIGHT = timezone(timedelta(hours=5))
START, END = datetime(2025, 1, 1, tzinfo=MIDNIGHT), datetime(2026, 1, 1, tzinfo=MIDNIGHT)


class PortTaken(Exception):
    """Raised when the demo's port cannot be used."""


class Options(Struct, frozen=True):
    """The options of the demo. `seconds`: the duration of its year (0: as fast as possible); `folder`: for its data.

    `port` 0 takes a free one; with `keep` the data and their keys stay; with `until_done` it ends with the year.
    """

    citizens: int = 200
    seed: int = 5
    port: int = 0
    keep: bool = False
    seconds: float = 60.0
    until_done: bool = False
    folder: Path | None = None


async def run_demo(
    options: Options, announce: Callable[[str], None], talk: Callable[[str], None], stopped: asyncio.Event
) -> None:
    """Run the demo until stopped; `announce` gets its URL as soon as it answers, `talk` what happens.

    Raises:
        PortTaken: nothing can listen there.
    """
    with _listening(options.port) as listening, _home(options, talk) as home:
        url = f"http://{HOST}:{listening.getsockname()[1]}"
        clock = VirtualClock(START.astimezone(UTC))
        platform = _platform(home, url, clock, keep=options.keep)
        try:
            await _serve(platform, clock, options, listening, stopped, lambda: announce(url), talk)
        finally:
            platform.database.close()


async def _serve(
    platform: Platform,
    clock: VirtualClock,
    options: Options,
    listening: socket.socket,
    stopped: asyncio.Event,
    announce: Callable[[], None],
    talk: Callable[[str], None],
) -> None:
    random = Random(options.seed)  # noqa: S311  drawn to be repeated
    parents = {platform.identity.names.pseudonym(iin) for iin in PARENTS.values()}
    mailroom = Mailroom(platform.delivery.fake_outbox, clock, random, parents)
    notifiers = {channel: FakeNotifier(channel, mailroom.keep) for channel in ADDRESS_OF}
    engine = compose_engine(platform, single_routes(notifiers))
    people = with_family(population(options.citizens, options.seed, START, END), START)
    year = Year(platform, engine, clock, mailroom, people, END)
    register_staff(platform.settings.principals)
    begin_draft(platform)
    pages = demo_application(platform, DemoReader(platform, mailroom, year))
    server = _Server(
        uvicorn.Config(
            pages, log_config=None, access_log=False, lifespan="on", ws="none", timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        announce()
        await _live(year, options, stopped, talk)
    finally:
        server.should_exit = True
        await serving


async def _live(year: Year, options: Options, stopped: asyncio.Event, talk: Callable[[str], None]) -> None:
    talk(f"{options.citizens} invented citizens live a year. Nothing is really sent. Ctrl-C ends it.")
    await year.load_past()
    await year.live(stopped, options.seconds)
    if not options.until_done and not stopped.is_set():
        talk("The year is over. The page stays until Ctrl-C.")
        await year.serve_visitors(stopped)


def _platform(home: Path, url: str, clock: VirtualClock, *, keep: bool) -> Platform:
    """Return a platform that no setting of this machine reaches: neither its environment nor its files are read."""
    key_file = home / "key"
    settings = Settings.model_construct(
        database=f"sqlite:///{home / 'habarshy.sqlite'}",
        key_file=key_file,
        base_url=url,
        requests_a_minute=0,  # after the year the clock stands still, and its last minute would never end
    )
    keyring = load_keyring(key_file, create=True) if keep else new_keyring()
    return compose(settings, clock, keyring)


@contextlib.contextmanager
def _home(options: Options, talk: Callable[[str], None]) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="habarshy-demo-", dir=options.folder))
    try:
        yield home
    finally:
        if options.keep:
            talk(f"Kept: habarshy status --database sqlite:///{home}/habarshy.sqlite --key-file {home}/key")
        else:
            shutil.rmtree(home)


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError:
            raise PortTaken(
                f"Port {port} cannot be used on this machine. Choose another with --port, or none for a free one."
            ) from None
        listening.listen()
        yield listening


class _Server(uvicorn.Server):
    """Leaves the signals of the process to the command, which ends the year first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield
