"""habarshy replay: rebuild views from the log, resend a range of it to Kafka, or verify that everything matches."""

import os
from typing import Annotated

import typer

from app.cli.job_options import parse_order, run_job
from app.cli.options import AsJson, ConfirmOptions
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import open_platform, operator_session
from app.identity.principals import TOKEN_VARIABLE, acting_principal
from app.jobs.job_results import report
from app.jobs.replay_jobs import VIEWS
from app.jobs.start import begin
from app.terminal import Exit, stop

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="The names of views.")]
Every = Annotated[bool, typer.Option("--all", help="All views.")]
Verify = Annotated[bool, typer.Option("--verify", help="Rebuild and compare everything; change nothing.")]
From = Annotated[str, typer.Option("--from", metavar="POSITION|TIME", help="The beginning of the range.")]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="POSITION|TIME", help="The end of the range: a position included, a time not."),
]
Topic = Annotated[str | None, typer.Option("--topic", help="The topic to send to, instead of the one for replays.")]


def replay(context: typer.Context, verify: Verify = False, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Rebuild views, resend a range of the log to Kafka, or verify that everything matches."""
    if context.invoked_subcommand is not None:
        if verify:
            stop(Exit.USAGE, "--verify stands alone: habarshy replay --verify")
        return
    by = acting_principal(on.settings.principals).name if os.environ.get(TOKEN_VARIABLE) else ""
    with open_platform(on) as platform:
        job = begin(platform, "replay verify", {}, by, yes=True, as_json=as_json)
    report(job, as_json=as_json)


def kafka(begins: From, ends: To = None, topic: Topic = None, *, how: ConfirmOptions, on: PlatformOptions) -> None:
    """Resend a range of the log to Kafka, marked as a replay, for other consumers."""
    with operator_session("replays", on) as at:
        job = run_job(at, parse_order(at, "replay kafka", {"from": begins, "to": ends, "topic": topic}), how)
    report(job, as_json=how.as_json)


def views(names: Names = None, every: Every = False, *, how: ConfirmOptions, on: PlatformOptions) -> None:
    """Rebuild views from the log beside the live ones, and correct the differences; they stay in service."""
    if every == bool(names):
        stop(Exit.USAGE, f"which views? name some of {', '.join(VIEWS)}, or say --all")
    with operator_session("replays", on) as at:
        job = run_job(at, parse_order(at, "replay views", {"views": ["all"] if every else names}), how)
    report(job, as_json=how.as_json)
