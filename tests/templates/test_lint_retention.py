"""Which limits of content an event type can have: none on which anything that is still ahead depends."""

from pathlib import Path

import pytest

from tests import world
from tests.templates.packs import FILES, FLOOD, METER, PACK, RULES, Change, findings_of, in_file, write_town

METER_TEXT = FILES[METER]

PLAIN: Change = (METER, METER_TEXT[METER_TEXT.index("sets:") :], "")
HOLDER = "subject: holder\n"


def limited(limit: str) -> Change:
    """The meters' type with that limit, in line 5."""
    return (METER, HOLDER, f"{HOLDER}retention: {limit}\n")


WITH = "with: [{on: town.meter.installed, within: P5Y}]"
SENTENCE = "5:12: meter_check depends on it for up to"
ROWS: list[tuple[list[Change], list[str]]] = [
    ([PLAIN, limited("P1Y")], []),
    ([PLAIN, limited("P18M")], []),
    ([PLAIN, limited("5 years")], ["5:12: retention: a limit is written in whole years or months: P5Y, P18M"]),
    ([PLAIN, limited("P30D")], ["5:12: retention: a limit is written in whole years or months: P5Y, P18M"]),
    ([PLAIN, limited("P0Y")], ["5:12: retention: a limit is written in whole years or months: P5Y, P18M"]),
    (
        [limited("P5Y")],
        [
            "5:1: it sets area, checked_on, guardians, meter on a person, which is read as long as they live",
        ],
    ),
    (
        [PLAIN, limited("P5Y"), (METER, "agency: water", "agency: water\nends_life: true")],
        [
            "6:1: it ends a life, and that is asked for ever after",
        ],
    ),
    ([PLAIN, limited("P1M")], [f"{SENTENCE} 60 days (did you mean 'P1Y'?)"]),
    (
        [PLAIN, limited("P1Y"), (RULES, "offset: -P30D", "offset: -P1Y")],
        [
            f"{SENTENCE} 402 days (did you mean 'P2Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P1Y"), (RULES, "offset: -P30D", "repeat: {every: P1M, at_most: 12}, offset: -P30D")],
        [
            f"{SENTENCE} 401 days (did you mean 'P2Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P1Y"), (RULES, "expires: event.valid_until", "expires: P3Y")],
        [
            f"{SENTENCE} 1146 days (did you mean 'P4Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P1Y"), (RULES, "to: subject", "to: subject\ncount: {nth: 2, within: P2Y}")],
        [
            f"{SENTENCE} 804 days (did you mean 'P3Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P1Y"), (RULES, "to: subject", f"to: subject\n{WITH}")],
        [
            f"{SENTENCE} 1920 days (did you mean 'P6Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P1Y"), (RULES, "event.number}", "event.number, grace: P400D}")],
        [
            f"{SENTENCE} 460 days (did you mean 'P2Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P1Y"), (RULES, "event.number}", "event.number, within: {before: P2Y}}")],
        [
            f"{SENTENCE} 774 days (did you mean 'P3Y'?)",
        ],
    ),
    (
        [PLAIN, limited("P5Y"), (RULES, "class: reminder", "class: legal")],
        [
            "5:12: meter_check is a legal notice, and no pack.yaml says (legal_proof) how long it must be proven",
        ],
    ),
    (
        [
            PLAIN,
            limited("P5Y"),
            (RULES, "class: reminder", "class: legal"),
            (PACK, "live_from: 2024-03-01", "live_from: 2024-03-01\nlegal_proof: P7Y"),
        ],
        [
            "5:12: meter_check is a legal notice, which must be proven for P7Y (legal_proof) (did you mean 'P7Y'?)",
        ],
    ),
    (
        [
            PLAIN,
            limited("P7Y"),
            (RULES, "class: reminder", "class: legal"),
            (PACK, "live_from: 2024-03-01", "live_from: 2024-03-01\nlegal_proof: P7Y"),
        ],
        [],
    ),
]


@pytest.mark.parametrize(("changes", "expected"), ROWS)
def test_a_limit_on_which_nothing_depends(tmp_path: Path, changes: list[Change], expected: list[str]) -> None:
    """A limit that is too short, or that the type cannot have, is a finding at its place, with one that would do."""
    assert findings_of(write_town(tmp_path, *changes)) == in_file(METER, expected)


def test_an_area_event_has_no_limit(tmp_path: Path) -> None:
    """What is about an area names nobody, so there is no key to destroy."""
    pack = write_town(tmp_path, (FLOOD, "subject: none\n", "subject: none\nretention: P5Y\n"))
    assert findings_of(pack) == in_file(
        FLOOD,
        [
            "5:1: an event about an area is about nobody: nothing of it is sealed, so nothing can become unreadable",
        ],
    )


ANSWERED = """\
type: town.meter.confirmed
title: {kk: Расталды, ru: Подтверждено}
agency: water
subject: holder
retention: P9Y
data: {type: object, additionalProperties: false, properties: {nudge: {type: string}, answer: {type: string}}}
"""


def test_what_answers_become_has_no_limit(tmp_path: Path) -> None:
    """Answers are compared with the questions whenever these are planned."""
    asks = (RULES, "correction: true", 'replies: {"1": town.meter.confirmed}\ncorrection: true')
    action = (RULES, "  - {id: order,", '  - {id: yes_, reply: "1", label: {kk: Иә, ru: Да}}\n  - {id: order,')
    pack = write_town(tmp_path, asks, action)
    (pack / "events" / "meter_confirmed.yaml").write_text(ANSWERED, encoding="utf-8")
    said = "answers to meter_check become such events, and are compared with it whenever it is planned"
    assert [each for each in findings_of(pack) if "confirmed" in each] == [f"events/meter_confirmed.yaml:5:1: {said}"]


def test_benefits_ask_for_ever(tmp_path: Path) -> None:
    """Whether somebody had a benefit already is asked however long ago that was."""
    [found] = findings_of(world.limited(tmp_path, birth_allowance_granted="P9Y"))
    assert found.endswith(": the benefit birth_allowance asks for it, however long ago it was")
