"""Telephone numbers: which are some, and how they are written."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.sms.phone import e164, written


@pytest.mark.parametrize(
    ("address", "region", "digits"),
    [
        ("+77012345678", None, "77012345678"),
        ("+7 (701) 234-56-78", None, "77012345678"),
        ("87012345678", "KZ", "77012345678"),
        ("87012345678", None, None),
        ("+390612345678", None, "390612345678"),
        ("+7 000 000 00 00", None, None),
        ("+7701234567", None, None),
        ("+7701234567a", "KZ", None),
        ("+77012345678 ext. 5", "KZ", None),
        ("tel:+77012345678", "KZ", None),
        ("citizen@mail.test", "KZ", None),
        ("", "KZ", None),
        ("+", "KZ", None),
        ("+٧٧٠١٢٣٤٥٦٧٨", "KZ", None),
        ("+77012345678\r\n", "KZ", None),
        ("9" * 100_000, "KZ", None),
    ],
)
def test_a_number_is_one_or_none(address: str, region: str | None, digits: str | None) -> None:
    """What can be dialled gives its digits in E.164, all else nothing."""
    assert e164(address, region) == digits


@given(st.from_regex(r"\+(7|77|1|44|39|996|998|86)[0-9]{7,11}", fullmatch=True))
def test_the_short_way_is_right(address: str) -> None:
    """A number that needs no reading gives what reading it would give."""
    try:
        number = phonenumbers.parse(address)
    except phonenumbers.NumberParseException:
        assert e164(address) is None
        return
    valid = phonenumbers.is_valid_number(number)
    assert e164(address) == (phonenumbers.format_number(number, 0)[1:] if valid else None)


@pytest.mark.parametrize(
    ("address", "international", "region", "shown"),
    [
        ("77012345678", True, None, "+77012345678"),
        ("+77012345678", True, None, "+77012345678"),
        ("77012345678", False, "KZ", "+77012345678"),
        ("87012345678", False, "KZ", "+77012345678"),
        ("1414", False, "KZ", "1414"),
        ("eGov", False, None, "eGov"),
    ],
)
def test_a_sender_is_written_as_a_citizen_gave_it(
    address: str,
    international: bool,  # noqa: FBT001  the case
    region: str | None,
    shown: str,
) -> None:
    """However a centre writes a number, it comes in with a plus and its code; a short code or a name stays."""
    assert written(address, international=international, region=region) == shown
