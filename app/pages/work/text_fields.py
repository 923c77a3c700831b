"""The fields of a draft's texts: the one in which a finding stands, and those that still hold text of the sample."""

from collections.abc import Iterable, Mapping
from typing import Final

from app.packs.draft_child import TESTS
from app.pages.work.sheets import rule_of, steps_of
from streams.rehearsal.case_reader import is_silent
from templates.authoring.words_form import EMPTY, WordsForm
from templates.authoring.yaml_edit import CannotEdit
from templates.checks.placeholders import ASKS_NEEDLESS, ASKS_TAKEN_OVER
from templates.reading.files import BODY
from templates.reading.findings import Finding

_OF_PART: Final[Mapping[str, str]] = {"push": "push.title", "sms": "sms", "subject": "subject", "body": BODY}
"""Part of the texts that is missing -> its field."""


def words_form(files: Mapping[str, str], spoken: str) -> WordsForm:
    """Return the texts of a draft in one language as a form. Raises CannotEdit as `WordsForm` does."""
    steps, corrects = steps_of(files), rule_of(files).get("correction") is True
    return WordsForm(files.get(f"{spoken}.md", EMPTY), steps if len(steps) > 1 else [], corrects=corrects)


def text_at(form: WordsForm, found: Finding) -> str:
    """Return the field of texts that a finding is about: of the text that is missing, or where it stands."""
    *under, part = str(getattr(found.message, "given", {}).get("part", "")).split(".")
    return ".".join((*under, _OF_PART[part])) if part in _OF_PART else form.at(found.line, found.column)


def asks_needless(found: Finding) -> bool:
    """Return True if a finding asks what makes the message needless."""
    return getattr(found.message, "template", "") == ASKS_NEEDLESS


def asks_taken_over(found: Finding) -> bool:
    """Return True if a finding asks if what is taken over from another rule is right."""
    return getattr(found.message, "template", "") == ASKS_TAKEN_OVER


def is_sample_text(found: Finding) -> bool:
    """Return True if a finding asks to replace a text or a test of the sample."""
    return found.placeholder and not any(asks(found) for asks in (is_silent, asks_needless, asks_taken_over))


def sample_texts(found: Iterable[Finding], files: Mapping[str, str]) -> dict[str, list[Finding]]:
    """Return the texts of the sample that are left, by their file: of each text the first finding.

    A test of the sample is one text.
    """
    left = dict[str, dict[str, Finding]]()
    for each in found:
        if is_sample_text(each):
            left.setdefault(each.path, {}).setdefault(_text_of(each, files), each)
    return {path: list(texts.values()) for path, texts in left.items()}


def _text_of(found: Finding, files: Mapping[str, str]) -> str:
    """Return the field of a finding; its place where no field shows that."""
    place = f"{found.line}:{found.column}"
    if found.path in ("trigger.yaml", TESTS):
        return place
    try:
        return text_at(words_form(files, found.path.removesuffix(".md")), found) or place
    except CannotEdit:
        return place
