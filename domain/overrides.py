"""What each class of nudges overrides of a person's preferences and of the fatigue cap."""

from collections.abc import Mapping

from msgspec import Struct

from domain.triggers import Class


class Overrides(Struct, frozen=True):
    """What a class overrides: a refused category, quiet hours, the cap; and what it asks for.

    `counts`: a message of this class counts towards the cap of who got it.
    """

    opt_out: bool = False
    quiet_hours: bool = False
    cap: bool = False
    needs_consent: bool = False
    counts: bool = True


OVERRIDES: Mapping[Class, Overrides] = {
    "legal": Overrides(opt_out=True, cap=True, counts=False),
    "service": Overrides(cap=True),
    "reminder": Overrides(),
    "offer": Overrides(needs_consent=True),
}
"""Nothing overrides quiet hours: see docs/decisions/0005-the-fatigue-cap.md for the reasons of each."""
