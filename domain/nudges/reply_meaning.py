"""The meaning of a text that a person wrote to us: an answer to an open question, a stop, or something else."""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from domain.persons.replies import code_meant, spelt

STOP_WORDS = frozenset({"stop", "стоп", "тоқтату", "тоқтат", "токтату", "токтат", "unsubscribe", "отписаться"})
"""With ‹к› for ‹қ› too: not every telephone has the letters of Kazakh."""
MEANT_AS: Mapping[str, frozenset[str]] = {
    "1": frozenset({"иә", "иа", "ия", "да", "yes"}),
    "2": frozenset({"жоқ", "жок", "нет", "no"}),
}
"""Code -> the words that mean the same, where a question takes the code and not the word itself."""
_BETWEEN = re.compile(r"[\W_]+")


class OpenQuestion(Struct, frozen=True):
    """A message that asked `recipient` and got no answer yet; `mark` tells it from others at the same number.

    `replies`: code -> the event type that it becomes; `about`: the occurrence, as being asked again is the same.
    """

    nudge: UUID
    recipient: str
    mark: str
    replies: Mapping[str, str]
    about: UUID


class Answered(Struct, frozen=True):
    """The text gives this answer to this question."""

    question: OpenQuestion
    code: str


class Stopped(Struct, frozen=True):
    """The text asks for no more messages of that kind."""


class Unclear(Struct, frozen=True):
    """The text is an answer, but not clear to which question."""


class Other(Struct, frozen=True):
    """The text is something else."""


Understood = Answered | Stopped | Unclear | Other


def understand(text: str, questions: Sequence[OpenQuestion], answered: Sequence[OpenQuestion] = ()) -> Understood:
    """Return the meaning of a text, given the open and the answered questions: in doubt, nothing is agreed to.

    A bare answer answers the only open question; of several, the question's mark must follow it ("1 47"). Where it
    answers none that is open, it is another answer to the only one that was answered, or to the one of that mark.
    """
    words = [word for word in _BETWEEN.split(spelt(text)) if word]
    if len(words) == 1 and words[0] in STOP_WORDS:
        return Stopped()
    if (answer := _bare(" ".join(words), questions)) is not None:
        return answer
    understood = _marked(words, questions)
    again = _again(words, answered) if not isinstance(understood, Answered) else None
    return again or understood


def _again(words: Sequence[str], answered: Sequence[OpenQuestion]) -> Answered | None:
    """Return another answer to an answered question; a bare one only where there is one such question."""
    marked = [each for each in answered if words and each.mark == words[-1]]
    said = " ".join(words[:-1] if marked else words)
    named = marked or (answered if len(answered) == 1 else [])
    answers = [Answered(each, code) for each in named if (code := _code(said, each)) is not None]
    return answers[0] if len(answers) == 1 else None


def _bare(said: str, questions: Sequence[OpenQuestion]) -> Understood | None:
    answers = [Answered(each, code) for each in questions if (code := _code(said, each)) is not None]
    if not answers:
        return None
    return answers[0] if len(questions) == 1 else Unclear()


def _marked(words: Sequence[str], questions: Sequence[OpenQuestion]) -> Understood:
    said, mark = " ".join(words[:-1]), words[-1] if words else ""
    if not any(_code(said, each) is not None for each in questions):
        return Other()
    named = [each for each in questions if each.mark == mark]
    answers = [Answered(each, code) for each in named if (code := _code(said, each)) is not None]
    return answers[0] if len(answers) == 1 else Unclear()


def _code(said: str, question: OpenQuestion) -> str | None:
    """Return the code of the question's reply, given as such or by a word for it; None where it is none of them."""
    if (found := code_meant(said, question.replies)) is not None:
        return found
    return next((code for code, words in MEANT_AS.items() if said in words and code in question.replies), None)
