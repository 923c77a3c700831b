"""habarshy dispatch: send what is due, one of any number of processes on one PostgreSQL database."""

from collections.abc import Mapping
from contextlib import closing

from app.commands.run import work
from app.compose import Platform, compose, compose_engine, compose_routes
from app.options import ClockTime, DatabaseUrl, KeyFile, clock_of, settings_of
from app.terminal import Exit, stop, talk
from notifiers.routes import Route
from streams.scheduler import DISPATCH


def dispatch(clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Send what is due, until it is stopped; others may do the same beside it. It plans nothing: `worker` does."""
    platform = compose(settings_of(database, key_file), clock_of(clock), make=False)
    with closing(platform.database):
        if platform.database.sqlite:
            stop(
                Exit.USAGE, "several processes share a PostgreSQL database; on SQLite `habarshy run` does everything"
            )
        dispatch_due(platform, compose_routes(platform))
    talk("stopped")


def dispatch_due(platform: Platform, routes: Mapping[str, Route]) -> None:
    """Dispatch until SIGINT or SIGTERM: then what was handed to a provider ends, and what was claimed is let go."""
    platform.library.rules()
    work(compose_engine(platform, routes), routes, only=DISPATCH)
