"""The number of messages that each active kill switch and pause holds back now."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection

from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.nudge import Nudge
from domain.nudges.settle import PAUSED
from domain.persons.channels import reachable
from domain.persons.person import Person
from projections import nudges, upcoming
from streams.log.log import Log
from streams.planning import histories
from streams.rules.in_force import Rules

MOST_COUNTED = 10_000
Switch = tuple[str, str]
"""A scope and a name, as in domain.nudges.settle.Controls."""
_ALL: Switch = ("all", "")


class HeldBack(Struct, frozen=True):
    """Counts by switch. `whole`: everything that is held back was counted, and not only the first of it."""

    counts: Mapping[Switch, int]
    whole: bool


def held_back_by(
    connection: Connection, log: Log, rules: Rules, switches: Collection[Switch], most: int = MOST_COUNTED
) -> HeldBack:
    """Return how many deliveries each of the switches holds back now, of the first `most` that any does.

    One that several hold back counts for each of them; a channel's counts only what nothing else holds back, and
    would go by it.
    """
    found = upcoming.stopped(connection, most + 1)
    if set(switches) <= {_ALL}:  # what each is about makes no difference
        return HeldBack({_ALL: len(found)} if switches else {}, len(found) <= most)
    known = nudges.by_id(connection, {each.nudge for each in found})
    counts, by_channels = Counter[Switch](), list[tuple[Nudge, str, Sequence[str]]]()
    for each in found:
        if (nudge := known.get(each.nudge)) is None:
            continue
        if wide := _switches_for_any_channel(nudge, rules).intersection(switches):
            counts.update(wide)
        else:
            by_channels.append((nudge, each.recipient, _stopped_channels(nudge, each.recipient, switches)))
    undecided = {recipient for _, recipient, stopped in by_channels if len(stopped) > 1}
    persons = histories.persons(connection, log, undecided, rules.rulebook) if undecided else {}
    for nudge, recipient, stopped in by_channels:
        holding = [_stopped_channel(nudge, persons[recipient], stopped, rules)] if len(stopped) > 1 else stopped
        counts.update([("channel", each) for each in holding])
    return HeldBack(counts, len(found) <= most)


def _switches_for_any_channel(nudge: Nudge, rules: Rules) -> set[Switch]:
    """Return the switches that hold it back whatever the channel."""
    trigger = nudge.intent.trigger
    return {_ALL, ("trigger", trigger), ("agency", rules.governed.owners.get(trigger, "")), (PAUSED, trigger)}


def _stopped_channels(nudge: Nudge, recipient: str, switches: Collection[Switch]) -> Sequence[str]:
    over = _exhausted_channels(nudge, recipient)
    return [each for each in nudge.intent.channels if each not in over and ("channel", each) in switches]


def _exhausted_channels(nudge: Nudge, recipient: str) -> Collection[str | None]:
    """Return the channels that had their turn."""
    delivery = nudge.to(recipient)
    return {*delivery.exhausted, delivery.channel if delivery.is_silent else None}


def _stopped_channel(nudge: Nudge, person: Person, stopped: Sequence[str], rules: Rules) -> str:
    """Return the stopped channel by which it would go to that person."""
    trigger, over = rules.rulebook.version(nudge.intent.version).trigger, _exhausted_channels(nudge, person.pseudonym)
    always = CLASS_RULES[trigger.klass].ignores_opt_out
    ways = reachable(person, nudge.intent.channels, over, trigger.category, always=always)
    return next((each for each in ways if each in stopped), stopped[0])
