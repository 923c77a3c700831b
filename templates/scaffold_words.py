"""The words of a new trigger, and the files of a new pack."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "kk": """\
---
subject: "TITLE"
push:
  title: "TITLE"
  body: "Не өзгергенін және не істеу керегін осында жазыңыз."
sms: "TITLE. Не өзгергенін және не істеу керегін осында жазыңыз."
---
Сәлеметсіз бе!

Не өзгергенін осында жазыңыз.

**Не істеу керек**

1. Бірінші қадамды жазыңыз.
2. Екінші қадамды жазыңыз.

Бұл хабарлама {{ due | date }} күні жіберілді.
""",
    "ru": """\
---
subject: "TITLE"
push:
  title: "TITLE"
  body: "Напишите здесь, что изменилось и что нужно сделать."
sms: "TITLE. Напишите здесь, что изменилось и что нужно сделать."
---
Здравствуйте!

Напишите здесь, что изменилось.

**Что нужно сделать**

1. Напишите первый шаг.
2. Напишите второй шаг.

Это сообщение отправлено {{ due | date }}
""",
    "en": """\
---
subject: "TITLE"
push:
  title: "TITLE"
  body: "Write here what has changed and what to do."
sms: "TITLE. Write here what has changed and what to do."
---
Hello,

Write here what has changed.

**What to do**

1. Write the first step.
2. Write the second step.

This message was sent on {{ due | date }}.
""",
}

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
