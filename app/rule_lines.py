"""The published versions of triggers as plain data: who owns each, for whom it is, and how it stands."""

from collections.abc import Iterator
from typing import Any

from domain.principals import Principal
from domain.settle import PAUSED
from streams.governed import Governed


def lines(now: Governed, who: Principal) -> Iterator[dict[str, Any]]:
    """Every version that they may know, by trigger and publication."""
    for each in sorted(now.publications, key=lambda each: (each.fact.trigger, each.position)):
        fact, owner = each.fact, str(each.fact.rules["owner"])
        if who.may_read(owner):
            latest = now.of(fact.trigger)[-1:] == [each]
            state = "withdrawn" if each.withdrawn else "in force" if latest else "earlier"
            state = "paused" if latest and (PAUSED, fact.trigger) in now.stopped else state
            yield {
                "trigger": fact.trigger,
                "hash": fact.hash,
                "owner": owner,
                "state": state,
                "share": fact.share,
                "reach": fact.reach,
                "ahead_from": fact.ahead_from,
                "published": fact.at,
                "by": fact.by,
            }
