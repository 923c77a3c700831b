"""The editor of a draft: its files in fields, with what lint finds beside the line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.http.problems import Problem
from app.packs.draft_bench import MOST_BYTES, LaidOutDraft
from app.packs.draft_child import TESTS
from app.pages.layout import Frame
from app.pages.visits import DraftForm, Form, field_of
from app.pages.whole_numbers import whole_number
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.progress import Progress
from app.pages.work.drafts.stored_drafts import Id, laid_out, text_of
from domain.core.translatable import Words
from domain.facts.principals import Principal, Role
from streams.rules.drafts import DraftChanged, StoredDraft
from templates.reading.findings import Finding, listed

NEXT: Mapping[str, str] = {
    "save": "?done=saved",
    "tests": "/tests?done=saved",
    "preview": "/preview",
    "submit": "/submit",
}
SPARE_LINES = 3


class Field(Struct, frozen=True):
    """A file in the editor. `at`: the line that a link led to; 0: none."""

    name: str
    text: str
    findings: Sequence[Finding]
    at: int = 0

    @property
    def lines(self) -> list[str]:
        """Return its lines."""
        return self.text.split("\n")

    @property
    def rows(self) -> int:
        """Return the number of lines to show."""
        return len(self.lines) + SPARE_LINES

    @property
    def marked(self) -> int:
        """Return the line that a link led to, if the file has it; else 0."""
        return self.at if 0 < self.at <= len(self.lines) else 0

    @property
    def gutter(self) -> Iterator[tuple[int, str]]:
        """Yield the number of each line, with a mark where something is to be said about it."""
        wrong = {self.at: "◂"} | {each.line: "!" if each.warning else "✗" for each in self.findings}
        yield from ((number, wrong.get(number, "")) for number in range(1, self.rows + 1))

    def line(self, number: int) -> str:
        """Return the text of a line."""
        return self.lines[number - 1].strip()[:100] if number <= len(self.lines) else ""


class Editing(DraftPages):
    """Shows and keeps drafts."""

    @routes.get("/work/drafts/{id}")
    def page(self, request: Request, id: Id, done: str = "") -> Response:
        """Return the draft, linted."""
        who, frame, draft = self._enter(request, id)
        with laid_out(self._bench, text_of(draft)) as laid:
            return self._show(frame, draft, laid, who, at_line=_led_to(request), done=done)

    def _show(
        self,
        frame: Frame,
        draft: StoredDraft,
        laid: LaidOutDraft,
        who: Principal,
        at_line: tuple[str, int],
        **more: Any,
    ) -> Response:
        names = sorted(draft.files, key=lambda name: (name == TESTS, name != "trigger.yaml", name))
        shown, _ = listed(laid.findings)
        file, line = at_line
        fields = [
            Field(name, draft.files[name], [each for each in shown if each.path == name], line if name == file else 0)
            for name in names
        ]
        others = [each for each in shown if each.path not in draft.files]
        return self._progress.show(
            "draft.html",
            frame,
            draft,
            "write",
            fields=fields,
            others=others,
            broken=laid.broken,
            count=len(laid.findings),
            mistakes=sum(not each.warning for each in laid.findings),
            at=frame.speech.moment(draft.changed_at),
            author=Role.AUTHOR in who.roles,
            most=MOST_BYTES // 1024,
            **more,
        )

    @routes.post("/work/drafts/{id}")
    def save(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Keep what was written, and go on to where they wished."""
        who, frame, before = self._enter(request, id, fields)
        files = {
            name: _text(fields[f"file-{name}"][0]) if f"file-{name}" in fields else text
            for name, text in before.files.items()
        }
        if sum(len(text.encode("utf-8", "replace")) for text in files.values()) > MOST_BYTES:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                Words("the files have more than {most} kB", most=MOST_BYTES // 1024),
            )
        try:
            self._drafts.save(id, whole_number(field_of(fields, "revision")), files, who)
        except DraftChanged as changed:
            return show_both_texts(self._progress, frame, changed.there, files)
        return self._office.go(f"/work/drafts/{id}{NEXT.get(field_of(fields, 'then'), NEXT['save'])}")

    @routes.post("/work/drafts/{id}/delete")
    def delete(self, request: Request, id: Id, fields: Form) -> Response:
        """Delete the draft."""
        who, _, _ = self._enter(request, id, fields)
        self._drafts.drop(id, who)
        return self._office.go("/work")


def _led_to(request: Request) -> tuple[str, int]:
    """Return the file and the line that a link to a finding leads to; an empty name where it leads to none."""
    asked = request.query_params
    line = asked.get("line", "")
    return (asked.get("file", ""), int(line)) if re.fullmatch("[0-9]{1,6}", line) else ("", 0)


def show_both_texts(progress: Progress, frame: Frame, there: StoredDraft, mine: Mapping[str, str]) -> Response:
    """Show both texts after somebody else saved first, so that nothing is lost."""
    fields = [Field(name, text, ()) for name, text in mine.items() if text != there.files.get(name)]
    return progress.show(
        "moved.html",
        frame,
        there,
        "write",
        HTTPStatus.CONFLICT,
        fields=fields,
        at=frame.speech.moment(there.changed_at),
    )


def _text(sent: str) -> str:
    """Return the text as it was typed, with the line ends that files have."""
    return sent.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
