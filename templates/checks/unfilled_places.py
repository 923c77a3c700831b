"""Finds what was meant to be filled in and would be sent as it stands: `{ event.number }`, `[event.number]`."""

import re
from collections.abc import Container, Iterator

from domain.core.translatable import Words
from templates.words.policy import ROOTS

_FILLED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_NAME = rf"(?:{'|'.join(ROOTS)})(?:\.\w+)+"
_MEANT = re.compile(rf"\{{?\s*(?<![\w./@-])({_NAME})|[{{}}]")
_VISIBLE = re.compile(r"[^\n]")


def unfilled(text: str, variables: Container[str] | None) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and error of each variable's name outside of a placeholder, and else of each brace.

    `variables`: the names that mean anything here; None: not known.
    """
    rest = _FILLED.sub(lambda filled: _VISIBLE.sub(" ", filled[0]), text)
    for number, line in enumerate(rest.split("\n"), 1):
        known = [found for found in _MEANT.finditer(line) if found[1] is None or found[1] in (variables or ())]
        named = [found for found in known if found[1]]
        for found in named or known[:1]:
            yield number, found.start() + 1, _told(found[1])


def _told(name: str | None) -> str:
    if name is None:
        return Words(
            "people would read this brace as it stands; a value is written {example}", example="{{ event.… }}"
        )
    example = f"{{{{ {name} }}}}"
    return Words("people would read {name!r} as it stands; a value is written {example}", name=name, example=example)
