"""Nudges as they were planned at an attempt: later revisions of its event move a nudge, but not what was sent."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from domain.facts.facts import NudgeAttempted, NudgePlanned, NudgeRescheduled
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge, intent_of
from streams.log.log import Log
from streams.log.mapper import Entry

_TOPICS = (NudgePlanned.TOPIC, NudgeRescheduled.TOPIC, NudgeAttempted.TOPIC)


def last_attempt(facts: Iterable[Entry], delivery: Delivery) -> int | None:
    """Return the position of the delivery's last attempt among the facts of its nudge; None: it starts afresh."""
    if delivery.attempted_at is None:
        return None
    last = (delivery.recipient, delivery.attempt)
    for entry in facts:
        fact = entry.fact
        if isinstance(fact, NudgeAttempted) and (fact.recipient, fact.attempt) == last:
            return entry.position
    return None


def planned_before(facts: Iterable[Entry], nudge: Nudge, before: int | None) -> Nudge:
    """Return the nudge with the intent that it had before that position of the log (None: that of now)."""
    if before is None:
        return nudge
    plans = [each.fact for each in facts if isinstance(each.fact, NudgePlanned) and each.position < before]
    return replace(nudge, intent=intent_of(nudge.intent.id, plans[-1])) if plans else nudge


def all_planned_before(
    connection: Connection, log: Log, found: Mapping[UUID, Nudge], before: int
) -> dict[UUID, Nudge]:
    """Return the nudges, each with the intent that it had before that position of the log."""
    facts = _facts(connection, log, found)
    return {id_: planned_before(facts[id_], nudge, before) for id_, nudge in found.items()}


def as_sent(connection: Connection, log: Log, found: Mapping[UUID, Nudge], recipient: str) -> dict[UUID, Nudge]:
    """Return the nudges, each with the intent that the last attempt for the recipient went by."""
    facts = _facts(connection, log, found)
    return {
        id_: planned_before(facts[id_], nudge, last_attempt(facts[id_], nudge.to(recipient)))
        for id_, nudge in found.items()
    }


def _facts(connection: Connection, log: Log, ids: Iterable[UUID]) -> Mapping[UUID, Sequence[Entry]]:
    facts: dict[UUID, list[Entry]] = {id_: [] for id_ in ids}
    for entry in log.streams(connection, facts, _TOPICS):
        facts[entry.originator_id].append(entry)
    return facts
