"""habarshy unknown: the messages of which nobody knows whether they went, and what an operator decides about them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from app.cli.options import AsJson, ClockTime, DatabaseUrl, KeyFile, OfTrigger, Plan, Yes, refuse_unknown
from app.cli.principal_session import PrincipalSession, operators
from app.jobs.start import begin, finished
from app.log_places import span_of
from app.terminal import Exit, data, data_json, stop, talk
from domain.facts.receipts import ReceiptStatus
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Reason, Report
from streams.replay.unknown_outcomes import LONGEST_WHY, OutcomeFilter, Resolution

Ask = Annotated[bool, typer.Option("--ask", help="Ask their providers what became of them.")]
Again = Annotated[bool, typer.Option("--again", help="Send them again: you know that they had not left.")]
Close = Annotated[bool, typer.Option("--close", help="Leave them unknown, and list them no more.")]
Receipts = Annotated[
    Path | None, typer.Option("--receipts", metavar="FILE", help="Settle by receipts, a JSON a line.")
]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Your reason; the log keeps it.")]
Cause = Annotated[str | None, typer.Option("--cause", help="Only those with this cause, as listed.")]
OfProvider = Annotated[str | None, typer.Option("--provider", help="Only what that provider was given.")]
OfChannel = Annotated[str | None, typer.Option("--channel", help="Only on that channel.")]
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
    since: Since = None,
    until: Until = None,
    plan: Plan = False,
    yes: Yes = False,
    as_json: AsJson = False,
    clock: ClockTime = None,
    database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:
    """List messages whose outcome is unknown, or settle them: ask, resend or close."""
    wishes = [
        how for how, given in ((Resolution.ASK, ask), (Resolution.AGAIN, again), (Resolution.CLOSE, close)) if given
    ]
    if len(wishes) + (receipts is not None) > 1:
        stop(Exit.USAGE, "--ask, --again, --close and --receipts are different decisions; give one")
    if channel is not None and channel not in ADDRESS_OF:
        refuse_unknown("--channel", "channel", channel, list(ADDRESS_OF))
    with operators("unknown outcomes", database, key_file, clock) as at:
        start, end = span_of(since, until, at.platform.rules.library)
        which = OutcomeFilter(start, end, cause, provider, channel, trigger)
        if receipts is not None:
            _settle(at, _reports(receipts), provider, plan=plan, yes=yes)
        elif wishes:
            _decide(at, which, wishes[0], why, plan=plan, yes=yes, as_json=as_json)
        else:
            _list(at, which, as_json=as_json)


def _list(at: PrincipalSession, which: OutcomeFilter, *, as_json: bool) -> None:
    counts = at.platform.replay.unknown_outcomes.counts(which)
    for kind, count in sorted(counts.items()):
        if as_json:
            data_json({**to_builtins(kind), "messages": count})
        else:
            data(f"{count:>8}  {kind.cause:<12}  {kind.provider or 'none':<12}  {kind.channel:<6}  {kind.age}")
    talk(f"{counts.total():,} messages have an unknown outcome")


def _decide(
    at: PrincipalSession,
    which: OutcomeFilter,
    how: Resolution,
    why: str | None,
    *,
    plan: bool,
    yes: bool,
    as_json: bool,
) -> None:
    if not plan and not 0 < len(why or "") <= LONGEST_WHY:
        stop(Exit.USAGE, f"say your reason with --why, in at most {LONGEST_WHY} characters: the log keeps it")
    given = {"which": to_builtins(which), "how": how.value, "by": at.who.name, "why": why or ""}
    who = at.who.name
    job = finished(begin(at.platform, "resolve-unknown", given, who, yes=yes, as_json=as_json, plan_only=plan))
    talk(f"resolved: {job.words}")


def _settle(at: PrincipalSession, reports: list[Report], provider: str | None, *, plan: bool, yes: bool) -> None:
    """Take in receipts as if the provider had sent them now; they are what they are, however late."""
    if provider is None:
        stop(Exit.USAGE, "--receipts needs --provider: whose receipts they are")
    if provider not in at.platform.settings.providers:
        refuse_unknown("--provider", "provider", provider, sorted(at.platform.settings.providers))
    talk(f"{len(reports):,} receipts of {provider}")
    if plan:
        return
    if not yes:
        typer.confirm("Take them in?", abort=True)
    before = at.platform.replay.unknown_outcomes.counts().total()
    at.platform.delivery.inbound.receiving.reported(provider, reports)
    talk(f"{before - at.platform.replay.unknown_outcomes.counts().total():,} messages are not unknown any more")


def _reports(path: Path) -> list[Report]:
    """Return the receipts of a file; nothing is taken in if a line of it is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        stop(Exit.USAGE, f"--receipts: {path} cannot be read: {error}")
    return [_report(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _report(path: Path, number: int, line: str) -> Report:
    where = f"{path}:{number}"
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, Mapping) or not isinstance(said.get("reference"), str):
        stop(Exit.USAGE, f'{where}: a receipt is {{"reference": "…", "heard": "delivered"}}')
    heard, reason = said.get("heard"), said.get("reason", Reason.UNDELIVERED.value)
    if heard not in {each.value for each in ReceiptStatus}:
        stop(Exit.USAGE, f"{where}: heard: is none of {', '.join(each.value for each in ReceiptStatus)}")
    if reason not in {each.value for each in Reason}:
        stop(Exit.USAGE, f"{where}: reason: is none of {', '.join(each.value for each in Reason)}")
    failed = heard == ReceiptStatus.FAILED.value
    return Report(said["reference"], ReceiptStatus(heard), Reason(reason) if failed else None)
