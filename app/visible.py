"""Escape invisible characters, and those that change the reading direction, in text of people and registries.

Source: Unicode TR 36, section 2, and TR 39 (invisible and bidirectional control characters).
"""

import re

from markupsafe import Markup

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINER, _JOINED_FROM = "\u200d", "\u2190"
"""The joiner makes one emoji of several; symbols and emoji begin with the arrows."""


def visible(text: str) -> str:
    """Return the text with each hidden character as JSON escapes it; lines and tabs stay as they are."""
    return _HIDDEN.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    """Return a hidden character escaped, but for the end of a line and the joiner of an emoji, which stay."""
    text, at = found.string, found.start()
    ends_line = text[at : at + 2] == "\r\n"
    joins = text[at] == _JOINER and text[at - 1 : at] >= _JOINED_FROM
    return text[at] if ends_line or joins else escaped(text[at])


def escaped(text: str) -> str:
    """Return each character as JSON escapes it."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


class AsWritten(str):
    """Text in a field of a form, which goes back to us as it was written."""

    __slots__ = ()


def on_page(value: object) -> object:
    """Return a value for a template with its invisible characters shown; made markup stays markup."""
    if not isinstance(value, str) or isinstance(value, AsWritten):
        return value
    shown = visible(value)
    return Markup(shown) if isinstance(value, Markup) else shown  # noqa: S704  (it was markup before)
