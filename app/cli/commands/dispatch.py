"""habarshy dispatch: send what is due, one of any number of processes on one PostgreSQL database."""

import socket
from collections.abc import Callable, Mapping
from contextlib import closing

import uvloop

from app.cli.commands.run import run_tasks, warn_of_stopped
from app.cli.role_options import RoleOptions
from app.compose import Platform
from app.compose_sending import compose_engine, compose_routes
from app.roles.lifecycle import compose_when_available
from app.roles.provider_watch import ProviderWatch
from app.roles.waiting import wait_for_database
from app.terminal import talk
from notifiers.port.routes import Route
from streams.delivery.send.metrics import skipped_providers, with_metrics
from streams.intake.intake import IntakeCounters
from streams.runtime.scheduler import DISPATCH


def dispatch(*, on: RoleOptions) -> None:
    """Send due messages until it is stopped; any number of processes share the load."""
    settings, health = on.begun("dispatch")
    dispatch_due(compose_when_available(settings, on.clock), compose_routes, health)
    talk("stopped")


def dispatch_due(
    platform: Platform, routes_of: Callable[[Platform], Mapping[str, Route]], health: socket.socket | None = None
) -> None:
    """Dispatch until SIGINT or SIGTERM: then what was handed to a provider ends, and what was claimed is let go."""
    from app.http.role import ServedRole, serving_health  # noqa: PLC0415  (a second of imports that `run` does not need)

    with closing(platform.database):
        wait_for_database(platform.rules.library.rules)
        wait_for_database(lambda: warn_of_stopped(platform.rules))
        attempts = IntakeCounters()
        routes = with_metrics(routes_of(platform), attempts)
        engine = compose_engine(platform, routes)
        role = ServedRole(
            "dispatch",
            platform,
            collectors=engine.dispatcher.collectors,
            attempts=attempts.all,
            passed_by=lambda: skipped_providers(routes),
        )
        with serving_health(role, health):
            watch = ProviderWatch(routes, attempts, platform.clock)
            uvloop.run(run_tasks(engine, routes, watch, only=DISPATCH))
