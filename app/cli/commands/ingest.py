"""habarshy ingest: events from files into the log."""

import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from app.cli.options import AsJson
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import open_platform
from app.terminal import Exit, print_json, stop, talk
from streams.intake.cloudevents import MAX_BYTES, Envelope, Refused, read_envelope
from streams.intake.intake import Intake, IntakeOutcome

BATCH, BATCH_BYTES = 20_000, 16 * 1024 * 1024

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="NDJSON of CloudEvents; - reads stdin.")]
Historical = Annotated[bool, typer.Option("--historical", help="Plan only nudges that are still ahead.")]


def ingest(files: Files, historical: Historical = False, as_json: AsJson = False, *, on: TimedOptions) -> None:
    """Store life events from files; refused ones are reported by line and field."""
    for file in files:
        if str(file) != "-" and (not file.exists() or file.is_dir()):
            stop(Exit.USAGE, f"{file}: {'is a folder' if file.is_dir() else 'no such file'}")
    counts: Counter[str] = Counter(accepted=0, duplicates=0, rejected=0)
    with open_platform(on, make=True) as platform:
        for file in files:
            with _opened(file) as lines:
                _load(platform.intake, file, lines, counts, on.clock() if historical else None, as_json=as_json)
    print_json(counts)
    if counts["rejected"]:
        raise typer.Exit(Exit.CHECK_FAILED)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
    else:
        with file.open("rb") as lines:
            yield lines


def _load(
    intake: Intake, file: Path, lines: BinaryIO, counts: Counter[str], ahead_from: datetime | None, *, as_json: bool
) -> None:
    for batch in _batches(lines):
        outcomes = intake.accept((_read(line) for _, line in batch), ahead_from)
        _report(file, [number for number, _ in batch], outcomes, counts, as_json=as_json)


def _batches(lines: BinaryIO) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines that are not empty, so many or so large at a time."""
    batch: list[tuple[int, bytes]] = []
    size = 0
    for number, line in enumerate(_lines(lines), 1):
        if line.strip():
            batch.append((number, line))
            size += len(line)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lines(lines: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long to be an event only so much that it is refused."""
    mark = BOM_UTF8  # as Windows begins a file
    while line := lines.readline(MAX_BYTES + 2):
        yield line.removeprefix(mark)
        mark = b""
        piece = line if len(line) > MAX_BYTES else b""
        while piece and not piece.endswith(b"\n"):
            piece = lines.readline(MAX_BYTES)


def _read(line: bytes) -> Envelope | Refused:
    try:
        return read_envelope(line)
    except Refused as refused:
        return refused


def _report(
    file: Path, numbers: Sequence[int], outcomes: Sequence[IntakeOutcome], counts: Counter[str], *, as_json: bool
) -> None:
    for number, outcome in zip(numbers, outcomes, strict=True):
        if outcome.refused is None:
            counts["accepted" if outcome.accepted else "duplicates"] += 1
            continue
        counts["rejected"] += 1
        refused = outcome.refused
        talk(f"{file}:{number}: {refused.field}: {refused.reason}")
        if as_json:
            why = {"field": refused.field, "reason": refused.reason, "code": refused.code}
            print_json({"file": str(file), "line": number, **why})
