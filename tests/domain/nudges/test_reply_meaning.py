"""Hearing: what a text means, given the questions that are open at its number."""

from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.nudges.reply_meaning import Answered, OpenQuestion, Other, Stopped, Unclear, understand
from tests.domain.given import modest

CONSENT = {"1": "citizen.consent_given", "2": "citizen.replied"}
WORK = OpenQuestion(UUID(int=1), "aida", "47", CONSENT, UUID(int=3))
HOUSE = OpenQuestion(
    UUID(int=2), "aida", "12", {"1": "citizen.consent_given", "кейін": "citizen.replied"}, UUID(int=4)
)


@pytest.mark.parametrize("text", ["1", " 1. ", "ИӘ", "иә!", "Да", "YES", "yes", "ия"])
def test_a_yes_answers_the_only_question(text: str) -> None:
    """The code and the words for it in three languages say the same."""
    assert understand(text, [WORK]) == Answered(WORK, "1")


@pytest.mark.parametrize(("text", "code"), [("2", "2"), ("жоқ", "2"), ("Нет", "2"), ("NO", "2")])
def test_a_no_is_an_answer(text: str, code: str) -> None:
    """A refusal is heard as one."""
    assert understand(text, [WORK]) == Answered(WORK, code)


@pytest.mark.parametrize("text", ["1", "да", "ИӘ", "кейін"])
def test_a_bare_answer_to_several_questions_is_none(text: str) -> None:
    """With several questions open nothing is agreed to."""
    assert understand(text, [WORK, HOUSE]) == Unclear()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1 47", Answered(WORK, "1")),
        ("1-12", Answered(HOUSE, "1")),
        ("да, 47", Answered(WORK, "1")),
        ("2 47", Answered(WORK, "2")),
        ("кейін 12", Answered(HOUSE, "кейін")),
        ("1 99", Unclear()),
        ("2 12", Unclear()),
    ],
)
def test_the_mark_says_which_question(text: str, answer: object) -> None:
    """The question's mark follows the answer; one that no question has, or that does not take it, is unclear."""
    assert understand(text, [WORK, HOUSE]) == answer


@pytest.mark.parametrize("text", ["STOP", "стоп", "Тоқтату", "ТОКТАТУ.", "stop!"])
def test_a_stop_is_heard_whatever_is_open(text: str) -> None:
    """The words for stopping, alone, in three languages."""
    assert understand(text, []) == Stopped()
    assert understand(text, [WORK, HOUSE]) == Stopped()


@pytest.mark.parametrize("text", ["", "?", "Не останавливайте", "stop it please 1", "11", "0", "рахмет", "1 47 2"])
def test_everything_else_is_kept(text: str) -> None:
    """What is no answer and no stop is neither taken for one."""
    assert understand(text, [WORK]) == Other()


def test_without_a_question_nothing_is_answered() -> None:
    """A yes to nothing agrees to nothing."""
    assert understand("1", []) == Other()


@modest
@examples(st.text(max_size=40), st.lists(st.sampled_from([WORK, HOUSE]), unique_by=lambda each: each.mark))
def test_an_answer_is_one_that_its_question_takes(text: str, questions: list[OpenQuestion]) -> None:
    """Whatever is written: an answer is to an open question, by a code of it, and never of several by a bare one."""
    heard = understand(text, questions)
    if isinstance(heard, Answered):
        assert heard.question in questions
        assert heard.code in heard.question.replies
        assert len(questions) == 1 or heard.question.mark in text
