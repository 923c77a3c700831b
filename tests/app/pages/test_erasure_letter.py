"""The certificate of an erasure, as `erase --html` writes it."""

from playwright.sync_api import Browser, ViewportSize

from app.pages.erasure_letter import erasure_letter
from streams.privacy.erasure import Certificate
from tests.app.pages.shipped_rules import speech_of
from tests.app.pages.site import Inspector, each_look
from tests.world import NOON

ERASED = Certificate(
    person="0" * 32,
    at=NOON,
    by="olga",
    agency="platform",
    reason="asked",
    position=7,
    fact="f" * 64,
    key="k",
    wrapped="w" * 64,
    removed={"due": 12_000},
    kept={"life/1": 3},
    clean=True,
)


@each_look
def test_the_printed_certificate_is_a_page_like_all_others(
    chromium: Browser, look_name: str, language: str, viewport: ViewportSize
) -> None:
    """The page of `erase --html` is in the reader's language, in light and dark and on paper, and says all of it."""
    with chromium.new_context(viewport=viewport) as context:
        page = context.new_page()
        page.set_content(erasure_letter(ERASED, speech_of(language)))
        seen = Inspector(page, language, look_name)
        seen.look("certificate-printed")
        assert seen.wrong == []
        told = page.locator("main").inner_text()
    title = {"en": "Certificate of erasure", "ru": "Свидетельство", "kk": "куәлік"}[language]
    assert title in told
    assert all(each in told for each in (ERASED.person, "olga (platform)", "asked", "7, SHA-256 ff", "life/1"))
    assert "12,000" not in told or language == "en"
