"""The law that obliges or allows an agency to tell, in the languages in which its trigger names it."""

from collections.abc import Mapping
from typing import Any

from domain.core.translatable import Titles

UNDETERMINED = "und"
"""The language of text that does not say it (ISO 639-2)."""


def legal_basis_of(content: Mapping[str, Any]) -> Titles:
    """Return language -> the law, of a trigger's content; older versions have one text for all readers."""
    written = content.get("legal_basis") or {}
    return written if isinstance(written, Mapping) else {UNDETERMINED: str(written)}


def legal_basis_text(titles: Titles) -> str:
    """Return the law as one text, for those who are told no language: in English, where there is any."""
    return titles.get("en") or next(iter(titles.values()), "")
