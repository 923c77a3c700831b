"""Decisions made in the transaction that commits them: room under the cap, and room in a digest."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from domain.core.ids import Names
from domain.facts.facts import NudgeFact
from domain.nudges.cap import counted, is_capped, window_start
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.digest import has_other_gone, is_digest
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Settlement
from domain.persons.hours import local_zone
from projections import inbox, nudges
from projections.tables import micros
from streams.delivery.decide.overflow import DigestAllocator, Overflow
from streams.log.appending import NOTHING_UNCONDITIONAL, Unconditional, append_if_unmoved, record
from streams.log.log import Log

RECENT = timedelta(days=30)
"""A digest that first went before that is followed by no other channel any more."""
Decided = tuple[Nudge, NudgeFact | Overflow]


def append_decided(
    connection: Connection,
    log: Log,
    names: Names,
    decided: Sequence[Decided],
    tied: Mapping[UUID, Sequence[Nudge]] | None = None,
    always: Unconditional = NOTHING_UNCONDITIONAL,
) -> Mapping[UUID, Nudge]:
    """Append decisions as `append_if_unmoved` does; an overflow joins the first digest with room, or a new one."""
    log.keys.hold(connection, [what.case.person.pseudonym for _, what in decided if isinstance(what, Overflow)])
    allocator = DigestAllocator(names, lambda id_: nudges.by_id(connection, [id_]).get(id_))
    facts = [(nudge, allocator.place(what) if isinstance(what, Overflow) else what) for nudge, what in decided]
    kept = append_if_unmoved(connection, log, facts, tied, always)
    if joined := list(allocator.facts(kept)):
        record(connection, log, joined)
    return kept


def recent_digests(connection: Connection, recipients: Iterable[str], now: datetime) -> list[Nudge]:
    """Return the recipients' digests that went lately; another channel may follow some of them."""
    found = inbox.digests(connection, recipients, micros(now - RECENT))
    return [each for each in nudges.by_id(connection, found).values() if is_digest(each.intent)]


def without_room(connection: Connection, cases: Sequence[Settlement], now: datetime) -> set[UUID]:
    """Return the nudges for which the recipient's cap has no room any more: others may have been sent meanwhile.

    A second digest on a local day is one too many as well.
    """
    if not cases:
        return set()
    since = micros(window_start(cases[0].defaults, now))
    sent = inbox.messages(connection, {case.person.pseudonym for case in cases}, since)
    digested: set[str] = set()
    return {
        case.nudge.intent.id
        for case in cases
        if not (_is_first(connection, case, digested, now) and _fits(case, sent[case.person.pseudonym], now))
    }


def _is_first(connection: Connection, case: Settlement, digested: set[str], now: datetime) -> bool:
    """Return whether no other digest goes to this person today; `digested`: persons about to get one."""
    who, intent = case.person.pseudonym, case.nudge.intent
    if not is_digest(intent) or case.nudge.to(who).attempted_at is not None:
        return True
    theirs = recent_digests(connection, [who], now)
    first = who not in digested and not has_other_gone(theirs, intent.id, now, local_zone(case.person, case.defaults))
    digested.add(who)
    return first


def _fits(case: Settlement, messages: list[datetime], now: datetime) -> bool:
    """Return whether the cap has room; if so, count this message for those after it."""
    delivery, klass = case.nudge.to(case.person.pseudonym), case.trigger.klass
    if is_capped(delivery, klass) and counted(messages, case.defaults, now) >= case.defaults.cap_messages:
        return False
    if CLASS_RULES[klass].counts and delivery.attempted_at is None:
        messages.append(now)
    return True
