"""habarshy run: plan, dispatch and follow, in one process."""

import asyncio
import signal
from collections.abc import Collection, Mapping
from contextlib import closing
from typing import Annotated

import typer
import uvloop

from app.compose import compose, compose_engine, compose_routes
from app.logs import begin
from app.options import AsJson, ClockTime, DatabaseUrl, KeyFile, clock_of
from app.runlock import run_lock
from app.settings import settings_of
from app.terminal import data_json, talk
from notifiers.routes import Route
from streams.health import health
from streams.scheduler import Engine

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
UntilIdle = Annotated[bool, typer.Option("--until-idle", help="Stop when nothing waits: unplanned, due or open.")]


def run(
    until_idle: UntilIdle = False,
    as_json: AsJson = False,
    clock: ClockTime = None,
    database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Plan and send, for as long as it runs (or until nothing waits); with --json, end with how it stands."""
    now, settings = clock_of(clock), settings_of(database, key_file)
    begin("run", settings)
    platform = compose(settings, now)
    with closing(platform.database):
        platform.library.rules()
        routes = compose_routes(platform)
        engine = compose_engine(platform, routes)
        with run_lock(platform.database.engine.url):
            work(engine, routes, until_idle=until_idle)
        if as_json:
            data_json(health(platform.database, platform.log, platform.follower, now()))


def work(
    engine: Engine, routes: Mapping[str, Route], *, until_idle: bool = False, only: Collection[str] | None = None
) -> None:
    """Run the jobs (all, or only those) until SIGINT or SIGTERM, or until nothing waits."""
    uvloop.run(_run(engine, routes, until_idle=until_idle, only=only))


async def _run(
    engine: Engine, routes: Mapping[str, Route], *, until_idle: bool, only: Collection[str] | None
) -> None:
    try:
        await asyncio.to_thread(engine.watermark.look)
        if engine.database.sqlite:
            await asyncio.to_thread(engine.dispatcher.take_over)
        stopped = _stop_signal(engine)
        await asyncio.gather(*(route.start() for route in routes.values()))
        if until_idle:
            await engine.until_idle()
        else:
            talk("running; Ctrl-C stops")
            await engine.until(stopped, only=only)
    finally:
        await asyncio.gather(*(route.aclose() for route in routes.values()), engine.webhooks.aclose())


def _stop_signal(engine: Engine) -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM, which lets what is in flight end; the second one ends at once."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        for each in STOP_SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        engine.stop()
        stopped.set()

    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stop)
    return stopped
