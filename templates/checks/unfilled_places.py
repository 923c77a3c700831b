"""Finds what was meant to be filled in and would be sent as it stands: `{ event.number }`, `[event.number]`."""

import re
from collections.abc import Container, Iterator

from domain.core.translatable import Words
from templates.words.policy import ROOTS
from templates.words.tags import without_tags

_NAME = rf"(?:{'|'.join(ROOTS)})(?:\.\w+)+"
_MEANT = re.compile(
    rf"(?P<braces>\{{\s*(?P<inner>(?P<in>{_NAME})\s*(?:\|[^{{}}\n]*)?)\}})|\{{?\s*(?<![\w./@-])(?P<bare>{_NAME})|[{{}}]"
)
_SUSPECT = re.compile(rf"[{{}}]|(?:{'|'.join(ROOTS)})\.")
"""A text without any of these has no slip. Most texts have none, and to look for one takes twenty times as long."""


def unfilled_placeholders(text: str, variables: Container[str] | None) -> Iterator[tuple[int, int, Words]]:
    """Yield line, column and error of each variable's name outside of a placeholder, and else of each brace.

    `variables`: the names that mean anything here; None: not known.
    """
    for number, line in enumerate(without_tags(text, comments=True).split("\n"), 1):
        slips = _slips(line)
        known = [found for found in slips if _name(found) is None or _name(found) in (variables or ())]
        named = [found for found in known if _name(found)]
        for found in named or known[:1]:
            yield number, found.start() + 1, _problem(found)


def unfilled_names(text: str) -> frozenset[str]:
    """Return the variables that a text names outside of a placeholder."""
    return frozenset(
        name for found in _slips(without_tags(text, comments=True)) if (name := _name(found)) is not None
    )


def _slips(text: str) -> list[re.Match[str]]:
    return list(_MEANT.finditer(text)) if _SUSPECT.search(text) else []


def _name(found: re.Match[str]) -> str | None:
    return found["in"] or found["bare"]


def _problem(found: re.Match[str]) -> Words:
    name = _name(found)
    if found["braces"]:
        return Words(
            "people would read {text!r} as it stands: one brace is missing on each side;"
            " a value is written {example}",
            text=found["braces"],
            example=f"{{{{ {found['inner'].strip()} }}}}",
        )
    if name is None:
        return Words(
            "people would read this brace as it stands; a value is written {example}", example="{{ event.… }}"
        )
    example = f"{{{{ {name} }}}}"
    return Words("people would read {name!r} as it stands; a value is written {example}", name=name, example=example)
