"""What is decided when a nudge is due: everything that `plan` must not know."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.delivery import Delivery
from domain.nudge import Nudge
from domain.person import Person
from domain.rulebook import Defaults
from domain.timing import QuietHours, parse_clock, zone_or
from domain.triggers import CORRECTION, Class, Trigger

ADDRESS_OF = {"push": "push", "sms": "phone", "email": "email"}
"""Channel -> the attribute of a person that holds the address."""

STOPPED_FOR = timedelta(minutes=5)
"""How long a nudge waits before it asks again whether a kill switch is off."""


class Reason(StrEnum):
    """Why a nudge is not sent, or not yet."""

    DIED = "died"
    NO_GUARDIAN = "no_guardian"
    DONE = "done"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    CAUGHT_UP = "caught_up"
    NO_ADDRESS = "no_address"
    NO_CHANNEL = "no_channel"
    QUIET_HOURS = "quiet_hours"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    UNREADABLE = "unreadable"  # the words need what was erased or never reported


class Send(Struct, frozen=True):
    """Send it now, on this channel."""

    channel: str


class Defer(Struct, frozen=True):
    """Look at it again then; it is never dropped."""

    until: datetime
    reason: Reason


class Withhold(Struct, frozen=True):
    """Don't send it, for this reason: kept, counted, shown."""

    reason: Reason


class Expire(Struct, frozen=True):
    """It is worth nothing any more."""


Decision = Send | Defer | Withhold | Expire


class Overrides(Struct, frozen=True):
    """What a class of nudges overrides."""

    opt_out: bool = False
    needs_consent: bool = False


OVERRIDES: Mapping[Class, Overrides] = {
    "legal": Overrides(opt_out=True),
    "service": Overrides(),
    "reminder": Overrides(),
    "offer": Overrides(needs_consent=True),
}


class Controls(Struct, frozen=True):
    """The switches: (scope, name) pairs that are stopped, scope being trigger, agency, channel or all.

    `withdrawn`: triggers that send nothing any more, whatever they have planned.
    """

    stopped: frozenset[tuple[str, str]] = frozenset()
    withdrawn: frozenset[str] = frozenset()


class Ledger(Struct, frozen=True):
    """The person's own planned and sent nudges."""

    nudges: tuple[Nudge, ...] = ()


def recipients(nudge: Nudge, trigger: Trigger, person: Person, defaults: Defaults, now: datetime) -> tuple[str, ...]:
    """Who is told: the person, or each guardian known now while they are a minor; empty where none is known.

    A delivery that has begun keeps its recipients.
    """
    begun = tuple(one.recipient for one in nudge.deliveries if one.recipient != person.pseudonym)
    if begun:
        return begun
    day = now.astimezone(_zone(person, defaults)).date()
    age = person.age(day)
    if trigger.minors == "self" or age is None or age >= defaults.age_of_majority:
        return (person.pseudonym,)
    return tuple(sorted(set(person.get("guardians") or ())))


class Settlement(Struct, frozen=True):
    """All that a decision about one delivery of a nudge reads; `person` is its recipient."""

    nudge: Nudge
    trigger: Trigger
    person: Person
    ledger: Ledger
    controls: Controls
    defaults: Defaults


def settle(case: Settlement, now: datetime) -> Decision:
    """Send, defer, withhold or expire: the first rule that objects decides, in the order of `_objections`."""
    delivery = case.nudge.to(case.person.pseudonym)
    decision = next(_objections(case, delivery, now), None)
    return decision or Send(next(channels_left(case, delivery)))


def _objections(case: Settlement, delivery: Delivery, now: datetime) -> Iterator[Decision]:
    intent, person = case.nudge.intent, case.person
    if person.died is not None:
        yield Withhold(Reason.DIED)
    if case.trigger.name in case.controls.withdrawn:
        yield Withhold(Reason.WITHDRAWN)
    if intent.expires is not None and now >= intent.expires:
        yield Expire()
    if intent.moot_from is not None and now >= intent.moot_from:
        yield Withhold(Reason.DONE)
    if _caught_up(case):
        yield Withhold(Reason.CAUGHT_UP)
    if (reason := _refused(case)) is not None:
        yield Withhold(reason)
    if next(channels_left(case, delivery), None) is None:
        yield Withhold(_unreachable(case))
    if _stopped(case, delivery):
        yield Defer(now + STOPPED_FOR, Reason.STOPPED)
    if (until := _quiet_until(case, now)) is not None:
        yield Defer(until, Reason.QUIET_HOURS)


def _caught_up(case: Settlement) -> bool:
    """Of the steps that were already overdue when they were planned, only the latest goes (or none, or all)."""
    if case.trigger.catch_up == "all" or not _overdue(case.nudge):
        return False
    return case.trigger.catch_up == "none" or any(_later_twin(case.nudge, other) for other in case.ledger.nudges)


def _overdue(nudge: Nudge) -> bool:
    return nudge.intent.due < nudge.planned_at and nudge.intent.step != CORRECTION


def _later_twin(nudge: Nudge, other: Nudge) -> bool:
    mine, theirs = nudge.intent, other.intent
    same = mine.trigger == theirs.trigger and mine.occurrence == theirs.occurrence and mine.person == theirs.person
    return same and not other.cancelled and _overdue(other) and (theirs.due, theirs.step) > (mine.due, mine.step)


def _refused(case: Settlement) -> Reason | None:
    overrides = OVERRIDES[case.trigger.klass]
    if not overrides.opt_out and case.trigger.category in (case.person.get("opted_out") or ()):
        return Reason.OPTED_OUT
    if overrides.needs_consent and case.trigger.category not in (case.person.get("consents") or ()):
        return Reason.NO_CONSENT
    return None


def channels_left(case: Settlement, delivery: Delivery) -> Iterator[str]:
    """The channels that can be tried: in the trigger's order, allowed by the person, with an address, not given up.

    A legal notice goes even where the person allowed no channel that the trigger has.
    """
    allowed = case.person.get("channels")
    reachable = [
        channel for channel in case.nudge.intent.channels
        if case.person.get(ADDRESS_OF[channel]) and channel not in delivery.exhausted
    ]  # fmt: skip
    wished = [channel for channel in reachable if allowed is None or channel in allowed]
    yield from wished or (reachable if OVERRIDES[case.trigger.klass].opt_out else ())


def _unreachable(case: Settlement) -> Reason:
    """Why no channel is left: the person allows none that the trigger has, or there is no address on those."""
    allowed = case.person.get("channels")
    refused = allowed is not None and not set(allowed).intersection(case.nudge.intent.channels)
    return Reason.NO_CHANNEL if refused and not OVERRIDES[case.trigger.klass].opt_out else Reason.NO_ADDRESS


def _stopped(case: Settlement, delivery: Delivery) -> bool:
    channel = next(channels_left(case, delivery), "")
    switches = {
        ("all", ""), ("trigger", case.trigger.name), ("agency", case.trigger.owner), ("channel", channel)
    }  # fmt: skip
    return not switches.isdisjoint(case.controls.stopped)


def _quiet_until(case: Settlement, now: datetime) -> datetime | None:
    """When this person's quiet hours end; a nudge that would expire in them goes at once rather than never."""
    until = quiet_hours(case.person, case.defaults).ends_after(now, _zone(case.person, case.defaults))
    expires = case.nudge.intent.expires
    return None if until is not None and expires is not None and until >= expires else until


def _zone(person: Person, defaults: Defaults) -> ZoneInfo:
    return zone_or(person.get("zone"), defaults.zone)


def quiet_hours(person: Person, defaults: Defaults) -> QuietHours:
    """The person's quiet hours, or the pack's."""
    start, end = person.get("quiet_from"), person.get("quiet_to")
    if start is None or end is None:
        return defaults.quiet_hours
    return QuietHours(parse_clock(start), parse_clock(end))
