"""The person meant by PERSON on the command line."""

import sys

from app.identity.meant_persons import NO_PERSON, pseudonym_in
from app.terminal import Exit, stop
from domain.core.ids import Names


def pseudonym_of(person: str, names: Names, what: str = "PERSON") -> str:
    """The pseudonym of a national id, a pseudonym, or what stands on standard input where the argument is "-"."""
    found = pseudonym_in(sys.stdin.readline().strip() if person == "-" else person.strip(), names)
    if found is None:
        stop(Exit.USAGE, f"{what}: {NO_PERSON}")
    return found
