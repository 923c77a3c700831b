"""Active kill switches and pauses on the command line: first and in red, because they matter most."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from app.moments import local_time
from domain.facts.principals import Principal
from domain.nudges.settle import PAUSED
from streams.rules.aggregates import ActiveStop
from streams.rules.governed import Governed

KINDS: Mapping[str, str] = {
    "all": "everything",
    "channel": "channel ",
    "agency": "agency ",
    "trigger": "trigger ",
    PAUSED: "trigger ",
}


def stops_known_to(who: Principal, found: Sequence[ActiveStop], governed: Governed) -> list[ActiveStop]:
    """Return those that somebody may know: what concerns everybody, and the stops of agencies that they may read."""
    owners = governed.owners

    def whose(off: ActiveStop) -> str | None:
        return (
            None if off.scope in {"all", "channel"} else off.name if off.scope == "agency" else owners.get(off.name)
        )

    return [each for each in found if (owner := whose(each)) is None or who.may_read(owner)]


def stopped_lines(found: Sequence[ActiveStop], zone: tzinfo) -> Iterator[str]:
    """Yield a line for each kill switch and pause: what, since when, by whom and why."""
    for each in found:
        word = "PAUSED" if each.scope == PAUSED else "STOPPED"
        reason = f": {each.reason}" if each.reason else ", no reason given"
        yield f"{word}: {KINDS[each.scope]}{each.name}, since {local_time(each.since, zone)}, by {each.by}{reason}"
