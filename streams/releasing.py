"""What publishing an approved trigger version takes: a first time, for more persons, or for pending nudges too."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from domain.governance import TriggerPublished, TriggerReachChanged, TriggerSubmitted
from domain.principals import NotAllowed
from projections import nudges
from projections.tables import micros
from streams.governed import Governed
from streams.publishing import publication
from templates.catalogue import catalogue_of


class NotPublished(LookupError):
    """The pack {pack}, on which {trigger} stands, is not published. Publish pack:{pack} before it, or with it."""

    def __init__(self, trigger: str, pack: str) -> None:
        super().__init__((type(self).__doc__ or "").format(trigger=trigger, pack=pack))


def released(
    connection: Connection,
    before: Governed,
    packs: Mapping[str, Mapping[str, Any]],
    source: TriggerSubmitted,
    by: str,
    now: datetime,
    share: float,
    *,
    to_pending: bool,
) -> list[TriggerPublished | TriggerReachChanged]:
    """The facts that publish the version for that share of persons; none where that is so already.

    Raises:
        NotAllowed: it is for more persons already.
        NotPublished: its pack is not published, nor among `packs`.
    """
    if source.pack not in packs:
        raise NotPublished(source.trigger, source.pack)
    current = before.current(source.trigger)
    facts: list[TriggerPublished | TriggerReachChanged] = []
    if current is None or current.hash != source.hash or current.share < share:
        current = publication(source, packs[source.pack], before, by, now, share)
        facts.append(current)
    elif current.share > share:
        raise NotAllowed(f"{source.trigger} is for {current.share:.0%} of all already, and a canary only grows")
    if to_pending and (moved := _to_pending(connection, before, current, by, now)) is not None:
        facts.append(moved)
    return facts


def _to_pending(
    connection: Connection, before: Governed, current: TriggerPublished, by: str, now: datetime
) -> TriggerReachChanged | None:
    """Look as far back as any version before it, and leave out no nudge that waits although its time has come."""
    reach = min([current.reach, *(each.fact.reach for each in before.of(current.trigger))])
    ahead = min([current.ahead_from, *nominal(connection, before, current.trigger, now)])
    if (reach, ahead) == (current.reach, current.ahead_from):
        return None
    return TriggerReachChanged(now, by, current.trigger, current.hash, reach, ahead)


def nominal(connection: Connection, before: Governed, trigger: str, now: datetime) -> Sequence[datetime]:
    """When the trigger's nudges that wait although their time has come were due, before they were spread."""
    waiting = [each for each in nudges.overdue(connection, micros(now)) if each.intent.trigger == trigger]
    if not waiting:
        return []
    catalogue = catalogue_of(before.contents)
    versions = [each.version(catalogue).trigger for each in before.of(trigger)]
    spread = max((step.smooth for version in versions for step in version.steps), default=0)
    return [each.intent.due - timedelta(seconds=spread) for each in waiting]
