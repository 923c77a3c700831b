"""The earlier saves of a draft, and the way back to one."""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.pages.visits import Form, field_of
from app.pages.whole_numbers import whole_number
from app.pages.work.drafts.changed_lines import Room, changed_lines
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.stored_drafts import Id, page_name
from domain.core.translatable import Said
from domain.facts.principals import Role
from streams.rules.drafts import MOST_KEPT, DraftChanged


class Saves(DraftPages):
    """Lists what the last saves of a draft replaced, and goes back to one of them."""

    @routes.get("/work/drafts/{id}/saves")
    def page(self, request: Request, id: Id, done: str = "") -> Response:
        """Show each earlier save with what differs from now."""
        who, frame, draft = self._enter(request, id)
        room = Room()
        earlier = [
            (
                each.revision,
                frame.speech.say("Save {number}: {by}, {at}").format(
                    number=each.revision, by=each.changed_by, at=frame.speech.moment(each.changed_at)
                ),
                [
                    (page_name(name, frame.speech), lines)
                    for name, lines in changed_lines(draft.files, each.files, room)
                ],
            )
            for each in self._drafts.earlier(id, who)
        ]
        return self._progress.show(
            "saves.html",
            frame,
            draft,
            "write",
            earlier=earlier,
            now=f"{draft.changed_by}, {frame.speech.moment(draft.changed_at)}",
            most=MOST_KEPT,
            author=Role.AUTHOR in who.roles,
            done=done,
        )

    @routes.post("/work/drafts/{id}/saves")
    def back(self, request: Request, id: Id, fields: Form) -> Response:
        """Save the files of an earlier revision again; what stands there now is kept as an earlier save."""
        who, _, draft = self._enter(request, id, fields)
        wanted = whole_number(field_of(fields, "back"))
        kept = next((each for each in self._drafts.earlier(id, who) if each.revision == wanted), None)
        if kept is None:
            raise Problem(HTTPStatus.NOT_FOUND, Said("there is no such save any more"), kind="unknown-name")
        try:
            self._drafts.save(draft.id, whole_number(field_of(fields, "revision")), kept.files, who)
        except DraftChanged:
            return self._office.go(f"/work/drafts/{id}/saves?done=moved")
        return self._office.go(f"/work/drafts/{id}/saves?done=back")
