"""English titles from the published packs."""

from app.compose import Platform
from streams.rules.trigger_history import pack_titles

ENGLISH = "en"


def published_titles(platform: Platform, section: str) -> dict[str, str]:
    """Name -> English title of everything in that section (agencies, attributes) of the packs in the log."""
    return {name: titles[ENGLISH] for name, titles in pack_titles(platform.rules.library.rules(), section).items()}
