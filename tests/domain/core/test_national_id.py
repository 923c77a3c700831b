import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.world import national_id
from domain.core.national_id import SCHEMES, with_check_digit

IS_IIN = SCHEMES["kz.iin"]
ELEVEN_DIGITS = st.text("0123456789", min_size=11, max_size=11)


def test_the_check_digit_is_the_sum_weighted_by_position() -> None:
    """9 x 1 + 1 x 4 + 1 x 6 + 3 x 7 + 1 x 11 = 51, which leaves 7 when divided by 11."""
    assert with_check_digit("90010130001") == "900101300017"
    assert IS_IIN("900101300017")


@pytest.mark.parametrize("place", [1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
def test_every_place_weighs_its_number(place: int) -> None:
    """A lone 1 in a place leaves that place's number (11 leaves 0)."""
    assert with_check_digit(f"{10 ** (11 - place):011d}") == f"{10 ** (11 - place):011d}{place % 11}"


@pytest.mark.parametrize(
    ("first_eleven", "check"),
    [
        ("10300000000", 7),  # 1 + 9 = 10; then 3 + 15 = 18
        ("00000000010", 1),  # 10; then 1
        ("00000000011", 3),  # 10 + 11 = 21; then 1 + 2
    ],
)
def test_a_remainder_of_ten_is_weighed_a_second_time(first_eleven: str, check: int) -> None:
    """Where the first weights leave 10, the check digit comes from 3 to 11, then 1 and 2."""
    assert with_check_digit(first_eleven) == f"{first_eleven}{check}"


def test_a_number_that_leaves_ten_twice_is_never_given() -> None:
    """The state skips 6 x 1 + 5 x 3 = 21 with 6 x 3 + 5 x 5 = 43, so no twelfth digit makes it valid."""
    assert with_check_digit("60500000000") is None
    assert not any(IS_IIN(f"60500000000{digit}") for digit in range(10))


@given(ELEVEN_DIGITS)
def test_at_most_one_check_digit_is_valid(first_eleven: str) -> None:
    """Of the ten numbers with the same start exactly the one with its check digit is accepted, or none."""
    accepted = [number for digit in range(10) if IS_IIN(number := f"{first_eleven}{digit}")]
    expected = with_check_digit(first_eleven)
    assert accepted == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    "value", ["", "90010130001", "9001013000177", "90010130001x", "٩00101300017", " 900101300017", "900101300017\n"]
)
def test_what_is_not_twelve_digits_is_refused(value: str) -> None:
    """Too short, too long, letters, spaces and digits of other scripts are no national ids."""
    assert not IS_IIN(value)


def test_age_and_sex_do_not_matter() -> None:
    """Date and century may be impossible (month 99, century 9): the registry decides, not the number."""
    assert IS_IIN("999999900016")


def test_no_two_invented_people_have_one_number() -> None:
    """However many a measurement invents, each has an id of their own."""
    numbers = [*range(9_990, 10_010), *range(0, 12_000_000, 9_973), *range(50_000, 12_000_000, 100_000)]
    assert len({national_id(number) for number in numbers}) == len(set(numbers))
