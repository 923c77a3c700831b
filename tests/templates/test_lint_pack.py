"""What is wrong in pack.yaml and in event types.

Each row: a file of the small pack, a text in it, what is written instead, and what is found then (in that file,
unless another is named).
"""

from pathlib import Path

import pytest

from templates.checks.loader import examine
from tests.templates.packs import FLOOD, METER, PACK, Row, check_row, write_town

NO_PATTERN = "this is no pattern that a field may have: it has a mistake, or looks around as (?=…) does"
ROWS: list[Row] = [
    (PACK, "national_id: kz.iin", "national_id: kz.inn", ["4:14: national_id: must be one of: kz.iin"]),
    (
        PACK,
        "zone: Asia/Almaty",
        "zone: Asia/Alma-Ata",
        [
            "8:9: zone: there is no such time zone; write one as in Asia/Almaty",
        ],
    ),
    (
        PACK,
        "zone: Asia/Almaty",
        "zone: localtime",
        [
            "8:9: zone: there is no such time zone; write one as in Asia/Almaty",
        ],
    ),
    (PACK, "language: kk\n", "language: en\n", ["6:13: 'en' is not among the languages"]),
    (
        PACK,
        "languages: [kk, ru]",
        "languages: [kk, ru, qq]",
        [
            "7:23: nobody knows how dates are written in 'qq'",
        ],
    ),
    (
        PACK,
        "languages: [kk, ru]",
        "languages: [kk, russian]",
        [
            "meter_check/ru.md:1:1: the pack has no language 'ru'",
            "7:19: languages: a language is two or three small letters: kk",
            "7:19: nobody knows how dates are written in 'russian'",
        ],
    ),
    (PACK, "messages: 3", "messages: 0", ["10:19: messages must be at least 1"]),
    (
        PACK,
        "agencies:\n",
        "acts:\n  water_code: {kk: Су кодексі}\nagencies:\n",
        ["14:15: water_code is missing in ru"],
    ),
    (
        PACK,
        "live_from: 2024-03-01",
        "live_from: 9999-12-31",
        [
            "3:12: live_from: here the calendar ends; write a day such as 1900-01-01 or 2999-12-31",
        ],
    ),
    (PACK, "days: 7", "days: 999999", ["10:28: days must be at most 3650"]),
    (PACK, "age_of_majority: 18", "age_of_majority: 9999", ["11:20: age_of_majority must be at most 150"]),
    (PACK, "messages: 3", "messages: three", ["10:19: messages must be a whole number"]),
    (PACK, "pack: town", "pack: citizen", ["1:7: 'citizen' is declared by two packs"]),
    (
        PACK,
        "  meter: {type",
        "  email: {type",
        [
            "events/meter_installed.yaml:19:12: no pack declares the attribute 'meter'",
            "16:3: 'email' is declared by two packs",
        ],
    ),
    (
        PACK,
        "type: date",
        "type: dat",
        [
            ("events/meter_installed.yaml:19:45: checked_on is of type string, event.valid_until is of type date"),
            "17:22: type must be 'string', 'date', 'integer', 'boolean' or 'strings' (did you mean 'date'?)",
        ],
    ),
    (PACK, "cap: {messages: 3, days: 7}", "cap: 3", ["10:8: cap must be a group of keys"]),
    (
        METER,
        "subject: holder",
        "subjekt: holder",
        [
            "1:1: subject is missing",
            "4:1: the key 'subjekt' is not known here (did you mean 'subject'?)",
        ],
    ),
    (METER, "agency: water", "agency: watr", ["3:9: no agency is called 'watr' (did you mean 'water'?)"]),
    (
        METER,
        "minLength: 2",
        "minLenght: 2",
        [
            "10:28: the key 'minLenght' is not known here (did you mean 'minLength'?)",
        ],
    ),
    (
        METER,
        "type: integer, minimum",
        "type: int, minimum",
        [
            (
                '12:17: type: must be one of string, integer, number, boolean, array, object; with "null" if it '
                'may be cleared: [string, "null"]'
            ),
        ],
    ),
    (
        METER,
        "format: date,",
        "format: dat,",
        [
            "11:41: format must be 'date', 'national-id', 'email', 'uuid' or 'uri' (did you mean 'date'?)",
        ],
    ),
    (
        METER,
        "subject: holder\n",
        "subject: holder\nforbidden: [street, face_image]\n",
        [
            "18:60: street is forbidden here, so it cannot be a property as well",
        ],
    ),
    (
        METER,
        "subject: holder\n",
        "subject: holder\nforbidden: [face_image, face_image]\n",
        [
            "5:12: forbidden: names one thing twice",
        ],
    ),
    (
        METER,
        "subject: holder\n",
        "subject: holder\nforbiden: [face_image]\n",
        [
            "5:1: the key 'forbiden' is not known here (did you mean 'forbidden'?)",
        ],
    ),
    (METER, "minLength: 2", "pattern: '('", [f"10:37: {NO_PATTERN}"]),
    (
        METER,
        "minLength: 2",
        "pattern: 'a{5000}', maxLength: 200000",
        ["10:59: texts so long take too long to match with this pattern; at most 838 characters"],
    ),
    (METER, "minLength: 2", "pattern: '(?=(a+)+$)x'", [f"10:37: {NO_PATTERN}"]),
    (METER, "minLength: 2", "pattern: '(a+)\\1'", [f"10:37: {NO_PATTERN}"]),
    (
        METER,
        "valid_until, fee]",
        "valid_until, fees]",
        [
            "8:35: fees is required but not among the properties (did you mean 'fee'?)",
        ],
    ),
    (
        METER,
        "x-of: public}\n    kind",
        "x-of: holdr}\n    kind",
        [
            (
                "12:44: a field belongs to public or to a role of one person, and 'holdr' is none (did you mean "
                "'holder'?)"
            ),
        ],
    ),
    (METER, "    kind:", "    time:", ["13:5: time is taken: event.time means something else"]),
    (METER, "    kind:", "    holder:", ["13:5: holder is taken: event.holder means something else"]),
    (
        METER,
        "{street: {type: string}}",
        "{street: {type: string, x-of: public}}",
        [
            "17:83: only a property of the first level says whose it is, with all that is in it",
        ],
    ),
    (
        METER,
        "items: {type: string},",
        "uniqueItems: true,",
        [
            "15:19: an array, and only an array, says what its `items` are",
        ],
    ),
    (
        METER,
        "type: object, required: [street]",
        'type: [object, "null"], required: [street]',
        [
            "17:19: a group of properties has `type: object`, and is never null",
        ],
    ),
    (METER, "items: {type: string},", "items: {type: integer},", ["15:40: type must be 'string'"]),
    (
        METER,
        "additionalProperties: false\n  required",
        "additionalProperties: true\n  required",
        [
            "7:25: additionalProperties must be false",
        ],
    ),
    (
        METER,
        "format: national-id},",
        "format: national-id}, x-of: public,",
        [
            "14:75: a property that names a person belongs to nobody",
        ],
    ),
    (
        METER,
        "{type: string}}}",
        "{type: string, format: national-id}}}",
        [
            "17:68: persons are named at the first level of the data only",
        ],
    ),
    (METER, "  holder: {meter", "  owner: {meter", ["19:3: the event names nobody in the role 'owner'"]),
    (
        METER,
        "{meter: event.number",
        "{metre: event.number",
        [
            "19:12: no pack declares the attribute 'metre' (did you mean 'meter'?)",
        ],
    ),
    (
        METER,
        "meter: event.number",
        "meter: event.numbr",
        [
            "19:19: 'event.numbr' is no field of the event (did you mean 'event.number'?)",
        ],
    ),
    (
        METER,
        "meter: event.number",
        "meter: event.fee",
        [
            "19:19: meter is of type string, event.fee is of type integer",
        ],
    ),
    (
        METER,
        "meter: event.number",
        "meter: [neighbours]",
        [
            "19:19: meter is of type string; persons go only into one of type strings",
        ],
    ),
    (
        METER,
        "guardians: [neighbours]",
        "guardians: [neighbors]",
        [
            "19:76: the event names nobody in the role 'neighbors' (did you mean 'neighbours'?)",
        ],
    ),
    (METER, '{value: "75"}', "{value: 75}", ["19:103: area is of type string"]),
    (
        METER,
        '{value: "75"}',
        '{valu: "75"}',
        [
            "19:95: area: is set to a field (event.born_on), to roles ([mother, father]) or to {value: …}",
        ],
    ),
    (
        METER,
        "subject: holder",
        "subject: holder\narea: event.number",
        [
            "5:1: only an event with `subject: none` is about an area",
        ],
    ),
    (
        FLOOD,
        "area: event.where\n",
        "",
        [
            "4:10: an event without a subject is about an area: say `area: event.<field>`",
        ],
    ),
    (
        FLOOD,
        "area: event.where",
        "area: event.were",
        [
            "5:7: 'event.were' is no text field of the event (did you mean 'event.where'?)",
        ],
    ),
    (
        FLOOD,
        "type: town.flood",
        "type: town.meter.installed",
        [
            "events/meter_installed.yaml:1:7: the event type 'town.meter.installed' is declared twice",
        ],
    ),
    (
        FLOOD,
        "type: town.flood",
        "type: Flood",
        [
            "1:7: type: is written in small Latin letters, as in kz.civil.birth_registered",
        ],
    ),
]


@pytest.mark.parametrize("row", ROWS)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, row: Row) -> None:
    """A finding has file, line, column, the problem in an owner's words, and what was probably meant."""
    check_row(tmp_path, row)


def test_quiet_hours_of_nothing_are_warned_of(tmp_path: Path) -> None:
    """Quiet hours that end when they begin are none, which an author of 08:00 to 08:00 hardly means."""
    _, report = examine([write_town(tmp_path, (PACK, 'from: "21:00", to: "09:00"', 'from: "08:00", to: "08:00"'))])
    [found] = [each for each in report.findings if "quiet hours" in each.message]
    assert (found.line, found.column, found.warning) == (9, 16, True)
