"""The fields of a draft's texts: their names, the one in which a finding stands, those with text of the sample."""

import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from app.packs.draft_child import TESTS
from app.pages.catalogues import Speech, own_first
from app.pages.naming import step_name
from app.pages.work.drafts.stored_drafts import rule_of, steps_of
from domain.core.translatable import N_
from streams.rehearsal.case_reader import is_silent
from templates.authoring.starter_values import with_values_of
from templates.authoring.words_form import EMPTY, WordsForm
from templates.authoring.yaml_edit import CannotEdit
from templates.checks.placeholders import ASKS_CHOICE, ASKS_NEEDLESS, ASKS_TAKEN_OVER
from templates.reading.files import BODY
from templates.reading.findings import Finding

MOST_TEXT: Final = 20_000
"""The most characters of one text."""
TITLES: Final[Mapping[str, str]] = {
    "subject": N_("Subject of the email"),
    "title": N_("Push: first line"),
    "body": N_("Push: text"),
    "sms": N_("SMS"),
    "email": N_("Text of the email"),
}
_CHANNEL_OF: Final[Mapping[str, str]] = {
    "subject": "email",
    "title": "push",
    "body": "push",
    "sms": "sms",
    "email": "email",
}
"""Which way a text goes."""
_FILE = re.compile(r"([a-z]{2,3})\.md")
_OF_PART: Final[Mapping[str, str]] = {"push": "push.title", "sms": "sms", "subject": "subject", "body": BODY}
"""Part of the texts that is missing -> its field."""


def words_form(files: Mapping[str, str], spoken: str) -> WordsForm:
    """Return the texts of a draft in one language as a form. Raises CannotEdit as `WordsForm` does."""
    steps, corrects = steps_of(files), rule_of(files).get("correction") is True
    return WordsForm(files.get(f"{spoken}.md", EMPTY), steps if len(steps) > 1 else [], corrects=corrects)


def kind_of(name: str) -> str:
    """Return which text a field has: subject, title, body, sms or email."""
    return "email" if name.rsplit(".", maxsplit=1)[-1] == BODY and "push" not in name else name.rpartition(".")[2]


def group_name(under: Sequence[str | int], steps: Sequence[str], speech: Speech) -> str:
    """Return what a group of fields is called: the texts of a step, or of the correction; empty for those of all."""
    if not under:
        return ""
    if under[0] == "correction":
        return speech.say("When it is taken back")
    return speech.say("Other words for the step {step}").format(step=step_name(str(under[1]), steps, speech))


def text_name(name: str, steps: Sequence[str], speech: Speech) -> str:
    """Return the name of a field of texts: of which step it is, if of one, and which text."""
    *under, _ = name.split(".")
    group = group_name(under, steps, speech) if under[:1] in (["steps"], ["correction"]) else ""
    title = speech.say(TITLES[kind_of(name)])
    return f"{group}: {title}" if group else title


def channels_of(files: Mapping[str, str]) -> Sequence[str]:
    """Return the ways by which the rule sends; none where its file does not say."""
    found = rule_of(files).get("channels")
    return [str(each) for each in found] if isinstance(found, list) else ()


def channel_of_text(name: str) -> str:
    """Return which way a text goes."""
    return _CHANNEL_OF[kind_of(name)]


def is_sent(name: str, channels: Sequence[str]) -> bool:
    """Return True if these ways, or any where the rule does not say its ways, send a text."""
    return not channels or channel_of_text(name) in channels


def languages_of(files: Mapping[str, str], known: Iterable[str], own: str) -> list[str]:
    """Return the languages of the texts: the reader's own first, then the known ones, then those of files."""
    return own_first(own, dict.fromkeys((*known, *_with_files(files))))


def _with_files(files: Mapping[str, str]) -> list[str]:
    return [found[1] for name in sorted(files) if (found := _FILE.fullmatch(name))]


def with_values(
    files: Mapping[str, str], spoken: str, mistakes: Iterable[Finding], given: Container[str] = ()
) -> Mapping[str, str]:
    """Return the files with the values of the texts in one language in the sample texts of the others.

    A text with a mistake lends none. `given`: the texts that stay as they are, each as language and name: `ru.sms`.
    """
    made, titles = dict(files), rule_of(files).get("title")
    try:
        original = words_form(files, spoken)
        written, mistaken = (
            original.values,
            {text_at(original, each) for each in mistakes if each.path == f"{spoken}.md"},
        )
        for language in _with_files(files):
            if language == spoken:
                continue
            form, title = words_form(files, language), _title_in(titles, language)
            changes = {
                name: text
                for name, sample in form.values.items()
                if name not in mistaken
                and f"{language}.{name}" not in given
                and (text := with_values_of(written.get(name, ""), sample, title)) != sample
            }
            made[f"{language}.md"], _ = form.with_changes(changes)
    except CannotEdit:
        return files
    return made


def _title_in(titles: object, language: str) -> str:
    return str(titles.get(language, "")) if isinstance(titles, dict) else ""


class AllWords:
    """The texts of a draft in several languages as a form. `values`: language and name of a field -> its text.

    A language whose file can be edited only as text has no fields.
    """

    def __init__(self, files: Mapping[str, str], languages: Iterable[str]) -> None:
        self.forms, self.steps = dict[str, WordsForm](), steps_of(files)
        for language in languages:
            with suppress(CannotEdit):
                self.forms[language] = words_form(files, language)
        self.values = {
            f"{language}.{name}": text for language, form in self.forms.items() for name, text in form.values.items()
        }

    def with_changes(self, changes: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the files with these fields changed, and the problem of each that does not take its text."""
        files, wrong, of_language = dict[str, str](), dict[str, str](), dict[str, dict[str, str]]()
        for name, text in changes.items():
            language, _, field = name.partition(".")
            if language in self.forms:
                of_language.setdefault(language, {})[field] = text
        for language, changed in of_language.items():
            files[f"{language}.md"], refused = self.forms[language].with_changes(changed)
            wrong |= {f"{language}.{name}": problem for name, problem in refused.items()}
        return files, wrong

    def names_in(self, there: "AllWords", names: Collection[str]) -> dict[str, str] | None:
        """Return these fields by their names; None where one cannot be shown in another form of the files."""
        return {name: name for name in names} if all(name in there.values for name in names) else None


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


def asks_choice(found: Finding) -> bool:
    """Return True if a finding asks to choose what the sample has."""
    return getattr(found.message, "template", "") == ASKS_CHOICE


def is_sample_text(found: Finding) -> bool:
    """Return True if a finding asks to replace a text or a test of the sample."""
    others = (is_silent, asks_needless, asks_taken_over, asks_choice)
    return found.placeholder and not any(asks(found) for asks in others)


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
