"""The texts of a draft in all languages on one page, as a note that goes to a translator and comes back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from babel import Locale
from fastapi import Request
from fastapi.responses import Response
from msgspec.structs import astuple

from app.http import routes
from app.packs.draft_bench import MOST_BYTES
from app.pages.catalogues import LANGUAGES, Speech, own_first
from app.pages.layout import Frame
from app.pages.life import word_for
from app.pages.naming import step_name
from app.pages.visits import DraftForm, Fields, field_of, tell_once, told_once
from app.pages.work.drafts import merging
from app.pages.work.drafts.form_pages import Edit, FormPages, too_long
from app.pages.work.drafts.progress import remaining_work
from app.pages.work.drafts.stored_drafts import Id, laid_out, rule_of, steps_of, text_of
from app.pages.work.drafts.text_fields import (
    MOST_TEXT,
    TITLES,
    AllWords,
    channel_of_text,
    channels_of,
    group_name,
    is_sent,
    kind_of,
    languages_of,
    text_name,
)
from app.pages.work.trials.trial_pages import first_person_messages, step_for_page
from app.reports.life_words import CHANNELS
from domain.facts.principals import Principal, Role
from domain.rules.triggers import CORRECTION
from streams.rules.drafts import StoredDraft
from templates.authoring.note_labels import FIELDS, NoteLabels, Vocabulary
from templates.authoring.texts_note import Above, ReadNote, Texts, read_note, written_note
from templates.checks.placeholders import is_of_the_scaffold
from templates.reading.files import BODY
from templates.reading.findings import Finding
from templates.reading.pack_content import group_at

NOTE: Final = "note"
_MOST_TOLD: Final = 30
"""The most remarks that stand on the page at once."""
_SHORTEST: Final = 5
"""The fewest letters of the name of a language that the rule lacks: shorter ones are words of texts too."""


class AllTexts(FormPages[AllWords]):
    """Shows the texts of all languages as one note, and takes them from one."""

    page_at = "/note"

    @routes.get("/work/drafts/{id}/note")
    def page(self, request: Request, id: Id, done: str = "") -> Response:
        """Show the note of the draft as it stands; once it is taken, what people read instead."""
        who, frame, draft = self._enter(request, id)
        if done != NOTE:
            return self._show(who, frame, draft, {})
        with laid_out(self._bench, text_of(draft)) as laid:
            heard = None if laid.blocking_play() else first_person_messages(laid, self._office.platform.clock())
            remarks = [each for each in laid.findings if each.path.endswith(".md") and not each.stops_submitting]
        return self._progress.show(
            "texts.html",
            frame,
            draft,
            "write",
            taken=taken_from_note(told_once(request, NOTE), steps_of(draft.files), frame.speech),
            remarks=remarks,
            steps=[step_for_page(each, heard, frame) for each in heard.hearings[0].messages] if heard else [],
            author=Role.AUTHOR in who.roles,
        )

    def _show(
        self, who: Principal, frame: Frame, draft: StoredDraft, typed: Fields, wrong: Sequence[str] = ()
    ) -> Response:
        languages = self._languages(draft, frame.language)
        form = AllWords(draft.files, languages)
        labels = _labels(form, languages, frame.speech)
        shown: dict[str, Any] = {
            "languages_of": language_tabs(
                languages, self._progress.verdict(draft).findings, draft.files, frame.speech
            ),
            "note": typed[NOTE][0] if NOTE in typed else written_note(_written_yet(form, draft), labels),
            "revision": field_of(typed, "revision") or str(draft.revision),
            "wrong": wrong[:_MOST_TOLD],
            "more": max(0, len(wrong) - _MOST_TOLD),
            "spoken": [LANGUAGES.get(each, each) for each in form.forms],
            "in_files": [LANGUAGES.get(each, each) for each in languages if each not in form.forms],
            "labels": list(labels.fields.values()),
            "headings": list(labels.groups.values()),
            "author": Role.AUTHOR in who.roles,
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else None
        return self._progress.show("note.html", frame, draft, "write", status, **shown)

    @routes.post("/work/drafts/{id}/note")
    def save(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Take the texts from the note, all or none; what belongs nowhere is told, and the note stays as it was."""
        who, frame, draft = self._enter(request, id, fields)
        opened, say = self._opened(draft, fields, who), frame.speech.say
        form = self._form(opened.files, "")
        languages = self._languages(opened, frame.language)  # the author's own first
        note = fields[NOTE][0] if NOTE in fields else ""  # with its empty lines, which count
        given = given_texts(note, form, languages, frame.speech)
        edit = Edit(who, frame, form, given.changes)
        files, refused = self._written(draft.files, edit)
        wrong = [*given.wrong, *(f"{_label(name, form, frame.speech)} – {say(why)}" for name, why in refused.items())]
        if too_long(files):
            wrong.append(say("This is too long"))
        if wrong:
            return self._show(who, frame, opened, fields, wrong)
        changed = {name.partition(".")[0] for name in given.changes}
        last_first = [each for each in reversed(languages) if each in changed]  # values of the first language stay
        files = self._with_values(draft, files, last_first, given.changes)
        answer = self._save(opened, fields, edit, files, self._saved(draft, ""))
        if answer.status_code == HTTPStatus.SEE_OTHER:
            tell_once(request, NOTE, given.told(form, channels_of(files)))
        return answer

    @routes.post("/work/drafts/{id}/note/merge")
    def merge(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Keep what was chosen of two editors' changes."""
        return self._chosen(request, id, fields)

    def _languages(self, draft: StoredDraft, own: str) -> list[str]:
        return languages_of(draft.files, self._office.platform.rules.library.rules().defaults.languages, own)

    def _form(self, files: Mapping[str, str], spoken: str) -> AllWords:  # noqa: ARG002  (it has all languages)
        known = self._office.platform.rules.library.rules().defaults.languages
        return AllWords(files, languages_of(files, known, ""))

    def _written(self, files: Mapping[str, str], edit: Edit[AllWords]) -> tuple[Mapping[str, str], dict[str, str]]:
        written, wrong = edit.form.with_changes(edit.changes)
        return {**files, **written}, wrong

    def _field_wording(self, form: AllWords, frame: Frame) -> merging.FieldWording:
        return merging.FieldWording(lambda name: _label(name, form, frame.speech), lambda _, text: text)

    def _saved(self, draft: StoredDraft, spoken: str) -> str:  # noqa: ARG002  (it has all languages)
        return f"/work/drafts/{draft.id}/note?done={NOTE}"


class GivenTexts(NamedTuple):
    """The texts that a note gives a form: those that change, by language and name; and what is wrong in the note."""

    changes: Mapping[str, str]
    wrong: Sequence[str]
    found: ReadNote

    def told(self, form: AllWords, channels: Sequence[str]) -> str:
        """Return what the next page tells by `taken_from_note`. `channels`: the ways of the rule."""
        counts = _counted(form, self.changes, _shown(form, channels), self.found.texts)
        unsent = [way for way in self.ways if channels and way not in channels]
        above = self.found.above and astuple(self.found.above)
        return json.dumps({**counts, "above": above, "unsent": unsent})

    @property
    def ways(self) -> list[str]:
        """Return the ways for which the note has texts, in the order in which most rules use them."""
        texts = (name for named in self.found.texts.values() for name, text in named.items() if text)
        ways = set(map(channel_of_text, texts))
        return [way for way in ("push", "sms", "email") if way in ways]


def given_texts(note: str, form: AllWords, languages: Sequence[str], speech: Speech) -> GivenTexts:
    """Return the texts of a note for a form. `languages`: the author's own first."""
    if len(note) > MOST_BYTES:
        return GivenTexts({}, [speech.say("This is too long")], ReadNote({}, ()))
    known = {each: tuple(form.forms[each].values) if each in form.forms else () for each in languages}
    found = read_note(note.replace("\x00", ""), _labels(form, languages, speech), known)
    wrong = [_told(each.first, each.last, speech.tell(each.told), speech) for each in found.strays]
    texts = {f"{spoken}.{name}": text for spoken, named in found.texts.items() for name, text in named.items()}
    if not texts and not wrong:
        wrong = [speech.say("There is no text in the note")]
    changes = {name: text for name, text in texts.items() if text != form.values[name].rstrip()}
    long = [name for name, text in changes.items() if len(text) > MOST_TEXT]
    why = speech.say("This is too long")
    wrong += [f"{_label(name, form, speech)} – {why}" for name in long]
    return GivenTexts(changes, wrong, found)


def _label(name: str, form: AllWords, speech: Speech) -> str:
    spoken, _, field = name.partition(".")
    return f"{LANGUAGES.get(spoken, spoken)}: {text_name(field, form.steps, speech)}"


def language_tabs(
    languages: Sequence[str], findings: Sequence[Finding], files: Mapping[str, str], speech: Speech
) -> list[tuple[str, str, str]]:
    """Return the languages of a draft's texts with their names, and what is to be mended in each."""
    return [
        (
            each,
            LANGUAGES.get(each, each),
            remaining_work(
                [one for one in findings if one.path == f"{each}.md" and one.stops_submitting], files, speech
            ),
        )
        for each in languages
    ]


def taken_from_note(kept: str | None, steps: Sequence[str], speech: Speech) -> list[str]:
    """Return in sentences what was taken from a note, as `tell_once` kept it; nothing if it did not.

    `steps`: those of the rule, by which texts of their own are called.
    """
    if kept is None:
        return []
    counts = json.loads(kept)
    left_out = [_left_out(Above(*counts["above"]), speech)] if counts["above"] else []
    told = {
        "taken": speech.say("Taken: {texts}."),
        "emptied": speech.say("Emptied: {texts}."),
    }
    taken = [
        sentence.format(texts=", ".join(_of_languages(counts[kind], speech)))
        for kind, sentence in told.items()
        if counts[kind]
    ]
    if counts["same"]:
        whole = {spoken: len(names) for spoken, names in counts["same"].items() if not _is_changed(spoken, counts)}
        same = [
            f"{LANGUAGES.get(spoken, spoken)} – "
            + ", ".join(text_name(name, steps, speech) for name in counts["same"][spoken])
            for spoken in own_first(speech.language, counts["same"])
            if spoken not in whole
        ]
        texts = "; ".join([*same, *_of_languages(whole, speech)])
        taken.append(speech.say("Unchanged: {texts}.").format(texts=texts))
    if counts["absent"]:
        absent = [LANGUAGES.get(each, each) for each in own_first(speech.language, counts["absent"])]
        taken.append(speech.say("Not in the document: {languages}.").format(languages=", ".join(absent)))
    if counts["unsent"]:
        ways = ", ".join(word_for(CHANNELS, each, speech) for each in counts["unsent"])
        unsent = speech.say("The rule does not send this way: {ways}. Part 5 of the rule can add it.")
        taken.append(unsent.format(ways=ways))
    return taken + left_out


def _is_changed(spoken: str, counts: Mapping[str, Any]) -> bool:
    return spoken in counts["taken"] or spoken in counts["emptied"]


def _left_out(above: Above, speech: Speech) -> str:
    """Return which lines of the note were not taken."""
    if above.first == above.last:
        told = speech.say("Line {number} was not taken: “{words}”; it stands above the first language.")
        return told.format(number=above.first, words=above.words)
    told = speech.say("Lines {first} to {last} were not taken: “{words}”; they stand above the first language.")
    return told.format(first=above.first, last=above.last, words=above.words)


def _of_languages(counts: Mapping[str, int], speech: Speech) -> Iterator[str]:
    for spoken in own_first(speech.language, counts):
        texts = speech.many("{count} text", "{count} texts", counts[spoken])
        yield f"{LANGUAGES.get(spoken, spoken)} – {texts}"


def _counted(form: AllWords, changes: Mapping[str, str], shown: Texts, given: Texts) -> dict[str, Any]:
    """Return of each language how many texts were taken and emptied, which are as they were, and which are absent.

    `given`: the texts of the note.
    """
    counts: dict[str, dict[str, int]] = {"taken": {}, "emptied": {}}
    same, absent = dict[str, list[str]](), list[str]()
    for spoken, each in form.forms.items():
        if not given.get(spoken):
            absent.append(spoken)
            continue
        for name, before in each.values.items():
            if (changed := changes.get(f"{spoken}.{name}")) is not None:
                of_kind = counts["taken" if changed else "emptied"]
                of_kind[spoken] = of_kind.get(spoken, 0) + 1
            elif before and name in shown[spoken]:
                same.setdefault(spoken, []).append(name)
    return {**counts, "same": same, "absent": absent}


def _shown(form: AllWords, channels: Sequence[str]) -> Texts:
    """Return the texts of a note: those that the rule sends, and of a step only those that there are."""
    return {
        spoken: {
            name: each.values[name]
            for gap in each.gaps
            for name in (*gap.names, ".".join(map(str, (*gap.under, BODY))))
            if name in each.values and is_sent(name, channels) and (each.values[name] or gap.under[:1] != ("steps",))
        }
        for spoken, each in form.forms.items()
    }


def _written_yet(form: AllWords, draft: StoredDraft) -> Texts:
    """Return the texts of a note without those with which a draft begins: a document is put where they would stand.

    A language in which nothing is written yet is left out.
    """
    titles = group_at(rule_of(draft.files), "title")  # a draft begins with them as subjects
    texts = {
        spoken: {
            name: text for name, text in named.items() if not is_of_the_scaffold(text) and text != titles.get(spoken)
        }
        for spoken, named in _shown(form, channels_of(draft.files)).items()
    }
    return {spoken: named for spoken, named in texts.items() if any(named.values())}


def _labels(form: AllWords, languages: Sequence[str], speech: Speech) -> NoteLabels:
    """Return the labels of the note, in the reader's language and as they are called in the other ones."""
    groups = {
        ".".join(map(str, gap.under)): gap.under for each in form.forms.values() for gap in each.gaps if gap.under
    }
    others = [Speech(each, speech.zone) for each in LANGUAGES]
    return NoteLabels(
        Vocabulary(
            {field: _title(field, speech) for field in FIELDS},
            [(_title(field, other), field) for other in others for field in FIELDS],
        ),
        Vocabulary(
            {group: group_name(under, form.steps, speech) for group, under in groups.items()},
            [
                (name, group)
                for other in others
                for group, under in groups.items()
                for name in _names_of_group(under, form.steps, other)
            ],
        ),
        Vocabulary({each: LANGUAGES.get(each, each) for each in languages}, _spoken()),
    )


def _told(first: int, last: int, problem: str, speech: Speech) -> str:
    if first == last:
        return speech.say("Line {number}: {problem}").format(number=first, problem=problem)
    return speech.say("Lines {first} to {last}: {problem}").format(first=first, last=last, problem=problem)


def _title(field: str, speech: Speech) -> str:
    """Return the label of a text, which ends with the only colon on its line."""
    return speech.say(TITLES[kind_of(field)]).replace(":", ",")


def _names_of_group(under: Sequence[str | int], steps: Sequence[str], speech: Speech) -> Iterator[str]:
    yield group_name(under, steps, speech)
    if under[-1] == CORRECTION or under[-1] in steps:
        yield step_name(str(under[-1]), steps, speech)


@cache
def _spoken() -> Sequence[tuple[str, str]]:
    """Return the names of languages that no rule has texts in, with their codes, so that they can be told."""
    return [
        (name, code)
        for named in map(Locale.parse, LANGUAGES)
        for code, name in named.languages.items()
        if len(code) == 2 and len(name) >= _SHORTEST and code not in LANGUAGES  # noqa: PLR2004  (letters of ISO 639-1)
    ]
