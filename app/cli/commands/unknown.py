"""habarshy unknown: the messages of which nobody knows whether they went, and what an operator decides about them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from app.cli.job_options import done
from app.cli.options import ConfirmOptions, OfTrigger, refuse_unknown
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import PrincipalSession, operators
from app.jobs.requests import Order
from app.log_places import span_of
from app.terminal import Exit, agree, data_json, many, stop, talk, tell
from domain.facts.receipts import ReceiptStatus
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Reason, Report
from streams.delivery.outcomes.receipts import Brought
from streams.replay.unknown_outcomes import BATCH, LONGEST_WHY, OutcomeFilter, Resolution
from streams.rules.trigger_history import pack_titles

Numbered = tuple[int, Report]
"""A receipt of a file, and its line."""

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
        "--cause": cause,
        "--channel": channel,
        "--trigger": trigger,
        "--agency": agency,
        "--from": since,
        "--to": until,
    }
    if receipts is not None and (idle := [name for name, given in filters.items() if given is not None]):
        stop(Exit.USAGE, f"--receipts settles what its lines name; it does not go with {', '.join(idle)}")
    if channel is not None and channel not in ADDRESS_OF:
        refuse_unknown("--channel", "channel", channel, list(ADDRESS_OF))
    with operators("unknown outcomes", on) as at:
        known = sorted(pack_titles(at.platform.rules.library.rules(), "agencies"))
        if agency is not None and agency not in known:
            refuse_unknown("--agency", "agency", agency, known)
        start, end = span_of(since, until, at.platform.rules.library)
        which = OutcomeFilter(start, end, cause, provider, channel, trigger, agency)
        if receipts is not None:
            _settle(at, receipts, provider, why, how)
        elif wishes:
            _decide(at, which, wishes[0], why, how)
        else:
            _list(at, which, as_json=how.as_json)


def _list(at: PrincipalSession, which: OutcomeFilter, *, as_json: bool) -> None:
    counts = at.platform.replay.unknown_outcomes.counts(which)
    for kind, count in sorted(counts.items()):
        line = f"{count:>8}  {kind.cause:<12}  {kind.provider or 'none':<12}  {kind.channel:<6}  {kind.age}"
        tell({**msgspec.to_builtins(kind), "messages": count}, line, as_json=as_json)
    talk(many(counts.total(), "message has", "messages have") + " an unknown outcome")


def _decide(
    at: PrincipalSession, which: OutcomeFilter, wish: Resolution, why: str | None, how: ConfirmOptions
) -> None:
    said = "" if how.plan else _reason_of(why)
    given = {"which": msgspec.to_builtins(which), "how": wish.value, "by": at.who.name, "why": said}
    talk(f"resolved: {done(at, Order('resolve-unknown', given), how).words}")


def _settle(at: PrincipalSession, file: Path, provider: str | None, why: str | None, how: ConfirmOptions) -> None:
    """Take in receipts that the operator brought, and record who brought them and why.

    Lines about no attempt by the provider are refused, and named; they do not keep the others out.
    """
    reports = _reports(file)
    if provider is None:
        stop(Exit.USAGE, "--receipts needs --provider: whose receipts they are")
    if provider not in at.platform.settings.providers:
        refuse_unknown("--provider", "provider", provider, sorted(at.platform.settings.providers))
    why = None if how.plan else _reason_of(why)
    refused, new = _looked(at, file, provider, reports, as_json=how.as_json)
    counts = f"{new:,} new, {len(reports) - refused - new:,} known already, {refused:,} refused"
    talk(f"{many(len(reports), 'receipt')} of {provider}: {counts}")
    if why is not None and new:
        agree(f"settle by {many(new, 'receipt')} of {provider}", str(new), yes=how.yes)
        brought, inbound = Brought(at.who.name, why), at.platform.delivery.inbound.receiving
        taken = sum(inbound.brought(provider, [each for _, each in batch], brought) for batch in _batches(reports))
        talk(f"taken in: {many(taken, 'receipt')}")
    if refused:
        raise SystemExit(int(Exit.CHECK_FAILED))


def _looked(
    at: PrincipalSession, file: Path, provider: str, reports: Sequence[Numbered], *, as_json: bool
) -> tuple[int, int]:
    """Name the lines that are refused; return how many these are, and how many receipts are new."""
    refused = new = 0
    for batch in _batches(reports):
        unmatched, receipts = at.platform.delivery.receipts.look(provider, [each for _, each in batch])
        new += len(receipts)
        references = {each.reference for each in unmatched}
        for line in (line for line, each in batch if each.reference in references):
            refused += 1
            reason = f"no attempt by {provider} with an outcome has this reference"
            talk(f"{file}:{line}: reference: {reason}")
            if as_json:
                data_json({"file": str(file), "line": line, "field": "reference", "reason": reason})
    return refused, new


def _batches(reports: Sequence[Numbered]) -> Iterator[Sequence[Numbered]]:
    return (reports[first : first + BATCH] for first in range(0, len(reports), BATCH))


def _reason_of(why: str | None) -> str:
    if why is None or not 0 < len(why) <= LONGEST_WHY:
        stop(Exit.USAGE, f"say your reason with --why, in at most {LONGEST_WHY} characters: the log keeps it")
    return why


def _reports(path: Path) -> list[Numbered]:
    """Return the receipts of a file with their lines; nothing is taken in if a line of it is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        stop(Exit.USAGE, f"--receipts: {path} cannot be read: {error}")
    return [(number, _report(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]


def _report(path: Path, number: int, line: str) -> Report:
    where = f"{path}:{number}"
    try:
        said = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        said = None
    reference = said.get("reference") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(reference, str) or "\x00" in reference:
        stop(Exit.USAGE, f'{where}: a receipt is {{"reference": "…", "heard": "delivered"}}')
    heard, reason = said.get("heard"), said.get("reason", Reason.UNDELIVERED.value)
    if heard not in list(ReceiptStatus):
        stop(Exit.USAGE, f"{where}: heard: is none of {', '.join(each.value for each in ReceiptStatus)}")
    if reason not in list(Reason):
        stop(Exit.USAGE, f"{where}: reason: is none of {', '.join(each.value for each in Reason)}")
    failed = heard == ReceiptStatus.FAILED.value
    return Report(reference, ReceiptStatus(heard), Reason(reason) if failed else None)
