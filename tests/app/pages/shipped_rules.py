"""The shipped rules, and the languages in which pages tell them."""

from collections.abc import Sequence
from functools import cache
from zoneinfo import ZoneInfo

from app.pages.catalogues import Speech
from app.pages.pack_names import Names
from domain.rules.event_types import Catalogue
from templates.checks.loader import Pack
from templates.reading.catalogue import catalogue_of
from tests.beginnings import packs_in
from tests.templates.packs import SHIPPED


@cache
def shipped() -> Sequence[Pack]:
    """The packs that come with the platform."""
    return packs_in(list(SHIPPED.values()))


@cache
def shipped_catalogue() -> Catalogue:
    """What these packs declare."""
    return catalogue_of([pack.content for pack in shipped()])


def speech_of(language: str) -> Speech:
    """That language."""
    return Speech(language, ZoneInfo("Asia/Almaty"))


@cache
def names_in(language: str) -> Names:
    """What things of these packs are called in that language."""
    return Names([pack.content for pack in shipped()], shipped_catalogue(), speech_of(language))
