"""What the platform says of rules is said in the reader's language, whatever rules there are."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from app.packs.version_diff import Version, changed_triggers, clause_of, rule_sentences, start_of
from app.pages.catalogues import Speech
from app.pages.naming import VALUES
from app.pages.rule_words import in_words
from domain.core.translatable import Said
from templates.authoring.rule_sentences import whom
from templates.checks.loader import Pack
from templates.reading.catalogue import catalogue_of
from tests.beginnings import packs_in
from tests.templates.packs import SHIPPED

ENGLISH = re.compile(r"\b(the|is|are|it|and|or|after|before|until|due|sent|when|this|days?)\b", re.IGNORECASE)


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
        for sentence in rule_sentences(version.side(name, "kk")):
            assert not ENGLISH.search(told(sentence, "kk")), sentence
            assert "“" not in told(sentence, "kk"), sentence


def differences(language: str) -> Iterator[str]:
    """What changes from each shipped trigger to the next one, as if they were versions of one."""
    contents = [pack.content for pack in shipped()]
    for pack in shipped():
        for one, other in pairwise(pack.triggers):
            old, new = ({"it": replace(each, name="it")} for each in (one, other))
            for _, changes in changed_triggers(Version(contents, old, old), Version(contents, new, new), language):
                yield from (each.sentence for each in changes)


def test_differences_are_told_in_the_readers_language() -> None:
    """Every sentence about what changes is another one than the English."""
    for sentence in differences("ru"):
        assert told(sentence, "ru") != str(sentence) or ", SMS: " in sentence


def test_an_approver_reads_the_authors_words() -> None:
    """What is new is told to its approver in the sentences of the author's page, with fields and values named."""
    contents, nothing = [pack.content for pack in shipped()], Version([pack.content for pack in shipped()], {}, {})
    triggers = {each.name: each for pack in shipped() for each in pack.triggers}
    catalogue = catalogue_of(contents)
    for name, changes in changed_triggers(nothing, Version(contents, triggers, triggers, named=VALUES), "ru"):
        clause = clause_of(Version(contents, triggers, triggers).side(name))
        [new] = [told(each.sentence, "ru") for each in changes]
        for sentence in in_words(contents, catalogue, "ru", start_of(clause)).sentences(clause):
            assert told(sentence, "ru") in new, name


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_every_role_has_a_name(language: str) -> None:
    """Whoever is told is named in the reader's language, whichever event names them."""
    roles = {
        role for type_ in catalogue_of([pack.content for pack in shipped()]).types.values() for role in type_.roles
    }
    said = {role: told(whom(role), language) for role in sorted(roles)}
    assert {role: text for role, text in said.items() if re.search("[A-Za-z]", text)} == {}
