"""A legal basis by an act and its articles, written in each language of a pack, and known again in such text."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from domain.core.plain import PlainData
from domain.core.translatable import Said, Words
from templates.reading.pack_content import group_at

Acts = Mapping[str, Mapping[str, str]]
"""Name of an act -> language -> what it is called."""
Articles = tuple[str, ...]
"""Numbers of articles as they are typed: `71`, one with an index (`71-1`), several in a row (`71-73`)."""
_NUMBER: Final = re.compile(r"([1-9][0-9]{0,4}) ?(?:[-–—−] ?([1-9][0-9]{0,4}))?")
_CALLED: Final = re.compile(r"\b(?:стать[яи]|ст\b\.?|articles?|arts?\b\.?) ?|-бап(?:тар)?\b", re.IGNORECASE)
"""The word for articles, which an author may type with their numbers."""
_LARGEST_INDEX: Final = 30
_IN_TEXT: Final = re.compile(r"[0-9]+(?:[-–][0-9]+)?")


class BadArticles(ValueError):
    """Raised for text that names no articles; its text says what to write, in words that can be translated."""

    def __init__(self, problem: Said) -> None:
        super().__init__(problem)
        self.problem = problem


class Citation(Struct, frozen=True):
    """An act by its name in the pack, and articles of it; without an act the legal basis is written freely."""

    act: str = ""
    articles: Articles = ()


class _Grammar(Struct, frozen=True):
    """The words of articles in a language: those of one, of several, before the last one, and between two ends."""

    one: str = "{}"
    several: str = "{}"
    joint: str = ", "
    dash: str = "–"


_GRAMMARS: Final[Mapping[str, _Grammar]] = {
    "kk": _Grammar("{}-бап", "{}-баптар", " және ", "-"),
    "ru": _Grammar("статья {}", "статьи {}", " и ", "–"),
    "en": _Grammar("art. {}", "arts. {}", " and ", "-"),
}
_OTHERWISE: Final = _Grammar()
"""In any other language the numbers alone stand behind the act."""


def acts_of(content: Mapping[str, PlainData], languages: Sequence[str]) -> Acts:
    """Return the acts of a pack that are called something in each of the languages."""
    found = {
        name: {each: str(called[each]) for each in languages if each in called}
        for name, called in ((name, group_at(called)) for name, called in group_at(content, "acts").items())
    }
    return {name: called for name, called in found.items() if len(called) == len(languages)}


def articles_in(text: str) -> Articles:
    """Return the numbers that an author typed, each once.

    Two numbers with a dash are an article with an index (71-1) if the second is not larger, else several in a row.

    Raises:
        BadArticles: the text names no articles.
    """
    text = _CALLED.sub("", " ".join(text.split()))
    for grammar in _GRAMMARS.values():
        text = text.replace(grammar.joint, ", ")
    found = []
    for each in filter(None, (part.strip() for part in re.split("[,;]", text))):
        matched = _NUMBER.fullmatch(each)
        if matched is None or _is_odd(matched):
            raise BadArticles(
                Words("“{text}” is no article: write numbers such as 71, or 71, 72, or 71–73", text=each[:40])
            )
        found.append("-".join(filter(None, matched.groups())))
    return tuple(dict.fromkeys(found))


def as_typed(articles: Articles) -> str:
    """Return articles as an author types them."""
    return ", ".join(_dashed(each, "–") for each in articles)


def legal_basis(called: Mapping[str, str], articles: Articles) -> dict[str, str]:
    """Return the legal basis in each language of the act."""
    return {
        language: _written(name, articles, _GRAMMARS.get(language, _OTHERWISE)) for language, name in called.items()
    }


def citation_of(acts: Acts, written: Mapping[str, str]) -> Citation:
    """Return the act and the articles that make exactly this legal basis in all its languages; else neither."""
    for act, called in acts.items():
        if (articles := _articles_behind(called, written)) is not None:
            return Citation(act, articles)
    return Citation()


def _articles_behind(called: Mapping[str, str], written: Mapping[str, str]) -> Articles | None:
    """Return the articles with which an act makes a legal basis; None where it does not."""
    for language, name in called.items():
        behind = written.get(language, "").removeprefix(name)
        try:
            articles = articles_in(", ".join(_IN_TEXT.findall(behind)))
        except BadArticles:
            return None
        return articles if legal_basis(called, articles) == dict(written) else None
    return None


def _written(name: str, articles: Articles, grammar: _Grammar) -> str:
    if not articles:
        return name
    numbers = [_dashed(each, grammar.dash) for each in articles]
    is_one = len(numbers) == 1 and not _is_in_a_row(articles[0])
    form = grammar.one if is_one else grammar.several
    return f"{name}, {form.format(_joined(numbers, grammar.joint))}"


def _joined(numbers: Sequence[str], joint: str) -> str:
    first, last = numbers[:-1], numbers[-1]
    return f"{', '.join(first)}{joint}{last}" if first else last


def _dashed(number: str, dash: str) -> str:
    """Return a number with the dash between the ends of several in a row; an index keeps its hyphen."""
    return number.replace("-", dash) if _is_in_a_row(number) else number


def _is_odd(number: re.Match[str]) -> bool:
    """Return True for several in a row whose ends changed places: no article has so large an index."""
    first, last = int(number[1]), int(number[2] or 0)
    return _LARGEST_INDEX < last <= first


def _is_in_a_row(number: str) -> bool:
    first, _, last = number.partition("-")
    return bool(last) and int(last) > int(first)
