"""All pages of the workbench."""

from fastapi import FastAPI

from app.compose import Platform
from app.pages.layout import Pages
from app.pages.work.listing import Listing
from app.pages.work.office import Office
from app.pages.work.triggers import TriggerPages
from streams.lives import Lives
from streams.sheets import Sheets


def install_work(app: FastAPI, platform: Platform, pages: Pages) -> None:
    """The pages for authors and approvers."""
    office = Office(platform, pages)
    lives, sheets = Lives(platform.database, platform.log), Sheets(platform.database, platform.clock)
    for page in (Listing(office, lives, sheets), TriggerPages(office, lives)):
        app.include_router(page.router())
