"""What messages say of themselves, in every language of ours and on every channel."""

import pytest

from domain.core.sms import segments
from templates.words import footer
from templates.words.footer import Proof

PROOF = Proof("https://habarshy.gov.test/m/AbCdEfGhIjKlMnOpQrSt", "7K2MQ-X9DPA", "habarshy.gov.test/check")
STOP = "https://habarshy.gov.test/stop/AbCdEfGhIjKlMnOpQr"


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (20, {"page"}),
        (40, {"code"}),
        (60, set()),
        (70, set()),
        (71, {"page"}),
        (80, {"page"}),
        (100, {"code"}),
        (134, set()),
        (1, {"page", "code"}),
    ],
)
def test_an_sms_never_costs_a_part_more(length: int, said: set[str]) -> None:
    """Page and code go into the room that is left: both, the page alone, the code alone, or none of them."""
    text = "қ" * length
    made = footer.sms(text, "kk", PROOF)
    assert made.startswith(text)
    assert len(segments(made).parts) == len(segments(text).parts)
    found = {name for name, words in (("page", PROOF.page), ("code", PROOF.code)) if words in made}
    assert found == said


def test_latin_words_stay_in_their_alphabet() -> None:
    """An English SMS stays in GSM 03.38: link and code are all of its letters."""
    made = footer.sms("Your card expires soon.", "en", PROOF)
    assert PROOF.page in made
    assert PROOF.code in made
    assert segments(made).encoding == "gsm7"


@pytest.mark.parametrize("language", ["kk", "ru", "en", "tr"])
def test_a_letter_says_where_to_ask_and_to_check(language: str) -> None:
    """Both parts have link and code, in a language that there are words in; what the law requires names no stop."""
    said = [footer.mail_text("Words.\n", language, PROOF, stop) for stop in (STOP, None)]
    html = footer.mail_html("<p>Words.</p></main>\n</body>\n</html>\n", language, PROOF, STOP)
    assert html.count("</main>") == 1
    for each in (*said, html):
        assert PROOF.page in each
        assert PROOF.code in each
        assert PROOF.check in each
    assert [STOP in each for each in (*said, html)] == [True, False, True]
