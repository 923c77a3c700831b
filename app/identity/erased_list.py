"""The list of erased persons, kept beside the key file: an older copy of the database does not know them."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from app.identity.private_files import append
from app.terminal import compact
from streams.privacy.erasure import Certificate


class BadList(ValueError):
    """Raised for a line of the list that is no certificate."""


class Erased(msgspec.Struct, frozen=True):
    """A pseudonym, and when its person was erased."""

    person: str
    at: datetime


def list_path(key_file: Path) -> Path:
    """Return the path of the list."""
    return key_file.with_name(f"{key_file.name}.erased")


def add(key_file: Path, one: Certificate) -> None:
    """Add an erasure to the list; it is on the disk before this returns. Raises OSError where it cannot be kept."""
    append(list_path(key_file), [compact(Erased(one.person, one.at))])


def erased_persons(paths: Iterable[Path]) -> dict[str, datetime]:
    """Return all persons in those lists or certificates: pseudonym -> time of the last erasure.

    Raises:
        BadList: a line is neither.
        OSError: it cannot be read.
    """
    found: dict[str, datetime] = {}
    for path in paths:
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                one = msgspec.json.decode(line, type=Erased)
            except msgspec.DecodeError:
                raise BadList(f"{path}, line {number}: no certificate of `habarshy erase --json`.") from None
            found[one.person] = max(one.at, found.get(one.person, one.at))
    return found
