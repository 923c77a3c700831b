"""The tags of Jinja in a text, found without parsing it: a text may be half written, or wrong."""

import re
from collections.abc import Iterator
from typing import Final

TAG: Final = r"\{\{[^{}]*\}\}|\{%[^{}]*%\}"
"""A value or a statement without braces in it, as a regular expression."""
OPENS: Final = re.compile(r"\{%-?\s*(?:if|for)\b")
"""The beginning of a condition or a loop, and its end."""
CLOSES: Final = re.compile(r"\{%-?\s*end")
_BEGIN: Final = re.compile(r"(?=(\{[{%#]))")
_END: Final = {"{{": "}}", "{%": "%}", "{#": "#}"}
_VISIBLE: Final = re.compile(r"[^\n]")


def without_tags(text: str, *, comments: bool) -> str:
    """Return the text with spaces for its tags, so that all else keeps its place. `comments`: for these as well."""
    kept, at = list[str](), 0
    for start, end in _tags(text, comments=comments):
        kept += text[at:start], _VISIBLE.sub(" ", text[start:end])
        at = end
    return "".join([*kept, text[at:]])


def _tags(text: str, *, comments: bool) -> Iterator[tuple[int, int]]:
    """Yield where each tag begins and ends. An end that is missing is looked for once, as the text may be long."""
    at, open_for_ever = 0, set[str]() if comments else {"{#"}
    for begin in _BEGIN.finditer(text):
        if begin.start() < at or begin[1] in open_for_ever:
            continue
        end = text.find(_END[begin[1]], begin.end(1))
        if end < 0:
            open_for_ever.add(begin[1])
        else:
            at = end + 2
            yield begin.start(), at
