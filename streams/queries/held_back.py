"""The number of messages that each active kill switch and pause holds back now."""

from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct
from sqlalchemy import Connection

from domain.nudges.nudge import Nudge
from domain.nudges.settle import PAUSED
from projections import nudges, upcoming
from projections.nudges import Due

MOST_COUNTED = 10_000
Switch = tuple[str, str]
"""A scope and a name, as in domain.nudges.settle.Controls."""
_ALL: Switch = ("all", "")


class HeldBack(Struct, frozen=True):
    """Counts by switch. `whole`: everything that is held back was counted, and not only the first of it."""

    counts: Mapping[Switch, int]
    whole: bool


def held_back_by(
    connection: Connection, switches: Collection[Switch], owners: Mapping[str, str], most: int = MOST_COUNTED
) -> HeldBack:
    """Return how many deliveries each of the switches holds back now, of the first `most` that any does.

    One that several hold back counts for each of them; a channel's counts only what nothing else holds back.
    `owners`: trigger -> its agency.
    """
    found = upcoming.stopped(connection, most + 1)
    if set(switches) <= {_ALL}:  # what each is about makes no difference
        return HeldBack({_ALL: len(found)} if switches else {}, len(found) <= most)
    known = nudges.by_id(connection, {each.nudge for each in found})
    counts = Counter[Switch]()
    for each in found:
        if (nudge := known.get(each.nudge)) is not None:
            counts.update(_holding(nudge, each, switches, owners))
    return HeldBack(counts, len(found) <= most)


def _holding(
    nudge: Nudge, delivery: Due, switches: Collection[Switch], owners: Mapping[str, str]
) -> Collection[Switch]:
    trigger = nudge.intent.trigger
    wide = {_ALL, ("trigger", trigger), ("agency", owners.get(trigger, "")), (PAUSED, trigger)}
    if held := wide.intersection(switches):
        return held
    over = nudge.to(delivery.recipient).exhausted
    ways = [("channel", each) for each in nudge.intent.channels if each not in over]
    return [each for each in ways if each in switches][:1]
