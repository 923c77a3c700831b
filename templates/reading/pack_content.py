"""Parts of a pack's plain data, read leniently: what is missing or of another shape is empty."""

from collections.abc import Collection, Mapping
from typing import Any

from domain.core.plain import PlainData
from domain.rules.event_types import Office

LONGEST_SHORT = 20
"""Characters of an office's short name: an SMS has room for no more beside its words."""


def emergencies_of(content: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return agency -> the categories in which it may warn of danger; a pack says so of its own agencies."""
    said, own = group_at(content, "emergencies"), group_at(content, "agencies")
    named = {key: said[key] if isinstance(said.get(key), list) else [] for key in ("agencies", "categories")}
    return {str(agency): frozenset(map(str, named["categories"])) for agency in named["agencies"] if agency in own}


def offices_of(content: Mapping[str, Any]) -> dict[str, Office]:
    """Return agency -> what messages call it; without a short name, a title that is as short serves for it."""
    return {str(agency): _office(each) for agency, each in group_at(content, "agencies").items()}


def _office(agency: PlainData) -> Office:
    title = {language: name for language, name in group_at(agency, "title").items() if isinstance(name, str)}
    named: dict[str, PlainData] = {**title, **group_at(agency, "short")}
    short = {
        language: name for language, name in named.items() if isinstance(name, str) and len(name) <= LONGEST_SHORT
    }
    emblem = group_at(agency).get("emblem")
    return Office(short, title, emblem if isinstance(emblem, str) else "")


def group_at(content: PlainData, *path: str | int) -> dict[str, PlainData]:
    """Return the group of keys at a path of plain data; empty where there is none."""
    for part in path:
        content = content[part] if part in keys_of(content) else None
    return content if isinstance(content, dict) else {}


def keys_of(content: PlainData) -> Collection[str | int]:
    """Return the keys of a group, or the indices of a list."""
    if isinstance(content, dict):
        return content
    return range(len(content)) if isinstance(content, list) else ()


def items_of(content: PlainData) -> list[PlainData]:
    """Return the items of a list; none of anything else."""
    return content if isinstance(content, list) else []
