"""habarshy eligible: the birth allowance of the law, by people's words and as JSON."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.terminal import Terminal, begun
from tests.world import LONG_AGO, birth, event, iin, registered

MOTHER, CHILD, SECOND = iin(1), iin(21), iin(22)
JANUARY = "--clock=2026-01-15T12:00+05:00"


def fourth(child: str, born_on: str, name: str) -> Any:
    """The birth of a fourth child."""
    found = birth(child, MOTHER, born_on, id=name)
    return event(found.type, child, found.time, {**(found.data or {}), "order": 4}, id=name)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal on whose database two births are known: of 10 March 2025, and, since January, of 10 January 2026."""
    return begun(tmp_path, _born)


def _born(terminal: Terminal) -> None:
    life = [*registered(MOTHER, LONG_AGO), fourth(CHILD, "2025-03-10", "first")]
    assert terminal.run("ingest", terminal.written("a", *life), "--clock=2025-03-20T12:00+05:00").code == 0
    late = fourth(SECOND, "2026-01-10", "second")
    assert terminal.run("ingest", terminal.written("b", late), JANUARY).code == 0


def asked(terminal: Terminal, day: str, *more: str, benefit: str = "birth_allowance") -> list[Any]:
    """The answers about a benefit."""
    ended = terminal.run("eligible", MOTHER, f"--as-of={day}", "--json", *(more or (JANUARY,)))
    assert ended.code == 0
    return [one for one in ended.objects if one["benefit"] == benefit]


def test_a_fourth_child_of_march_2025(terminal: Terminal) -> None:
    """63 × 3,932 = 247,716 tenge, with the clause and the parameter applied."""
    [found] = asked(terminal, "2025-04-01")
    assert (found["entitled"], found["amount"], found["why_not"]) == (True, 247_716, [])
    assert found["clause"] == "Social Code No. 224-VII of 20 April 2023, art. 71"
    assert (found["parameters"]["mci"]["value"], found["parameters"]["mci"]["since"]) == (3932, "2025-01-01")
    assert (found["from"], found["until"], found["used"]["event.order"]) == ("2025-03-10", "2026-03-10", 4)
    assert [one["id"] for one in found["facts"]] == ["first"]


def test_a_birth_of_january_2026(terminal: Terminal) -> None:
    """By the index of 2026 it is 272,475 tenge; the earlier child keeps the amount of its own first day."""
    assert [one["amount"] for one in asked(terminal, "2026-01-12")] == [247_716, 272_475]


def test_today_is_that_of_the_person(terminal: Terminal) -> None:
    """Without a day the answer is as of today where the person lives: on Kiritimati that is tomorrow by our clock."""
    moved = event(
        "citizen.preferences_changed", MOTHER, "2026-01-14T00:00:00Z", {"zone": "Pacific/Kiritimati"}, id="z"
    )
    assert terminal.run("ingest", terminal.written("z", moved), JANUARY).code == 0
    days = {
        one["as_of"] for one in terminal.run("eligible", MOTHER, "--json", "--clock=2026-01-15T16:00+05:00").objects
    }
    assert days == {"2026-01-16"}


def test_the_childcare_allowance_goes_by_the_law_of_the_day_asked_for(terminal: Terminal) -> None:
    """8.90 indices a month for the fourth child, rounded to the tenge, by the index of each year."""
    found = [
        asked(terminal, day, benefit="childcare_allowance")[0] for day in ("2025-04-01", "2026-01-12", "2026-09-10")
    ]
    assert [(one["amount"], one["per"]) for one in found] == [(34_995, "month"), (38_493, "month"), (None, "month")]
    assert found[2]["why_not"] == [{"why": "over", "day": "2026-09-10"}]


def test_what_was_not_recorded_yet_is_not_known(terminal: Terminal) -> None:
    """Known at a time before the second birth was recorded, only the first counts; at that very time, both do."""
    before, then = "--known-at=2026-01-15T11:59+05:00", "--known-at=2026-01-15T12:00+05:00"
    assert [one["amount"] for one in asked(terminal, "2026-01-12", before)] == [247_716]
    assert [one["amount"] for one in asked(terminal, "2026-01-12", then)] == [247_716, 272_475]
    assert [one["known_at"] for one in asked(terminal, "2026-01-12", before)] == ["2026-01-15T06:59:00Z"]


def test_facts_of_a_later_day_do_not_count(terminal: Terminal) -> None:
    """As of the day before the birth was registered there is none."""
    [found] = asked(terminal, "2025-03-09")
    assert (found["entitled"], found["why_not"], found["about"]) == (False, [{"why": "no_event", "day": None}], None)


def test_an_official_can_read_it(terminal: Terminal) -> None:
    """Amount, law, parameter, data and facts in words, and why not; never a national id."""
    ended = terminal.run("eligible", MOTHER, "--as-of=2025-04-01", JANUARY)
    told = "\n".join(ended.lines)
    for part in (
        "Birth allowance: entitled to 247\u202f716\u00a0₸\n",
        "From: 2025-03-10 until 2026-03-10",
        "art. 71",
        "Monthly calculation index: 3,932 since 2025-01-01 (Laws on the Republican Budget",
        "event.order = 4",
        "Fact: A birth was registered, 2025-03-10 12:00+05:00, reported by /test as first",
        "Childcare allowance: entitled to 34\u202f995\u00a0₸ a month",
    ):
        assert part in told
    over = "\n".join(terminal.run("eligible", MOTHER, "--as-of=2026-03-10", JANUARY).lines)
    assert "Birth allowance: not entitled\n  Why not: only until 2026-03-10, exclusive" in over
    assert MOTHER not in told + over
    assert CHILD not in told + over


def test_granted_is_a_reason(terminal: Terminal) -> None:
    """Who had it is told when."""
    data = {"child": CHILD, "amount": 247_716, "granted_on": "2025-05-05"}
    grant = event("kz.social.birth_allowance_granted", MOTHER, "2025-05-05T12:00:00+05:00", data)
    assert terminal.run("ingest", terminal.written("c", grant), JANUARY).code == 0
    [found] = asked(terminal, "2025-06-01")
    assert [(one["why"], one["day"]) for one in found["why_not"]] == [("had", "2025-05-05")]
    told = terminal.run("eligible", MOTHER, "--as-of=2025-06-01", JANUARY).lines
    assert "  Why not: “The birth allowance was granted” on 2025-05-05" in told


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([MOTHER, "--as-of=soon"], 2),
        ([MOTHER, "--known-at=soon"], 2),
        (["nobody"], 2),
        ([], 2),
        ([iin(7)], 1),
        ([MOTHER, "--known-at=2020-01-01"], 1),
        ([MOTHER], 0),
    ],
)
def test_a_question_that_cannot_be_answered_says_so(terminal: Terminal, arguments: list[str], code: int) -> None:
    """A wrong day or time ends with 2, a person of whom nothing is known with 1; the reason is on stderr."""
    ended = terminal.run("eligible", *arguments)
    assert ended.code == code
    assert (ended.lines == []) == (code != 0)
    assert "Traceback" not in ended.talk
    assert "--as-of=soon" not in arguments or "'soon' is no day; one is written" in ended.talk
