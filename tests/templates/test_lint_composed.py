"""What is wrong in the parts of a trigger about several events, counts, repetition and working days."""

from pathlib import Path

import pytest

from tests.templates.packs import KK, PACK, RU, RULES, Change, findings_of, in_file, write_town

MONTH = 'month: {from: event.valid_until, offset: -P30D, at: "09:00"}'
LONG = "how long is written without a minus, and is more than nothing: P7D, P1M, PT12H"


def top(text: str) -> Change:
    """More keys of the trigger, in line 18."""
    return (RULES, "unless:\n", f"{text}\nunless:\n")


def step(text: str) -> Change:
    """Another first step, in line 12."""
    return (RULES, MONTH, f"month: {{{text}}}")


def holidays(text: str) -> Change:
    """Holidays of the pack, in line 12."""
    return (PACK, "area_levels", f"holidays: {text}\narea_levels")


FINE: list[Change] = [
    top("with:\n  - {on: town.meter.installed, within: P90D, order: any, when: later.number == event.number}"),
    top("in_order: true\nwith: [{on: town.meter.installed, within: PT12H}, {on: town.meter.installed, within: P1Y}]"),
    top("count: {nth: 3, within: P1Y}"),
    (RULES, "occurrence: event.number", "occurrence: person"),
    step("from: event.valid_until, repeat: {every: P7D, at_most: 50, until: answered}"),
    step("from: event.valid_until, working_days: -3, offset: PT2H, on_working_day: previous"),
    holidays("{country: KZ, off: [2026-01-09], working: [2026-01-10, 2026-01-11]}"),
]


@pytest.mark.parametrize("change", FINE, ids=lambda change: change[2][:40])
def test_what_the_language_can_say_is_fine(tmp_path: Path, change: Change) -> None:
    """Every key of the language passes the check."""
    assert findings_of(write_town(tmp_path, change)) == []


ROWS: list[tuple[Change, list[str]]] = [
    (
        top(
            "with:\n  - {on: town.meter.installd, within: P90D}\n"
            "  - {on: town.meter.installed, within: P1D, when: later.nummer == event.number}"
        ),
        [
            "19:10: no event type is called 'town.meter.installd' (did you mean 'town.meter.installed'?)",
            "20:51: there is no field 'later.nummer' (did you mean 'later.number'?)",
        ],
    ),
    (top("with:\n  - {on: town.meter.installed}"), ["19:5: within is missing"]),
    (top("with:\n  - {on: town.meter.installed, within: -P3D}"), [f"19:40: within: {LONG}"]),
    (top("with:\n  - {on: town.meter.installed, within: P0D}"), [f"19:40: within: {LONG}"]),
    (
        top("with:\n  - {on: town.meter.installed, within: P1D, order: befor}"),
        [
            "19:52: order must be 'any', 'before' or 'after' (did you mean 'before'?)",
        ],
    ),
    (
        top("with:\n  - {on: town.meter.installed, within: P1D, wihin: P2D}"),
        [
            "19:45: the key 'wihin' is not known here (did you mean 'within'?)",
        ],
    ),
    (
        top("with:\n  - {on: town.flood, within: P1D}"),
        [
            "19:10: town.flood is about an area; `with` needs events about people",
        ],
    ),
    (top("with: []"), ["18:7: with is empty"]),
    (
        top(f"with: [{', '.join(['{on: town.meter.installed, within: P1D}'] * 6)}]"),
        [
            "18:7: with has more than 5 entries",
        ],
    ),
    (top("in_order: true"), ["18:11: in_order is about two entries of `with` or more"]),
    (top("count: {nth: 1, within: P1Y}"), ["18:14: nth must be at least 2"]),
    (top("count: {nth: 51, within: P1Y}"), ["18:14: nth must be at most 50"]),
    (
        top("count: {nht: 3, within: P1Y}"),
        [
            "18:8: nth is missing",
            "18:9: the key 'nht' is not known here (did you mean 'nth'?)",
        ],
    ),
    (
        (RULES, "occurrence: event.number", "occurrence: [person, event.number]"),
        [
            "10:13: 'person' means once a person, so it stands alone",
        ],
    ),
    (
        (RULES, "occurrence: event.number", "occurrence: persn"),
        [
            "10:13: 'persn' is no field of town.meter.installed (did you mean 'person'?)",
        ],
    ),
    (step("repeat: {every: P7D}"), ["12:19: at_most is missing"]),
    (
        step("repeat: {every: -P7D, at_most: 1, until: answerd}"),
        [
            f"12:27: every: {LONG}",
            "12:42: at_most must be at least 2",
            "12:52: until must be 'answered' (did you mean 'answered'?)",
        ],
    ),
    (
        step("working_days: -3, offset: P1D"),
        [
            "12:25: working days and the days of an offset exclude each other: say one of them",
        ],
    ),
    (step("working_days: 300"), ["12:25: working_days must be at most 250"]),
    (step("on_working_day: nxt"), ["12:27: on_working_day must be 'next' or 'previous' (did you mean 'next'?)"]),
    (
        step("from: complete.time"),
        [
            "12:17: 'complete.time' is when all of `with` is there, and this trigger has none",
        ],
    ),
]


@pytest.mark.parametrize(("change", "expected"), ROWS, ids=lambda part: str(part)[:60])
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, change: Change, expected: list[str]) -> None:
    """A finding has file, line, column, the problem in an owner's words, and what was probably meant."""
    assert findings_of(write_town(tmp_path, change)) == in_file(RULES, expected)


def test_a_misspelt_source_is_found(tmp_path: Path) -> None:
    """`complete.time` is proposed where the trigger has other events."""
    together = top("with:\n  - {on: town.meter.installed, within: P90D}")
    assert findings_of(write_town(tmp_path, together, step("from: complet.time"))) == [
        f"{RULES}:12:17: 'complet.time' is no field of town.meter.installed (did you mean 'complete.time'?)"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{country: kz}", ["12:21: no country has the code 'kz' (did you mean 'KZ'?)"]),
        ("{country: Kazakhstan}", ["12:21: no country has the code 'Kazakhstan'"]),
        (
            "{countr: KZ}",
            [
                "12:11: country is missing",
                "12:12: the key 'countr' is not known here (did you mean 'country'?)",
            ],
        ),
        (
            "{country: KZ, off: [2026-01-09, 2026-01-08, 2026-01-08], working: [2026-01-09]}",
            [
                "12:43: 2026-01-08 stands after 2026-01-09; the earliest day comes first, each once",
                "12:55: 2026-01-08 stands after 2026-01-08; the earliest day comes first, each once",
                "12:78: 2026-01-09 is both off and working",
            ],
        ),
        ("{country: KZ, off: [2026-02-30]}", ["12:31: off: there is no such day"]),
        ("[KZ]", ["12:11: holidays must be a group of keys"]),
    ],
)
def test_holidays_are_checked(tmp_path: Path, text: str, expected: list[str]) -> None:
    """A country that is not known, and days out of order or said twice, are named with their place."""
    assert findings_of(write_town(tmp_path, holidays(text))) == in_file(PACK, expected)


def test_words_may_read_the_number_of_a_repetition(tmp_path: Path) -> None:
    """`repetition` is a variable of the words, one language may say it and another not; a misspelt one is found."""
    said = (RU, "Остался месяц.", "Остался месяц, напоминание {{ repetition }}.")
    assert findings_of(write_town(tmp_path, said)) == []
    misspelt = (KK, "Бір ай қалды.", "Бір ай қалды, {{ repetiton }}.")
    assert findings_of(write_town(tmp_path, said, misspelt)) == [
        f"{KK}:20:75: there is no variable repetiton (did you mean 'repetition'?)"
    ]


def test_the_words_of_repetitions_are_tried_too(tmp_path: Path) -> None:
    """Words that only a repetition has are rendered by the check, and are too long there or not."""
    again = step("from: event.valid_until, repeat: {every: P7D, at_most: 2}")
    long = (RU, 'Поверьте счётчик"\n  body', "{% if repetition > 1 %}" + "я" * 51 + '{% endif %}"\n  body')
    assert findings_of(write_town(tmp_path, again, long)) == [
        f"{RU}:4:10: this comes to 51 characters or more, and 50 are seen on a locked telephone"
    ]
