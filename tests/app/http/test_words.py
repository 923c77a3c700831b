import pytest

from app.http.words import WORDS, language_among, language_of_header


def test_all_words_are_there_in_all_languages() -> None:
    """Every page has every word in Kazakh, Russian and English."""
    assert set(WORDS) == {"kk", "ru", "en"}
    for words in WORDS.values():
        assert all(getattr(words, name).strip() for name in words.__struct_fields__)


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("*", "en"), ("de-DE,de;q=0.9", "en"), ("KK", "kk"), ("fr, ru-RU;q=0.5", "ru"), (";;,,", "en")],
)
def test_the_first_language_that_there_are_words_in(header: str, language: str) -> None:
    """Whatever a browser asks for, it gets a language that the pages have words in."""
    assert language_of_header(header) == language


def test_a_language_without_words() -> None:
    """Who speaks a language that the pages don't gets English."""
    assert [language_among("kk"), language_among("uz")] == ["kk", "en"]
