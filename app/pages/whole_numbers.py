"""Whole numbers that came as text, in a form or an address."""

DIGITS, OF_A_POSITION = 9, 18
"""The most digits of a count, of the id of a job or a revision, and of a position in the log."""


def whole_number(text: str, digits: int = DIGITS) -> int:
    """Return the number; 0 for any other text, and for one with more digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else 0
