"""Changes of a trigger's words, by language and channel; a different line break is no change."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from domain.core.translatable import Joined
from domain.core.translatable import Words as Sentence
from templates.authoring.text_diff import marked_changes
from templates.checks.words_check import is_markdown, texts
from templates.reading.files import BODY
from templates.reading.yaml_file import Path

_PARAGRAPH = re.compile(r"\n\s*\n")
_TEXTS: Mapping[str, str] = {
    "subject": Sentence("email subject"),
    "sms": Sentence("SMS"),
    BODY: Sentence("email"),
    "push title": Sentence("push title"),
    "push body": Sentence("push body"),
}
Words = Mapping[str, Mapping[str, Any]]


class WordsChange(Struct, frozen=True):
    """A text that is different, or a language that came or went."""

    language: str
    about: str
    sentence: str
    before: str | None
    after: str | None


def words_changes(old: Words, new: Words) -> Iterator[WordsChange]:
    """Yield every text that says something else, language by language."""
    for language in [*old, *(each for each in new if each not in old)]:
        if language not in new:
            gone = Sentence("The words in {language} are gone.", language=language)
            yield WordsChange(language, "", gone, None, None)
        elif language not in old:
            come = Sentence("There are words in {language} now.", language=language)
            yield WordsChange(language, "", come, None, None)
        else:
            yield from _texts(language, old[language], new[language])


def _texts(language: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[WordsChange]:
    before, after = dict(texts((), old)), dict(texts((), new))
    for path in [*before, *(each for each in after if each not in before)]:
        one, other = (_effective(path, found) for found in (before, after))
        if one == other:
            continue
        name = _name(path)
        yield WordsChange(language, name, _sentence(language, name, one, other), one, other)


def _sentence(language: str, name: str, one: str | None, other: str | None) -> str:
    if other is None:
        return Sentence("{language}, {name} is gone: {text}", language=language, name=name, text=one)
    if one is None:
        return Sentence("{language}, {name} is new: {text}", language=language, name=name, text=other)
    return Joined([f"{language}, ", name, f": {marked_changes(one, other)}"], "")


def _effective(path: Path, found: Mapping[Path, str]) -> str | None:
    """Return the text that is read: a step without words of its own has the usual ones."""
    text = found.get(path)
    if text is None and path[0] == "steps":
        text = found.get(path[2:])
    return None if text is None else _flowing(text, markdown=is_markdown(path))


def _flowing(text: str, *, markdown: bool) -> str:
    if not markdown:
        return " ".join(text.split())
    return "\n\n".join(_unwrapped(part) for part in _PARAGRAPH.split(text.strip()))


def _unwrapped(paragraph: str) -> str:
    """Return a paragraph on one line; the items of a list stay apart."""
    return re.sub(r"[ \t]*\n[ \t]*(?![-*+>] |\d+\. |#)", " ", paragraph).strip()


def _name(path: Path) -> str:
    """Return a text as people call it: "push title of step day"."""
    inner = path[2:] if path[0] == "steps" else path[1:] if path[0] == "correction" else path
    name = f"push {inner[-1]}" if inner[0] == "push" else str(inner[-1])
    name = _TEXTS.get(name, name)
    if path[0] == "steps":
        return Sentence("{name} of step {step}", name=name, step=path[1])
    return Sentence("{name} of the correction", name=name) if path[0] == "correction" else name
