"""The common parts of the pages about one draft."""

from fastapi import Request

from app.packs.draft_bench import Bench
from app.pages.layout import Frame, RoutedPages
from app.pages.visits import Fields
from app.pages.work.drafts.progress import Progress
from app.pages.work.drafts.stored_drafts import draft_of
from app.pages.work.office import Office
from domain.facts.principals import Principal
from streams.rules.drafts import DraftStore, StoredDraft


class DraftPages(RoutedPages):
    """Pages about one draft."""

    def __init__(self, office: Office, drafts: DraftStore, bench: Bench, progress: Progress) -> None:
        self._office, self._drafts, self._bench, self._progress = office, drafts, bench, progress

    def _enter(
        self, request: Request, id_: int, fields: Fields | None = None
    ) -> tuple[Principal, Frame, StoredDraft]:
        """Return who signed in, the frame of the page, and the draft. Raises as `Office.enter` and `draft_of` do."""
        who, frame = self._office.enter(request, fields)
        return who, frame, draft_of(self._drafts, id_, who)
