"""The agencies named by a pack that is published, submitted, or listed in the settings."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from app.clock import system_clock
from app.compose import compose
from app.first_packs import pack_folders
from app.identity.key_file import BadKeyFile, MissingKeyFile
from app.settings import BadSettings, Settings
from domain.facts.governance import PackSubmitted
from streams.log.damaged import DamagedFact
from streams.log.master_key import WrongKeyFile
from streams.storage.errors import UNAVAILABLE_ERRORS, ReadOnly
from streams.storage.schema import NoDatabase, WrongSchema
from templates.reading.catalogue import NoDefaults
from templates.reading.files import read_document
from templates.reading.findings import BrokenPack, Report

UNASKED: tuple[type[Exception], ...] = (
    DamagedFact,
    BadSettings,
    NoDefaults,
    WrongSchema,
    ReadOnly,
    BadKeyFile,
    MissingKeyFile,
    WrongKeyFile,
    BrokenPack,
    *UNAVAILABLE_ERRORS,
)
"""Errors by which the database cannot tell what is published; a later command reports them in their own words."""


def agencies_known(settings: Settings) -> set[str] | None:
    """Return all agencies; None where the database cannot be asked now."""
    try:
        found = {name for content in _contents(settings) for name in content.get("agencies") or ()}
    except UNASKED:
        return None
    folders = (read_document(folder / "pack.yaml", Report()).data for folder in pack_folders(settings))
    return found.union(*(each.get("agencies") or () for each in folders if isinstance(each, dict)))


def _contents(settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Yield the contents of the packs in the database; none where there is no database."""
    try:
        platform = compose(settings, system_clock, make=False)
    except NoDatabase:
        return
    with closing(platform.database):
        now = platform.rules.approval.governed()
    yield from now.contents
    for each in (each for several in now.submitted.values() for each in several):
        if isinstance(each.fact, PackSubmitted):
            yield each.fact.content
