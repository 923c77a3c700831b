"""habarshy backfill: apply a published trigger to earlier events, after showing the plan."""

from typing import Annotated

import typer
from msgspec import convert

from app.cli.commands.repair import print_missing
from app.cli.job_options import parse_order, run_job
from app.cli.options import ConfirmOptions
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import principal_session
from app.jobs.job_results import report
from app.terminal import talk
from streams.replay.backfill import BackfillRequest

Trigger = Annotated[str, typer.Argument(metavar="TRIGGER", help="A published trigger of your agency.")]
Since = Annotated[str, typer.Option("--since", metavar="DATE", help="The earliest event time to look at.")]
Overdue = Annotated[
    bool, typer.Option("--also-overdue", help="Also plan steps that were due before now and have not expired.")
]


def backfill(
    trigger: Trigger, since: Since, *, also_overdue: Overdue = False, how: ConfirmOptions, on: TimedOptions
) -> None:
    """Apply a published trigger to earlier events, and plan their nudges once."""
    with principal_session(on, local=True) as at:
        overdue = "yes" if also_overdue else None
        order = parse_order(at, "backfill", {"trigger": trigger, "since": since, "also_overdue": overdue})
        if how.plan:
            further = convert(order.arguments["further"], BackfillRequest)
            print_missing(at.platform.replay.backfill.look(further, at.who.name), as_json=how.as_json)
            return
        job = run_job(at, order, how)
        talk(f"backfilled: {job.words}")
        report(job, as_json=how.as_json)
