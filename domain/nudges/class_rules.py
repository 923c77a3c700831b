"""The rules of each class of nudges: the limits that it ignores, its needs, its weight in the cap, its repetition."""

from collections.abc import Mapping

from msgspec import Struct


class ClassRules(Struct, frozen=True):
    """The rules of a class: what it ignores, and what it needs.

    It may ignore an opt-out of its category, quiet hours, the cap and its agency's rate (`ignores_…`).
    `counts`: a message of this class counts towards its recipient's cap; `repeats`: it is sent again where nobody
    knows whether it went, because twice is better than never. `named`: its email names the addressee: what is about a
    place, or offered to many, need not. `awaits_plan`: it waits until the facts that may end or move it
    are planned.
    """

    ignores_opt_out: bool = False
    ignores_quiet_hours: bool = False
    ignores_cap: bool = False
    ignores_rate: bool = False
    repeats: bool = False
    needs_consent: bool = False
    counts: bool = True
    named: bool = False
    awaits_plan: bool = True


CLASS_RULES: Mapping[str, ClassRules] = {
    "emergency": ClassRules(
        ignores_opt_out=True,
        ignores_quiet_hours=True,
        ignores_cap=True,
        ignores_rate=True,
        repeats=True,
        counts=False,
        awaits_plan=False,
    ),
    "legal": ClassRules(ignores_opt_out=True, ignores_cap=True, repeats=True, counts=False, named=True),
    "service": ClassRules(ignores_cap=True, named=True),
    "reminder": ClassRules(named=True),
    "offer": ClassRules(needs_consent=True),
}
"""Only danger to life or limb overrides quiet hours. The reasons:
docs/decisions/0005-urgency-and-what-it-overrides.md.
"""


def is_named(klass: object) -> bool:
    """Return True if an email of that class names its addressee; what is no class does not."""
    return klass in CLASS_RULES and CLASS_RULES[str(klass)].named
