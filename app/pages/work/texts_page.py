"""The texts of a draft in one language: subject, push, SMS and email in fields, beside what a person would read."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.packs.draft_bench import BadDraft, DraftText, RenderedMessages
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.layout import Frame
from app.pages.pack_names import names_of
from app.pages.visits import DraftForm, Fields, field_of
from app.pages.work.all_texts import language_tabs
from app.pages.work.drafts import merging
from app.pages.work.drafts.controls import Control, labelled_errors, original_values
from app.pages.work.drafts.form_pages import Edit, FormPages, too_long
from app.pages.work.drafts.stored_drafts import Id, rule_of, steps_of
from app.pages.work.drafts.text_fields import (
    MOST_TEXT,
    TITLES,
    channels_of,
    group_name,
    is_sent,
    kind_of,
    languages_of,
    text_at,
    text_name,
    words_form,
)
from app.pages.work.rule.advice import Advice
from app.pages.work.trials.trial_pages import step_for_page, too_long_sms
from app.pages.work.words import PEOPLE, people
from domain.core.sms import excess, room, segments
from domain.core.translatable import N_
from domain.facts.principals import Principal, Role
from domain.rules.event_types import ALONE, NO_OFFICE
from domain.rules.triggers import CORRECTION
from streams.rules.drafts import StoredDraft
from streams.rules.in_force import Rules
from templates.authoring.preview import Hearing
from templates.authoring.words_form import EMPTY, WordsForm
from templates.authoring.yaml_edit import CannotEdit
from templates.checks.pack_check import sms_limit_of
from templates.checks.placeholders import is_of_the_scaffold
from templates.checks.possible_values import required_of
from templates.checks.sample_check import LIMITS, SUBJECT, saves_a_part
from templates.checks.words_check import without_values
from templates.reading.files import BODY
from templates.reading.findings import Finding
from templates.words.rendering import signed

Spoken = Annotated[str, Query(pattern="^[a-z]{0,3}$")]


class TextsPage(FormPages[WordsForm]):
    """Shows and keeps the texts of a draft."""

    page_at = "/words"

    @routes.get("/work/drafts/{id}/words")
    def page(
        self, request: Request, id: Id, spoken: Spoken = "", persona: str = "", done: str = "", saved: Spoken = ""
    ) -> Response:
        """Show the texts in one language, beside what a person would read. `saved`: the language just saved."""
        who, frame, draft = self._enter(request, id)
        typed = {"spoken": [spoken], "persona": [persona]}
        return self._show(who, frame, draft, typed, draft.files, done=done, saved=saved)

    def _show(
        self,
        who: Principal,
        frame: Frame,
        draft: StoredDraft,
        typed: Fields,
        files: Mapping[str, str],
        wrong: Mapping[str, str] | None = None,
        done: str = "",
        saved: str = "",
    ) -> Response:
        languages = self._languages(draft, frame)
        spoken = field_of(typed, "spoken") if field_of(typed, "spoken") in languages else next(iter(languages), "")
        persona = field_of(typed, "persona") if field_of(typed, "persona") in PEOPLE else next(iter(PEOPLE))
        files = {f"{spoken}.md": EMPTY, **files}
        findings, hearing, heard = self._heard(DraftText(draft.pack, draft.trigger, files), persona)
        mine = [each for each in findings if each.path == f"{spoken}.md"]
        shown: dict[str, Any] = {
            "files": files,
            "languages_of": language_tabs(languages, findings, files, frame.speech),
            "spoken": spoken,
            "persona": persona,
            "personas": people(frame.speech),
            "blocking": [] if hearing else [each for each in findings if not each.warning],
            "hearing": hearing,
            "steps": self._steps(hearing, heard, spoken, frame),
            "author": Role.AUTHOR in who.roles,
            "done": done,
            "remarks": [each for each in mine if not each.stops_submitting],
            "unfinished": any(each.stops_submitting for each in findings if each.path == f"{saved or spoken}.md"),
            "saved": LANGUAGES.get(saved, saved) if saved != spoken else "",
            "contacts": sorted(who.contacts),
        }
        try:
            form = self._form(draft.files, spoken)
        except CannotEdit:
            return self._progress.show("words_not.html", frame, draft, "write", findings=mine, **shown)
        shown |= self._fields(_Page(frame, draft, spoken, files, typed, wrong or {}), form, mine, hearing)
        originals = self._originals(files, languages[0], spoken)
        return self._progress.show(
            "words.html", frame, draft, "write", originals=originals, original_in=languages[0], **shown
        )

    def _fields(
        self, page: "_Page", form: WordsForm, findings: Sequence[Finding], hearing: Hearing | None
    ) -> dict[str, Any]:
        """Return the fields of the page, each with its findings, and what goes with them."""
        speech, draft, rules = page.frame.speech, page.draft, self._office.platform.rules.library.rules()
        advice, typed_form = Advice(rules, speech, page.files), self._form_of(page.files, page.spoken, form)
        placed = dict[str, list[Finding]]()
        for each in findings:
            at = placed.setdefault(text_at(typed_form, each), [])
            if not (each.placeholder and any(other.placeholder for other in at)):
                at.append(advice.of_the_texts(each))
        counter = _SmsCounter(hearing, page.spoken, rules, draft, speech)
        controls = _Controls(page, form, placed, channels_of(draft.files), counter)
        steps = steps_of(draft.files)
        return {
            "groups": [
                (group_name(gap.under, steps, speech), *controls.of(gap.under, gap.names)) for gap in form.gaps
            ],
            "body": controls.body() if controls.is_sent(BODY) else None,
            "others": placed.get("", []),
            "rest": list(form.rest),
            "errors": labelled_errors(
                {name: speech.say(text) for name, text in page.wrong.items()},
                {f"w.{name}": text_name(name, steps, speech) for name in form.values},
            ),
            "was": field_of(page.typed, "was") or json.dumps(form.values, ensure_ascii=False),
            "revision": field_of(page.typed, "revision") or str(draft.revision),
            "values": [(each.placeholder(), each.meaning) for each in self._readable(draft, page.frame)],
        }

    def _originals(self, files: Mapping[str, str], first: str, spoken: str) -> dict[str, str]:
        """Return the finished texts of the author's first language by field, for the pages of the other ones."""
        if spoken == first:
            return {}
        try:
            values = self._form(files, first).values
        except CannotEdit:
            return {}
        return {f"w.{name}": text for name, text in values.items() if text and not is_of_the_scaffold(text)}

    def _languages(self, draft: StoredDraft, frame: Frame) -> list[str]:
        known = self._office.platform.rules.library.rules().defaults.languages
        return languages_of(draft.files, known, frame.language)

    def _form(self, files: Mapping[str, str], spoken: str) -> WordsForm:
        return words_form(files, spoken)

    def _form_of(self, files: Mapping[str, str], spoken: str, otherwise: WordsForm) -> WordsForm:
        try:
            return self._form(files, spoken)
        except CannotEdit:
            return otherwise

    def _heard(
        self, text: DraftText, persona: str
    ) -> tuple[Sequence[Finding], Hearing | None, RenderedMessages | None]:
        """Return the findings, and what that person would hear where nothing is wrong."""
        try:
            with self._bench.laid(text) as laid:
                if hindering := laid.blocking_rendering():
                    return [*laid.findings, *(each for each in hindering if each not in laid.findings)], None, None
                heard = laid.messages(self._office.platform.clock(), persona)
                return laid.findings, heard.hearings[0], heard
        except BadDraft as bad:
            return [Finding("trigger.yaml", 0, 0, bad.told)], None, None

    def _steps(
        self, hearing: Hearing | None, heard: RenderedMessages | None, spoken: str, frame: Frame
    ) -> list[dict[str, Any]]:
        if hearing is None or heard is None:
            return []
        steps = [step_for_page(each, heard, frame) for each in hearing.messages]
        return [{**each, "cells": dict(each["languages"]).get(spoken, ())} for each in steps]

    def _readable(self, draft: StoredDraft, frame: Frame) -> list["_Value"]:
        """Return the values that may stand in the texts."""
        rules = self._office.platform.rules.library.rules()
        on = rule_of(draft.files).get("on")
        if isinstance(on, dict):
            benefit = rules.catalogue.benefits.get(str(next(iter(on.values()), "")))
            on = benefit.on if benefit is not None else None
        type_ = rules.catalogue.types.get(str(on), ALONE)
        names = names_of(rules, frame.speech, type_.name)
        kinds = {f"event.{name}": field.type for name, field in type_.fields.items()}
        known = {"citizen.given_name", "citizen.family_name"} & set(rules.catalogue.citizen_variables())
        kinds |= dict.fromkeys(sorted(known), "string")
        sure = required_of(type_)
        found_ = [_Value(name, kind, names.heading_of(name), sure=name in sure) for name, kind in kinds.items()]
        return [*found_, _Value("due", "date", frame.speech.say("The day on which it is sent"), sure=True)]

    @routes.post("/work/drafts/{id}/words")
    def save(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Write what was changed into the file; `look` shows it first, without keeping it."""
        who, frame, draft = self._enter(request, id, fields)
        opened, spoken = self._opened(draft, fields, who), field_of(fields, "spoken")
        try:
            form = self._form(opened.files, spoken)
        except CannotEdit:
            return self._office.go(f"/work/drafts/{draft.id}/words?spoken={spoken}")
        was, changes, wrong = original_values(fields, form.values), dict[str, str](), dict[str, str]()
        for each in form.values:
            if f"w.{each}" in fields and (sent := _text(fields[f"w.{each}"][0])) != was.get(each, ""):
                changes[each] = sent
                if len(sent) > MOST_TEXT:
                    wrong[f"w.{each}"] = N_("This is too long")
        edit = Edit(who, frame, form, changes, spoken)
        written, refused = self._written(draft.files, edit)
        wrong |= {f"w.{each}": problem for each, problem in refused.items()}
        if too_long(written):
            wrong["w.body"] = N_("This is too long")
        files = opened.files if wrong else self._with_values(draft, written, [spoken])
        if wrong or field_of(fields, "then") == "look":
            return self._show(who, frame, opened, fields, files, wrong)
        then = self._next(self._languages(draft, frame), fields, f"/work/drafts/{draft.id}")
        return self._save(opened, fields, edit, files, then)

    @routes.post("/work/drafts/{id}/words/merge")
    def merge(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Keep what was chosen of two editors' changes."""
        return self._chosen(request, id, fields)

    def _written(
        self, files: Mapping[str, str], edit: Edit[WordsForm]
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        text, wrong = edit.form.with_changes(edit.changes)
        return {**files, f"{edit.spoken}.md": text}, wrong

    def _field_wording(self, form: WordsForm, frame: Frame) -> merging.FieldWording:  # noqa: ARG002  (texts are shown as they are)
        say = frame.speech.say
        return merging.FieldWording(lambda name: say(TITLES.get(kind_of(name), name)), lambda _, text: text)

    @staticmethod
    def _next(languages: Sequence[str], fields: Fields, address: str) -> str:
        """Return where to go on: to this language, to the next one, or to the tests. `address`: the draft's."""
        spoken, persona, saved = field_of(fields, "spoken"), field_of(fields, "persona"), ""
        persona = persona if persona in PEOPLE else next(iter(PEOPLE))
        if field_of(fields, "then") == "next":
            at = languages.index(spoken) + 1 if spoken in languages else 0
            if at >= len(languages):
                return f"{address}/tests?done=saved"
            spoken, saved = languages[at], f"&saved={spoken}"
        return f"{address}/words?spoken={spoken}&persona={persona}&done=saved{saved}"


class _Page(Struct, frozen=True):
    """The page of the texts in one language. `files`: with what was typed; `typed`, `wrong`: by name of the field."""

    frame: Frame
    draft: StoredDraft
    spoken: str
    files: Mapping[str, str]
    typed: Fields
    wrong: Mapping[str, str]


class _Value(Struct, frozen=True):
    """A value that may stand in the texts. Not `sure`: some records or people lack it."""

    name: str
    kind: str
    meaning: str
    sure: bool

    def placeholder(self) -> str:
        """Return what stands for it in a text; nothing is read there of whoever lacks it."""
        shown = {"date": " | date", "number": " | number"}.get(self.kind, "")
        shown = " | money" if self.name.endswith("amount") and self.kind == "integer" else shown
        if not self.sure and not shown:
            return f'{{{{ {self.name} | default("") }}}}'
        always = f"{{{{ {self.name}{shown} }}}}"
        return always if self.sure else f"{{% if {self.name} is defined %}}{always}{{% endif %}}"


class _SmsCounter:
    """Counts the characters of SMS in one language, with office and code; of those that an invented person gets."""

    def __init__(
        self, hearing: Hearing | None, spoken: str, rules: Rules, draft: StoredDraft, speech: Speech
    ) -> None:
        self._messages = hearing.messages if hearing else ()
        self._spoken, self._speech = spoken, speech
        self._most = sms_limit_of(rules.governed.packs[draft.pack].content).parts
        rule = rule_of(draft.files)
        office = NO_OFFICE if rule.get("discreet") else rules.catalogue.offices.get(str(rule.get("owner")), NO_OFFICE)
        self._office = office.short.get(spoken, "")

    def _signed(self, under: str, text: str) -> str:
        """Return the SMS of a field as it goes; without its values where nobody would hear it now."""
        for message in self._messages:
            if under in ("", message.step) and (under or message.step != CORRECTION):
                rendered = next((each.rendered for each in message.words if each.language == self._spoken), None)
                if rendered is not None and rendered.sms:
                    return rendered.signed()
        return signed(without_values(text), self._spoken, self._office)

    def left(self, name: str, text: str) -> str:
        """Return how many characters are left of one part, or into how many parts it is cut."""
        letters = LANGUAGES.get(self._spoken, self._spoken)  # an empty text will have such letters
        sms = self._signed(_step_of(name), text) if text else signed(letters, self._spoken, self._office)
        say, number = self._speech.say, self._speech.number
        if (left := room(sms, 1)) >= 0:
            if not text:
                told = say("One SMS with such letters has room for {count}.")
                return told.format(count=self._characters(left + len(letters)))
            return say("One SMS with such letters has room for {count} more.").format(count=self._characters(left))
        parts = len(segments(sms).parts)
        told = say("This goes as {parts} SMS; each is paid. {count} fewer would make it {fewer}.")
        return told.format(parts=number(parts), count=self._characters(excess(sms)), fewer=number(parts - 1))

    def over(self, name: str, text: str) -> str:
        """Return by how much it is too long; empty if it is not."""
        return too_long_sms(self._signed(_step_of(name), text), self._most, self._speech)

    def _characters(self, count: int) -> str:
        return self._speech.many("{count} character", "{count} characters", count)


def _step_of(name: str) -> str:
    """Return the step of a field of texts, or the correction; empty for the texts of all steps."""
    first, *rest = name.split(".")
    return rest[0] if first == "steps" else first if first == CORRECTION else ""


class _Controls:
    """The fields of one language."""

    def __init__(
        self,
        page: _Page,
        form: WordsForm,
        findings: Mapping[str, Sequence[Finding]],
        channels: Sequence[str],
        counter: _SmsCounter,
    ) -> None:
        self._channels, self._counter = channels, counter
        self._form, self._typed, self._wrong, self._findings = form, page.typed, page.wrong, findings
        self._spoken, self._say = page.spoken, page.frame.speech.say

    def of(self, under: Sequence[str | int], names: Sequence[str]) -> tuple[list[Control], list[Control]]:
        """Return the fields of a group that can be shown: those that the rule sends, and the others."""
        found_ = [(name, self._control(name)) for name in names if name in self._form.values]
        if tuple(under) == ("correction",) and f"correction.{BODY}" in self._form.values:
            found_.append((BODY, self._control(f"correction.{BODY}", "email", rows=8)))
        if not under and not self.is_sent(BODY):
            found_.append((BODY, self.body()))
        sent = [each for name, each in found_ if self.is_sent(name)]
        return sent, [each for name, each in found_ if not self.is_sent(name)]

    def is_sent(self, name: str) -> bool:
        """Return True if the rule sends the way of a text, or does not say its ways."""
        return is_sent(name, self._channels)

    def body(self) -> Control:
        """Return the field of the email."""
        return self._control(BODY, "email", rows=14)

    def _control(self, name: str, kind: str = "", rows: int = 3) -> Control:
        kind = kind or name.rpartition(".")[2]
        most = {"subject": SUBJECT, "title": LIMITS["push_title"], "body": LIMITS["push_body"]}.get(kind)
        hint = self._say("{count} characters are seen at once.").format(count=most) if most else ""
        if kind == "email":
            hint = self._say("An empty line begins a paragraph; **two stars** make bold; lines with 1. make a list.")
        value = self._typed[f"w.{name}"][0] if f"w.{name}" in self._typed else self._form.values[name]
        doubt = ""
        if kind == "sms":
            hint = self._say("The office and a code are added at the end.")
            written = "" if is_of_the_scaffold(value) else value
            doubt = self._counter.over(name, written) if written else ""
            told = any(saves_a_part(each.message) for each in self._findings.get(name, ()))
            if not doubt and not told and (value or _step_of(name) == ""):
                hint = f"{hint} {self._counter.left(name, written)}"
        if not self.is_sent(name):
            hint = self._say("The rule does not send this way, so it may stay empty.")
        error = self._wrong.get(f"w.{name}", "")
        return Control(
            name=f"w.{name}",
            kind="text" if kind in ("subject", "title") else "area",
            label=self._say(TITLES[kind]),
            value=value,
            doubt=doubt,
            hint=hint,
            error=self._say(error) if error else "",
            findings=self._findings.get(name, ()),
            lang=self._spoken,
            more=rows,
        )


def _text(sent: str) -> str:
    """Return the text as it was typed, with the line ends that files have."""
    return sent.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").rstrip()
