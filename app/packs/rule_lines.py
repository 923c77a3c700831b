"""The published versions of triggers as plain data: who owns each, for whom it is, and how it stands."""

from collections.abc import Iterable, Iterator
from typing import Any

from domain.facts.principals import Principal
from domain.nudges.settle import PAUSED
from streams.rules.governed import Governed


def _stopped(now: Governed, trigger: str, owner: str) -> str:
    """Return "stopped" where operators stopped all of it, "paused" where its agency did, or nothing."""
    found = now.stopped.intersection({("all", ""), ("agency", owner), ("trigger", trigger)})
    return "stopped" if found else "paused" if (PAUSED, trigger) in now.stopped else ""


def _switches(now: Governed, trigger: str, owner: str, channels: Iterable[str]) -> list[str]:
    """Return what keeps it from being sent, by scope and name; that of a channel only where it goes by that one."""
    concerned = {("all", ""), ("agency", owner), ("trigger", trigger), (PAUSED, trigger)}
    concerned |= {("channel", each) for each in channels}
    return sorted(f"{scope} {name}".strip() for scope, name in now.stopped & concerned)


def version_rows(now: Governed, who: Principal) -> Iterator[dict[str, Any]]:
    """Every version that they may know, by trigger and publication."""
    for each in sorted(now.publications, key=lambda each: (each.fact.trigger, each.position)):
        fact, owner = each.fact, str(each.fact.rules["owner"])
        if who.may_read(owner):
            latest = now.publications_of(fact.trigger)[-1:] == [each]
            state = "withdrawn" if each.withdrawn else "in force" if latest else "earlier"
            stopped = _stopped(now, fact.trigger, owner) if latest and not each.withdrawn else ""
            state = stopped or state
            yield {
                "trigger": fact.trigger,
                "hash": fact.hash,
                "owner": owner,
                "state": state,
                "stopped_by": _switches(now, fact.trigger, owner, fact.rules["channels"]) if latest else [],
                "share": fact.share,
                "reach": fact.reach,
                "ahead_from": fact.ahead_from,
                "published": fact.at,
                "by": fact.by,
            }
