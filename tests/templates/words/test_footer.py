"""What messages say of themselves, in every language of ours and on every channel."""

import pytest

from domain.core.sms import segments
from templates.words import footer
from templates.words.email_layout import BOTTOM, Letterhead
from templates.words.footer import Foot, Proof
from templates.words.rendering import signed

PROOF = Proof("https://habarshy.gov.test/m/AbCdEfGhIjKlMnOpQrSt", "7K2MQ-X9DPA", "habarshy.gov.test/check")
STOP = "https://habarshy.gov.test/stop/AbCdEfGhIjKlMnOpQr"


@pytest.mark.parametrize(
    ("length", "said"),
    [(1, True), (2, False), (50, False), (51, True), (65, True), (66, False), (113, False)],
)
def test_an_sms_never_costs_a_part_more_for_its_page(length: int, said: bool) -> None:  # noqa: FBT001  (of a table)
    """The page goes into the room that is left; office and code are always the last line."""
    text = signed("қ" * length, "kk", "ІІМ", PROOF.code)
    made = footer.with_page(text, PROOF.page)
    assert (made.startswith("қ" * length), made.splitlines()[-1]) == (True, f"ІІМ код {PROOF.code}")
    assert len(segments(made).parts) == len(segments(text).parts)
    assert (PROOF.page in made) is said


def test_latin_words_stay_in_their_alphabet() -> None:
    """An English SMS stays in GSM 03.38: link, office and code are all of its letters."""
    made = footer.with_page(signed("Your card expires soon.", "en", "MIA", PROOF.code), PROOF.page)
    assert made.splitlines() == ["Your card expires soon.", PROOF.page, f"MIA code {PROOF.code}"]
    assert segments(made).encoding == "gsm7"


def test_no_words_are_no_sms() -> None:
    """What has no words for an SMS is not signed; what names no office has its code alone."""
    assert signed("", "kk", "ІІМ") == ""
    assert signed("Words", "en", "", PROOF.code) == f"Words\nCode: {PROOF.code}"


@pytest.mark.parametrize("language", ["kk", "ru", "en", "tr"])
def test_a_letter_says_where_to_ask_and_to_check(language: str) -> None:
    """Both parts have link and code, in a language that there are words in; what the law requires names no stop."""
    said = [footer.mail_text("Words.\n", language, Foot(PROOF, stop)) for stop in (STOP, None)]
    html = footer.mail_html(f"<p>Words.</p>{BOTTOM}", language, Foot(PROOF, STOP))
    assert html.count("</main>") == 1
    for each in (*said, html):
        assert PROOF.page in each
        assert PROOF.code in each
        assert PROOF.check in each
    assert [STOP in each for each in (*said, html)] == [True, False, True]


@pytest.mark.parametrize("language", ["kk", "ru", "en", "tr"])
def test_a_letter_offers_its_day_to_calendars(language: str) -> None:
    """Where a message names a day, both parts link to its file, the text on its own line; else neither does."""
    words, html = "Words.\n", f"<p>Words.</p>{BOTTOM}"
    for has_day in (True, False):
        foot = Foot(PROOF, STOP, has_day)
        assert (f"{PROOF.page}/calendar.ics" in footer.mail_text(words, language, foot).splitlines()) is has_day
        assert (f'href="{PROOF.page}/calendar.ics"' in footer.mail_html(html, language, foot)) is has_day


def test_a_letter_says_who_writes_to_whom_and_whether_it_can_be_stopped() -> None:
    """The text begins with the agency and the addressee, ends with the sender, and each address has its own line."""
    foot = Foot(PROOF, STOP, head=Letterhead("Ministry of Justice", "Aigerim S."))
    assert footer.mail_text("Words.\n", "en", foot).splitlines() == [
        "Ministry of Justice",
        "To: Aigerim S.",
        "",
        "Words.",
        "",
        "-- ",
        "Sent by: Ministry of Justice",
        "Why you got this message:",
        PROOF.page,
        "Stop such messages:",
        STOP,
        f"Code of this message: {PROOF.code}. Check that it is genuine: {PROOF.check} (type the address yourself)",
    ]
    by_law = Foot(PROOF, is_mandatory=True)
    for each in (footer.mail_text("Words.\n", "en", by_law), footer.mail_html(BOTTOM, "en", by_law)):
        assert "The law requires such messages, so they cannot be stopped." in each
