"""Which attempt a receipt is about that has our own name for a message: its provider may never have answered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.channels import ADDRESS_OF
from domain.facts import NudgeAttempted, NudgeFact, NudgeSent, NudgeUnknown
from notifiers.naming import Named, named, names, way
from projections import nudges
from projections.references import Tried
from projections.tables import micros
from streams.log import Log
from streams.mapper import Entry

PRESUMED = ""
"""The provider of an attempt that a restored log only supposes: any may report about it, by whatever number."""


class _Attempt(NamedTuple):
    tried: Tried
    channel: str
    provider: str


def find(connection: Connection, log: Log, provider: str, references: Iterable[str]) -> dict[str, Tried]:
    """Reference -> the last attempt by that provider that it can be about, of those that may have gone.

    An attempt that is still under way is none of them: its outcome would take back what was reported.
    """
    known = {each: name for each in references if (name := named(each)) is not None}
    if not known:
        return {}
    attempts = _attempts(connection, log.streams(connection, {name.nudge for name in known.values()}))
    found = {
        each: [one.tried for one in attempts.get(name.nudge, ()) if _fits(one, name, provider)]
        for each, name in known.items()
    }
    return {each: tried[-1] for each, tried in found.items() if tried}


def _attempts(connection: Connection, entries: Sequence[Entry]) -> Mapping[UUID, list[_Attempt]]:
    """Nudge -> its attempts that may have gone, without those from before their recipient was erased."""
    maybe = {
        Tried(each.originator_id, each.fact.recipient, each.fact.attempt)
        for each in entries if isinstance(each.fact, NudgeSent | NudgeUnknown)
    }  # fmt: skip
    erased_at = nudges.erasures(connection, {each.recipient for each in maybe})
    found: dict[UUID, list[_Attempt]] = {}
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgeAttempted) and micros(fact.at) > erased_at.get(fact.recipient, -1):
            tried = Tried(entry.originator_id, fact.recipient, fact.attempt)
            if tried in maybe:
                found.setdefault(tried.nudge, []).append(_Attempt(tried, fact.channel, fact.provider))
    return found


def _fits(one: _Attempt, name: Named, provider: str) -> bool:
    if way(name.nudge, one.channel, one.tried.recipient) != name.way:
        return False
    return one.provider == PRESUMED or (one.provider == provider and name.attempt in {None, one.tried.attempt})


def of_unknown(facts: Iterable[tuple[UUID, NudgeFact]]) -> Iterator[str]:
    """The names by which attempts without an outcome may have been reported already."""
    for nudge, fact in facts:
        if isinstance(fact, NudgeUnknown):
            for channel in ADDRESS_OF:
                yield from names(nudge, channel, fact.recipient, fact.attempt)
