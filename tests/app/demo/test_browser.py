"""The demo in a browser: in three languages, light and dark, on a small telephone, a telephone and a desk."""

import os
import re
import struct
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.app.demo.running import Lived
from tests.app.pages.site import LOOKS, Inspector, each_look

ROOT = Path(__file__).parents[3]
PICTURE = ROOT / "docs/demo.png"
MOST_BYTES = 300_000
END = 12
"""The length of the last chunk of a PNG file."""
CHAIRS = (
    "/",
    "/demo/country",
    "/demo/assistant",
    "/demo/as/aigerim?next=/my",
    "/demo/why",
    "/demo/as/dana?next=/work",
    "/demo/as/omar?next=/console%3Fspan%3Dweek",
)


@each_look
def test_every_chair_is_for_everybody(
    chromium: Browser, lived: Lived, look_name: str, language: str, viewport: ViewportSize
) -> None:
    """Every page of the demo is seen, and on none of them anything is wrong."""
    with chromium.new_context(locale=language, viewport=viewport) as context:
        seen = Inspector(context.new_page(), language, look_name)
        for path in CHAIRS:
            name = re.sub(r"\W+", "-", path.rpartition("=")[2]).strip("-") or "story"
            seen.go(lived.announced[0] + path, f"demo-{name}")
    assert seen.wrong == []
    own = {each.name for each in (ROOT / "app/demo/pages").glob("[!_]*.html")}
    assert seen.templates > own


def test_the_picture_in_the_readme_is_of_today(chromium: Browser, lived: Lived) -> None:
    """README begins with the story, and its picture shows what the page says now. `make picture` takes it anew."""
    with chromium.new_context(locale="en", viewport=LOOKS["en-1280"][1]) as context:
        page = context.new_page()
        page.goto(lived.announced[0])
        mark = story_mark(page)
        if os.environ.get("TEST_PICTURE"):
            picture = page.screenshot()
            PICTURE.write_bytes(picture[:-END] + mark + picture[-END:])
        words, picture = picture_words(page), PICTURE.read_bytes()
        assert f"![{words}](docs/demo.png)" in (ROOT / "README.md").read_text(encoding="utf-8"), words
        assert struct.unpack(">II", picture[16:24]) == (1280, 900)
        assert mark in picture, "the story is another: make picture"
        assert len(picture) < MOST_BYTES


def picture_words(page: Page) -> str:
    """The heading of the story, and its sums."""
    sums = [" ".join(each.split()) for each in page.locator(".sums li").all_inner_texts()]
    return f"{page.locator('h1').inner_text()}: {'; '.join(sums)}"


def story_mark(page: Page) -> bytes:
    """A chunk of a PNG file with the digest of the story, as far as it stands on the first screen."""
    seen = page.locator("h1, .lead, .sums li, #moments article").evaluate_all(
        "all => all.filter(each => each.getBoundingClientRect().top < innerHeight).map(each => each.innerText)"
    )
    chunk = b"tEXtStory\0" + sha256("\n".join(seen).encode()).hexdigest().encode()
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", crc32(chunk))


def test_a_link_in_a_letter_opens_a_page(chromium: Browser, lived: Lived) -> None:
    """A letter stands in a frame, and its last link opens the product's page for stopping such messages."""
    with chromium.new_context(locale="en") as context:
        page = context.new_page()
        page.goto(f"{lived.announced[0]}/demo/country")
        with context.expect_page() as opened:
            page.frame_locator("iframe").locator("a[href*='/stop/']").click()
        opened.value.wait_for_url("**/stop/*")
        expect(opened.value.locator("main form button")).to_be_visible()


def test_a_minister_walks_through_it(chromium: Browser, lived: Lived) -> None:
    """From the story to the reasons of a fine, the other parent's inbox, the workbench and back, by links alone."""
    with chromium.new_context(locale="ru", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(lived.announced[0])
        card = page.locator("article", has_text="Камера замечает Данияра").first
        card.locator("summary").click()
        expect(card.locator("[lang=ru]")).to_contain_text("39")
        card.get_by_role("link", name="Почему это пришло?").click()
        expect(page.locator(".answer")).to_contain_text("наложен штраф")
        expect(page.locator(".who")).to_contain_text("Данияр")
        page.get_by_role("link", name="Смотреть глазами Айгерим").click()
        expect(page.locator("main")).to_contain_text("Замена паспорта")
        page.get_by_role("link", name="Мастерская").click()
        page.get_by_role("link", name="Войти как Серик, который утверждает").click()
        expect(page.locator(".who")).to_contain_text("Серик")
        page.get_by_role("link", name="Год семьи").click()
        expect(page.locator("h1")).to_have_text("Год, когда государство написало первым")
