"""The attempts of nudges as the log has them, and which of them may follow another."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeFailed, NudgeRescheduled, NudgeSent
from domain.facts.facts import NudgeUnknown as Unknown
from domain.nudges.nudge import Nudge
from notifiers.port.interface import Reason

TIMES = 3
"""How often something is tried on a channel where nobody can know whether it went, and it is made again."""


class Try(NamedTuple):
    """An attempt, and what was heard of it, in the order of the log."""

    fact: NudgeAttempted
    heard: list[Any]

    def has(self, *kinds: type) -> bool:
        """Whether any of these was heard."""
        return any(isinstance(each, kinds) for each in self.heard)

    @property
    def may_have_come(self) -> bool:
        """Whether it is not certain that it has not gone."""
        return self.has(NudgeSent, NudgeDelivered, Unknown)

    @property
    def refused(self) -> bool:
        """Whether nobody can ever be reached there."""
        return any(isinstance(each, NudgeFailed) and each.reason == Reason.BAD_ADDRESS for each in self.heard)


def tries_of(facts: Sequence[Any]) -> Iterator[Try]:
    """The attempts of a nudge, each with the facts about it, those to one recipient after those to another."""
    found = {(each.recipient, each.attempt): Try(each, []) for each in facts if isinstance(each, NudgeAttempted)}
    for fact in facts:
        about = getattr(fact, "recipient", ""), getattr(fact, "attempt", 0)
        if not isinstance(fact, NudgeAttempted) and about in found:
            found[about].heard.append(fact)
    yield from sorted(found.values(), key=lambda each: (each.fact.recipient, each.fact.attempt))


class Following(NamedTuple):
    """Two attempts to one recipient, the second of which is the next after the first.

    `before`: with what had been heard of it when the next one was made; `moved`: whether it was planned anew between
    them, for a time that was still to come.
    """

    before: Try
    after: Try
    moved: bool


def following(facts: Sequence[Any]) -> list[Following]:
    """Each attempt of a nudge that has a next one to the same recipient, with that."""
    found = []
    for before, after in pairwise(tries_of(facts)):
        if before.fact.recipient == after.fact.recipient:
            between = facts[facts.index(before.fact) : facts.index(after.fact)]
            moved = any(isinstance(each, NudgeRescheduled) and each.due > each.at for each in between)
            known = Try(before.fact, [each for each in before.heard if each in between])
            found.append(Following(known, after, moved))
    return found


def cascades(tries: Sequence[Try]) -> Iterator[str]:
    """The channels by which each recipient was tried, in their order."""
    for _, theirs in groupby(tries, key=lambda each: each.fact.recipient):
        yield " > ".join(channel for channel, _ in groupby(each.fact.channel for each in theirs))


def left_before(tries: Sequence[Try], tried: NudgeAttempted) -> set[str]:
    """The other channels by which its recipient was tried before; all of it may be at one and the same moment."""
    earlier = {
        each.fact.channel
        for each in tries
        if each.fact.recipient == tried.recipient and each.fact.attempt < tried.attempt
    }
    return earlier - {tried.channel}


def is_made_again(nudge: Nudge, channel: str) -> bool:
    """Whether what is unknown is: a legal notice, and a push, as it replaces the one that may have come."""
    return nudge.intent.klass == "legal" or channel == "push"


def may_follow(nudge: Nudge, pair: Following, *, gone: bool) -> bool:
    """Whether what was heard of an attempt is a reason for the next one to the same recipient.

    `gone`: the browser refused another push, so that this one cannot be made again.
    """
    before, at = pair.before, pair.after.fact.at
    failed = before.has(NudgeFailed)
    silent = any(
        isinstance(each, NudgeSent | Unknown) and each.silent_at and each.silent_at <= at for each in before.heard
    )
    again = any(isinstance(each, Unknown) and each.retry_at and each.retry_at <= at for each in before.heard)
    if pair.moved and failed:
        return not before.has(NudgeDelivered)
    if before.fact.channel != pair.after.fact.channel:
        elsewhere = gone and again and before.fact.channel == "push" and nudge.intent.klass == "legal"
        return (failed or silent or elsewhere) and not before.has(NudgeDelivered)
    return not before.has(NudgeSent) and (failed or (again and is_made_again(nudge, before.fact.channel)))
