"""The types of a person's attributes, and their values."""

from collections.abc import Mapping
from datetime import date

from domain.core.plain import PlainData
from domain.core.translatable import N_

KINDS: Mapping[str, tuple[type, str]] = {
    "string": (str, N_("{name} must be text; put it in quotes")),
    "date": (str, N_("{name} must be a date such as 1990-05-05")),
    "integer": (int, N_("{name} must be a whole number")),
    "boolean": (bool, N_("{name} must be true or false")),
    "strings": (list, N_("{name} must be a list of texts")),
}
"""Type -> the Python type of its values, and what is said of another one."""


def has_kind(kind: str, value: PlainData) -> bool:
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
