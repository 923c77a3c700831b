"""The words of a new trigger, and the files of a new pack."""

from collections.abc import Mapping

from msgspec import Struct

LEGAL_BASIS = "Write here the law and the article that oblige or allow you to tell"
NEEDLESS = "# unless:  # what makes the message needless; take the # away and name an event type"
"""Stands in a new trigger.yaml until its author says what makes the message needless, or that nothing does."""
CASES = ("told on the next day by SMS", "told by email", "whoever opted out hears nothing")
"""The names of a new trigger's tests."""


class Asked(Struct, frozen=True):
    """Sentences that ask the author to write something: nobody may publish them."""

    short: str
    changed: str
    first: str
    second: str


ASKED: Mapping[str, Asked] = {
    "kk": Asked(
        short="Не өзгергенін және не істеу керегін осында жазыңыз.",
        changed="Не өзгергенін осында жазыңыз.",
        first="Бірінші қадамды жазыңыз.",
        second="Екінші қадамды жазыңыз.",
    ),
    "ru": Asked(
        short="Напишите здесь, что изменилось и что нужно сделать.",
        changed="Напишите здесь, что изменилось.",
        first="Напишите первый шаг.",
        second="Напишите второй шаг.",
    ),
    "en": Asked(
        short="Write here what has changed and what to do.",
        changed="Write here what has changed.",
        first="Write the first step.",
        second="Write the second step.",
    ),
}
_AROUND: Mapping[str, tuple[str, str, str]] = {
    "kk": ("Сәлеметсіз бе!", "Не істеу керек", "Бұл хабарлама {{ due | date }} күні жіберілді."),
    "ru": ("Здравствуйте!", "Что нужно сделать", "Это сообщение отправлено {{ due | date }}"),
    "en": ("Hello,", "What to do", "This message was sent on {{ due | date }}."),
}
_WORDS = """\
---
subject: "TITLE"
push:
  title: "TITLE"
  body: "{asked.short}"
sms: "TITLE. {asked.short}"
---
{greeting}

{asked.changed}

**{to_do}**

1. {asked.first}
2. {asked.second}

{sent}
"""


def words_of(language: str, title: str) -> str:
    """The words file of a new trigger with that title: in English, where there is none of the language."""
    known = language if language in ASKED else "en"
    greeting, to_do, sent = _AROUND[known]
    written = _WORDS.format(asked=ASKED[known], greeting=greeting, to_do=to_do, sent=sent)
    return written.replace("TITLE", title)


PACK_FILES: Mapping[str, str] = {
    "pack.yaml": """\
# yaml-language-server: $schema=SCHEMAS/pack.schema.json
pack: PACK
title: {kk: PACK, ru: PACK, en: PACK}
national_id: kz.iin
defaults:
  language: kk
  languages: [kk, ru, en]
  zone: Asia/Almaty
  quiet_hours: {from: "21:00", to: "09:00"}
  cap: {messages: 3, days: 7}
  age_of_majority: 18
link_domains: [egov.kz, gov.kz]  # where words and buttons may lead
agencies:
  library: {title: {kk: Кітапхана, ru: Библиотека, en: Library}}
""",
    "events/card_issued.yaml": """\
# yaml-language-server: $schema=SCHEMAS/event.schema.json
type: PACK.library.card_issued
title: {kk: Оқырман билеті берілді, ru: Выдан читательский билет, en: Library card issued}
agency: library
subject: reader
data:
  type: object
  additionalProperties: false
  required: [number, valid_until]
  properties:
    number: {type: string, minLength: 1}
    valid_until: {type: string, format: date, x-of: public}
""",
}
