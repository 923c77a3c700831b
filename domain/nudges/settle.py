"""The decision on a nudge that is due: everything that `plan` must not know."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from domain.nudges.cap import counted, is_capped
from domain.nudges.catch_up import caught_up, may_have_twin
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery, State
from domain.nudges.digest import due_on, has_other_gone, is_digest, next_day
from domain.nudges.guardians_tried import no_guardian_reached
from domain.nudges.nudge import Nudge
from domain.persons.channels import addresses, is_wanted, reachable
from domain.persons.hours import local_zone, quiet_hours
from domain.persons.person import Person
from domain.rules.built_in_triggers import DIGEST
from domain.rules.rulebook import Defaults
from domain.rules.triggers import Trigger

STOPPED_FOR = timedelta(days=30)
"""The longest wait of a stopped nudge: when a switch is cleared, the dispatcher looks at it at once."""


class NotSentReason(StrEnum):
    """The reasons why a nudge is not sent, or not yet.

    app/reports/life_words.py has words for each.
    """

    DIED = "died"
    NO_GUARDIAN = "no_guardian"
    PASSED_ON = "passed_on"  # it goes to another guardian by now, or to the person, who has come of age
    ADDED = "added"  # it goes to one more recipient, whose turn is now
    UNREACHED = "unreached"  # no guardian could be reached, so it goes to the minor
    DONE = "done"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    CAUGHT_UP = "caught_up"
    NO_ADDRESS = "no_address"
    NO_CHANNEL = "no_channel"
    QUIET_HOURS = "quiet_hours"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    CAP = "cap"  # enough messages lately, and no digest comes in time
    NOTHING_LEFT = "nothing_left"  # a digest that all have left
    EXPIRED = "expired"  # it was over before anybody planned it: what an outage swallowed, found too late
    ERASED = "erased"  # never decided here: an erasure ends what was on its way
    UNREADABLE = "unreadable"  # the words need what was erased or never reported

    @property
    def may_be_new(self) -> bool:
        """Return whether the reason may hold now although it did not hold when the nudge was due."""
        match self:
            case NotSentReason.CAP:  # it counts what was sent since
                return True
            case (
                NotSentReason.DIED
                | NotSentReason.NO_GUARDIAN
                | NotSentReason.PASSED_ON
                | NotSentReason.ADDED
                | NotSentReason.UNREACHED
                | NotSentReason.DONE
                | NotSentReason.OPTED_OUT
                | NotSentReason.NO_CONSENT
                | NotSentReason.CAUGHT_UP
                | NotSentReason.NO_ADDRESS
                | NotSentReason.NO_CHANNEL
                | NotSentReason.QUIET_HOURS
                | NotSentReason.STOPPED
                | NotSentReason.WITHDRAWN
                | NotSentReason.NOTHING_LEFT
                | NotSentReason.EXPIRED
                | NotSentReason.ERASED
                | NotSentReason.UNREADABLE
            ):
                return False


class Send(Struct, frozen=True):
    """Send it now, on this channel."""

    channel: str


class Defer(Struct, frozen=True):
    """Look at it again then; it is never dropped."""

    until: datetime
    reason: NotSentReason


class Withhold(Struct, frozen=True):
    """Don't send it, for this reason: kept, counted, shown."""

    reason: NotSentReason


class Expire(Struct, frozen=True):
    """The decision that it is no longer worth sending."""


class Digest(Struct, frozen=True):
    """Send it with the recipient's digest of that local day, or of the next day whose digest has room.

    `messages` that count had reached them in the last `days` days.
    """

    day: date
    messages: int
    days: int


Decision = Send | Defer | Withhold | Expire | Digest


PAUSED = "paused"
"""The scope of a trigger that its own agency stopped, beside the scopes of the operators' kill switches."""


class Controls(Struct, frozen=True):
    """The switches: (scope, name) pairs that are stopped, scope being trigger, agency, channel, all or PAUSED.

    `withdrawn`: triggers that send nothing any more, whatever they have planned.
    """

    stopped: frozenset[tuple[str, str]] = frozenset()
    withdrawn: frozenset[str] = frozenset()


class Ledger(Struct, frozen=True):
    """The nudges planned and messages sent before.

    `nudges`: if it `reads_others`, those of its person about the same thing, of a digest their digests; perhaps more.
    `messages`: the time from which each recent message to the **recipient** counts (see domain/nudges/cap.py),
    whomever it concerned.
    """

    nudges: tuple[Nudge, ...] = ()
    messages: tuple[datetime, ...] = ()


def reads_others(nudge: Nudge, trigger: Trigger) -> bool:
    """Return True if the decision on a nudge depends on the other nudges of its person."""
    return is_digest(nudge.intent) or may_have_twin(nudge, trigger)


def guardians(trigger: Trigger, person: Person, defaults: Defaults, now: datetime) -> tuple[str, ...] | None:
    """Return the guardians of a minor who are told by the trigger, living or dead; None: the person is told."""
    day = now.astimezone(local_zone(person, defaults)).date()
    age = person.age(day)
    if trigger.minors == "self" or age is None or age >= defaults.age_of_majority:
        return None
    return tuple(sorted(set(person.get("guardians") or ())))


def recipients(
    nudge: Nudge, trigger: Trigger, person: Person, defaults: Defaults, now: datetime, known: Callable[[str], Person]
) -> tuple[str, ...]:
    """Return the recipients: the person, or while they are a minor each guardian known now, if any of them lives.

    A minor gets a warning of danger to life themself if no guardian lives, has an address, and may yet be reached;
    also beside guardians who could not be reached for long. `known`: returns a guardian.
    """
    named = guardians(trigger, person, defaults, now)
    if named is None:
        return (person.pseudonym,)
    living = [guardian for guardian in map(known, named) if guardian.died is None]
    if trigger.klass == "emergency":
        reached = any(_may_be_reached(nudge, guardian, trigger.channels) for guardian in living)
        told = named if reached else ()
        passed = _had_their_turn(nudge) or no_guardian_reached(nudge)
        return (*told, person.pseudonym) if not reached or passed else told
    return named if living else ()


def _had_their_turn(nudge: Nudge) -> bool:
    """Return True if the minor was given the nudge, because no guardian could be reached then."""
    own = nudge.to(nudge.intent.person)
    planned_anew = own.state is State.PLANNED
    return not planned_anew and (own.attempt > 0 or own.reason == NotSentReason.UNREACHED)


def _may_be_reached(nudge: Nudge, guardian: Person, channels: Iterable[str]) -> bool:
    failed = nudge.to(guardian.pseudonym).has_failed
    return not failed and any(addresses(guardian, channel) for channel in channels)


class Settlement(Struct, frozen=True):
    """Everything that a decision about one delivery of a nudge reads; `person` is its recipient.

    It has no values of the event; what must be known when a nudge is due belongs in `Intent`. `mourned`: somebody has
    died whom it is about, see domain/planning/deaths.py. `goes_to`: those to whom it goes by now, perhaps instead of
    the recipient; nobody if no living guardian is known.
    """

    nudge: Nudge
    trigger: Trigger
    person: Person
    ledger: Ledger
    controls: Controls
    defaults: Defaults
    goes_to: tuple[str, ...]
    mourned: bool = False


def settle(case: Settlement, now: datetime) -> Decision:
    """Send, defer, withhold, expire or put into a digest, as the first objection in `_objections` says."""
    return next(_objections(case, case.nudge.to(case.person.pseudonym), now))


def _objections(case: Settlement, delivery: Delivery, now: datetime) -> Iterator[Decision]:
    """Yield the decisions against sending, strongest first, and at the end the decision to send."""
    yield from _whatever_the_channel(case, now)
    channel = next(channels_left(case, delivery), None)
    if channel is None:
        yield Withhold(_unreachable(case))
        return
    if _stopped(case, channel):
        yield stopped_until(case.nudge, now)
    if (capped := _over_the_cap(case, delivery, now)) is not None:
        yield capped
    if (until := _quiet_until(case, now)) is not None:
        yield Defer(until, NotSentReason.QUIET_HOURS)
    yield Send(channel)


def decision_to_leave_digest(case: Settlement, now: datetime) -> Decision | None:
    """Return the decision by which a nudge leaves its digest when that goes; None: it goes with it.

    Address, channel and quiet hours are decided for the digest, not for the nudge.
    """
    leaving = next(_whatever_the_channel(case, now), None)
    return stopped_until(case.nudge, now) if leaving is None and _stopped(case) else leaving


def _whatever_the_channel(case: Settlement, now: datetime) -> Iterator[Decision]:
    """Yield the objections that hold whatever the channel; they also take a nudge out of its digest."""
    intent = case.nudge.intent
    if case.person.pseudonym not in case.goes_to:
        yield Withhold(NotSentReason.PASSED_ON if case.goes_to else NotSentReason.NO_GUARDIAN)
    if case.person.died is not None or case.mourned:
        yield Withhold(NotSentReason.DIED)
    if case.trigger.name in case.controls.withdrawn:
        yield Withhold(NotSentReason.WITHDRAWN)
    if intent.expires is not None and now >= intent.expires:
        yield Expire()
    moot = intent.moot_from is not None and now >= intent.moot_from
    if moot or case.nudge.done:  # after it had gone, perhaps to another guardian: no one else is told, by no channel
        yield Withhold(NotSentReason.DONE)
    if caught_up(case.nudge, case.trigger, case.ledger.nudges):
        yield Withhold(NotSentReason.CAUGHT_UP)
    if (reason := _own_choice(case)) is not None:
        yield Withhold(reason)


def was_no_guardian(delivery: Delivery) -> bool:
    """Return True for a delivery that ended because the nudge goes to others, or to nobody."""
    no_guardian = {NotSentReason.PASSED_ON.value, NotSentReason.NO_GUARDIAN.value}
    return delivery.state is State.WITHHELD and delivery.reason in no_guardian


def is_stopped(delivery: Delivery) -> bool:
    """Return True for a delivery that a kill switch or a pause holds back."""
    return delivery.state is State.DEFERRED and delivery.reason == NotSentReason.STOPPED


def stopped_until(nudge: Nudge, now: datetime) -> Defer:
    """Return until when a stopped nudge waits for its switch to be cleared: at most until it expires."""
    until, expires = now + STOPPED_FOR, nudge.intent.expires
    return Defer(until if expires is None else min(until, expires), NotSentReason.STOPPED)


def _over_the_cap(case: Settlement, delivery: Delivery, now: datetime) -> Decision | None:
    zone, intent = local_zone(case.person, case.defaults), case.nudge.intent
    if is_digest(intent):
        went = delivery.attempted_at is None and has_other_gone(case.ledger.nudges, intent.id, now, zone)
        return Defer(due_on(next_day(now, zone, another=True), zone), NotSentReason.CAP) if went else None
    messages = counted(case.ledger.messages, case.defaults, now)
    if not is_capped(delivery, case.trigger.klass) or messages < case.defaults.cap_messages:
        return None
    day = next_day(now, zone)
    comes = is_digest_of_use(case, due_on(day, zone))
    return Digest(day, messages, case.defaults.cap_days) if comes else Withhold(NotSentReason.CAP)


def is_digest_of_use(case: Settlement, due: datetime) -> bool:
    """Return True if a digest due then is of use: the nudge has not expired, and the recipient wants digests."""
    expires = case.nudge.intent.expires
    return DIGEST not in (case.person.get("opted_out") or ()) and (expires is None or due < expires)


def _own_choice(case: Settlement) -> NotSentReason | None:
    """Return the objection that follows from the recipient's choices."""
    rules = CLASS_RULES[case.trigger.klass]
    if not rules.ignores_opt_out and case.trigger.category in (case.person.get("opted_out") or ()):
        return NotSentReason.OPTED_OUT
    if rules.needs_consent and case.trigger.category not in (case.person.get("consents") or ()):
        return NotSentReason.NO_CONSENT
    return None


def channels_left(case: Settlement, delivery: Delivery) -> Iterator[str]:
    """Yield the channels that can be tried.

    In the trigger's order, allowed by the person, with an address, not given up.

    After a silence, the channel that was silent has had its turn.

    A legal notice or an emergency goes even where the person allowed no channel that the trigger has.
    """
    had = {*delivery.exhausted, delivery.channel if delivery.is_silent else None}
    always = CLASS_RULES[case.trigger.klass].ignores_opt_out
    yield from reachable(case.person, case.nudge.intent.channels, had, case.trigger.category, always=always)


def _unreachable(case: Settlement) -> NotSentReason:
    """Return the reason why no channel is left: the person allows none of the trigger's, or those have no address."""
    category = case.trigger.category
    refused = not any(is_wanted(case.person, each, category) for each in case.nudge.intent.channels)
    return (
        NotSentReason.NO_CHANNEL
        if refused and not CLASS_RULES[case.trigger.klass].ignores_opt_out
        else NotSentReason.NO_ADDRESS
    )


def _stopped(case: Settlement, channel: str = "") -> bool:
    switches = {
        ("all", ""),
        ("trigger", case.trigger.name),
        ("agency", case.trigger.owner),
        ("channel", channel),
        (PAUSED, case.trigger.name),
    }
    return not switches.isdisjoint(case.controls.stopped)


def _quiet_until(case: Settlement, now: datetime) -> datetime | None:
    """Return the end of this person's quiet hours; None outside them.

    An emergency is sent during them; so is a nudge that would expire in them: it goes at once rather than never.
    """
    if CLASS_RULES[case.trigger.klass].ignores_quiet_hours:
        return None
    until = quiet_hours(case.person, case.defaults).ends_after(now, local_zone(case.person, case.defaults))
    expires = case.nudge.intent.expires
    return None if until is not None and expires is not None and until >= expires else until
