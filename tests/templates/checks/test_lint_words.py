"""What is wrong in the words.

Each row: a file of the small pack, a text in it, what is written instead, and what is found then (in that file,
unless another is named).
"""

from pathlib import Path

import pytest

from templates.checks.loader import examine
from tests.templates.packs import KK, PACK, RU, RULES, SHIPPED, Row, check_row, write_town

ROWS: list[Row] = [
    (
        KK,
        'sms: "№ {{ event.number }}: ',
        'smss: "№ {{ event.number }}: ',
        [
            "1:1: sms is missing, and the trigger's channels include sms",
            "6:1: the key 'smss' is not known here (did you mean 'sms'?)",
        ],
    ),
    (
        KK,
        '  body: "Мерзімі',
        '  bdy: "Мерзімі',
        [
            "4:3: body is missing",
            "5:3: the key 'bdy' is not known here (did you mean 'body'?)",
        ],
    ),
    (
        KK,
        'subject: "№ {{ event.number }} есептегішті тексеріңіз"\n',
        "",
        [
            "1:1: subject is missing, and the trigger's channels include email",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: {{ event.numbr }}",
        [
            "22:14: there is no variable event.numbr (did you mean 'event.number'?)",
        ],
    ),
    (
        KK,
        'sms: "№ {{ event.number }}: {{',
        'sms: "№ {{ event.nummer }}: {{',
        [
            "6:12: there is no variable event.nummer (did you mean 'event.number'?)",
        ],
    ),
    (
        KK,
        "№ {{ event.number }} туралы",
        "№ {{ event.numbr }} туралы",
        [
            "16:10: there is no variable event.numbr (did you mean 'event.number'?)",
        ],
    ),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ citizen.salary }} {{ event.fee | money }}",
        [
            "24:14: there is no variable citizen.salary",
        ],
    ),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ event.fee | mony }}",
        [
            "24:26: there is no filter mony (did you mean 'money'?)",
        ],
    ),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ event.number | money }} {{ event.fee }}",
        [
            "24:29: the filter money takes integer, not string",
        ],
    ),
    (
        KK,
        "- Мерзімі: {{ event.valid_until | date }}",
        "- Мерзімі: {{ event.valid_until }}",
        [
            "23:15: a date is printed as 2026-03-01 unless you write {{ event.valid_until | date }}",
        ],
    ),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ event.fee | money }}{{ event.sealed }}",
        [
            "24:37: event.sealed is true or false; write {% if event.sealed %}…{% endif %}",
        ],
    ),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ event.fee | money }}{{ event.seals }}",
        [
            "24:37: event.seals is a list; write {% for each in event.seals %}{{ each }} {% endfor %}",
        ],
    ),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ event.fee | money }}{{ event }}",
        [
            "24:14: there is no variable event",
        ],
    ),
    (KK, 'step == "day"', 'step == "dya"', ["20:16: there is no step 'dya' (did you mean 'day'?)"]),
    (
        KK,
        'step == "day"',
        "step == 1",
        [
            "20:7: this compares string with integer",
            "20:15: there is no step '1'",
        ],
    ),
    (KK, 'step == "day"', 'event.fee > "1"', ["20:7: this compares integer with string"]),
    (KK, "  day: {sms", "  dya: {sms", ["8:3: there is no step 'dya' (did you mean 'day'?)"]),
    (KK, "  day: {sms", "  day: {title: a, sms", ["8:9: the key 'title' is not known here"]),
    (
        KK,
        "{% endif %}",
        "{% endfi %}",
        [
            "20:74: {% endfi %} is not known here; {% if %} ends with {% endif %}",
        ],
    ),
    (
        KK,
        "{% endif %}",
        "",
        [
            "26:1: {% if %} is not closed: write {% endif %}",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: {{ event.number }",
        [
            "22:1: {{ is closed by one } alone: write }}",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: {{ event.number",
        [
            "23:1: ':' is not expected here: is }} missing?",
        ],
    ),
    (KK, "{% endif %}", "{% endif", ["22:1: '-' is not expected here: is %} missing?"]),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: {{ event.number }} { event.kind }",
        [
            (
                "22:30: people would read '{ event.kind }' as it stands: one brace is missing on each side; "
                "a value is written {{ event.kind }}"
            ),
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: { event.number | upper }",
        [
            (
                "22:11: people would read '{ event.number | upper }' as it stands: "
                "one brace is missing on each side; a value is written {{ event.number | upper }}"
            ),
        ],
    ),
    (
        KK,
        'sms: "№',
        'sms: "[event.kind] №',
        [
            "6:8: people would read 'event.kind' as it stands; a value is written {{ event.kind }}",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: {{ event.number }} {атауы}",
        [
            "22:30: people would read this brace as it stands; a value is written {{ event.… }}",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- Нөмірі: {{ event.number | }}",
        [
            "22:1: a name is missing behind a point or a |",
        ],
    ),
    (
        KK,
        "correction:\n",
        "corection:\n",
        [
            "1:1: correction.body is missing, and the trigger's channels include email",
            "1:1: correction.push is missing, and the trigger's channels include push",
            "1:1: correction.sms is missing, and the trigger's channels include sms",
            "1:1: correction.subject is missing, and the trigger's channels include email",
            "9:1: the key 'corection' is not known here (did you mean 'correction'?)",
        ],
    ),
    (
        RULES,
        "correction: true\n",
        "",
        [
            "meter_check/kk.md:9:1: trigger.yaml does not say `correction: true`",
            "meter_check/ru.md:9:1: trigger.yaml does not say `correction: true`",
        ],
    ),
    (RU, "- Цена: {{ event.fee | money }}\n", "", ["18:1: event.fee is not used here, but in kk.md"]),
    (RU, '. {{ event.fee | money }}"', '."', ["6:6: event.fee is not used here, but in kk.md"]),
    (
        KK,
        "- Бағасы: {{ event.fee | money }}",
        "- Бағасы: {{ event.fee | money }} {{ event.kind }}",
        [
            '24:38: an event may lack event.kind: write {% if event.kind is defined %}, or | default("…")',
            "meter_check/ru.md:18:1: event.kind is not used here, but in kk.md",
        ],
    ),
    (
        KK,
        "№ {{ event.number }} туралы",
        "№ {{ event.place.street }} туралы",
        [
            "13:9: event.number is not used here, but in ru.md",
            "meter_check/ru.md:13:9: event.place.street is not used here, but in kk.md",
        ],
    ),
    (KK, "№ {{ event.number }} туралы", "№ {{ event.number * 2 }} туралы", ["16:1: words cannot multiply"]),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- <b>Нөмірі</b>: {{ event.number }}",
        [
            "22:3: HTML is not sent; it would be shown as it stands here",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "- ![Сурет](https://water.example/a.png) {{ event.number }}",
        [
            "22:3: pictures are not sent",
        ],
    ),
    (
        KK,
        "- Нөмірі: {{ event.number }}",
        "| Нөмірі | {{ event.number }} |",
        [
            "22:1: tables and code are not sent",
        ],
    ),
    (
        KK,
        "https://water.example/meters/{{ event.number }}",
        "https://{{ event.number }}.example",
        [
            "26:11: a link goes to https://…, tel:… or mailto:…, without spaces",
        ],
    ),
    (
        KK,
        "https://water.example/meters/{{ event.number }}",
        "javascript:alert(1)",
        [
            "26:11: a link goes to https://…, tel:… or mailto:…, without spaces",
        ],
    ),
    (
        RULES,
        "class: reminder",
        "class: reminder\ndiscreet: true",
        [
            "meter_check/kk.md:2:10: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/kk.md:5:9: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/kk.md:6:6: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/kk.md:8:14: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/ru.md:2:10: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/ru.md:5:9: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/ru.md:6:6: the trigger is discreet: subject, push and SMS show no values",
            "meter_check/ru.md:8:14: the trigger is discreet: subject, push and SMS show no values",
        ],
    ),
    (
        KK,
        'Ескермеңіз", body',
        'Бұрынғы хабарламаның барлығын түгел ескермеуіңізді сұраймыз", body',
        [
            "11:17: this comes to 59 characters or more, and 50 are seen on a locked telephone",
        ],
    ),
    (
        KK,
        '  sms: "Ескермеңіз"',
        '  sms: "' + "Ескермеңіз, " * 13 + '"',
        [
            "12:8: with office and code this comes to 181 characters or more: this needs 3 SMS; the limit is 2",
        ],
    ),
    (
        KK,
        'title: "Есептегішті тексеріңіз"',
        "title: >\n    " + "тексеріңіз " * 6,
        [
            "4:10: this comes to 65 characters or more, and 50 are seen on a locked telephone",
        ],
    ),
]

PRICED = "(for 20\u00a0₸ each time)"
LESS = ", 10\u202f000\u00a0₸ less for 1000 people"


@pytest.mark.parametrize("row", ROWS)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, row: Row) -> None:
    """A finding has file, line, column, the problem in an owner's words, and what was probably meant."""
    check_row(tmp_path, row)


@pytest.mark.parametrize(
    ("length", "warned"),
    [
        (49, []),
        (
            50,
            ["this is 2 SMS (71 characters with office and code): 1 fewer would make it 1" + LESS],
        ),
        (
            67,
            ["this is 2 SMS (88 characters with office and code): 18 fewer would make it 1" + LESS],
        ),
        (70, []),
        (113, []),
    ],
)
def test_a_text_that_costs_a_part_more_by_few_characters_is_warned_of(
    tmp_path: Path, length: int, warned: list[str]
) -> None:
    """Who writes 67 Cyrillic letters is told that 49 cost half, with office and code; far above, nothing is."""
    folder = write_town(
        tmp_path,
        (PACK, "area_levels:", "sms_price: 10\narea_levels:"),
        (RU, 'sms: "Сообщение отменено"', f'sms: "{"я" * length}"'),
    )
    _, report = examine([folder])
    assert [each.message for each in report.findings if each.warning and "SMS" in each.message] == warned


@pytest.mark.parametrize(("length", "told"), [(60, ["kk.md", "ru.md"]), (75, ["ru.md"])])
def test_an_sms_is_told_by_its_own_length_alone(tmp_path: Path, length: int, told: list[str]) -> None:
    """Up to twenty characters over one part are remarked on, whatever the text of another language has."""
    folder = write_town(
        tmp_path,
        (RU, 'sms: "Сообщение отменено"', f'sms: "{"я" * 60}"'),
        (KK, 'sms: "Ескермеңіз"', f'sms: "{"я" * length}"'),
    )
    _, report = examine([folder])
    assert sorted(Path(each.path).name for each in report.findings if "would make it" in each.message) == told


def test_a_text_with_values_is_warned_of_as_it_usually_comes(tmp_path: Path) -> None:
    """What goes a few characters into a second SMS with usual values is told, with the price of all those SMS."""
    folder = write_town(
        tmp_path,
        (PACK, "area_levels:", "sms_price: 10\narea_levels:"),
        (KK, 'sms: "Соңғы күн. № ', f'sms: "{"я" * 40} № '),
    )
    _, report = examine([folder])
    [found] = [each.message for each in report.findings if each.warning and "SMS" in each.message]
    assert found.startswith("this is usually 2 SMS (")
    assert found.endswith(" fewer would make it 1" + LESS)


@pytest.mark.parametrize(("length", "told"), [(90, True), (20, False)])
def test_an_sms_that_only_a_name_makes_dear_is_remarked_on(tmp_path: Path, length: int, *, told: bool) -> None:
    """A street in Cyrillic letters makes two SMS of a text in Latin letters that is one; a short text stays one."""
    street = "{% if event.place.street is defined %}{{ event.place.street }}{% endif %}"
    folder = write_town(
        tmp_path,
        (PACK, "area_levels:", "sms_price: 10\narea_levels:"),
        (PACK, "languages: [kk, ru]", "languages: [kk, ru, en]"),
    )
    words = (folder / RU).read_text("utf-8").replace('sms: "Сообщение отменено"', f"sms: '{'x' * length} {street}'")
    (folder / RU).with_name("en.md").write_text(words, "utf-8")
    _, report = examine([folder])
    found = [str(each.message) for each in report.findings if "in Cyrillic letters" in each.message]
    remark = f"a value in Cyrillic letters, such as a name, makes this 2 SMS {PRICED}; in Latin letters it would be 1"
    assert found == [remark] * told


def test_remarks_about_a_language_wait_for_no_other(tmp_path: Path) -> None:
    """A mistake in one language hides no price in the other; of its own texts the price is told without mistakes."""
    folder = write_town(
        tmp_path,
        (PACK, "area_levels:", "sms_price: 10\narea_levels:"),
        (RU, 'sms: "Сообщение отменено"', f'sms: "{"я" * 60} {{{{ event.nothing }}}}"'),
        (KK, 'sms: "Ескермеңіз"', f'sms: "{"я" * 60}"'),
    )
    _, report = examine([folder])
    told = [each.path for each in report.findings if "fewer would make it" in each.message]
    assert [Path(each).name for each in told] == ["kk.md"]


RUSSIAN = "Уважаемые граждане, проверьте счётчик воды в вашей квартире и передайте показания в городской водоканал"


def test_words_that_nobody_translated_are_warned_of(tmp_path: Path) -> None:
    """The same text in two languages and a Kazakh text without a Kazakh letter are warnings, with their places."""
    values = "№ {{ event.number }}: {{ event.valid_until | date }} {{ event.fee | money }}"
    changes = [
        (
            KK,
            '{{ event.valid_until | date }} күніне дейін тексеріңіз. {{ event.fee | money }}"',
            f'{values}. {RUSSIAN}"',
        ),
        (RU, 'до {{ event.valid_until | date }}. {{ event.fee | money }}"', f'{values}. {RUSSIAN}"'),
    ]
    _, report = examine([write_town(tmp_path, *changes)])
    found = [each for each in report.findings if each.path.endswith(("kk.md", "ru.md"))]
    said = {(Path(each.path).name, each.line, str(each.message)) for each in found if each.warning}
    assert ("kk.md", 6, "the Kazakh text looks Russian: it has none of the letters ә, ғ, қ, ң, ө, ұ, ү, һ, і") in said
    assert ("ru.md", 6, "the text is the same as in kk.md: is it translated?") in said


def test_shipped_packs_are_warned_of_nothing() -> None:
    """What is shipped is translated, and exceptions say how long ago; the price of a street's name is told."""
    _, report = examine([Path(each) for each in SHIPPED.values()])
    assert [each for each in report.findings if "in Cyrillic letters" not in each.message] == []
