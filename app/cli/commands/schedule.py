"""habarshy schedule: what runs at which times, and how the last runs ended."""

from collections.abc import Iterator
from contextlib import closing
from datetime import tzinfo

from msgspec import structs

from app.cli.options import AsJson, ClockTime, DatabaseUrl, KeyFile, clock_of
from app.compose import compose
from app.jobs.pace import duration
from app.moments import told_in
from app.scheduled import is_late, schedule_of, zone_of_schedule
from app.settings import settings_of
from app.terminal import Exit, data, data_json, stop
from streams.runtime.schedule import BAD, Run


def schedule(
    as_json: AsJson = False, clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Show what runs at which times, and how it last ended; exit 1 if something failed or is late."""
    now = clock_of(clock)
    platform = compose(settings_of(database, key_file), now, make=False)
    with closing(platform.database):
        runs, zone = schedule_of(platform).runs(), zone_of_schedule(platform)
    late = {run.job for run in runs if is_late(run, now())}
    for run in runs:
        if as_json:
            took = None if run.took is None else run.took.total_seconds()
            data_json({**structs.asdict(run), "took": took, "zone": str(zone), "late": run.job in late})
        else:
            data(": ".join((run.job, ", ".join(_told(run, zone, late=run.job in late)))))
    if late:
        stop(Exit.CHECK_FAILED, f"nothing runs {', '.join(sorted(late))}: start `habarshy run`, or a worker")
    if bad := [run.job for run in runs if run.outcome in BAD]:
        stop(Exit.CHECK_FAILED, f"the last run of {', '.join(bad)} failed")


def _told(run: Run, zone: tzinfo, *, late: bool) -> Iterator[str]:
    if run.next_at is None:
        yield "never runs by itself"
    else:
        yield f"{'due since' if late else 'next'} {told_in(run.next_at, zone)} ({run.cron} {zone})"
    if run.started_at is None:
        return
    yield f"last {told_in(run.started_at, zone)}"
    if run.took is not None:
        yield f"took {duration(run.took.total_seconds())}"
    yield f"{run.outcome}{f' ({run.words or run.error})' if run.error else ''}"
