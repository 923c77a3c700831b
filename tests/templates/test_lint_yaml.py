"""YAML that cannot be read, or that plays tricks.

Each row: a file of the small pack, a text in it, what is written instead, and what is found then (in that file,
unless another is named).
"""

from pathlib import Path

import pytest

from tests.templates.packs import KK, LAW, PACK, RULES, Row, check_row

ROWS: list[Row] = [
    (
        PACK,
        "title: {kk: Қала, ru: Город}",
        "title: {kk: Қала, ru: Город",
        [
            "3:10: one of , } is missing, or a text with such signs is not in quotes",
        ],
    ),
    (
        RULES,
        "owner: water",
        "owner: water: supply",
        [
            "3:13: a text that contains ': ' must be in quotes, and keys of one group begin in the same column",
        ],
    ),
    (
        RULES,
        "    from: event.valid_until\n",
        "\tfrom: event.valid_until\n",
        [
            "14:1: indent with spaces, not with tabs",
        ],
    ),
    (
        RULES,
        LAW,
        'legal_basis: "Rules of 2020',
        [
            "12:56: check the indentation of this line, or look for a missing quotation mark above",
        ],
    ),
    (RULES, "class: reminder", "class: reminder\nclass: offer", ["7:1: the key 'class' is here twice"]),
    (
        RULES,
        "owner: water",
        "owner: !!python/name:os.system water",
        [
            "3:8: the tag 'tag:yaml.org,2002:python/name:os.system' is not used here",
        ],
    ),
    (RULES, "owner: water", "owner: *water", ["3:8: this alias (*) has no anchor (&)"]),
    (RULES, "owner: water", "owner: &w [*w]", ["1:1: this is nested too deeply, or its aliases multiply"]),
    (RULES, "owner: water", "[owner]: water", ["2:1: owner is missing", "3:1: a key must be a word"]),
    (RULES, "owner: water", "owner: wa\u200bter", ["3:10: the character U+200B cannot be seen; delete it"]),
    (
        RULES,
        "owner: water",
        'owner: "wa\\u202eter"',
        [
            "3:8: no agency is called 'wa\\u202eter' (did you mean 'water'?)",
            "3:8: the character U+202E cannot be seen; delete it",
        ],
    ),
    (RULES, "owner: water", "owner water", ["3:1: a key ends with ':' and a space"]),
    (RULES, "owner: water", "owner:water", ["3:1: a key ends with ':' and a space"]),
    (
        RULES,
        "cascade_after: PT10M",
        "\u00a0cascade_after: PT10M",
        [
            "21:1: this line begins with U+00A0, which only looks like a space: indent with spaces",
        ],
    ),
    (RULES, "when: event.fee > 0", "when: &&", ["8:8: put this text in quotes: & and * say something else"]),
    (KK, "---\nsubject", "subject", ["1:1: the keys stand at the top, between two lines of ---"]),
    (
        KK,
        "\n---\nСәлеметсіз",
        "\nСәлеметсіз",
        ["15:1: the second line of --- is missing: put it between the keys and the text of the email"],
    ),
    (
        RULES,
        "  - {on: town.meter.installed",
        "  -{on: town.meter.installed",
        [
            "19:3: write a space after the dash: - {on: town.meter.installed, when: later.number == event.number}",
        ],
    ),
    (
        RULES,
        "when: event.fee > 0 && citizen.age >= 18",
        'when: "event.kind == "cold""',
        ['8:22: the text ends at this quotation mark: around a text with " in it, put \' and no "'],
    ),
    (
        RULES,
        "title: {kk: Тексеру",
        'title: {kk: "Үй "есептегіші" туралы"',
        ['2:17: the text ends at this quotation mark: around a text with " in it, put \' and no "'],
    ),
    (KK, "Ештеңе істемеңіз", "Ештеңе\x07", ["11:44: the character U+0007 cannot be seen; delete it"]),
]


@pytest.mark.parametrize("row", ROWS)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, row: Row) -> None:
    """A finding has file, line, column, the problem in an owner's words, and what was probably meant."""
    check_row(tmp_path, row)
