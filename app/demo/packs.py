"""What the published packs call things, in English."""

from collections.abc import Mapping
from typing import Any

from app.compose import Platform
from domain.governance import PackPublished
from projections import governance

ENGLISH = "en"


def published_titles(platform: Platform, section: str) -> dict[str, str]:
    """Name -> English title of everything in that section (agencies, attributes) of the packs in the log."""
    titles: dict[str, str] = {}
    with platform.database.reading() as connection:
        for entry in platform.log.read(connection, governance.positions(connection)):
            if isinstance(entry.fact, PackPublished):
                named: Mapping[str, Any] = entry.fact.content.get(section) or {}
                titles |= {name: each["title"][ENGLISH] for name, each in named.items()}
    return titles
