"""The attempt behind our own name for a message: a receipt may have it where the provider never answered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from domain.persons.channels import ADDRESS_OF
from notifiers.port.message_names import Named, key, named, names, numbered, way
from projections import nudges
from projections.references import AttemptId
from projections.tables import micros
from streams.log.log import Log
from streams.log.mapper import Entry

SMS = "sms"
PRESUMED = ""
"""The provider of an attempt that is presumed after a restore: any may report about it, by any number."""


class _Attempt(NamedTuple):
    attempt_id: AttemptId
    channel: str
    provider: str


def find(
    connection: Connection, log: Log, provider: str, references: Iterable[str], *, open_too: bool = False
) -> dict[str, AttemptId]:
    """Return reference -> the last attempt by that provider that it can be about, of those that may have gone.

    An open attempt counts only with `open_too`: its outcome would undo a failure that was reported before.
    """
    known = {each: name for each in references if (name := named(each)) is not None}
    if not known:
        return {}
    attempts = _attempts(
        connection, log.streams(connection, {each.nudge for each in known.values()}), open_too=open_too
    )
    found = {
        each: [one.attempt_id for one in attempts.get(name.nudge, ()) if _fits(one, name, provider)]
        for each, name in known.items()
    }
    return {each: attempt_id[-1] for each, attempt_id in found.items() if attempt_id}


def _attempts(connection: Connection, entries: Sequence[Entry], *, open_too: bool) -> Mapping[UUID, list[_Attempt]]:
    """Return nudge -> its attempts that may have gone, without those from before their recipient was erased."""
    certain = {_attempt_id(each) for each in entries if isinstance(each.fact, NudgeFailed)}
    maybe = {_attempt_id(each) for each in entries if isinstance(each.fact, NudgeSent | NudgeUnknown)}
    if open_too:
        maybe |= {_attempt_id(each) for each in entries if isinstance(each.fact, NudgeAttempted)} - certain
    erased_at = nudges.erasures(connection, {each.recipient for each in maybe})
    found: dict[UUID, list[_Attempt]] = {}
    for entry in entries:
        fact = entry.fact
        if not isinstance(fact, NudgeAttempted) or micros(fact.at) <= erased_at.get(fact.recipient, -1):
            continue
        if (attempt_id := _attempt_id(entry)) in maybe:
            found.setdefault(attempt_id.nudge, []).append(_Attempt(attempt_id, fact.channel, fact.provider))
    return found


def _attempt_id(entry: Entry) -> AttemptId:
    assert isinstance(entry.fact, NudgeAttempted | NudgeSent | NudgeUnknown | NudgeFailed)
    return AttemptId(entry.originator_id, entry.fact.recipient, entry.fact.attempt)


def _fits(one: _Attempt, name: Named, provider: str) -> bool:
    if way(name.nudge, one.channel, one.attempt_id.recipient) != name.way:
        return False
    return one.provider == PRESUMED or (one.provider == provider and name.attempt in {None, one.attempt_id.attempt})


def of_outcomes(facts: Iterable[tuple[UUID, NudgeFact]], *, sent: bool) -> Iterator[str]:
    """Yield our names by which attempts may have been reported before their outcomes.

    A message that was accepted has the provider's name. Only an SMS may have been reported by ours, too, and only
    through a provider that reports (`sent`).
    """
    for nudge, fact in facts:
        if isinstance(fact, NudgeUnknown):
            for channel in ADDRESS_OF:
                yield from names(nudge, channel, fact.recipient, fact.attempt)
        elif sent and isinstance(fact, NudgeSent):
            ours = key(nudge, SMS, fact.recipient)
            yield from (ours, numbered(ours, fact.attempt))
