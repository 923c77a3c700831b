"""The import of bounces: mails in a Maildir become reports of the provider that sent them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from notifiers.email.bounces import MOST_BYTES, NoBounceError, reports_in
from notifiers.port.interface import Inbound, Report

AT_ONCE = 100
"""Mails that are committed together."""

_SEEN = ":2,S"  # maildir(5): it has been read


class NoMaildir(Exception):
    """Raised for a folder that is no Maildir."""


async def import_bounces(maildir: Path, inbound: Inbound, talk: Callable[[str], None]) -> Counter[str]:
    """Take in every new mail; it moves to cur/ once what it tells is committed, so it may come in twice.

    What tells nothing moves as well, and `talk` hears why; what cannot be read stays. Returns how many of each.

    Raises:
        NoMaildir: there is none.
        OSError: the platform takes nothing in; what was not committed stays in new/.
    """
    new, read = maildir / "new", maildir / "cur"
    if not (new.is_dir() and read.is_dir()):
        raise NoMaildir(
            f"{maildir} has no folders new and cur in it. Name the Maildir into which the mail server puts bounces."
        )
    counts = Counter(taken=0, put_aside=0, unreadable=0)
    paths = sorted(path for path in new.iterdir() if not path.name.startswith("."))
    for start in range(0, len(paths), AT_ONCE):
        group = list(_opened(paths[start : start + AT_ONCE], counts, talk))
        if reports := [report for _, told in group for report in told]:
            await inbound.reported(reports)
        for path, _ in group:
            with suppress(FileNotFoundError):  # another reader was quicker
                path.rename(read / f"{path.name}{_SEEN}")
    return counts


def _opened(
    paths: list[Path], counts: Counter[str], talk: Callable[[str], None]
) -> Iterator[tuple[Path, list[Report]]]:
    """Yield the mails that could be read, with what they tell."""
    for path in paths:
        try:
            with path.open("rb") as file:
                mail = file.read(MOST_BYTES)
        except OSError as error:
            counts["unreadable"] += 1
            talk(f"{path.name}: {error.strerror}")
            continue
        try:
            reports = reports_in(mail)
            counts["taken"] += 1
        except NoBounceError as error:
            reports = []
            counts["put_aside"] += 1
            talk(f"{path.name}: {error}")
        yield path, reports
