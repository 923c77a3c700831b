"""The text that `habarshy new` writes for authors to replace."""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from domain.core.translatable import N_

NEEDLESS = (
    "# unless:  # what makes the message needless, and within: {before: P1Y}; take the # away and name an event type"
)
"""Stands in a new trigger.yaml until its author says what makes the message needless, or that nothing does."""
CASES = (N_("told on the next day by SMS"), N_("told by email"), N_("whoever opted out hears nothing"))
"""The names of a new trigger's tests, which pages show in the reader's language."""


DAY = date(2026, 3, 2)
"""On which the tests of a new trigger play."""


class PlaceholderSentences(Struct, frozen=True):
    """Sentences that ask the author to write something: nobody may publish them."""

    title: str
    short: str
    changed: str
    first: str
    second: str
    law: str


ASKED: Mapping[str, PlaceholderSentences] = {
    "kk": PlaceholderSentences(
        title="Тақырыпты осында жазыңыз",
        short="Не өзгергенін және не істеу керегін осында жазыңыз.",
        changed="Не өзгергенін осында жазыңыз.",
        first="Бірінші қадамды жазыңыз.",
        second="Екінші қадамды жазыңыз.",
        law="Хабарлауға міндеттейтін немесе рұқсат беретін заң мен бапты осында жазыңыз",
    ),
    "ru": PlaceholderSentences(
        title="Напишите здесь название",
        short="Напишите здесь, что изменилось и что нужно сделать.",
        changed="Напишите здесь, что изменилось.",
        first="Напишите первый шаг.",
        second="Напишите второй шаг.",
        law="Напишите здесь закон и статью, которые обязывают или разрешают сообщать",
    ),
    "en": PlaceholderSentences(
        title="Write the title here",
        short="Write here what has changed and what to do.",
        changed="Write here what has changed.",
        first="Write the first step.",
        second="Write the second step.",
        law="Write here the law and the article that oblige or allow you to tell",
    ),
}


def title_of(name: str) -> str:
    """Return a trigger's name as words: `card_ends` is "Card ends"."""
    return name.replace("_", " ").capitalize()
