"""A small pack, written to disk with changes: what is wrong in it is what a test changed."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from templates.checks.loader import BrokenPack, load_packs, shipped

PACK, METER, FLOOD = "pack.yaml", "events/meter_installed.yaml", "events/flood.yaml"
RULES, KK, RU = "meter_check/trigger.yaml", "meter_check/kk.md", "meter_check/ru.md"
SEALED = "    sealed: {type: boolean, x-title: {kk: пломбаланған, ru: опломбирован}}\n"
"""A field that tests take away or add to."""
LAW = 'legal_basis: {kk: "2020 жылғы ережелер", ru: "Правила 2020 года"}'

FILES: Mapping[str, str] = {
    PACK: """\
pack: town
title: {kk: Қала, ru: Город}
live_from: 2024-03-01
national_id: kz.iin
defaults:
  language: kk
  languages: [kk, ru]
  zone: Asia/Almaty
  quiet_hours: {from: "21:00", to: "09:00"}
  cap: {messages: 3, days: 7}
  age_of_majority: 18
area_levels: [2, 4]
agencies:
  water: {title: {kk: Су арнасы, ru: Водоканал}, short: {kk: Су арнасы, ru: Вода}}
attributes:
  meter: {type: string, title: {kk: Есептегіш, ru: Счётчик}}
  checked_on: {type: date, title: {kk: Тексерілген күні, ru: Дата поверки}}
""",
    METER: """\
type: town.meter.installed
title: {kk: Есептегіш орнатылды, ru: Установлен счётчик}
agency: water
subject: holder
data:
  type: object
  additionalProperties: false
  required: [number, valid_until, fee]
  properties:
    number: {type: string, minLength: 2}
    valid_until: {type: string, format: date, x-of: public}
    fee: {type: integer, minimum: 0, x-of: public}
    kind: {type: string, enum: [cold, hot], x-of: public}
    neighbours: {type: array, items: {type: string, format: national-id}, x-title: {kk: көршілер, ru: соседи}}
    seals: {type: array, items: {type: string}, x-title: {kk: пломбалар, ru: пломбы}}
    sealed: {type: boolean, x-title: {kk: пломбаланған, ru: опломбирован}}
    place: {type: object, required: [street], properties: {street: {type: string}}}
sets:
  holder: {meter: event.number, checked_on: event.valid_until, guardians: [neighbours], area: {value: "75"}}
""",
    FLOOD: """\
type: town.flood
title: {kk: Су тасқыны, ru: Паводок}
agency: water
subject: none
area: event.where
data:
  type: object
  additionalProperties: false
  required: [where]
  properties:
    where: {type: string, x-title: {kk: жері, ru: место}}
""",
    RULES: """\
# yaml-language-server: $schema=../../trigger.schema.json
title: {kk: Тексеру, ru: Поверка}
owner: water
legal_basis: {kk: "2020 жылғы ережелер", ru: "Правила 2020 года"}
category: water
class: reminder
on: town.meter.installed
when: event.fee > 0 && citizen.age >= 18
to: subject
occurrence: event.number
due:
  month: {from: event.valid_until, offset: -P30D, at: "09:00"}
  day:
    from: event.valid_until
    offset: -P1D
    when: "event.number != ''"
expires: event.valid_until
unless:
  - {on: town.meter.installed, when: later.number == event.number}
channels: [push, sms, email]
cascade_after: PT10M
actions:
  - {id: order, url: "https://water.example/order", label: {kk: Тапсырыс беру, ru: Заказать}}
correction: true
""",
    KK: """\
---
subject: "№ {{ event.number }} есептегішті тексеріңіз"
push:
  title: "Есептегішті тексеріңіз"
  body: "Мерзімі: {{ event.valid_until | date }}"
sms: "№ {{ event.number }}: {{ event.valid_until | date }} күніне дейін тексеріңіз. {{ event.fee | money }}"
steps:
  day: {sms: "Соңғы күн. № {{ event.number }}"}
correction:
  subject: "Хабарламаны ескермеңіз"
  push: {title: "Ескермеңіз", body: "Ештеңе істемеңіз"}
  sms: "Ескермеңіз"
  body: |
    Сәлеметсіз бе!

    № {{ event.number }} туралы хабарламаны ескермеңіз.
---
Сәлеметсіз бе!

{% if step == "day" %}**Ертең** мерзімі бітеді.{% else %}Бір ай қалды.{% endif %}

- Нөмірі: {{ event.number }}
- Мерзімі: {{ event.valid_until | date }}
- Бағасы: {{ event.fee | money }}

[Толығырақ](https://water.example/meters/{{ event.number }})
""",
    RU: """\
---
subject: "Поверьте счётчик № {{ event.number }}"
push:
  title: "Поверьте счётчик"
  body: "Срок: {{ event.valid_until | date }}"
sms: "№ {{ event.number }}: до {{ event.valid_until | date }}. {{ event.fee | money }}"
steps:
  day: {sms: "Последний день. № {{ event.number }}"}
correction:
  subject: "Сообщение отменено"
  push: {title: "Сообщение отменено", body: "Ничего делать не нужно"}
  sms: "Сообщение отменено"
  body: |
    Здравствуйте!

    Сообщение о счётчике № {{ event.number }} отменено.
---
Здравствуйте!

{% if step == "day" %}Срок кончается **завтра**.{% else %}Остался месяц.{% endif %}

- Номер: {{ event.number }}
- Срок: {{ event.valid_until | date }}
- Цена: {{ event.fee | money }}

[Подробнее](https://water.example/meters/{{ event.number }})
""",
}

Change = tuple[str, str, str]
"""A file, a text that it has once, and what to write in its place."""

Row = tuple[str, str, str, list[str]]
"""A change, and what is found then: in that file, unless another is named."""

SHIPPED: Mapping[str, Path] = {path.name: path for path in shipped()}
"""The shipped packs' folders by name."""


def write_town(folder: Path, *changes: Change) -> Path:
    """Write the pack with changes into a folder of its own."""
    files = dict(FILES)
    for name, old, new in changes:
        assert files[name].count(old) == 1, f"{old!r} is in {name} {files[name].count(old)} times"
        files[name] = files[name].replace(old, new)
    for name, text in files.items():
        path = folder / "town" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "town"


def findings_of(pack: Path, *after: Path) -> list[str]:
    """What loading the pack (after others) finds, with paths from the pack's folder."""
    try:
        load_packs([*after, pack])
    except BrokenPack as broken:
        return [str(finding).removeprefix(f"{pack}/") for finding in broken.findings]
    return []


def check_row(folder: Path, row: Row) -> None:
    """Write the pack with the row's change, and compare what is found with what the row expects."""
    file, old, new, expected = row
    assert findings_of(write_town(folder, (file, old, new))) == in_file(file, expected)


def in_file(file: str, expected: Iterable[str]) -> list[str]:
    """Findings as `findings_of` gives them, from findings that leave out the name of this file."""
    return [f"{file}:{each}" if each[0].isdigit() else each for each in expected]
