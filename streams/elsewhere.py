"""Leaving to others what only another process can send: there a provider has the only link that it allows."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from projections import claims
from projections.tables import micros
from streams.database import Database, Priority
from streams.routing import Routing
from streams.settling import Case

MEANWHILE = timedelta(seconds=5)
"""For so long nobody claims it: this process would at once, again and again, in the way of what else is due."""


async def left_to_others(database: Database, routing: Routing, cases: Sequence[Case], now: datetime) -> list[Case]:
    """The cases without those nudges: no attempt at them is made, nor counted."""
    if not routing.any_elsewhere:
        return list(cases)
    left = {case.nudge.intent.id: case.nudge for case in cases if routing.is_elsewhere(case)}
    if left:
        work = partial(claims.leave, found=left.values(), until=micros(now + MEANWHILE))
        await asyncio.to_thread(database.write, work, Priority.DISPATCH)
    return [case for case in cases if case.nudge.intent.id not in left]
