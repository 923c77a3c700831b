"""habarshy unknown: the messages of which nobody knows whether they went, and what an operator decides about them."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from app.cli.job_options import parse_options, run_job
from app.cli.options import ConfirmOptions, OfTrigger, refuse_unknown
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import PrincipalSession, operator_session
from app.cli.receipt_files import ReceiptFile, reports_of, settle
from app.jobs.requests import Order
from app.terminal import Exit, counted, print_json_or_lines, stop, talk
from streams.replay.unknown_outcomes import LONGEST_WHY, OutcomeFilter, Resolution

Ask = Annotated[bool, typer.Option("--ask", help="Ask their providers what became of them.")]
Again = Annotated[bool, typer.Option("--again", help="Send them again: you know that they had not left.")]
Close = Annotated[bool, typer.Option("--close", help="Leave them unknown, and list them no more.")]
Receipts = Annotated[
    Path | None,
    typer.Option("--receipts", metavar="FILE", help="Settle by the receipts in this file, one JSON object a line."),
]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Your reason; the log keeps it.")]
Cause = Annotated[str | None, typer.Option("--cause", help="Only those with this cause, as listed.")]
OfProvider = Annotated[str | None, typer.Option("--provider", help="Only what that provider was given.")]
OfChannel = Annotated[str | None, typer.Option("--channel", help="Only on that channel.")]
OfAgency = Annotated[str | None, typer.Option("--agency", help="Only nudges of the triggers of this agency.")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Only what was attempted from then on.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Only what was attempted before then.")]


def unknown(  # noqa: PLR0913  (a flag each)
    *,
    ask: Ask = False,
    again: Again = False,
    close: Close = False,
    receipts: Receipts = None,
    why: Why = None,
    cause: Cause = None,
    provider: OfProvider = None,
    channel: OfChannel = None,
    trigger: OfTrigger = None,
    agency: OfAgency = None,
    since: Since = None,
    until: Until = None,
    how: ConfirmOptions,
    on: TimedOptions,
) -> None:
    """List messages whose outcome is unknown, or settle them: ask, resend or close."""
    wishes = [
        wish for wish, given in ((Resolution.ASK, ask), (Resolution.AGAIN, again), (Resolution.CLOSE, close)) if given
    ]
    if len(wishes) + (receipts is not None) > 1:
        stop(Exit.USAGE, "--ask, --again, --close and --receipts are different decisions; give one")
    filters = {
        "cause": cause,
        "channel": channel,
        "trigger": trigger,
        "agency": agency,
        "from": since,
        "to": until,
    }
    if receipts is not None and (idle := [f"--{name}" for name, given in filters.items() if given is not None]):
        stop(Exit.USAGE, f"--receipts settles what its lines name; it does not go with {', '.join(idle)}")
    with operator_session("unknown outcomes", on) as at:
        if receipts is not None:
            _settle(at, receipts, provider, why, how)
            return
        filters |= {"provider": provider}
        which = parse_options(at, filters, lambda orders, given: orders.unknown_outcomes(given, at.who))
        if wishes:
            _decide(at, which, wishes[0], "" if how.plan else _reason_of(why), how)
        else:
            _list(at, which, as_json=how.as_json)


def _list(at: PrincipalSession, which: OutcomeFilter, *, as_json: bool) -> None:
    counts = at.platform.replay.unknown_outcomes.counts(which)
    for kind, count in sorted(counts.items()):
        line = f"{count:>8}  {kind.cause:<12}  {kind.provider or 'none':<12}  {kind.channel:<6}  {kind.age}"
        print_json_or_lines({**msgspec.to_builtins(kind), "messages": count}, line, as_json=as_json)
    talk(counted(counts.total(), "message has", "messages have") + " an unknown outcome")


def _decide(at: PrincipalSession, which: OutcomeFilter, wish: Resolution, why: str, how: ConfirmOptions) -> None:
    given = {"which": msgspec.to_builtins(which), "how": wish.value, "by": at.who.name, "why": why}
    talk(f"resolved: {run_job(at, Order('resolve-unknown', given), how).words}")


def _settle(at: PrincipalSession, path: Path, provider: str | None, why: str | None, how: ConfirmOptions) -> None:
    reports = reports_of(path)
    if provider is None:
        stop(Exit.USAGE, "--receipts needs --provider: whose receipts they are")
    if provider not in at.platform.settings.providers:
        refuse_unknown("--provider", "provider", provider, sorted(at.platform.settings.providers))
    settle(at, ReceiptFile(path, provider, reports), None if how.plan else _reason_of(why), how)


def _reason_of(why: str | None) -> str:
    if why is None or not 0 < len(why) <= LONGEST_WHY:
        stop(Exit.USAGE, f"say your reason with --why, in at most {LONGEST_WHY} characters: the log keeps it")
    return why
