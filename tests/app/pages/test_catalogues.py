import ast
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.pages.catalogues import DEFAULT_LANGUAGE, LANGUAGES, LOCALE, Speech, language_among, language_of_header

ROOT = Path(__file__).parents[3]
METHODS = [
    ("pages/html/**.html", "jinja2"),
    ("pages/*.html", "jinja2"),
    ("demo/pages/**.html", "jinja2"),
    ("**.py", "python"),
]
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "say": None,
    "N_": None,
    "_say": None,
    "ngettext": (1, 2),
    "many": (1, 2),
    "Said": (1,),
    "Words": (1,),
    "Sentence": (1,),
    "Counted": (1, 2),
}
TRANSLATED = sorted(set(LANGUAGES) - {DEFAULT_LANGUAGE})


def written() -> set[str]:
    """Every text that a page can say, as it stands in templates and modules."""
    options = {name: {"trimmed": "true"} for name, method in METHODS if method == "jinja2"}
    texts: set[str] = set()
    for folder in ("app", "domain", "streams", "templates"):
        found = extract_from_dir(str(ROOT / folder), METHODS, options, KEYWORDS)
        texts |= {_first(text) for _, _, text, _, _ in found}
    return texts


def test_no_sentence_is_said_inside_an_f_string() -> None:
    """What is said stands outside of f-strings, where no catalogue would miss it."""
    found = []
    for folder in ("app", "domain", "streams", "templates"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            texts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.JoinedStr)]
            calls = [node for text in texts for node in ast.walk(text) if isinstance(node, ast.Call)]
            found += [f"{path.name}: {ast.unparse(each)}" for each in calls if _says(each)]
    assert found == []


def _says(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in KEYWORDS and bool(call.args) and isinstance(call.args[0], ast.Constant)


def _first(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else text[0]


def catalogue(language: str) -> Catalog:
    """The catalogue as its file has it."""
    with (LOCALE / f"{language}.po").open("rb") as source:
        return read_po(source, language)


def messages(language: str) -> Iterator[tuple[str, str]]:
    """Text, and what it is in that language."""
    for each in catalogue(language):
        forms = [each.string] if isinstance(each.string, str) else each.string or ()
        yield from ((_first(each.id), form) for form in forms if each.id)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language: str) -> None:
    """What is written in templates and modules stands in each catalogue, in its words, and nothing else does."""
    found = dict(messages(language))
    assert set(found) == written()
    assert [text for text, said in found.items() if not said.strip()] == []
    assert not [each for each in catalogue(language) if each.fuzzy]


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_their_gaps(language: str) -> None:
    """A translation names the same values as the text that it translates."""
    for text, said in messages(language):
        assert gaps(text) == gaps(said), text


AFTER_PREPOSITION = re.compile(
    r"\b(?P<preposition>без|в|во|для|до|за|из|к|ко|кроме|между|на|над|о|об|около|от|перед|по|под|после|при|про|против|раньше|с|со"
    r"|среди|у|через) [«“(]?(?:%\(|\{)(?P<gap>\w+)",
    re.IGNORECASE,
)
UNDECLINED = {
    "all",
    "at",
    "count",
    "date",
    "day",
    "language",
    "newest",
    "of",
    "oldest",
    "share",
    "time",
    "until",
    "year",
}
"""Gaps for what has one form: numbers, dates, and times of day."""
CODES = {"other", "step", "variable", "code"}
"""Gaps for names that a pack writes in Latin letters."""
LENGTHS = {"after", "before", "days", "length", "time"}
"""Gaps for lengths of time: their form is the same in the nominative and in the accusative."""


def test_no_gap_of_a_russian_text_stands_right_after_a_preposition() -> None:
    """What is put into a text stands in the nominative: only what does not decline follows a preposition."""
    found = [
        said
        for _, said in messages("ru")
        for each in AFTER_PREPOSITION.finditer(said)
        if each["gap"] not in UNDECLINED | CODES
        and not (each["preposition"].lower() in ("за", "через") and each["gap"] in LENGTHS)
    ]
    assert found == []


def test_lengths_of_time_have_one_form_for_both_cases() -> None:
    """After за and через a number has the same form as alone: there is no "1 минута" among the units."""
    units = [
        said
        for text, said in messages("ru")
        if re.fullmatch(r"\{count\} (?:\w+ )?(?:year|month|day|hour|minute|second)", text)
    ]
    assert len(units) == 3 * 7
    assert [
        each
        for each in units
        if re.search(r"[ая]\b", each) and each.split()[-1] not in ("года", "дня", "месяца", "часа")
    ] == []


def gaps(text: str) -> set[str]:
    """The values that a text names: %(name)s or {name}."""
    old = {part.partition(")")[0] for part in text.split("%(")[1:]}
    return old | {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("*", "en"), ("de-DE,de;q=0.9", "en"), ("KK", "kk"), ("fr, ru-RU;q=0.5", "ru"), (";;,,", "en")],
)
def test_the_first_language_that_there_are_words_in(header: str, language: str) -> None:
    """Whatever a browser asks for, it gets a language that the pages have words in."""
    assert language_of_header(header) == language


def test_a_language_without_words() -> None:
    """Who speaks a language that the pages don't gets English."""
    assert [language_among("kk"), language_among("uz")] == ["kk", "en"]


def test_dates_are_written_as_the_language_does() -> None:
    """A day and a moment are in the words of the language, and the moment in the zone of its reader."""
    moment, day = datetime(2025, 6, 2, 20, 30, tzinfo=UTC), date(2025, 6, 2)
    said = {each: Speech(each, ZoneInfo("Asia/Almaty")) for each in LANGUAGES}
    assert [said[each].day(day) for each in LANGUAGES] == [
        "2025\u202fж. 2 маусым",
        "2 июня 2025\u202fг.",
        "2 June 2025",
    ]
    assert [said[each].moment(moment) for each in LANGUAGES] == [
        "2025\u202fж. 3 маусым, 01:30",
        "3 июня 2025\u202fг., 01:30",
        "3 June 2025, 01:30",
    ]


NAKED_DAY = re.compile(
    r"(?:\{day\}|%\(time\)s|%\(date\)s) (?:дейін|бастап|бері|бергі|бітеді|басталады|жазылды|жағдай)\b"
)
"""Kazakh words that need a suffix on the word before them, which neither a date nor a time of day can take."""


def test_a_day_in_kazakh_never_stands_where_it_needs_a_suffix() -> None:
    """A date or a time of day that is put into a Kazakh text carries «күні» or «сәті», because it takes no suffix."""
    assert [said for _, said in messages("kk") if NAKED_DAY.search(said)] == []


def test_a_russian_sentence_does_not_end_with_two_full_stops() -> None:
    """A Russian date ends with «г.», so no sentence of a page has a date right before its full stop."""
    assert [said for _, said in messages("ru") if re.search(r"%\((?:date|day|at)\)s\.$", said)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_trigger_is_called_by_one_word(language: str) -> None:
    """Civil servants read «правило» and «ереже» on every page and in every mail, and no foreign word beside it."""
    assert [said for _, said in messages(language) if "триггер" in said.lower()] == []


def test_no_sentence_is_given_a_number_that_is_grouped_as_in_english() -> None:
    """What stands in a sentence's braces is a Number, which each language writes its own way."""
    found = []
    for folder in ("app", "domain", "streams", "templates"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            words = [each for each in calls if isinstance(each.func, ast.Name) and each.func.id == "Words"]
            given = [keyword.value for each in words for keyword in each.keywords]
            found += [f"{path.name}: {ast.unparse(each)}" for each in given if ":,}" in ast.unparse(each)]
    assert found == []
