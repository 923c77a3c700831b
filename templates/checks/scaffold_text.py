"""The text that `habarshy new` writes for authors to replace."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct

from domain.core.translatable import N_

NEEDLESS = (
    "# unless:  # what makes the message needless, and within: {before: P1Y}; take the # away and name an event type"
)
"""Stands in a new trigger.yaml until its author says what makes the message needless, or that nothing does."""
TAKEN_OVER: Sequence[str] = ("legal_basis", "category", "class")
"""The keys whose values a new trigger may have from another one."""
_REMARK = "# {key} is taken over from {name}: if it is right here too, take this line away"
_REMARKED = re.compile(_REMARK.format(key=f"({'|'.join(TAKEN_OVER)})", name="([a-z0-9_]{1,100})"))
COUNTED_FROM = "due.first.from"
"""The key of the date from which the step of a new trigger counts."""
TO_CHOOSE: Sequence[str] = ("category", "class", COUNTED_FROM)
"""The keys of a new trigger that its author may be asked to choose."""
_CHOICE = "# {key} is of the sample: choose it, and take this line away"
_CHOICES = {_CHOICE.format(key=key): key for key in TO_CHOOSE}
CASES = (N_("told on the next day by SMS"), N_("told by email"), N_("whoever opted out hears nothing"))
"""The names of a new trigger's tests, which pages show in the reader's language."""


DAY = date(2026, 3, 2)
"""On which the tests of a new trigger play."""


def remark_of(key: str, name: str) -> str:
    """Return the line of a new trigger.yaml that asks if a value from the trigger of that name is right in it too.

    Without a name it asks to choose the value.
    """
    return _REMARK.format(key=key, name=name) if name else _CHOICE.format(key=key)


def remarked(line: str) -> tuple[str, str] | None:
    """Return of which key such a line asks, and from which trigger its value is, if any; None for another line."""
    if (key := _CHOICES.get(line.strip())) is not None:
        return key, ""
    found = _REMARKED.fullmatch(line.strip())
    return None if found is None else (found[1], found[2])


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
