"""Awaited plans: no message goes while a fact is recorded and not planned yet that may end or move it.

Else who has just paid a fine is reminded of it. A plan takes less than a second as a rule. Where planning stands
still, or has put the person aside, a message goes by the plan that there is: after some hours, and before it expires.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.nudge import Nudge
from domain.planning.relevant_types import changing_types
from domain.rules.rulebook import Rulebook
from projections import history
from projections.tables import moment

LONGEST_WAIT = timedelta(hours=6)
"""The time for which an unplanned fact holds messages back: by then an operator has known of it for hours."""
FIRST_LOOKS, LATER_LOOKS = timedelta(seconds=0.5), timedelta(seconds=30)
"""The next look at a message: soon while the fact is fresh, then rarely, because an outage may hold back many."""


def awaiting_plans(
    connection: Connection, by_message: Mapping[UUID, Sequence[Nudge]], rulebook: Rulebook, now: datetime
) -> tuple[dict[UUID, datetime], dict[UUID, datetime]]:
    """Return the messages that wait for a plan, and the members that a digest goes without -> when to look again.

    A digest with a member that cannot wait goes without the members that wait. `by_message`: message -> the
    nudges that it tells.
    """
    may_wait = {id_: [nudge for nudge in told if _may_wait(nudge, now)] for id_, told in by_message.items()}
    waiting = history.waiting_types(connection, {nudge.intent.person for told in may_wait.values() for nudge in told})
    messages: dict[UUID, datetime] = {}
    members: dict[UUID, datetime] = {}
    for id_, told in may_wait.items() if waiting else ():
        whole = len(told) == len(by_message[id_])
        looked_at = {id_: told} if whole else {nudge.intent.id: [nudge] for nudge in told}
        since = {each: _waits_since(those, waiting, rulebook) for each, those in looked_at.items()}
        (messages if whole else members).update(
            (each, now + (FIRST_LOOKS if now - first < LATER_LOOKS else LATER_LOOKS))
            for each, first in since.items()
            if first is not None and now - first < LONGEST_WAIT
        )
    return messages, members


def _may_wait(nudge: Nudge, now: datetime) -> bool:
    expires = nudge.intent.expires
    return CLASS_RULES[nudge.intent.klass].awaits_plan and (expires is None or expires > now + 2 * LATER_LOOKS)


def _waits_since(
    nudges: Iterable[Nudge], waiting: Mapping[str, Mapping[str, int]], rulebook: Rulebook
) -> datetime | None:
    """Return since when the first fact waits that may change the plan of one of the nudges."""
    return min(
        (
            moment(since)
            for nudge in nudges
            if (types := waiting.get(nudge.intent.person))
            for changing in [changing_types(nudge.intent.trigger, rulebook)]
            for type_, since in types.items()
            if changing is None or type_ in changing
        ),
        default=None,
    )
