"""The platform's own words around questions by SMS, where a person has several open at one number."""

from collections.abc import Iterable, Mapping

_MARKED: Mapping[str, str] = {
    "kk": "Жауапқа {mark} қосыңыз, мысалы: {code} {mark}",
    "ru": "Добавьте к ответу {mark}, например: {code} {mark}",
    "en": "Add {mark} to your answer, for example: {code} {mark}",
}

UNSAID: Mapping[str, str] = {"kk": "Біздің хабарлама", "ru": "Наше сообщение", "en": "Our message"}
"""The title of a discreet message, whose substance must not be read over a shoulder."""


def with_mark(text: str, language: str, code: str, mark: str) -> str:
    """Return a question's SMS that says how its answer is told from others; `code`: an answer that it takes."""
    words = _MARKED.get(language, _MARKED["en"])
    return f"{text}\n{words.format(code=code, mark=mark)}"


def questions_in_words(questions: Iterable[tuple[str, str, str]]) -> str:
    """Return the open questions for a clarifying answer: of each the title, an answer that it takes, and its mark."""
    return "; ".join(f"{code} {mark} ({title})" for title, code, mark in questions)
