"""Awaited plans: nothing is sent while a fact of its person is recorded and not planned yet.

Else who has just paid a fine is reminded of it. A plan takes less than a second as a rule. Where planning stands
still, or has put the person aside, a message goes by the plan that there is: after some hours, and before it expires.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.nudge import Nudge
from projections import history
from projections.tables import micros, moment

LONGEST = timedelta(hours=6)
"""The time for which an unplanned fact holds messages back: by then an operator has known of it for hours."""
SOON, LATER = timedelta(seconds=0.5), timedelta(seconds=30)
"""The next look at a message: soon while the fact is fresh, then rarely, because an outage may hold back many."""


def awaiting_plans(
    connection: Connection, found: Iterable[Nudge], persons: Mapping[UUID, Collection[str]], now: datetime
) -> dict[UUID, datetime]:
    """Return the nudges that wait for a plan -> when to look again; `persons`: whose plans each nudge goes by."""
    held = [nudge.intent.id for nudge in found if _may_wait(nudge, now)]
    since = history.waiting_since(connection, {person for id_ in held for person in persons[id_]})
    fresh = {person: moment(woken) for person, woken in since.items() if woken > micros(now - LONGEST)}
    first = {id_: min((fresh[each] for each in persons[id_] if each in fresh), default=None) for id_ in held}
    return {id_: now + (SOON if now - woken < LATER else LATER) for id_, woken in first.items() if woken is not None}


def _may_wait(nudge: Nudge, now: datetime) -> bool:
    expires = nudge.intent.expires
    return CLASS_RULES[nudge.intent.klass].awaits_plan and (expires is None or expires > now + 2 * LATER)
