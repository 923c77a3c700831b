"""The attempt that a provider's reference is about: by our own name, or by the name of a part of a long SMS.

A receipt may have our name if the provider never answered. A provider names each part of a long SMS; the names of all
parts but the last are kept here, so that any process can take in reports about them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select

from domain.facts.facts import AttemptFact, NudgeAttempted, NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from domain.persons.channels import ADDRESS_OF
from notifiers.port.message_names import Named, key, named, names, numbered, way
from projections import nudges
from projections.bulk import among_keys, replace_rows, rows_of
from projections.handed_over import AttemptId
from projections.tables import micros
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.storage.tables import sent_parts

SMS = "sms"
PRESUMED = ""
"""The provider of an attempt that is presumed after a restore: any may report about it, by any number."""


class _Attempt(NamedTuple):
    attempt_id: AttemptId
    channel: str
    provider: str


def find_own(
    connection: Connection, log: Log, provider: str, references: Iterable[str], *, include_open: bool = False
) -> dict[str, AttemptId]:
    """Return reference -> the last attempt by that provider that it can be about, whose outcome is sent or unknown.

    `include_open`: also attempts without an outcome. They are left out otherwise: a failure that is recorded now
    would be overwritten by their outcome.
    """
    known = {reference: name for reference in references if (name := named(reference)) is not None}
    if not known:
        return {}
    attempts = _attempts(
        connection, log.streams(connection, {name.nudge for name in known.values()}), open_too=include_open
    )
    found = {
        reference: [one.attempt_id for one in attempts.get(name.nudge, ()) if _fits(one, name, provider)]
        for reference, name in known.items()
    }
    return {reference: attempt_id[-1] for reference, attempt_id in found.items() if attempt_id}


def _attempts(connection: Connection, entries: Sequence[Entry], *, open_too: bool) -> Mapping[UUID, list[_Attempt]]:
    """Return nudge -> its attempts that may have gone, without those from before their recipient was erased."""
    certain = {attempt_id_of(each) for each in entries if isinstance(each.fact, NudgeFailed)}
    maybe = {attempt_id_of(each) for each in entries if isinstance(each.fact, NudgeSent | NudgeUnknown)}
    if open_too:
        maybe |= {attempt_id_of(each) for each in entries if isinstance(each.fact, NudgeAttempted)} - certain
    erased_at = nudges.erasures(connection, {attempt.recipient for attempt in maybe})
    found: dict[UUID, list[_Attempt]] = {}
    for entry in entries:
        fact = entry.fact
        if not isinstance(fact, NudgeAttempted) or micros(fact.at) <= erased_at.get(fact.recipient, -1):
            continue
        if (attempt_id := attempt_id_of(entry)) in maybe:
            found.setdefault(attempt_id.nudge, []).append(_Attempt(attempt_id, fact.channel, fact.provider))
    return found


def attempt_id_of(entry: Entry) -> AttemptId:
    """Return the attempt that this fact is about."""
    assert isinstance(entry.fact, AttemptFact)
    return AttemptId(entry.originator_id, entry.fact.recipient, entry.fact.attempt)


def _fits(one: _Attempt, name: Named, provider: str) -> bool:
    if way(name.nudge, one.channel, one.attempt_id.recipient) != name.way:
        return False
    return one.provider == PRESUMED or (one.provider == provider and name.attempt in {None, one.attempt_id.attempt})


def own_names_of(facts: Iterable[tuple[UUID, NudgeFact]], *, sent: bool) -> Iterator[str]:
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


PARTS_KEPT = timedelta(days=30)
"""The time in which a part may still fail: centres try for days."""
Parts = Mapping[tuple[str, str], AttemptId]
"""(Provider, its name for a part) -> the attempt."""
_OF = sent_parts.c.provider == bindparam("by", type_=sent_parts.c.provider.type)
_FOUND = select(*(sent_parts.c[name] for name in ("reference", *AttemptId._fields[:3], "at"))).where(
    _OF, among_keys(sent_parts.c.reference)
)


def parts_of(provider: str, attempt_id: AttemptId, references: Iterable[str]) -> Parts:
    """Return these parts of an attempt."""
    return {(provider, reference): attempt_id._replace(part=True) for reference in references}


def keep_parts(connection: Connection, parts: Parts, now: datetime) -> None:
    """Store parts, except of persons erased since the attempt; of one name, the last part counts.

    Call it after the outcomes are appended: that holds the nudges, as erasing does.
    """
    gone = _of_erased(connection, set(parts.values())) if parts else ()
    rows = [
        (*name, *attempt_id[:3], micros(now)) for name, attempt_id in sorted(parts.items()) if attempt_id not in gone
    ]
    replace_rows(connection, sent_parts, rows)


def _of_erased(connection: Connection, attempts: AbstractSet[AttemptId]) -> set[AttemptId]:
    erased_at = nudges.erasures(connection, {each.recipient for each in attempts})
    these = {attempt for attempt in attempts if attempt.recipient in erased_at}
    found = nudges.by_id(connection, {attempt.nudge for attempt in these}) if these else {}
    return {
        attempt for attempt in these if nudges.is_forgotten(found[attempt.nudge].to(attempt.recipient), erased_at)
    }


def find_parts(
    connection: Connection, log: Log, provider: str, references: Iterable[str], whole: Mapping[str, AttemptId]
) -> dict[str, AttemptId]:
    """Return reference -> the attempt of which it is a part, unless the provider uses it for a `whole` message since.

    Centres reuse their ids: the last message or part with a name counts. Some have one id for all parts of a message;
    that is the whole.
    """
    rows = list(rows_of(connection, _FOUND, sorted(set(references)), by=provider))
    since = _sent_at(connection, log, [whole[row[0]] for row in rows if row[0] in whole])
    return {
        row[0]: AttemptId(row[1], row[2], row[3], part=True)
        for row in rows
        if (one := whole.get(row[0])) is None or (one[:3] != tuple(row[1:4]) and since.get(one, 0) < row[4])
    }


def _sent_at(connection: Connection, log: Log, attempts: Collection[AttemptId]) -> Mapping[AttemptId, int]:
    if not attempts:
        return {}
    found: dict[AttemptId, int] = {}
    for entry in log.streams(connection, {attempt.nudge for attempt in attempts}, [NudgeSent.TOPIC]):
        assert isinstance(entry.fact, NudgeSent)
        found[attempt_id_of(entry)] = micros(entry.fact.at)
    return found


def tidy_parts(connection: Connection, now: datetime) -> None:
    """Delete parts that are not reported any more."""
    connection.execute(delete(sent_parts).where(sent_parts.c.at < micros(now - PARTS_KEPT)))
