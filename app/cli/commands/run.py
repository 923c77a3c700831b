"""habarshy run: plan, dispatch and follow, in one process."""

import asyncio
import socket
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop
from msgspec.structs import asdict

from app.cli.commands.status import status_lines
from app.cli.options import AsJson
from app.cli.role_options import RoleOptions
from app.compose import Platform, compose
from app.compose_sending import compose_engine, compose_routes
from app.http.presence import signs_of_life
from app.log_places import zone_shown
from app.reports.stopped import stopped_lines
from app.roles.lifecycle import stop_event
from app.roles.provider_watch import ProviderWatch
from app.roles.run_lock import run_lock
from app.roles.waiting import wait_for_database
from app.terminal import counted, print_json, talk, warn
from notifiers.port.routes import Route
from streams.delivery.send.metrics import skipped_providers, with_metrics
from streams.intake.intake import IntakeCounters
from streams.queries.health import done_since, health
from streams.rules.wiring import RuleParts
from streams.runtime.scheduler import JOBS_EVERY, LOOK_EVERY, Engine
from streams.runtime.timetable import Task, ticking

if TYPE_CHECKING:
    from app.jobs.job_threads import JobThreads

DONE: Mapping[str, tuple[str, str]] = {
    "planned": ("nudge planned", "nudges planned"),
    "sent": ("message sent", "messages sent"),
    "failed_attempts": ("attempt failed", "attempts failed"),
    "unknown": ("attempt with an unknown outcome", "attempts with an unknown outcome"),
    "withheld": ("message withheld", "messages withheld"),
    "expired": ("message expired", "messages expired"),
    "cancelled": ("nudge cancelled", "nudges cancelled"),
}
"""What a run did, of one and of several: messages and attempts are more than nudges where several people get one."""
UntilIdle = Annotated[bool, typer.Option("--until-idle", help="Exit when nothing is unplanned, due or open.")]


def run(until_idle: UntilIdle = False, as_json: AsJson = False, *, on: RoleOptions) -> None:
    """Plan and send in one process, until it is stopped (or until nothing waits)."""
    settings, health = on.begun("run")
    now = on.clock
    platform = compose(settings, now)
    with closing(platform.database):
        warn_of_stopped(platform.rules)
        platform.rules.library.rules()
        attempts = IntakeCounters()
        routes = with_metrics(compose_routes(platform), attempts)
        engine = compose_engine(platform, routes)
        with run_lock(platform.database.engine.url):
            with platform.database.reading() as connection:
                before = platform.log.facts.last_position(connection)
            watch = ProviderWatch(routes, attempts, platform.clock)
            with _present(platform, engine, routes, attempts, health):
                workers = None if until_idle else _workers(platform)
                uvloop.run(run_tasks(engine, routes, watch, until_idle=until_idle, workers=workers))
        _sum_up(platform, before, now(), as_json=as_json)


def _present(
    platform: Platform,
    engine: Engine,
    routes: Mapping[str, Route],
    attempts: IntakeCounters,
    health: socket.socket | None,
) -> AbstractContextManager[None]:
    """Return what gives signs of life, and answers on the health port if there is one."""
    if health is None:
        return signs_of_life(platform, "run")
    from app.http.role import ServedRole, serving_health  # noqa: PLC0415  (a second of imports that most runs do not need)

    planning = engine.planning.planning
    role = ServedRole(
        "run",
        platform,
        collectors=[*engine.dispatcher.collectors, planning.planned, planning.planned_after],
        attempts=attempts.all,
        passed_by=lambda: skipped_providers(routes),
    )
    return serving_health(role, health)


def _workers(platform: Platform) -> "JobThreads":
    from app.jobs.job_threads import JobThreads  # noqa: PLC0415  (a second of imports that `--until-idle` does not need)

    return JobThreads(platform)


def _sum_up(platform: Platform, before: int, now: datetime, *, as_json: bool) -> None:
    """Say what the run did and what it left: as JSON how everything stands, with what was `done`."""
    done = done_since(platform.database, before)
    found = health(platform.database, platform.log, platform.replay.follower, now)
    if as_json:
        print_json({**asdict(found), "done": done})
        return
    figures = ", ".join(counted(count, *DONE[what]) for what, count in done.items())
    talk(f"done: {figures}; {counted(found.held_back, 'delivery', 'deliveries')} held back by what is stopped")
    told = dict(status_lines(found, zone_shown(platform.rules.library)))
    talk(f"now, in nudges: {told['nudges']}; next due: {told['next due']}")


def warn_of_stopped(rules: RuleParts) -> None:
    """Warn of everything that is stopped: a process that sends nothing must not look like one that works."""
    for line in stopped_lines(rules.switches.active_stops(), zone_shown(rules.library)):
        warn(line)


async def run_tasks(
    engine: Engine,
    routes: Mapping[str, Route],
    watch: ProviderWatch,
    *,
    until_idle: bool = False,
    only: Collection[str] | None = None,
    workers: "JobThreads | None" = None,
) -> None:
    """Run the tasks (all, or only those) until SIGINT or SIGTERM, or until nothing waits. `workers`: work at jobs."""
    watching = {"providers": Task(partial(_tell_providers, watch), LOOK_EVERY)}
    with ExitStack() as signals:
        try:
            if engine.database.sqlite:
                await asyncio.to_thread(engine.watermark.look)
                await asyncio.to_thread(engine.dispatcher.take_over)
            else:
                await asyncio.to_thread(wait_for_database, engine.watermark.look)
                await asyncio.to_thread(wait_for_database, engine.dispatcher.recover)
                if only is None:
                    await asyncio.to_thread(wait_for_database, engine.schedule.triggers)
            stopped = signals.enter_context(stop_event(engine.stop))
            await asyncio.gather(*(route.start() for route in routes.values()))
            if until_idle:
                async with ticking(watching):
                    await engine.until_idle()
            else:
                talk("running; Ctrl-C stops")
                look = (
                    {"jobs": Task(partial(asyncio.to_thread, workers.start_waiting), JOBS_EVERY)} if workers else {}
                )
                await engine.until(stopped, only=only, more=watching | look)
        finally:
            if workers is not None:
                await asyncio.to_thread(workers.stop)
            await _tell_providers(watch)
            await asyncio.gather(*(route.aclose() for route in routes.values()), engine.inbound.webhooks.aclose())


async def _tell_providers(watch: ProviderWatch) -> None:
    for is_up, line in watch.look():
        (talk if is_up else warn)(line)
