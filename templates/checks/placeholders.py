"""Finds what `habarshy new` wrote and nobody has replaced: such text may be tested, and is never published."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import astuple

from domain.core.plain import PlainData
from domain.core.translatable import N_, Words
from templates.checks.scaffold_text import ASKED, CASES, DAY, NEEDLESS, remarked, title_of
from templates.reading.files import TriggerFiles
from templates.reading.findings import Finding, Report
from templates.reading.yaml_file import Document, Path, Place

RULES = ""
"""Stands for trigger.yaml where a language stands for its words."""
ASKS_NEEDLESS = N_("say what makes the message needless (`unless`), or delete these remarks")
ASKS_TAKEN_OVER = N_("{key} is taken over from {name}: change it, or take that remark away if it is right here too")
ASKS_CHOICE = N_("{key} is of the sample: choose it, and take that remark away")
_ENGLISH = "en"
"""In English the trigger's name may be a good title: `card_ends`, "Card ends"."""
_SENTENCES = [sentence for asked in ASKED.values() for sentence in astuple(asked)]
_SPACED = "|".join(r"\s+".join(map(re.escape, each.rstrip(".").split())) for each in _SENTENCES)
_SENTENCE = re.compile(rf"\b(?:{_SPACED})", re.IGNORECASE)


class Placeholder(NamedTuple):
    """Text of the scaffold: in which file (a language, or RULES), at which path, and where in that text."""

    file: str
    path: Path
    text: str
    line: int
    column: int

    @property
    def message(self) -> Words:
        """Return the error, which asks the author for a text of their own."""
        return Words("{text!r} is a placeholder: write your own text before it is submitted", text=self.text)

    def __str__(self) -> str:
        key = ".".join(map(str, self.path))
        return f"{self.file}.md: {key}: {self.message}" if self.file else f"trigger.yaml: {key}: {self.message}"


class StillPlaceholders(ValueError):
    """Raised when placeholders of the scaffold are to be published; it lists them."""


def placeholders(name: str, rules: PlainData, words: Mapping[str, PlainData]) -> Iterator[Placeholder]:
    """Yield the scaffold's text in the rules and words of a trigger of that name, as far as it is sent."""
    title = title_of(name)
    titles = rules.get("title") if isinstance(rules, dict) else None
    for language, text in titles.items() if isinstance(titles, dict) else ():
        if text == title and language != _ENGLISH:
            yield Placeholder(RULES, ("title", language), title, 1, 1)
    for path, text in _texts((), rules):
        yield from _sentences(RULES, path, text)
    unsent = _unsent(rules)
    for language, content in words.items():
        for path, text in _texts((), content):
            if unsent.intersection(path):
                continue
            if text == title and language != _ENGLISH:
                yield Placeholder(language, path, title, 1, 1)
            yield from _sentences(language, path, text)


def _unsent(rules: PlainData) -> set[str]:
    """Return the parts of words for channels that the rule does not use."""
    channels = rules.get("channels") if isinstance(rules, dict) else None
    return {"push", "sms"} - set(map(str, channels)) if isinstance(channels, list) and channels else set()


def is_of_the_scaffold(text: str) -> bool:
    """Return True if the scaffold's text is left in it."""
    return _SENTENCE.search(text) is not None


def require_own_text(name: str, rules: PlainData, words: Mapping[str, PlainData]) -> None:
    """Check that no text of the scaffold is left. Raises StillPlaceholders."""
    if found := list(placeholders(name, rules, words)):
        raise StillPlaceholders(
            Words(
                "{name} has placeholder text of the scaffold, which nobody may publish. "
                "Write your own text and submit again.\n\n{listed}",
                name=name,
                listed="\n".join(map(str, found)),
            )
        )


def check_placeholders(files: TriggerFiles, report: Report) -> None:
    """Warn of the scaffold's text in a trigger's rules and words."""
    found = placeholders(
        files.name, files.rules.data, {language: document.data for language, document in files.words.items()}
    )
    for each in found:
        document = files.words.get(each.file, files.rules)
        report.add(_finding(document, document.inside(each.path, each.line, column=each.column), each.message))
    for number, line in enumerate(files.rules.lines, 1):
        if line.strip() == NEEDLESS:
            report.add(_finding(files.rules, Place(number, 1, number), Words(ASKS_NEEDLESS)))
        elif (taken := remarked(line)) is not None:
            message = Words(ASKS_TAKEN_OVER if taken[1] else ASKS_CHOICE, key=taken[0], name=taken[1])
            report.add(_finding(files.rules, Place(number, 1, number), message))


def check_case(document: Document) -> None:
    """Warn of a test as the scaffold wrote it: it says nothing of the words or of the dates of this trigger."""
    case = document.data
    if case["name"] not in CASES[:-1] or not str(case["clock"]).startswith(DAY.isoformat()):
        return
    if not any("contains" in each for each in case["expect"]):
        message = Words("this test is a placeholder: say what the text of its message contains, and name it anew")
        document.report.add(_finding(document, document.value(()), message))


def _finding(document: Document, place: Place, message: Words) -> Finding:
    return Finding(document.path, place.line, place.column, message, warning=True, placeholder=True)


def _texts(path: Path, content: PlainData) -> Iterator[tuple[Path, str]]:
    if isinstance(content, str):
        yield path, content
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, inner in items:
        yield from _texts((*path, key), inner)


def _sentences(file: str, path: Path, text: str) -> Iterator[Placeholder]:
    for found in _SENTENCE.finditer(text):
        before = text[: found.start()]
        yield Placeholder(file, path, found[0], before.count("\n") + 1, found.start() - before.rfind("\n"))
