"""What the platform says of rules is said in the reader's language, whatever rules there are."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from app.packs.version_diff import Version, compared, sentences
from app.pages.catalogues import Speech
from domain.core.translatable import Said
from templates.checks.loader import Pack
from tests.beginnings import packs_in
from tests.templates.packs import SHIPPED

ENGLISH = re.compile(r"\b(the|is|are|it|and|or|after|before|until|due|sent|when|this|days?)\b", re.IGNORECASE)

NAMES = re.compile("‘[^’]*’")
"""Fields of events without a title."""


@cache
def shipped() -> Sequence[Pack]:
    """The packs that come with the platform."""
    return packs_in(list(SHIPPED.values()))


def told(sentence: str, language: str) -> str:
    """It, in that language."""
    assert isinstance(sentence, Said), sentence
    return Speech(language, ZoneInfo("Asia/Almaty")).tell(sentence)


def test_rules_are_told_in_the_readers_language() -> None:
    """No English word is in the sentences about any shipped trigger, and no English quotation mark."""
    contents = [pack.content for pack in shipped()]
    triggers = {each.name: each for pack in shipped() for each in pack.triggers}
    version = Version(contents, triggers, triggers)
    for name in triggers:
        for sentence in sentences(version.side(name, "kk")):
            assert not ENGLISH.search(NAMES.sub("", told(sentence, "kk"))), sentence
            assert "“" not in told(sentence, "kk"), sentence


def differences(language: str) -> Iterator[str]:
    """What changes from each shipped trigger to the next one, as if they were versions of one."""
    contents = [pack.content for pack in shipped()]
    for pack in shipped():
        for one, other in pairwise(pack.triggers):
            old, new = ({"it": replace(each, name="it")} for each in (one, other))
            for _, changes in compared(Version(contents, old, old), Version(contents, new, new), language):
                yield from (each.sentence for each in changes)


def test_differences_are_told_in_the_readers_language() -> None:
    """Every sentence about what changes is another one than the English."""
    for sentence in differences("ru"):
        assert told(sentence, "ru") != str(sentence) or ", SMS: " in sentence
