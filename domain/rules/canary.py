"""A canary: a version for a share of all persons first, drawn by a keyed hash of who they are."""

from domain.core.ids import Names


def admits(names: Names, trigger: str, version: str, share: float, person: str) -> bool:
    """Return True if the person belongs to that share (0 to 1) of a version; larger shares contain smaller ones."""
    return share >= 1 or names.lot(trigger, version, person) < share
