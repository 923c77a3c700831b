"""The list of retired content, kept beside the key file: an older copy of the database does not know it."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from app.identity.private_files import append
from app.terminal import compact, talk
from streams.privacy.retention import Over


class Retired(msgspec.Struct, frozen=True):
    """The event type and the year, and when their keys were to be destroyed."""

    type: str
    year: int
    at: datetime


def list_path(key_file: Path) -> Path:
    """Return the path of the list."""
    return key_file.with_name(f"{key_file.name}.retired")


def add(key_file: Path, wanted: Iterable[Over], at: datetime) -> None:
    """Add these to the list, on the disk before it returns; where the folder is read-only, warn the operator."""
    try:
        append(list_path(key_file), [compact(Retired(one.type, one.year, at)) for one in wanted])
    except OSError as error:
        talk(f"after a restore run `habarshy retire` again: this is not listed beside the keys ({error})")


def periods(key_file: Path) -> frozenset[tuple[str, int]]:
    """Return all event types and years in the list; a damaged line is skipped.

    Raises:
        OSError: it cannot be read.
    """
    path = list_path(key_file)
    lines = path.read_bytes().splitlines() if path.exists() else []
    return frozenset((one.type, one.year) for one in map(_read, lines) if one is not None)


def _read(line: bytes) -> Retired | None:
    try:
        return msgspec.json.decode(line, type=Retired)
    except msgspec.DecodeError:  # half a line, from a machine that went down in it
        return None
