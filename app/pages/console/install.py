"""The installation of all pages of the console."""

from app.compose import Platform
from app.http.bulkhead import Bulkhead
from app.http.openapi import Api
from app.jobs.job_threads import JobControl
from app.pages.console.accesses import AccessPage
from app.pages.console.dead_letters import DeadLetterPages
from app.pages.console.forecast import ForecastPage
from app.pages.console.front_page import FrontPage
from app.pages.console.job_forms import JobFormPages
from app.pages.console.jobs import JobPages
from app.pages.console.messages import MessagePages
from app.pages.console.people import PersonPages
from app.pages.console.schedule import SchedulePages
from app.pages.console.staff import Staff
from app.pages.console.switching import SwitchPages
from app.pages.console.unknown import UnknownPage
from app.pages.layout import Pages
from app.reports.condition import lag_of_workers


def install_console(app: Api, platform: Platform, pages: Pages, job_control: JobControl, bulkhead: Bulkhead) -> None:
    """The pages for operators and auditors."""
    staff, lag = Staff(platform, pages), lag_of_workers(platform)
    found = (
        FrontPage(staff, None if lag is None else lag.partitions, staff.now),
        MessagePages(staff),
        DeadLetterPages(staff),
        UnknownPage(staff),
        JobFormPages(staff, job_control),
        JobPages(staff, job_control),
        SchedulePages(staff),
        SwitchPages(staff),
        PersonPages(staff),
        AccessPage(staff),
    )
    for page in found:
        app.serve(page)
    app.serve(ForecastPage(staff), dependencies=[bulkhead.turn])
