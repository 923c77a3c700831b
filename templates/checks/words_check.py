"""Checks a trigger's words: their keys, the variables and steps they name, and that all languages say the same."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations
from typing import Any

from msgspec import Struct

from domain.core.plain import PlainData
from domain.core.translatable import N_, Words
from domain.rules.benefit_compiling import starts_on
from domain.rules.compiler_base import ENTITLED
from domain.rules.event_types import Catalogue
from domain.rules.triggers import CORRECTION
from templates.checks.sample_events import law_variables
from templates.checks.scaffold_text import title_of
from templates.checks.shape_check import check_shape
from templates.checks.unfilled_places import unfilled_names, unfilled_placeholders
from templates.reading.files import BODY, TriggerFiles, plain
from templates.reading.findings import Finding, closest
from templates.reading.pack_content import group_at
from templates.reading.trigger_shapes import WordsShape
from templates.reading.yaml_file import Document, Path, Place
from templates.words.environment import markdown_environment, plain_environment
from templates.words.markdown import LINK
from templates.words.policy import Scope
from templates.words.syntax import read_words
from templates.words.tags import CLOSES, OPENS, TAG

START = Place(1, 1, 1)
NEEDED: Mapping[str, tuple[str, ...]] = {"push": ("push",), "sms": ("sms",), "email": ("subject", BODY)}
"""The words that a channel needs."""
_UNSHOWN = (
    (re.compile(r"!\["), Words("pictures are not sent")),
    (re.compile(r"<(?!https://|mailto:)[A-Za-z/!]"), Words("HTML is not sent; it would be shown as it stands here")),
    (re.compile(r"^ *(?:\||```|~~~)"), Words("tables and code are not sent")),
    (
        re.compile(rf"\]\((?!(?:{LINK.pattern})\))"),
        Words("a link goes to https://…, tel:… or mailto:…, without spaces"),
    ),
)


MOST_ALIKE, MOST_WITHOUT = 20, 60
"""So many letters may be the same in two languages, such as names; a Kazakh text of so many may lack its letters."""
KAZAKH = "ә, ғ, қ, ң, ө, ұ, ү, һ, і"
KAZAKH_LETTERS = frozenset("әғқңөұүһі")
_TAG, _NOT_WORDS = re.compile(TAG), re.compile(rf"{TAG}|https?://\S+")
_GROUPED = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f,](?=\d{3}(?!\d))")


class Context(Struct, frozen=True):
    """The context of a trigger's words: its rules, the names that they may use, and the pack's languages."""

    rules: Mapping[str, Any]
    scope: Scope
    languages: tuple[str, ...]


OTHER_NUMBERS = N_("{mine} stands here, and {theirs} in {language}.md: is it the same in both?")
"""A warning: the numbers of a text differ between two languages."""
ONLY_THERE = N_("{variable} is not used here, but in {language}.md")
"""An error that does not keep the words from being rendered: a language says what another one does not say yet."""


def context_of(rules: Mapping[str, Any], catalogue: Catalogue, languages: list[str]) -> Context:
    """Return the context for the words of a trigger with these rules."""
    steps = group_at(rules, "due")
    scope = Scope(_variables(rules, catalogue), (*steps, CORRECTION) if steps else None)
    return Context(rules, scope, tuple(languages))


def _variables(rules: Mapping[str, Any], catalogue: Catalogue) -> dict[str, str] | None:
    if (type_ := catalogue.kinds.get(starts_on(rules.get("on"), catalogue) or "")) is None:
        return None
    citizen = catalogue.citizen_variables()
    recipient = {f"recipient.{name.partition('.')[2]}": kind for name, kind in citizen.items()}
    event = {f"event.{name}": kind for name, kind in type_.variables().items()}
    law = law_variables(rules.get("on"), catalogue)
    return event | citizen | recipient | law | {"step": "string", "repetition": "integer", "due": "instant"}


def check_words(files: TriggerFiles, context: Context) -> None:
    """Report what is wrong with the words of a trigger, in each language and between them."""
    for language in context.languages:
        if language not in files.words:
            message = Words("this file is missing: it holds the words in {language!r}", language=language)
            files.rules.report.add(Finding(str(files.folder / f"{language}.md"), 0, 0, message))
    checked: dict[str, _Words] = {}
    for language, document in files.words.items():
        if context.languages and language not in context.languages:
            message = Words("the pack has no language {language!r}", language=language)
            document.note_at(START, message, closest(language, context.languages))
        if document.data is not None:
            checked[language] = _Words(language, document, context)
            checked[language].check()
    for first, second in permutations(checked.values(), 2):
        _compare(first, second)
    _check_languages(files, checked)
    _check_numbers(files, checked)


def _check_languages(files: TriggerFiles, languages: Iterable[str]) -> None:
    """Warn of what was not translated: the same text in two languages, or a Kazakh text without a Kazakh letter."""
    read = {language: dict(texts((), plain(files.words[language]))) for language in languages}
    seen: dict[tuple[Path, str], str] = {}
    for language, mine in read.items():
        document = files.words[language]
        for path, text in mine.items():
            letters = _letters(text)
            first = seen.setdefault((path, letters), language)
            if text == title_of(files.name):
                continue  # of the scaffold, which asks for another one anyhow
            if first != language and len(letters) > MOST_ALIKE:
                message = Words("the text is the same as in {language}.md: is it translated?", language=first)
                document.note(path, message, warning=True)
            elif language == "kk" and _looks_russian(letters):
                message = Words("the Kazakh text looks Russian: it has none of the letters {letters}", letters=KAZAKH)
                document.note(path, message, warning=True)


def _check_numbers(files: TriggerFiles, languages: Iterable[str]) -> None:
    """Warn of numbers that differ between the texts of two languages, in both."""
    read = {language: dict(texts((), plain(files.words[language]))) for language in languages}
    for mine, theirs in permutations(read, 2):
        for path in read[mine].keys() & read[theirs].keys():
            here, there = _numbers(read[mine][path]), _numbers(read[theirs][path])
            if here - there and there - here:
                message = Words(
                    OTHER_NUMBERS,
                    mine=", ".join(sorted(here - there)),
                    theirs=", ".join(sorted(there - here)),
                    language=theirs,
                )
                files.words[mine].note(path, message, warning=True)


def _numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text, without values, addresses and the spaces between groups of digits."""
    joined = _GROUPED.sub("", _NOT_WORDS.sub("\n", text))
    return frozenset(re.findall(r"\d+(?:[.,]\d+)?", joined))


def without_values(text: str) -> str:
    """Return what stands in a text whatever the values are: it has neither values nor what stands in conditions."""
    kept, depth, at = list[str](), 0, 0
    for code in _TAG.finditer(text):
        if depth == 0:
            kept.append(text[at : code.start()])
        at = code.end()
        if OPENS.match(code[0]):
            depth += 1
        elif depth and CLOSES.match(code[0]):
            depth -= 1
    return "".join([*kept, text[at:]] if depth == 0 else kept)


def _letters(text: str) -> str:
    """Return the letters of a text, without values and addresses."""
    return "".join(filter(str.isalpha, _NOT_WORDS.sub("", text))).lower()


def _looks_russian(letters: str) -> bool:
    cyrillic = [each for each in letters if "\u0400" <= each <= "\u04ff"]
    return len(cyrillic) > MOST_WITHOUT and KAZAKH_LETTERS.isdisjoint(cyrillic)


def _compare(one: "_Words", other: "_Words") -> None:
    """Report what one language says and the other does not, text by text; not what the other lacks braces for."""
    document = other.document
    for path in sorted(one.reads.keys() & other.reads.keys()):
        for variable in sorted(one.reads[path] - other.reads[path] - other.named[path]):
            document.note(path, Words(ONLY_THERE, variable=variable, language=one.language))


class _Words:
    def __init__(self, language: str, document: Document, context: Context) -> None:
        self.language, self.document, self.context = language, document, context
        self.plain, self.markdown = plain_environment(language), markdown_environment(language)
        self.reads: dict[Path, frozenset[str]] = {}
        self.named: dict[Path, frozenset[str]] = {}

    def check(self) -> None:
        """Report what is wrong in one language; note which variables each of its texts uses, and only names."""
        check_shape(self.document, WordsShape)
        self._steps()
        self._parts((), plain(self.document))
        self._correction()
        for path, text in texts((), plain(self.document)):
            self._text(path, text)

    def _steps(self) -> None:
        known = self.context.scope.steps
        for step in group_at(plain(self.document), "steps"):
            if known is not None and step not in known:
                message = Words("there is no step {step!r}", step=step)
                self.document.note(("steps", step), message, closest(step, known), key=True)

    def _parts(self, path: Path, words: Mapping[str, Any]) -> None:
        channels = self.context.rules.get("channels")
        for channel in channels if isinstance(channels, list) else ():
            for part in NEEDED.get(str(channel), ()):
                if part not in words:
                    given = {"part": ".".join(map(str, (*path, part))), "channel": channel}
                    message = Words("{part} is missing, and the trigger's channels include {channel}", **given)
                    self.document.note_at(self.document.keys.get(path, START), message)

    def _correction(self) -> None:
        words, wanted = plain(self.document).get(CORRECTION), self.context.rules.get(CORRECTION, False)
        if wanted is True and (words is None or isinstance(words, dict)):
            self._parts((CORRECTION,), words or {})
        elif wanted is False and words is not None and self.context.rules:
            self.document.note((CORRECTION,), Words("trigger.yaml does not say `correction: true`"), key=True)

    def _text(self, path: Path, text: str) -> None:
        reading = read_words(text, self.markdown if is_markdown(path) else self.plain, self.context.scope)
        if not reading.problems:
            self.reads[path] = reading.reads - {"step", "repetition"}
            self.named[path] = unfilled_names(text)
            for line, column, message in unfilled_placeholders(text, self.context.scope.variables):
                self.document.note_at(self.document.inside(path, line, column=column), message)
        for problem in reading.problems:
            self.document.note_at(
                self.document.inside(path, problem.line, problem.token), problem.message, problem.suggestion
            )
        if path[0] == CORRECTION and (gone := sorted(reading.reads & ENTITLED.keys())):
            message = Words(
                "a correction may come when nobody is entitled any more, so {variable} has no value", variable=gone[0]
            )
            self.document.note(path, message)
        if is_markdown(path):
            self._markdown(path, text)
        elif self.context.rules.get("discreet") is True and reading.reads:
            self.document.note(path, Words("the trigger is discreet: subject, push and SMS show no values"))

    def _markdown(self, path: Path, text: str) -> None:
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, message in _UNSHOWN:
                if found := pattern.search(line):
                    self.document.note_at(self.document.inside(path, number, column=found.start() + 1), message)


def texts(path: Path, words: PlainData) -> Iterator[tuple[Path, str]]:
    """Yield every text of a words file, with its path."""
    if isinstance(words, str):
        yield path, words
    for name, inner in words.items() if isinstance(words, dict) else ():
        yield from texts((*path, name), inner)


def is_markdown(path: Path) -> bool:
    """Return True if the text at a path is Markdown: the email's body, not that of a push message."""
    return path[-1] == BODY and path[-2:-1] != ("push",)
