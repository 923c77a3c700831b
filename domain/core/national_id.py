"""National ids: whether a number is one that the state could have given."""

import re
from collections.abc import Callable, Mapping
from operator import mul
from types import MappingProxyType
from typing import Final

_WEIGHTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND_WEIGHTS: Final = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_UNUSABLE: Final = 10
_TWELVE_DIGITS: Final = re.compile(r"(?<![0-9])(?=([0-9](?:[\s-]?[0-9]){11})(?![0-9]))")


def is_iin(value: str) -> bool:
    """Return True for a Kazakh individual identification number: 12 digits of which the last one checks.

    Only the checksum counts: birth date and sex come from the registry, never from the number. Source: Law of
    Kazakhstan No. 223-III of 12 January 2007 on national registers of identification numbers.
    """
    return with_check_digit(value[:11]) == value


def has_iin(text: str) -> bool:
    """Return True for a text with an IIN in it, also where spaces or hyphens stand between its digits."""
    return any(is_iin(re.sub(r"[\s-]", "", found)) for found in _TWELVE_DIGITS.findall(text))


def with_check_digit(first_eleven: str) -> str | None:
    """Return the IIN that starts with these 11 digits; None where the state gives none or they are no digits."""
    if len(first_eleven) != len(_WEIGHTS) or not (first_eleven.isascii() and first_eleven.isdigit()):
        return None
    check = _weighted(first_eleven, _WEIGHTS)
    if check == _UNUSABLE:
        check = _weighted(first_eleven, _SECOND_WEIGHTS)
    return None if check == _UNUSABLE else f"{first_eleven}{check}"


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    """Return the weighted sum of the digits modulo 11.

    It takes the digits' character codes, 48 more than the digits: the weights sum to 66, which is 0 modulo 11.
    """
    total: int = sum(map(mul, digits.encode(), weights))
    return total % 11


SCHEMES: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType({"kz.iin": is_iin})
"""Every scheme that a pack may name as its `national_id`, with its check."""
