from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from templates.words.filters import long_date, money, number, speaks, upper_first


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("kk", "2026\u202fж. 24 қыркүйек"),
        ("ru", "24 сентября 2026\u202fг."),
        ("en", "24 September 2026"),
    ],
)
def test_dates_are_written_out(language: str, written: str) -> None:
    """An ISO date, a date, and a local time give the same long day in each language."""
    late = datetime(2026, 9, 24, 1, tzinfo=timezone(timedelta(hours=5)))
    assert {long_date(value, language) for value in ("2026-09-24", date(2026, 9, 24), late)} == {written}


def test_a_time_is_the_day_where_it_is_local() -> None:
    """The same moment is the day before in UTC."""
    assert long_date(datetime(2026, 9, 23, 20, tzinfo=UTC), "en") == "23 September 2026"


@pytest.mark.parametrize(
    ("tenge", "written"),
    [
        (0, "0\u00a0₸"),
        (850, "850\u00a0₸"),
        (18200, "18\u202f200\u00a0₸"),
        (1234567, "1\u202f234\u202f567\u00a0₸"),
    ],
)
def test_money_never_breaks_over_two_lines(tenge: int, written: str) -> None:
    """Thousands apart by narrow no-break spaces, and the sign of the tenge in every language."""
    assert money(tenge) == written


@pytest.mark.parametrize(
    ("value", "language", "written"),
    [
        (12345, "kk", "12\u202f345"),
        (12345.5, "kk", "12\u202f345,5"),
        (12345.5, "ru", "12\u202f345,5"),
        (12345.5, "en", "12\u202f345.5"),
        (0.25, "en", "0.25"),
    ],
)
def test_numbers_have_the_decimal_sign_of_the_language(value: float, language: str, written: str) -> None:
    """Thousands are apart in the same way in all languages."""
    assert number(value, language) == written


def test_a_capital_first_letter() -> None:
    """The rest of the text stays as it is."""
    assert [upper_first(text) for text in ("жаңа ҚР", "", "1a")] == ["Жаңа ҚР", "", "1a"]


def test_languages_that_dates_can_be_written_in() -> None:
    """A language that nobody knows is known as such."""
    assert [speaks(language) for language in ("kk", "ru", "en", "qq", "", "../x")] == [True] * 3 + [False] * 3
