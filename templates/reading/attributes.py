"""The types of a person's attributes, and their values."""

from collections.abc import Mapping
from datetime import date

from domain.core.plain import PlainData

KINDS: Mapping[str, tuple[type, str]] = {
    "string": (str, "text; put it in quotes"),
    "date": (str, "a date such as 1990-05-05"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "strings": (list, "a list of texts"),
}


def is_of(kind: str, value: PlainData) -> bool:
    """Return True if a value is of that type."""
    if not isinstance(value, KINDS[kind][0]) or (kind == "integer" and isinstance(value, bool)):
        return False
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return kind != "date" or is_day(str(value))


def is_day(text: str) -> bool:
    """Return True for a date such as 1990-05-05."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
