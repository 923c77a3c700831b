"""The field of a form in which a finding of lint stands: how its page calls it, and its address."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

from msgspec import Struct

from app.packs.draft_child import TESTS
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.pack_names import names_of
from app.pages.work.drafts.stored_drafts import page_name, steps_of
from app.pages.work.drafts.text_fields import text_at, text_name, words_form
from app.pages.work.rule.advice import Advice, at_fields
from app.pages.work.rule.rule_controls import Setting
from app.pages.work.rule.rule_form_page import FILE
from app.pages.work.rule.rule_view import NEEDLESS, RuleView
from app.pages.work.rule.sent_rule import ACT
from app.pages.work.trials.example_form import Example
from streams.rules.in_force import Rules
from streams.rules.library import Library
from templates.authoring.cited_acts import acts_of
from templates.authoring.trigger_form import TriggerForm
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.reading.findings import Finding
from templates.reading.pack_content import items_of

_WORDS = re.compile(r"([a-z]{2,3})\.md")


class FormField(Struct, frozen=True):
    """A field as its page calls it, and the finding in the words of its form.

    `called`: empty where no field shows the place of the finding; `href`: the field's address, empty for a reader who
    edits nothing.
    """

    told: Finding
    called: str = ""
    href: str = ""


FieldFinder = Callable[[Finding], Sequence[FormField]]


def field_finder(library: Library, files: Mapping[str, str], base: str, speech: Speech) -> FieldFinder:
    """Return what finds the fields of a finding in these files, one at least. `base`: the draft's address."""
    return partial(_places, _DraftFields(library.rules(), files, base, speech))


def _places(fields: "_DraftFields", found: Finding) -> Sequence[FormField]:
    if found.path not in fields.files and not _WORDS.fullmatch(found.path):
        return [FormField(found)]
    try:
        if found.path == FILE:
            return fields.of_the_rule(found)
        return [fields.of_a_test(found) if found.path == TESTS else fields.of_a_text(found)]
    except CannotEdit:
        return [FormField(found)]


class _DraftFields:
    def __init__(self, rules: Rules, files: Mapping[str, str], base: str, speech: Speech) -> None:
        self._rules, self.files, self._base, self._speech = rules, files, base, speech

    @cached_property
    def _advice(self) -> Advice:
        return Advice(self._rules, self._speech, self.files)

    @cached_property
    def _rule(self) -> tuple[TriggerForm, Mapping[str, str]]:
        """Return the rule as a form, and what its fields are called. Raises CannotEdit."""
        form = TriggerForm(self.files[FILE], self._rules.defaults.languages)
        labels = RuleView(self._rules, self._speech, Setting(form, {}, {}, {})).labels()
        return form, labels | {"needless.none": self._speech.say(NEEDLESS).rstrip(":")}

    def of_the_rule(self, found: Finding) -> list[FormField]:
        form, labels = self._rule
        return [
            FormField(
                self._advice.of_the_form(each),
                labels.get(name, ""),
                self._at(f"/form#{self._answering(name, found)}"),
            )
            for name, each in at_fields(found, form.at(found.line, found.column))
        ]

    def _answering(self, name: str, found: Finding) -> str:
        """Return the field that answers what is found in one: one tick, or one act, answers for several."""
        if name.startswith("legal_basis.") and found.placeholder and self._has_acts:
            return ACT
        return "right" if name.startswith("right.") else name

    @cached_property
    def _has_acts(self) -> bool:
        return any(acts_of(pack.content, ()) for pack in self._rules.governed.packs.values())

    def of_a_text(self, found: Finding) -> FormField:
        told = self._advice.of_the_texts(found)
        if (language := _WORDS.fullmatch(found.path)) is None:
            return FormField(told)
        spoken, page = language[1], self._at(f"/words?spoken={language[1]}")
        name = text_at(words_form(self.files, spoken), found)
        if name:
            called = text_name(name, steps_of(self.files), self._speech)
            return FormField(told, f"{called} ({LANGUAGES.get(spoken, spoken)})", page and f"{page}#w.{name}")
        return FormField(told, page_name(found.path, self._speech), page) if found.line <= 1 else FormField(told)

    @cached_property
    def _tests(self) -> YamlText:
        return YamlText(self.files[TESTS])

    def of_a_test(self, found: Finding) -> FormField:
        told = self._advice.of_the_form(found)
        names, steps = names_of(self._rules, self._speech), steps_of(self.files)
        for at, case in enumerate(items_of(self._tests.data)):
            lines = self._tests.lines((at,))
            if not isinstance(case, dict) or lines is None or not lines[0] <= found.line <= lines[1]:
                continue
            example = Example(self._tests, at, names, steps, {}, {})
            name, test = example.at(found.line, found.column), example.told.named(str(case.get("name", at + 1)))
            label = example.labels().get(name, "")
            page = self._at(f"/example?at={at}{f'#{name}' if label else ''}")
            return FormField(told, f"{test}: {label}" if label else test, page)
        return FormField(told)

    def _at(self, path: str) -> str:
        return f"{self._base}{path}" if self._base else ""
