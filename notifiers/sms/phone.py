"""Telephone numbers as the providers of SMS take them (ITU-T E.164)."""

import re

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, PhoneNumberFormat

_WRITTEN = re.compile(r"\+?[0-9 ().-]{4,30}")
_PLAIN = re.compile(r"\+[1-9][0-9]{7,14}")


def e164(address: str, region: str | None = None) -> str | None:
    """Return the number's digits with its country code, without the plus; None if nobody can have this number.

    A number without a country code is one of `region` (ISO 3166, two letters); without a region it is none.
    """
    if _PLAIN.fullmatch(address) and _is_plain(address[1:]):
        return address[1:]
    if not _WRITTEN.fullmatch(address):
        return None
    try:
        number = phonenumbers.parse(address, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def written(address: str, *, international: bool, region: str | None = None) -> str:
    """Return the number that an SMS came from, with a plus and its country code if it is one; else as it came."""
    given = address if address.startswith("+") or not international else f"+{address}"
    digits = e164(given, region) or e164(f"+{address}")
    return f"+{digits}" if digits else address


def _is_plain(digits: str) -> bool:
    """Return True if these digits are a number as they stand.

    Nearly all are, and parsing them again takes twice as long.
    """
    code = next(
        (digits[:length] for length in (1, 2, 3) if int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE), None
    )
    if code is None or digits[len(code)] == "0":  # a leading zero can be a part of the number
        return False
    return phonenumbers.is_valid_number(PhoneNumber(int(code), int(digits[len(code) :])))
