"""Forms over one file of a draft: what two editors change at once is kept, or asked about."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.packs.draft_bench import MOST_BYTES
from app.pages.layout import Frame
from app.pages.visits import Fields, field_of
from app.pages.whole_numbers import whole_number
from app.pages.work import merging
from app.pages.work.draft_pages import DraftPages
from app.pages.work.editing import both_texts
from domain.facts.principals import Principal
from streams.rules.drafts import DraftChanged, StoredDraft
from templates.authoring.trigger_form import TriggerForm
from templates.authoring.words_form import WordsForm
from templates.authoring.yaml_edit import CannotEdit

F = TypeVar("F", TriggerForm, WordsForm)


class Edit(Struct, frozen=True):
    """The changes of one editor, and what they found. `spoken`: the language of the file, where it has one."""

    who: Principal
    frame: Frame
    changes: Mapping[str, str]
    was: Mapping[str, str] = {}
    spoken: str = ""


class FormPages(DraftPages, Generic[F]):
    """Keeps the changes that a form makes to a file.

    `page_at`: where the form is, below its draft's address. `file_at`: the file's name, with a gap for its language.
    """

    page_at: ClassVar[str]
    file_at: ClassVar[str]

    @abstractmethod
    def _form(self, files: Mapping[str, str], spoken: str) -> F:
        """Return the file as a form. Raises CannotEdit where it can be edited only as text."""

    @abstractmethod
    def _telling(self, form: F, frame: Frame) -> merging.Telling: ...

    def _save(self, sheet: StoredDraft, fields: Fields, edit: Edit, files: Mapping[str, str], then: str) -> Response:
        """Keep the files, and go on; where somebody else saved meanwhile, merge."""
        try:
            self._sheets.save(sheet.id, whole_number(field_of(fields, "revision")), files, edit.who)
        except DraftChanged as changed:
            there = changed.there
            return self._merged(there, edit) or both_texts(self._progress, edit.frame, there, files)
        return self._office.go(then)

    def _merged(self, there: StoredDraft, edit: Edit) -> Response | None:
        """Put the changes into what somebody else saved meanwhile, or ask about what both changed.

        None where the file can be edited only as text.
        """
        try:
            form = self._form(there.files, edit.spoken)
        except CannotEdit:
            return None
        if names := merging.clashing(edit.changes, edit.was, form.values):
            both, telling = merging.Both(there, edit.changes, form.values), self._telling(form, edit.frame)
            return merging.ask(self._progress, edit.frame, both, names, telling, self.page_at, edit.spoken)
        return self._kept(there, form, edit)

    def _kept(self, there: StoredDraft, form: F, edit: Edit) -> Response:
        text, wrong = form.with_changes(edit.changes)
        files = {**there.files, self.file_at.format(edit.spoken): text}
        if wrong or too_long(files):  # what no field takes any more
            return both_texts(self._progress, edit.frame, there, files)
        try:
            self._sheets.save(there.id, there.revision, files, edit.who)
        except DraftChanged as changed:
            return both_texts(self._progress, edit.frame, changed.there, files)
        spoken = f"spoken={edit.spoken}&" if edit.spoken else ""
        return self._office.go(f"/work/drafts/{there.id}{self.page_at}?{spoken}done=saved")

    def _chosen(self, request: Request, id_: int, fields: Fields) -> Response:
        """Keep what was chosen of two editors' changes."""
        who, frame, there = self._enter(request, id_, fields)
        edit = Edit(who, frame, merging.chosen(fields), spoken=field_of(fields, "spoken"))
        if str(there.revision) != field_of(fields, "revision"):
            kept = self._merged(there, edit)
        else:
            try:
                kept = self._kept(there, self._form(there.files, edit.spoken), edit)
            except CannotEdit:
                kept = None
        return kept or self._office.go(f"/work/drafts/{id_}{self.page_at}")


def too_long(files: Mapping[str, str]) -> bool:
    """Return True if the files of a draft hold more than a draft may."""
    return sum(len(each.encode("utf-8", "replace")) for each in files.values()) > MOST_BYTES
