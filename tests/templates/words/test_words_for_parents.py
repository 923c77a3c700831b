"""A message that a parent reads about a child calls what is the child's the child's, not "your"."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

import pytest
from jinja2 import ChainableUndefined, Environment

from templates.checks.loader import TriggerSource, shipped
from templates.checks.words_check import texts
from tests.beginnings import packs_in

ADULTS = frozenset(
    {
        "business_tax_regime",
        "driving_licence_expiry",
        "housing_offer",
        "housing_queue_confirmation",
        "marriage_name_change",
        "pension_contribution_gap",
        "retirement_age",
        "screening_invitation",
        "screening_repeat",
        "targeted_assistance_renewal",
        "training_offer",
        "unemployment_payment",
        "work_offers_consent",
    }
)
"""Triggers about a person alone whose matter is an adult's, such as work, driving, housing or marriage.

Who is 16 may work or drive: then their parents read these words as well.
"""
OWN = frozenset(
    {"account", "bank", "bank's", "child", "child's", "children", "family", "son", "son's", "baby", "baby's", "eGov"}
    | {"identity", "home", "application", "care", "questions", "consent"}
)
"""What is a parent's own, or the child itself: "your identity card" is what an applicant brings along."""
CALLED_YOURS: Mapping[str, str] = {
    "en": rf"(?i)\byour (?:(?:present|new|land|property|vehicle) )*(?!(?:{'|'.join(sorted(OWN))})\b)[\w']+|"
    r"(?i:you have a disability|you are entitled|you were fined|your identity card is valid)"
    r"|(?i:your (?:new )?identity card today)",
    "ru": r"(?i)ваше удостоверение"
    r"|ваш(?:его|ей|е|а)? (?:паспорт|адрес|налог|машин|инвалидн)\w*|вам (?:начислен|установлен|положен)"
    r"|вам выписан|не вам\b|вашем платеже|вашего платежа"
    r"|замен\w+ удостоверение личности|имущество не ваше|прикрепитесь",
    "kk": r"(?i)(?:куәлігіңіз|паспортыңыз|салығыңыз|мекенжайыңыз|көлігіңіз|емханаңыз)(?!дің атыңыз)\w* (?!бен)"
    r"|сізге (?:\d|…|\*\*|тиесілі|айыппұл|қатысты)|төлеміңіз|сіздікі|тіркеліңіз",
}
"""What no parent's message says of the child's things; in Russian and Kazakh, where grammar tells, by their nouns."""


def told_to_parents() -> Iterator[tuple[TriggerSource, str]]:
    """Each shipped trigger whose subject may be a child, so that the parents are told, and its languages."""
    for pack in packs_in(list(shipped())):
        for trigger in pack.triggers:
            rules = trigger.rules
            about_one = rules.get("to", "subject") == "subject" and isinstance(rules["on"], str)
            if pack.content["pack"] != "kz" or trigger.name in ADULTS or rules.get("minors") == "self":
                continue
            if about_one or trigger.name == "disability_allowance":
                yield from ((trigger, language) for language in trigger.words)


CASES = [*told_to_parents()]


@cache
def written() -> Environment:
    """What fills words in with a child's age, and every other value as a sign."""
    found = Environment(undefined=ChainableUndefined, autoescape=False)  # noqa: S701  (nothing is sent)
    found.filters |= {name: lambda *_: "…" for name in ("date", "money", "months", "phone", "number")}
    return found


def read_by(trigger: TriggerSource, language: str, age: int) -> Iterator[str]:
    """The texts of the trigger, for a subject of that age."""
    for path, text in texts((), trigger.words[language]):
        if "correction" not in path:
            yield written().from_string(text).render(citizen={"age": age}, event={"number": "…", "year": "…"})


def test_there_are_such_triggers() -> None:
    """Nothing of what the next test promises is empty."""
    assert {trigger.name for trigger, _ in CASES} >= {"identity_card_expiry", "clinic_attachment", "property_tax_due"}


@pytest.mark.parametrize(("trigger", "language"), CASES, ids=[f"{each.name}-{language}" for each, language in CASES])
def test_what_is_the_childs_is_not_called_the_parents(trigger: TriggerSource, language: str) -> None:
    """Subject, push, SMS and body speak of the child, where the one whom it is about is one."""
    for text in read_by(trigger, language, 10):
        assert re.findall(CALLED_YOURS[language], text) == [], text


def test_a_trigger_of_adults_is_one() -> None:
    """Each trigger that is left out exists."""
    names = {trigger.name for pack in packs_in(list(shipped())) for trigger in pack.triggers}
    assert names >= ADULTS
