"""The preferences, limits and rates that each class of nudges overrides."""

from collections.abc import Mapping

from msgspec import Struct


class Overrides(Struct, frozen=True):
    """The limits that a class overrides (a refused category, quiet hours, the cap, an agency's rate), and its own
    demands.

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


OVERRIDES: Mapping[str, Overrides] = {
    "emergency": Overrides(opt_out=True, quiet_hours=True, cap=True, pace=True, repeats=True, counts=False),
    "legal": Overrides(opt_out=True, cap=True, repeats=True, counts=False),
    "service": Overrides(cap=True),
    "reminder": Overrides(),
    "offer": Overrides(needs_consent=True),
}
"""Only danger to life or limb overrides quiet hours. The reasons of each: docs/decisions/0005-the-fatigue-cap.md."""
