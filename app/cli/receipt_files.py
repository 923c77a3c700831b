"""Files of receipts that an operator got from a provider, one JSON object a line: they settle unknown outcomes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from app.cli.options import ConfirmOptions
from app.cli.principal_session import PrincipalSession
from app.terminal import Exit, confirm, counted, print_json, stop, talk
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Reason, Report
from streams.delivery.outcomes.receipts import Brought
from streams.replay.unknown_outcomes import BATCH

Numbered = tuple[int, Report]
"""A receipt of a file, and its line."""


class ReceiptFile(NamedTuple):
    """The receipts of a file and the provider that they are of."""

    path: Path
    provider: str
    reports: Sequence[Numbered]


def settle(at: PrincipalSession, file: ReceiptFile, why: str | None, how: ConfirmOptions) -> None:
    """Take in receipts that the operator brought, and record who brought them and why.

    Without a reason (`why`) nothing is taken in, only counted. Lines about no attempt by the provider are refused,
    and named; they do not keep the others out.
    """
    provider, reports = file.provider, file.reports
    refused, new = _looked(at, file, as_json=how.as_json)
    counts = f"{new:,} new, {len(reports) - refused - new:,} known already, {refused:,} refused"
    talk(f"{counted(len(reports), 'receipt')} of {provider}: {counts}")
    if why is not None and new:
        confirm(f"settle by {counted(new, 'receipt')} of {provider}", str(new), yes=how.yes)
        brought, inbound = Brought(at.who.name, why), at.platform.delivery.inbound.receiving
        taken = sum(inbound.brought(provider, [each for _, each in batch], brought) for batch in _batches(reports))
        talk(f"taken in: {counted(taken, 'receipt')}")
    if refused:
        raise SystemExit(int(Exit.CHECK_FAILED))


def _looked(at: PrincipalSession, file: ReceiptFile, *, as_json: bool) -> tuple[int, int]:
    """Name the lines that are refused; return how many these are, and how many receipts are new."""
    refused = new = 0
    for batch in _batches(file.reports):
        unmatched, receipts = at.platform.delivery.receipts.preview(file.provider, [each for _, each in batch])
        new += len(receipts)
        references = {each.reference for each in unmatched}
        for line in (line for line, each in batch if each.reference in references):
            refused += 1
            reason = f"no attempt by {file.provider} with an outcome has this reference"
            talk(f"{file.path}:{line}: reference: {reason}")
            if as_json:
                print_json({"file": str(file.path), "line": line, "field": "reference", "reason": reason})
    return refused, new


def _batches(reports: Sequence[Numbered]) -> Iterator[Sequence[Numbered]]:
    return (reports[first : first + BATCH] for first in range(0, len(reports), BATCH))


def reports_of(path: Path) -> list[Numbered]:
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
