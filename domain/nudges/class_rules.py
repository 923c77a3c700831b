"""The rules of each class of nudges: the limits that it ignores, its needs, its weight in the cap, its repetition."""

from collections.abc import Mapping

from msgspec import Struct


class ClassRules(Struct, frozen=True):
    """The limits that a class ignores (a refused category, quiet hours, the cap, an agency's rate), and its needs.

    `counts`: a message of this class counts towards its recipient's cap; `repeats`: it is sent again where nobody
    knows whether it went, because twice is better than never. `named`: its email names the addressee: what is about a
    place, or offered to many, need not.
    """

    opt_out: bool = False
    quiet_hours: bool = False
    cap: bool = False
    pace: bool = False
    repeats: bool = False
    needs_consent: bool = False
    counts: bool = True
    named: bool = False


CLASS_RULES: Mapping[str, ClassRules] = {
    "emergency": ClassRules(opt_out=True, quiet_hours=True, cap=True, pace=True, repeats=True, counts=False),
    "legal": ClassRules(opt_out=True, cap=True, repeats=True, counts=False, named=True),
    "service": ClassRules(cap=True, named=True),
    "reminder": ClassRules(named=True),
    "offer": ClassRules(needs_consent=True),
}
"""Only danger to life or limb overrides quiet hours. The reasons of each: docs/decisions/0005-the-fatigue-cap.md."""


def is_named(klass: object) -> bool:
    """Return True if an email of that class names its addressee; what is no class does not."""
    return klass in CLASS_RULES and CLASS_RULES[str(klass)].named
