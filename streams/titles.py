"""What the published packs call things, in all their languages."""

from collections.abc import Mapping

from domain.event_types import Titles
from streams.rules import Rules


def pack_titles(rules: Rules, section: str) -> dict[str, Titles]:
    """Name -> titles of everything in that section (agencies, attributes) of the published packs."""
    titles: dict[str, Titles] = {}
    for content in rules.governed.contents:
        named: Mapping[str, Mapping[str, Titles]] = content.get(section) or {}
        titles |= {name: each["title"] for name, each in named.items()}
    return titles
