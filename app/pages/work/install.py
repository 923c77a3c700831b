"""The installation of all pages of the workbench."""

from functools import partial

from app.compose import Platform
from app.http.bulkhead import Bulkhead
from app.http.openapi import Api
from app.jobs.job_threads import JobControl
from app.packs.draft_bench import Bench
from app.pages.layout import Pages
from app.pages.work.all_texts import AllTexts
from app.pages.work.approving import Approving
from app.pages.work.backtests import Backtests
from app.pages.work.citizen_letters import CitizenLetterPages
from app.pages.work.drafts.editing import Editing
from app.pages.work.drafts.progress import Progress
from app.pages.work.drafts.saves import Saves
from app.pages.work.field_places import field_finder
from app.pages.work.listing import Listing
from app.pages.work.mailing import Mailing, TrialSending
from app.pages.work.new_draft import NewDraft
from app.pages.work.office import Office
from app.pages.work.rule.rule_form_page import RuleFormPage
from app.pages.work.texts_page import TextsPage
from app.pages.work.trials.examples import Examples
from app.pages.work.trials.trial_pages import TrialPages
from app.pages.work.triggers import TriggerPages
from streams.rules.drafts import DraftStore
from streams.rules.trigger_history import TriggerHistories


def install_work(app: Api, platform: Platform, pages: Pages, job_control: JobControl, bulkhead: Bulkhead) -> None:
    """The pages for authors and approvers."""
    office = Office(platform, pages)
    lives, drafts = TriggerHistories(platform.database, platform.log), DraftStore(platform.database, platform.clock)
    bench = Bench(platform.rules.library)
    app.serve(Listing(office, lives, drafts))
    app.serve(TriggerPages(office, lives))
    app.serve(CitizenLetterPages(office))
    progress = Progress(office, bench, partial(field_finder, platform.rules.library))
    app.serve(NewDraft(office, drafts, bench), dependencies=[bulkhead.turn])
    for page in (Editing, RuleFormPage, TextsPage, AllTexts, Examples, TrialPages, Saves):
        app.serve(page(office, drafts, bench, progress), dependencies=[bulkhead.turn])
    mailing = Mailing(platform, drafts)
    app.serve(Approving(office, drafts, bench, progress, mailing), dependencies=[bulkhead.turn])
    app.serve(TrialSending(office, drafts, bench, mailing), dependencies=[bulkhead.turn])
    app.serve(Backtests(office, drafts, bench, progress, job_control), dependencies=[bulkhead.turn])
