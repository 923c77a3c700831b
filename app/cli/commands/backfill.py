"""habarshy backfill: a published trigger looks further back; said first, then planned once."""

from typing import Annotated

import typer
from msgspec import to_builtins

from app.cli.commands.repair import Plan, tell_missing
from app.cli.options import AsJson, ClockTime, DatabaseUrl, KeyFile, Yes, moment_of
from app.cli.principal_session import principal_session
from app.jobs.endings import end
from app.jobs.start import begin, finished
from app.log_places import zone_here
from app.terminal import Exit, stop, talk
from streams.replay.backfill import Further

Trigger = Annotated[str, typer.Argument(metavar="TRIGGER", help="A published trigger of your agency.")]
Since = Annotated[str, typer.Option("--since", metavar="DATE", help="From which event time it is to look.")]
Overdue = Annotated[bool, typer.Option("--also-overdue", help="Also steps due before now, until they expire.")]


def backfill(
    trigger: Trigger,
    since: Since,
    *,
    also_overdue: Overdue = False,
    plan: Plan = False,
    yes: Yes = False,
    as_json: AsJson = False,
    clock: ClockTime = None,
    database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Apply a published trigger to earlier events, and plan their nudges once."""
    with principal_session(database, key_file, clock, local=True) as at:
        at.platform.replay.backfill.check(trigger, at.who)
        start = moment_of(since, "--since", zone_here(at.platform))
        if start > at.platform.clock():
            stop(Exit.USAGE, f"--since: {since} is still to come; what happens from now on is planned anyway")
        further = Further(trigger, start, also_overdue)
        if plan:
            tell_missing(at.platform.replay.backfill.look(further, at.who.name), as_json=as_json)
            return
        given = {"further": to_builtins(further), "by": at.who.name}
        job = finished(begin(at.platform, "backfill", given, at.who.name, yes=yes, as_json=as_json))
        talk(f"backfilled: {job.words}")
        end(job, as_json=as_json)
