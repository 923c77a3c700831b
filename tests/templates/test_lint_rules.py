"""What is wrong in trigger.yaml.

Each row: a file of the small pack, a text in it, what is written instead, and what is found then (in that file,
unless another is named).
"""

from pathlib import Path

import pytest

from templates.checks.loader import examine
from tests.templates.packs import LAW, RULES, Row, check_row, write_town

ROWS: list[Row] = [
    (RULES, "event.fee > 0", "event.fee > 20 000", ["8:22: write the number without spaces: 20000"]),
    (RULES, "event.fee > 0", "event.fee > 1 000 000", ["8:21: write the number without spaces: 1000000"]),
    (RULES, "event.fee > 0", "event.fee > 20,5", ["8:21: write a decimal number with a point: 20.5"]),
    (
        RULES,
        "event.fee > 0",
        'event.fee >= "20000"',
        ["8:17: a number is compared with a number: write 20000 without quotation marks"],
    ),
    (
        RULES,
        "event.fee > 0",
        'event.kind == "a "b" c"',
        ['8:25: the text ends at the quotation mark before this: around a text with " in it, put \' and no "'],
    ),
    (
        RULES,
        "event.fee > 0",
        "event.zzzzzz > 0",
        [
            "8:7: there is no field 'event.zzzzzz'; there are: event.fee, event.holder, event.kind, event.number, "
            + ", ".join(
                f"event.{name}" for name in ("place.street", "sealed", "seals", "time", "type", "valid_until")
            ),
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 && citizen.age >= 18",
        'when: event.fe > 0 && event.numbr == "1" && event.fee == "x"',
        [
            "8:7: there is no field 'event.fe' (did you mean 'event.fee'?)",
            "8:23: there is no field 'event.numbr' (did you mean 'event.number'?)",
            "8:55: '==' does not go with a whole number and a text",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 && citizen.age >= 18",
        "when: event.fee = 3 && event.number == “a”",
        [
            "8:17: use == to compare",
            "8:40: '“' is not expected here; use straight quotes",
            "8:42: '”' is not expected here; use straight quotes",
        ],
    ),
    (
        RULES,
        '  month: {from: event.valid_until, offset: -P30D, at: "09:00"}\n  day:\n',
        "  month: {from: event.valid_until, offset: -P30D}\nday:\n",
        [
            "meter_check/kk.md:8:3: there is no step 'day'",
            "meter_check/kk.md:20:16: there is no step 'day'",
            "meter_check/ru.md:8:3: there is no step 'day'",
            "meter_check/ru.md:20:16: there is no step 'day'",
            "13:1: check the indentation: 'day' belongs below 'due'",
        ],
    ),
    (
        RULES,
        "    offset: -P1D",
        "  offset: -P1D",
        ["16:5: check the indentation of 'when' and of the line above: keys of one group begin in the same column"],
    ),
    (
        RULES,
        "    offset: -P1D\n    when: \"event.number != ''\"\n",
        "  offset: -P1D\n",
        ["15:3: check the indentation: 'offset' belongs below 'day'"],
    ),
    (
        RULES,
        "category: water",
        "categry: water",
        [
            "2:1: category is missing",
            "5:1: the key 'categry' is not known here (did you mean 'category'?)",
        ],
    ),
    (
        RULES,
        "offset: -P1D",
        "offest: -P1D",
        [
            "15:5: the key 'offest' is not known here (did you mean 'offset'?)",
        ],
    ),
    (
        RULES,
        "{on: town.meter.installed, when:",
        "{on: town.meter.installed, whn:",
        [
            "19:32: the key 'whn' is not known here (did you mean 'when'?)",
        ],
    ),
    (
        RULES,
        LAW,
        "legal_basis: 2020",
        [
            "4:14: legal_basis must be text; put it in quotes",
        ],
    ),
    (RULES, LAW, 'legal_basis: ""', ["4:14: legal_basis is empty"]),
    (RULES, LAW, 'legal_basis: " \u00a0"', ["4:14: legal_basis is empty"]),
    (RULES, "ru: Поверка", 'ru: " "', ["2:26: ru is empty"]),
    (RULES, LAW, 'legal_basis: {ru: "Правила 2020 года"}', ["4:14: legal_basis is missing in kk"]),
    (RULES, LAW, "legal_basis:", ["4:13: legal_basis is empty"]),
    (
        RULES,
        "event.fee > 0",
        'event.time > timestamp("2026-01-01")',
        [
            '8:30: "2026-01-01" is no time; one is written 2026-03-01T09:00:00+05:00',
        ],
    ),
    (
        RULES,
        "event.fee > 0",
        "event.time - event.time > duration('2 days')",
        [
            "8:42: '2 days' is no length of time; one is written 36h",
        ],
    ),
    (
        RULES,
        "event.fee > 0",
        'event.number.matches("(") && event.time > timestamp("2026-01-01T00:00:00Z")',
        [
            '8:28: "(" is no pattern',
        ],
    ),
    (
        RULES,
        "expires: event.valid_until",
        "expires: event.valid_until\nreach: 0001-01-01",
        [
            "18:8: reach: here the calendar ends; write a day such as 1900-01-01 or 2999-12-31",
        ],
    ),
    (RULES, "to: subject", "to: ~", ["9:5: to is empty"]),
    (
        RULES,
        "class: reminder",
        "class: reminders",
        [
            "6:8: class must be 'emergency', 'legal', 'service', 'reminder' or 'offer' (did you mean 'reminder'?)",
        ],
    ),
    (RULES, "class: reminder\n", "", ["2:1: class is missing"]),
    (
        RULES,
        "to: subject",
        "to: subject\nresidents_at: due",
        [
            "10:15: town.meter.installed is about persons; only an area event has residents",
        ],
    ),
    (
        RULES,
        "to: subject",
        "to: subject\nresidents_at: deu",
        [
            "10:15: residents_at must be 'event' or 'due' (did you mean 'due'?)",
        ],
    ),
    (
        RULES,
        "to: subject",
        "to: subject\nsmooth: P2D",
        [
            "10:9: 'P2D' is no span of up to a day; write one such as PT2H.",
        ],
    ),
    (
        RULES,
        "offset: -P1D",
        "offset: -P1D\n    smoth: PT2H",
        [
            "16:5: the key 'smoth' is not known here (did you mean 'smooth'?)",
        ],
    ),
    (
        RULES,
        "[push, sms, email]",
        "[push, smss, email]",
        [
            "20:18: channels must be 'push', 'sms' or 'email' (did you mean 'sms'?)",
        ],
    ),
    (RULES, "[push, sms, email]", "[push, push]", ["20:11: channels: names one thing twice"]),
    (
        RULES,
        "[push, sms, email]",
        "push",
        [
            "20:11: channels must be a list: [one, another], or each on its own line after '- '",
        ],
    ),
    (RULES, "[push, sms, email]", "[]", ["20:11: channels is empty"]),
    (RULES, "correction: true", "correction: yes", ["24:13: correction must be true or false"]),
    (
        RULES,
        "cascade_after: PT10M",
        "cascade_after: 10 minutes",
        [
            "21:16: cascade_after: '10 minutes' is no ISO 8601 duration; write PT10M.",
        ],
    ),
    (
        RULES,
        "cascade_after: PT10M",
        "cascade_after: P900Y",
        [
            "21:16: cascade_after: no duration is longer than 200 years (or days, in hours)",
        ],
    ),
    (
        RULES,
        "expires: event.valid_until",
        "expires: soon",
        [
            "17:10: expires: 'soon' is no ISO 8601 duration; write one such as -P30D, P18M, P63Y or PT1H.",
        ],
    ),
    (RULES, 'at: "09:00"', 'at: "9:00"', ['12:55: at: a time of day is written "09:00"']),
    (RULES, "class: reminder", "class: reminder\nreach: 2024-13-01", ["7:8: reach: there is no such day"]),
    (
        RULES,
        "class: reminder",
        "class: reminder\nreach: 1 March 2024",
        [
            "7:8: reach: a date is written 2024-01-01",
        ],
    ),
    (
        RULES,
        "  day:\n",
        "  correction:\n",
        [
            "meter_check/kk.md:8:3: there is no step 'day'",
            "meter_check/kk.md:20:16: there is no step 'day'",
            "meter_check/ru.md:8:3: there is no step 'day'",
            "meter_check/ru.md:20:16: there is no step 'day'",
            "13:3: correction: a step may not be called 'correction': the platform adds that one by itself",
        ],
    ),
    (RULES, "  month:", "  Month:", ["12:3: Month: is written in small Latin letters, digits and underscores"]),
    (
        RULES,
        "https://water.example/order",
        "http://water.example/order",
        [
            "23:22: url: an address starts with https://",
        ],
    ),
    (RULES, "id: order, ", "", ["23:5: id is missing"]),
    (
        RULES,
        "category: water",
        "category: Water",
        [
            "5:11: category: is written in small Latin letters, digits and underscores",
        ],
    ),
    (RULES, "title: {kk: Тексеру, ru: Поверка}", "title: {kk: Тексеру}", ["2:8: title is missing in ru"]),
    (RULES, "{kk: Тапсырыс беру, ru: Заказать}", "{ru: Заказать}", ["23:60: label is missing in kk"]),
    (
        RULES,
        "title: {kk: Тексеру, ru: Поверка}",
        "title: Тексеру",
        [
            "2:8: title is missing in kk, ru",
            "2:8: title must be a group of keys",
        ],
    ),
    (RULES, "owner: water", "owner: museum", ["3:8: no agency is called 'museum'; there are: platform, water"]),
    (RULES, "owner: water", "owner: watter", ["3:8: no agency is called 'watter' (did you mean 'water'?)"]),
    (
        RULES,
        "on: town.meter.installed\n",
        "on: town.meter.instaled\n",
        [
            "7:5: no event type is called 'town.meter.instaled' (did you mean 'town.meter.installed'?)",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 &&",
        "when: event.fe > 0 &&",
        [
            "8:7: there is no field 'event.fe' (did you mean 'event.fee'?)",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 && citizen.age >= 18",
        "when: |\n  event.fee > 0 &&\n  citizen.aeg >= 18",
        [
            "10:3: there is no field 'citizen.aeg' (did you mean 'citizen.age'?)",
        ],
    ),
    (
        RULES,
        "event.number != ''",
        "event.nummer != ''",
        [
            "16:12: there is no field 'event.nummer' (did you mean 'event.number'?)",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 && citizen.age >= 18",
        "when: event.fee",
        [
            "8:7: a condition must be true or false, this is a whole number",
        ],
    ),
    (
        RULES,
        "to: subject",
        "to: [holder, owner]",
        [
            "9:5: town.meter.installed names nobody in the role 'owner'; it names holder, neighbours",
        ],
    ),
    (
        RULES,
        "{from: event.valid_until, offset",
        "{from: holder.valid_until, offset",
        [
            "12:17: 'holder.valid_until' is no field of town.meter.installed (did you mean 'event.valid_until'?)",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 &&",
        "when: event.valid_until.year > 2025 &&",
        [
            "8:24: a text has nothing after a dot; a date is compared as a whole",
        ],
    ),
    (
        RULES,
        "occurrence: event.number",
        "occurrence: number",
        [
            "10:13: 'number' is no field of town.meter.installed (did you mean 'event.number'?)",
        ],
    ),
    (
        RULES,
        "occurrence: event.number",
        "occurrence: event.nummer",
        [
            "10:13: 'event.nummer' is no field of town.meter.installed (did you mean 'event.number'?)",
        ],
    ),
    (
        RULES,
        "{from: event.valid_until, offset",
        "{from: event.valid_untl, offset",
        [
            ("12:17: 'event.valid_untl' is no field of town.meter.installed (did you mean 'event.valid_until'?)"),
        ],
    ),
    (
        RULES,
        "{from: event.valid_until, offset",
        "{from: event.number, offset",
        [
            "12:17: 'event.number' is no date",
        ],
    ),
    (
        RULES,
        "offset: -P1D",
        "offset: 1 day",
        [
            "15:13: offset: '1 day' is no ISO 8601 duration; write P1D.",
        ],
    ),
    (
        RULES,
        "later.number == event",
        "later.numbr == event",
        [
            "19:38: there is no field 'later.numbr' (did you mean 'later.number'?)",
        ],
    ),
    (
        RULES,
        "- {on: town.meter.installed,",
        "- {on: town.meter.removed,",
        [
            "19:10: no event type is called 'town.meter.removed'",
        ],
    ),
    (RULES, "expires: event.valid_until", "expires: event.number", ["17:10: 'event.number' is no date"]),
]


@pytest.mark.parametrize("row", ROWS)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, row: Row) -> None:
    """A finding has file, line, column, the problem in an owner's words, and what was probably meant."""
    check_row(tmp_path, row)


@pytest.mark.parametrize("quoted", ["“Поверка”", "‘Поверка’"])
def test_curly_quotes_around_a_value_are_warned_of(tmp_path: Path, quoted: str) -> None:
    """Quotes that YAML takes for a part of the text are named at their place; they fail nothing."""
    pack = write_town(tmp_path, (RULES, "ru: Поверка", f"ru: {quoted}"))
    _, report = examine([pack])
    [found] = [each for each in report.findings if "straight quotes" in each.message]
    assert (found.line, found.column, found.warning) == (2, 26, True)


def test_a_mistake_in_a_condition_is_shown_in_its_line(tmp_path: Path) -> None:
    """Below the line stands a caret at the place, also where the line is long."""
    pack = write_town(tmp_path, (RULES, "event.fee > 0", "event.fe > 0"))
    _, report = examine([pack])
    [found] = report.findings
    assert found.pointer == ("when: event.fe > 0 && citizen.age >= 18", "      ^")
    _, report = examine(
        [write_town(tmp_path / "long", (RULES, "event.fee > 0", "event.fee > 0 && " * 9 + "event.fe > 0"))]
    )
    [found] = report.findings
    shown, caret = found.pointer or ("", "")
    assert shown[caret.index("^") :].startswith("event.fe > 0")
    assert len(shown) <= 120
