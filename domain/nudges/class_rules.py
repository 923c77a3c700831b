"""The rules of each class of nudges: the limits that it ignores, its needs, its weight in the cap, its repetition."""

from collections.abc import Mapping

from msgspec import Struct


class ClassRules(Struct, frozen=True):
    """The limits that a class ignores (a refused category, quiet hours, the cap, an agency's rate), and its needs.

    `counts`: a message of this class counts towards its recipient's cap; `repeats`: it is sent again where nobody
    knows whether it went, because twice is better than never.
    """

    opt_out: bool = False
    quiet_hours: bool = False
    cap: bool = False
    pace: bool = False
    repeats: bool = False
    needs_consent: bool = False
    counts: bool = True


CLASS_RULES: Mapping[str, ClassRules] = {
    "emergency": ClassRules(opt_out=True, quiet_hours=True, cap=True, pace=True, repeats=True, counts=False),
    "legal": ClassRules(opt_out=True, cap=True, repeats=True, counts=False),
    "service": ClassRules(cap=True),
    "reminder": ClassRules(),
    "offer": ClassRules(needs_consent=True),
}
"""Only danger to life or limb overrides quiet hours. The reasons of each: docs/decisions/0005-the-fatigue-cap.md."""
