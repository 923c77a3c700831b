"""What is wrong in parameters.yaml and benefits.yaml, and in triggers and words that speak of them.

Each row: a file, a text in it, what is written instead, and what is found then (in that file, unless another is
named).
"""

from pathlib import Path

import pytest

from templates.checks.loader import BrokenPack, load_packs
from tests.templates.packs import KK, METER, RU, RULES, findings_of, in_file, write_town

PARAMETERS, BENEFITS = "parameters.yaml", "benefits.yaml"
LAW = {
    PARAMETERS: """\
tariff:
  title: {kk: Тариф, ru: Тариф}
  unit: tenge
  source: "Decision of 2023"
  values:
    2024-01-01: 100
    2025-01-01: 110.5
""",
    BENEFITS: """\
discount:
  title: {kk: Жеңілдік, ru: Скидка}
  agency: water
  clause: "Rules, art. 2"
  on: town.meter.installed
  to: holder
  from: event.valid_until
  until: {from: event.valid_until, offset: P1Y}
  conditions:
    - {id: paid, when: event.fee > 0, title: {kk: Төленді, ru: Оплачено}}
    - id: grown
      when: "citizen.age >= 18 && param.tariff > 1.0"
      title: {kk: Ересек, ru: Взрослый}
  unless:
    - {on: town.meter.installed, when: later.number == event.number}
  amount: "2.5 * param.tariff"
  amount_as_of: asked
  per: month
""",
}


def town(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """The small pack with a law, and with changes in any of its files."""
    pack = write_town(folder, *(change for change in changes if change[0] not in LAW))
    for name, text in LAW.items():
        for _, old, new in (change for change in changes if change[0] == name):
            assert text.count(old) == 1, old
            text = text.replace(old, new)  # noqa: PLW2901
        (pack / name).write_text(text, encoding="utf-8")
    return pack


ROWS: list[tuple[str, str, str, list[str]]] = [
    (
        PARAMETERS,
        "source:",
        "sourse:",
        [
            "2:3: source is missing",
            "4:3: the key 'sourse' is not known here (did you mean 'source'?)",
            "benefits.yaml:12:35: there is no field 'param.tariff'",
            "benefits.yaml:16:18: there is no field 'param.tariff'",
        ],
    ),
    (
        PARAMETERS,
        "2025-01-01: 110.5",
        "2025-01-01: a lot",
        [
            "7:17: 2025-01-01: must be a number",
            "benefits.yaml:12:35: there is no field 'param.tariff'",
            "benefits.yaml:16:18: there is no field 'param.tariff'",
        ],
    ),
    (
        PARAMETERS,
        "2025-01-01: 110.5",
        "2023-01-01: 90.5",
        [
            "7:5: 2023-01-01 stands after 2024-01-01: the earlier day comes first",
        ],
    ),
    (PARAMETERS, ", ru: Тариф", "", ["2:10: title is missing in ru"]),
    (BENEFITS, "agency: water", "agency: watr", ["3:11: no agency is called 'watr' (did you mean 'water'?)"]),
    (
        BENEFITS,
        "clause: ",
        "claus: ",
        [
            "2:3: clause is missing",
            "4:3: the key 'claus' is not known here (did you mean 'clause'?)",
        ],
    ),
    (
        BENEFITS,
        "on: town.meter.installed\n",
        "on: town.meter.instaled\n",
        [
            "5:7: no event type is called 'town.meter.instaled' (did you mean 'town.meter.installed'?)",
        ],
    ),
    (
        BENEFITS,
        "on: town.meter.installed\n",
        "on: town.flood\n",
        [
            "5:7: town.flood is about an area, and a benefit is somebody's",
        ],
    ),
    (
        BENEFITS,
        "to: holder",
        "to: holdr",
        [
            "6:7: town.meter.installed names nobody in the role 'holdr' (did you mean 'holder'?)",
        ],
    ),
    (
        BENEFITS,
        "from: event.valid_until\n",
        "from: event.valid_util\n",
        [
            "7:9: 'event.valid_util' is no field of town.meter.installed (did you mean 'event.valid_until'?)",
        ],
    ),
    (BENEFITS, "from: event.valid_until\n", "from: event.number\n", ["7:9: 'event.number' is no date"]),
    (
        BENEFITS,
        "offset: P1Y",
        "offset: PT1H",
        [
            "8:44: entitlement goes by days; write an offset in days, months or years",
        ],
    ),
    (BENEFITS, "offset: P1Y", "offsett: P1Y", ["8:36: the key 'offsett' is not known here (did you mean 'offset'?)"]),
    (
        BENEFITS,
        "when: event.fee > 0",
        "when: event.fe > 0",
        [
            "10:24: there is no field 'event.fe' (did you mean 'event.fee'?)",
        ],
    ),
    (
        BENEFITS,
        "param.tariff > 1.0",
        "param.tarif > 1.0",
        [
            "12:35: there is no field 'param.tarif' (did you mean 'param.tariff'?)",
        ],
    ),
    (BENEFITS, "id: grown", "id: paid", ["11:11: another condition is called 'paid' too"]),
    (BENEFITS, "{kk: Төленді, ru: Оплачено}", "{ru: Оплачено}", ["10:46: title is missing in kk"]),
    (
        BENEFITS,
        "{on: town.meter.installed, when: later.number",
        "{on: town.meter.installed, when: later.numer",
        [
            "15:40: there is no field 'later.numer' (did you mean 'later.number'?)",
        ],
    ),
    (
        BENEFITS,
        "- {on: town.meter.installed,",
        "- {on: town.metre.installed,",
        [
            "15:12: no event type is called 'town.metre.installed' (did you mean 'town.meter.installed'?)",
        ],
    ),
    (
        BENEFITS,
        "2.5 * param.tariff",
        "2 * param.tariff",
        [
            "16:14: '*' does not go with a whole number and a decimal number",
        ],
    ),
    (BENEFITS, "2.5 * param.tariff", "event.number", ["16:12: an amount must be a number, this is a text"]),
    (
        BENEFITS,
        "as_of: asked",
        "as_of: ask",
        [
            "17:17: amount_as_of must be 'from' or 'asked' (did you mean 'asked'?)",
        ],
    ),
    (
        RULES,
        "on: town.meter.installed\n",
        "on: {becomes: discont}\n",
        [
            "7:15: no benefit is called 'discont' (did you mean 'discount'?)",
        ],
    ),
    (
        RULES,
        "on: town.meter.installed\n",
        "on: {become: discount}\n",
        [
            "7:5: on: the key 'become' is not known here (did you mean 'becomes'?)",
        ],
    ),
    (
        RULES,
        "on: town.meter.installed\n",
        "on: [discount]\n",
        [
            "7:5: on: is an event type, or {becomes: benefit}, or {ceases: benefit}",
        ],
    ),
    (
        RULES,
        "on: town.meter.installed\n",
        "on: {becomes: discount}\ncount: {nth: 2, within: P1Y}\n",
        [
            "8:8: an entitlement is no event; say it in the conditions of the benefit",
        ],
    ),
    (
        RULES,
        "on: town.meter.installed\n",
        "on: {ceases: discount}\nwith: [{on: town.meter.installed, within: P1D, when: event.fe > 0}]\n",
        [
            "8:7: an entitlement is no event; say it in the conditions of the benefit",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 &&",
        "when: param.tarif > 1.0 &&",
        [
            "8:7: there is no field 'param.tarif' (did you mean 'param.tariff'?)",
        ],
    ),
    (
        KK,
        "Бағасы: {{ event.fee",
        "Бағасы: {{ benefit.discont.amount",
        [
            "24:14: there is no variable benefit.discont.amount (did you mean 'benefit.discount.amount'?)",
        ],
    ),
]


def test_a_pack_with_a_law_is_fine(tmp_path: Path) -> None:
    """Both files become part of the pack's content, and so of its hash; a pack without them has neither."""
    assert findings_of(town(tmp_path / "with")) == []
    with_law, without = load_packs([town(tmp_path / "a")])[1], load_packs([write_town(tmp_path / "b")])[1]
    assert set(with_law.content) - set(without.content) == {"parameters", "benefits"}
    assert with_law.content["parameters"]["tariff"]["values"] == {"2024-01-01": 100, "2025-01-01": 110.5}
    assert with_law.hash != without.hash


@pytest.mark.parametrize(("file", "old", "new", "expected"), ROWS)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, expected: list[str]
) -> None:
    """A finding has file, line, column, the problem in an owner's words, and what was probably meant."""
    assert sorted(findings_of(town(tmp_path, (file, old, new)))) == sorted(in_file(file, expected))


def test_a_benefit_on_a_broken_event_type_is_not_blamed(tmp_path: Path) -> None:
    """What is wrong with the event type is found there, and only there."""
    pack = town(
        tmp_path,
        (METER, "type: integer, minimum", "type: int, minimum"),
        (RULES, "on: town.meter.installed\n", "on: {becomes: discount}\n"),
    )
    assert [finding.partition(":")[0] for finding in findings_of(pack)] == [METER]


ALONE = """\
veteran:
  title: {kk: Ардагер, ru: Ветеран}
  agency: water
  clause: "Rules, art. 3"
  on: person
  conditions:
    - {id: old, when: citizen.age >= 65, title: {kk: Қарт, ru: Пожилой}}
  amount: "2.5 * param.tariff"
  amount_as_of: asked
"""
VETERAN = """\
title: {kk: Тексеру, ru: Поверка}
owner: water
legal_basis: "Rules of 2020"
category: water
class: reminder
on: {becomes: veteran}
when: citizen.area.startsWith("75")
due:
  day: {at: "10:00"}
channels: [sms]
"""
VETERAN_WORDS = """\
---
sms: "{{ entitled.from | date }}: {{ benefit.veteran.amount | money }}"
---
"""


def veterans(folder: Path, rules: str = VETERAN, words: str = VETERAN_WORDS) -> Path:
    """The small pack, with a trigger on a benefit that is about the person alone."""
    pack = town(folder)
    (pack / BENEFITS).write_text(LAW[BENEFITS] + ALONE, encoding="utf-8")
    (pack / RULES).write_text(rules, encoding="utf-8")
    for file in (KK, RU):
        (pack / file).write_text(words, encoding="utf-8")
    return pack


def test_a_benefit_about_the_person_alone_may_start_a_trigger(tmp_path: Path) -> None:
    """Its words may speak of the person, of the law and of the entitlement."""
    assert findings_of(veterans(tmp_path / "a")) == []
    ceases = VETERAN.replace("becomes", "ceases")
    assert findings_of(veterans(tmp_path / "b", ceases, VETERAN_WORDS.replace("from", "until"))) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("when: citizen.area", "when: event.number.startsWith('M') && citizen.area", "7:7: 'event.number'"),
        ('at: "10:00"', "from: event.valid_until", "9:15: 'event.valid_until'"),
        ('at: "10:00"', "from: event.time", "9:15: 'event.time'"),
        ("channels:", "occurrence: event.number\nchannels:", "10:13: 'event.number'"),
        ("channels:", "expires: event.valid_until\nchannels:", "10:10: 'event.valid_until'"),
    ],
)
def test_rules_about_the_person_alone_have_no_event_to_read(tmp_path: Path, old: str, new: str, place: str) -> None:
    """An entitlement that begins on a birthday has no event, and the place that reads one is named."""
    why = "the benefit is about the person alone, so no event starts this, and there is none to read"
    [finding] = findings_of(veterans(tmp_path, VETERAN.replace(old, new)))
    assert finding.partition(" (did you mean")[0] == f"{RULES}:{place}: {why}"


def test_words_about_the_person_alone_have_no_event_to_read(tmp_path: Path) -> None:
    """Neither its fields nor its time, in any language."""
    words = VETERAN_WORDS.replace("{{ entitled.from | date }}", "{{ event.time | date }}")
    assert findings_of(veterans(tmp_path, words=words)) == [
        f"{file}:2:10: there is no variable event.time" for file in (KK, RU)
    ]


def test_two_packs_cannot_declare_one_name(tmp_path: Path) -> None:
    """A parameter or a benefit has one pack."""
    first, second = town(tmp_path / "a"), town(tmp_path / "b")
    with pytest.raises(BrokenPack) as broken:
        load_packs([first, second])
    found = str(broken.value)
    assert f"{second}/{PARAMETERS}:1:1: 'tariff' is declared by two packs" in found
    assert f"{second}/{BENEFITS}:1:1: 'discount' is declared by two packs" in found


def test_words_may_speak_of_the_law(tmp_path: Path) -> None:
    """Parameters always, the amounts of benefits about the trigger's event, the entitlement on its edges only."""
    price, edge = "{{ event.fee | money }}\n\n[", "on: town.meter.installed\n"
    law = "{{ benefit.discount.amount | money }} {{ param.tariff | number }}\n\n["
    assert findings_of(town(tmp_path / "a", (KK, price, law), (RU, price, law))) == []
    until = "{{ entitled.until | date }}\n\n["
    changed = ((KK, price, until), (RU, price, until))
    assert len(findings_of(town(tmp_path / "b", *changed))) == 2
    ceasing = (RULES, edge, "on: {ceases: discount}\n")
    assert findings_of(town(tmp_path / "c", *changed, ceasing)) == []


def test_a_correction_cannot_speak_of_the_entitlement(tmp_path: Path) -> None:
    """It is sent when the entitlement may be gone, and would have no words then."""
    old, new = "№ {{ event.number }} туралы хабарламаны", "{{ entitled.until | date }} туралы хабарламаны"
    found = findings_of(
        town(tmp_path, (KK, old, new), (RULES, "on: town.meter.installed\n", "on: {ceases: discount}\n"))
    )
    message = "a correction may come when nobody is entitled any more, so entitled.until has no value"
    assert [one for one in found if "a correction" in one] == [f"{KK}:13:9: {message}"]
