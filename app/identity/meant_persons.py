"""The person meant by what somebody types: a national id, or a pseudonym."""

import re

from domain.core.ids import Names
from domain.core.translatable import Words

NO_PERSON = Words("neither a national id (digits) nor a pseudonym (32 hex digits)")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def pseudonym_in(text: str, names: Names) -> str | None:
    """Return the pseudonym of a national id, or a pseudonym as it is; None for anything else."""
    if _PSEUDONYM.fullmatch(text):
        return text
    return names.pseudonym(text) if text.isdigit() else None
