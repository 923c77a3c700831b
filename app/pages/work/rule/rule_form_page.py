"""A draft's rule as a form, in step with its file: only what changes is written."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.pages.layout import Frame
from app.pages.visits import DraftForm, Fields, field_of, told_once
from app.pages.work.all_texts import NOTE, taken_from_note
from app.pages.work.drafts import merging
from app.pages.work.drafts.controls import original_values
from app.pages.work.drafts.form_pages import Edit, FormPages
from app.pages.work.drafts.stored_drafts import Id, laid_out, steps_of, text_of
from app.pages.work.rule.advice import Advice, at_fields
from app.pages.work.rule.rule_controls import Setting
from app.pages.work.rule.rule_reading import RuleReading
from app.pages.work.rule.rule_view import RuleView
from app.pages.work.rule.sent_rule import SentRule
from app.pages.work.trials.case_file import with_topic_of_rule
from domain.facts.principals import Principal, Role
from streams.rules.drafts import StoredDraft
from streams.rules.in_force import Rules
from templates.authoring.cited_acts import Acts, acts_of
from templates.authoring.trigger_form import NEW, UNITS, TriggerForm
from templates.authoring.yaml_edit import CannotEdit
from templates.checks.placeholders import is_of_the_scaffold
from templates.reading.findings import Finding

FILE: Final = "trigger.yaml"
NEXT: Final[Mapping[str, str]] = {"save": "/form?done=saved", "words": "/words", "tests": "/tests?done=saved"}


class RuleFormPage(FormPages[TriggerForm]):
    """Shows and keeps a draft's rule by form."""

    page_at = "/form"

    @routes.get("/work/drafts/{id}/form")
    def page(self, request: Request, id: Id, done: str = "") -> Response:
        """Show the rule in a form."""
        who, frame, draft = self._enter(request, id)
        taken = taken_from_note(told_once(request, NOTE), steps_of(draft.files), frame.speech) if done == NOTE else ()
        return self._show(who, frame, draft, done=done, taken=taken)

    def _show(
        self,
        who: Principal,
        frame: Frame,
        draft: StoredDraft,
        typed: Fields | None = None,
        wrong: Mapping[str, str] | None = None,
        done: str = "",
        changed: Container[str] = (),
        taken: Sequence[str] = (),
    ) -> Response:
        """Show the form. `changed`: the fields that hold something else than what is stored and was checked.

        `taken`: what was taken from the document with which the draft begins.
        """
        rules = self._office.platform.rules.library.rules()
        try:
            form = self._form(draft.files)
        except CannotEdit:
            return self._progress.show("form_not.html", frame, draft, "write", findings=self._found(draft))
        findings = self._found(draft)
        placed = _placed(findings, form, Advice(rules, frame.speech, draft.files), changed)
        view = RuleView(rules, frame.speech, Setting(form, typed or {}, wrong or {}, placed, _acts(rules, draft)))
        return self._progress.show(
            "form.html",
            frame,
            draft,
            "write",
            view=view,
            errors=view.errors(view.labels() if wrong else {}),
            others=placed.get("", []),
            rest=[(key, text, view.reading.key_in_words(key), form.line(key)) for key, text in form.rest],
            was=field_of(typed or {}, "was") or json.dumps(form.values, ensure_ascii=False),
            revision=field_of(typed or {}, "revision") or str(draft.revision),
            title=frame.speech.titled(view.reading.titles) or draft.trigger,
            owner=view.names.office(str(form.yaml.get(("owner",)) or "")),
            author=Role.AUTHOR in who.roles,
            units=[(code, frame.speech.say(text)) for code, text in UNITS.items()],
            done=done,
            taken=taken,
            unfinished=bool(placed),
            remarks=[each for each in findings if each.path == FILE and not each.stops_submitting],
            at=frame.speech.moment(draft.changed_at),
        )

    def _found(self, draft: StoredDraft) -> Sequence[Finding]:
        with laid_out(self._bench, text_of(draft)) as laid:
            return laid.findings

    @routes.post("/work/drafts/{id}/form")
    def save(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Write what was changed into the file; what a field does not take is told at it, and stays there."""
        who, frame, draft = self._enter(request, id, fields)
        rules, opened = self._office.platform.rules.library.rules(), self._opened(draft, fields, who)
        try:
            form = self._form(opened.files)
        except CannotEdit:
            return self._office.go(f"/work/drafts/{draft.id}/form")
        sent = SentRule(RuleReading(rules, frame.speech, form, fields, _acts(rules, opened)))
        changes, wrong = sent.changes(original_values(fields, form.values))
        edit = Edit(who, frame, form, changes)
        files, refused = self._written(draft.files, edit)
        wrong |= refused
        again = field_of(fields, "then") == "again"
        if wrong or again:
            changed = {*changes, *wrong}
            if any(f"unless.{each}.on" in changes for each in NEW):
                changed.add("needless.none")
            changed |= {f"right.{each.partition('.')[0]}" for each in changes}
            return self._show(who, frame, opened, fields, {} if again else wrong, changed=changed)
        then = f"/work/drafts/{draft.id}{NEXT.get(field_of(fields, 'then'), NEXT['save'])}"
        if then.endswith(NEXT["words"]) and not any(map(is_of_the_scaffold, _texts(files))):
            then = f"/work/drafts/{draft.id}/note?done={NOTE}"
        return self._save(opened, fields, edit, files, then)

    @routes.post("/work/drafts/{id}/form/merge")
    def merge(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Keep what was chosen of two editors' changes."""
        return self._chosen(request, id, fields)

    def _form(self, files: Mapping[str, str], spoken: str = "") -> TriggerForm:  # noqa: ARG002  (a rule has no language)
        return TriggerForm(files.get(FILE, ""), self._office.platform.rules.library.rules().defaults.languages)

    def _written(
        self, files: Mapping[str, str], edit: Edit[TriggerForm]
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        text, wrong = edit.form.with_changes(edit.changes)
        made = {**files, FILE: text}
        rules = self._office.platform.rules.library.rules()
        return with_topic_of_rule(made, rules) if "category" in edit.changes else made, wrong

    def _field_wording(self, form: TriggerForm, frame: Frame) -> merging.FieldWording:
        view = RuleView(self._office.platform.rules.library.rules(), frame.speech, Setting(form, {}, {}, {}))
        labels = view.labels()
        return merging.FieldWording(lambda name: labels.get(name, name), view.told_value)


def _placed(
    findings: Iterable[Finding], form: TriggerForm, advice: Advice, changed: Container[str]
) -> dict[str, list[Finding]]:
    """Return the findings of the rule by field, in the words of the form; none of those that were `changed`."""
    placed = dict[str, list[Finding]]()
    for each in findings:
        if each.path == FILE:
            for name, found in at_fields(each, form.at(each.line, each.column)):
                if name not in changed:
                    placed.setdefault(name, []).append(advice.of_the_form(found))
    return placed


def _texts(files: Mapping[str, str]) -> Iterator[str]:
    return (text for name, text in files.items() if name.endswith(".md"))


def _acts(rules: Rules, draft: StoredDraft) -> Acts:
    """Return the acts from which a draft's author chooses: those of its pack."""
    return acts_of(rules.governed.packs[draft.pack].content, rules.defaults.languages)
