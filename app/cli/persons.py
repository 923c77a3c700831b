"""The person meant by PERSON on the command line."""

import re
import sys

from app.terminal import Exit, stop
from domain.core.ids import Names

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def pseudonym_of(person: str, names: Names, what: str = "PERSON") -> str:
    """The pseudonym of a national id, a pseudonym, or what stands on standard input where the argument is "-"."""
    given = sys.stdin.readline().strip() if person == "-" else person.strip()
    if _PSEUDONYM.fullmatch(given):
        return given
    if not given.isdigit():
        stop(Exit.USAGE, f"{what}: neither a national id (digits) nor a pseudonym (32 hex digits)")
    return names.pseudonym(given)
