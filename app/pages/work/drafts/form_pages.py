"""Forms over files of a draft: what two editors change at once is kept, or asked about."""

from abc import abstractmethod
from collections.abc import Container, Iterable, Mapping
from typing import ClassVar, Generic, TypeVar

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct
from msgspec.structs import replace

from app.packs.draft_bench import MOST_BYTES, DraftText
from app.pages.layout import Frame
from app.pages.visits import Fields, field_of
from app.pages.whole_numbers import whole_number
from app.pages.work.drafts import merging
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.editing import show_both_texts
from app.pages.work.drafts.stored_drafts import laid_out
from app.pages.work.drafts.text_fields import AllWords, with_values
from domain.facts.principals import Principal
from streams.rules.drafts import DraftChanged, StoredDraft
from templates.authoring.trigger_form import TriggerForm
from templates.authoring.words_form import WordsForm
from templates.authoring.yaml_edit import CannotEdit

F = TypeVar("F", TriggerForm, WordsForm, AllWords)


class Edit(Struct, Generic[F], frozen=True):
    """The changes of one editor to the form that they opened. `spoken`: the language of the file, if it has one."""

    who: Principal
    frame: Frame
    form: F
    changes: Mapping[str, str]
    spoken: str = ""


class FormPages(DraftPages, Generic[F]):
    """Keeps the changes that a form makes to a file. `page_at`: where the form is, below its draft's address."""

    page_at: ClassVar[str]

    @abstractmethod
    def _form(self, files: Mapping[str, str], spoken: str) -> F:
        """Return the file as a form. Raises CannotEdit where it can be edited only as text."""

    @abstractmethod
    def _written(self, files: Mapping[str, str], edit: Edit[F]) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the files with the changes of a form, and the problem of each change that does not fit."""

    @abstractmethod
    def _field_wording(self, form: F, frame: Frame) -> merging.FieldWording: ...

    def _opened(self, draft: StoredDraft, fields: Fields, who: Principal) -> StoredDraft:
        """Return the draft with the files that its form was opened with; as it is now, where they are not kept."""
        asked = field_of(fields, "revision")
        earlier = [] if asked == str(draft.revision) else self._drafts.earlier(draft.id, who)
        kept = next((each for each in earlier if str(each.revision) == asked), None)
        return draft if kept is None else replace(draft, files=kept.files, revision=kept.revision)

    def _with_values(
        self, draft: StoredDraft, files: Mapping[str, str], spoken: Iterable[str], given: Container[str] = ()
    ) -> Mapping[str, str]:
        """Return the files with the values of the texts in these languages in the sample texts of others.

        `given`: see `with_values`.
        """
        with laid_out(self._bench, DraftText(draft.pack, draft.trigger, files)) as laid:
            mistakes = [each for each in laid.findings if not each.warning]
        for each in spoken:
            files = with_values(files, each, mistakes, given)
        return files

    def _save(
        self, opened: StoredDraft, fields: Fields, edit: Edit[F], files: Mapping[str, str], then: str
    ) -> Response:
        """Keep the files, and go on; where somebody else saved meanwhile, merge."""
        revision = whole_number(field_of(fields, "revision"))
        try:
            self._drafts.save(opened.id, revision, files, edit.who)
        except DraftChanged as changed:
            merged = self._merged(changed.there, edit) if opened.revision == revision else None
            return merged or show_both_texts(self._progress, edit.frame, changed.there, files)
        return self._office.go(then)

    def _merged(self, there: StoredDraft, edit: Edit[F]) -> Response | None:
        """Put the changes into what somebody else saved meanwhile, or ask about what both changed.

        None where the changes do not fit into the file any more.
        """
        try:
            form = self._form(there.files, edit.spoken)
        except CannotEdit:
            return None
        named = edit.form.names_in(form, edit.changes)
        if named is None:
            return None
        changes = {now: edit.changes[name] for name, now in named.items()}
        was = {now: edit.form.values.get(name, "") for name, now in named.items()}
        if names := merging.conflicting(changes, was, form.values):
            both, telling = merging.Merge(there, changes, form.values), self._field_wording(form, edit.frame)
            return merging.ask_which(self._progress, edit.frame, both, names, telling, self.page_at, edit.spoken)
        files, wrong = self._written(there.files, replace(edit, form=form, changes=changes))
        if wrong or too_long(files):  # what no field takes any more
            return None
        try:
            self._drafts.save(there.id, there.revision, files, edit.who)
        except DraftChanged as changed:
            return show_both_texts(self._progress, edit.frame, changed.there, files)
        return self._office.go(self._saved(there, edit.spoken))

    def _saved(self, draft: StoredDraft, spoken: str) -> str:
        """Return the address of the form, where it says that all is saved."""
        language = f"spoken={spoken}&" if spoken else ""
        return f"/work/drafts/{draft.id}{self.page_at}?{language}done=saved"

    def _chosen(self, request: Request, id_: int, fields: Fields) -> Response:
        """Keep what was chosen of two editors' changes."""
        who, frame, there = self._enter(request, id_, fields)
        opened, spoken = self._opened(there, fields, who), field_of(fields, "spoken")
        try:
            form = self._form(opened.files, spoken)
        except CannotEdit:
            return self._office.go(f"/work/drafts/{id_}{self.page_at}")
        edit = Edit(who, frame, form, merging.resolved_changes(fields), spoken)
        files, wrong = self._written(there.files, edit)
        if wrong or too_long(files):
            return show_both_texts(self._progress, frame, there, files)
        return self._save(opened, fields, edit, files, self._saved(there, spoken))


def too_long(files: Mapping[str, str]) -> bool:
    """Return True if the files of a draft hold more than a draft may."""
    return sum(len(each.encode("utf-8", "replace")) for each in files.values()) > MOST_BYTES
