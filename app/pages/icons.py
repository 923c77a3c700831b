"""The icons of the pages: drawings of Lucide (icons.svg has their licence), each once in a page that uses it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from markupsafe import Markup

DRAWINGS: Final = Path(__file__).with_name("icons.svg")
_SYMBOL = re.compile(r'<symbol id="icon-([a-z0-9-]+)".*?</symbol>', re.DOTALL)
DEFAULT_ICON: Final = "landmark"
"""Stands for an icon that there is no drawing of: an agency's without an emblem, or of a later release."""


@lru_cache(maxsize=1)
def drawings() -> Mapping[str, str]:
    """Return name -> its drawing as an SVG symbol."""
    return {found[1]: found[0] for found in _SYMBOL.finditer(DRAWINGS.read_text(encoding="utf-8"))}


class Icons:
    """The icons of one page. Each says nothing by itself: the words stand beside it."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def use(self, name: str) -> Markup:
        """Return the icon as it stands in the page."""
        known = name if name in drawings() else DEFAULT_ICON
        self._used.add(known)
        return Markup('<svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>').format(known)

    def drawn(self) -> Markup:
        """Return the drawings of all icons that were used so far."""
        if not self._used:
            return Markup("")
        found = "".join(drawings()[name] for name in sorted(self._used))
        return Markup(f'<svg id="drawings" class="drawings" data-live aria-hidden="true">{found}</svg>')  # noqa: S704  (our own file)
