"""`habarshy test` for answers by code: what they become, to whom they belong, and what is wrong with them."""

from pathlib import Path

import pytest

from streams.rehearsal.case_model import Decision
from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import Stage, stages
from streams.rehearsal.verdict import judge
from templates.reading.findings import Report
from tests.beginnings import packs_in
from tests.streams.rehearsal.test_rehearsal_composed import ALONE, ASK, ASKED, INSTALLED, MONTH, yaml
from tests.templates.packs import KK, RU, RULES, Change, write_town

SAYS: list[Change] = [
    (RULES, "correction: true\n", "replies: {да: citizen.consent_given, 2: citizen.replied}\ncorrection: true\n"),
    (RULES, MONTH, f"month: {{{ASK}}}"),
    *((file, "№ {{ event.number }}: ", "Да, 2? ") for file in (KK, RU)),
    (KK, "Соңғы күн.", "Да, 2?"),
    (RU, "Последний день.", "Да, 2?"),
]
ON_TIME = "at: +P2D, answers: month, code"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """The trigger of the small pack, which asks three times and takes two answers."""
    [made] = stages(packs_in([write_town(tmp_path, *ALONE, *SAYS)]))
    return made


def played(folder: Path, stage: Stage, *events: str, asked: int = 1) -> list[Decision]:
    """The decisions of a case in which so many questions go, and the others are done by an answer."""
    path, report = folder / "town" / "meter_check" / "tests.yaml", Report()
    done = [f"{each}, nothing: true, because: done" for each in ASKED[asked:]]
    path.write_text(yaml([f"at: +P1D, {INSTALLED}", *events], ASKED[:asked] + done), encoding="utf-8")
    [case] = read_cases(path, stage, report)
    assert report.findings == ()
    found = rehearse(stage, case)
    assert judge(case, found.endings) == []
    return list(found.decisions)


@pytest.mark.parametrize(("code", "type_"), [("да", "consent_given"), ("ДА", "consent_given"), ('"2"', "replied")])
def test_a_code_becomes_its_event_and_answers_the_step(tmp_path: Path, stage: Stage, code: str, type_: str) -> None:
    """A case says the code, and the trigger says what it becomes; the question is not asked again."""
    known = [each.about for each in played(tmp_path, stage, f"{ON_TIME}: {code}") if each.what == "known"]
    assert known == ["town.meter.installed", f"citizen.{type_}"]


def test_another_answer_takes_the_first_one_back(tmp_path: Path, stage: Stage) -> None:
    """A consent and then another code: the consent is withdrawn, as on the platform; the same again is nothing."""
    more = [f"at: +P2DT{hour}H, answers: month, code: {code}" for hour, code in ((1, '"2"'), (2, '"2"'))]
    known = [each.about for each in played(tmp_path, stage, f"{ON_TIME}: да", *more) if each.what == "known"]
    said = ["citizen.consent_given", "citizen.consent_withdrawn", "citizen.replied"]
    assert known == ["town.meter.installed", *said]


def test_an_answer_before_the_question_is_none(tmp_path: Path, stage: Stage) -> None:
    """A code that answers nothing that went becomes no event, here as on the platform."""
    early = "at: +PT1H, answers: month, code: да"
    decisions = played(tmp_path, stage, early, asked=3)
    assert [(each.about, each.reason) for each in decisions if each.what == "unasked"] == [
        ("citizen.consent_given", "nothing had gone")
    ]


def test_an_answer_of_somebody_else_is_not_the_citizens(tmp_path: Path, stage: Stage) -> None:
    """Only who got the message can answer it."""
    decisions = played(tmp_path, stage, f"{ON_TIME}: да, subject: $mother", asked=3)
    assert "unasked" in [each.what for each in decisions]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        ("answers: month, code: дак", "no reply of the trigger is called 'дак' (did you mean 'да'?)"),
        ("answers: mnth, code: да", "no step is called 'mnth' (did you mean 'month'?)"),
        ("code: да", "events: an answer by code says which step it answers: answers: ask"),
        ("answers: month", "events: an event says its type, or the code of an answer"),
        ("answers: month, code: да, data: {}", "events: an answer by code has no data"),
        (
            "answers: month, code: да, type: citizen.replied",
            "events: an event says its type, or the code of an answer",
        ),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(tmp_path: Path, stage: Stage, answer: str, finding: str) -> None:
    """A code that is none, a step that is none, and what goes with no code."""
    path, report = tmp_path / "town" / "meter_check" / "tests.yaml", Report()
    path.write_text(yaml([f"at: +P1D, {answer}"], []), encoding="utf-8")
    assert read_cases(path, stage, report) == []
    assert [str(each).split(": ", 1)[1] for each in report.findings] == [finding]
