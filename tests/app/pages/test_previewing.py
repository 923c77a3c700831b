"""The page of a preview's emails, in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.app.terminal import Terminal
from tests.templates.packs import SHIPPED

CUT = "frames => frames.filter(each => each.clientHeight < each.contentDocument.documentElement.scrollHeight).length"


@pytest.mark.parametrize("media", ["screen", "print"])
def test_every_email_is_there_to_its_end(tmp_path: Path, chromium: Browser, media: str) -> None:
    """No frame hides the end of its email, which paper could not be scrolled to, and no empty half follows."""
    trigger, file = SHIPPED["kz"] / "birth_allowance", tmp_path / "mails.html"
    assert Terminal(tmp_path).run("preview", str(trigger), "--html", str(file)).code == 0
    page = chromium.new_page(viewport={"width": 800, "height": 600})
    page.emulate_media(media=media)  # type: ignore[arg-type]
    page.goto(file.as_uri())
    heights = page.locator("iframe").evaluate_all("frames => frames.map(each => each.clientHeight)")
    assert page.locator("iframe").evaluate_all(CUT) == 0
    assert len(set(heights)) > 1
    page.close()
