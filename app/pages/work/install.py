"""The installation of all pages of the workbench."""

from fastapi import FastAPI

from app.compose import Platform
from app.http.heavy import Heavy
from app.jobs.job_threads import Hands
from app.packs.draft_bench import Bench
from app.pages.layout import Pages
from app.pages.work.approving import Approving
from app.pages.work.backtests import Backtests
from app.pages.work.beginning import Beginning
from app.pages.work.editing import Editing
from app.pages.work.letters import LetterPages
from app.pages.work.listing import Listing
from app.pages.work.office import Office
from app.pages.work.triggers import TriggerPages
from app.pages.work.trying import Trying
from streams.rules.drafts import DraftStore
from streams.rules.trigger_history import TriggerHistories


def install_work(app: FastAPI, platform: Platform, pages: Pages, hands: Hands, heavy: Heavy) -> None:
    """The pages for authors and approvers."""
    office = Office(platform, pages)
    lives, sheets = TriggerHistories(platform.database, platform.log), DraftStore(platform.database, platform.clock)
    bench = Bench(platform.rules.library)
    app.include_router(Listing(office, lives, sheets).router())
    app.include_router(TriggerPages(office, lives).router())
    app.include_router(LetterPages(office).router())
    for page in (Beginning, Editing, Trying, Approving):
        app.include_router(page(office, sheets, bench).router(), dependencies=[heavy.turn])
    app.include_router(Backtests(office, sheets, bench, hands).router(), dependencies=[heavy.turn])
