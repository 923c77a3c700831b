"""People who govern: authors and approvers of an agency, and what they do in tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventsourcing.utils import resolve_topic

from app.compose import Platform
from domain.facts.principals import Principal, Role
from domain.facts.submissions import Subject, subject_of
from streams.rules.approval import SubmissionResult, reference
from streams.rules.publishing import Rulemaking, govern
from tests.beginnings import packs_in
from tests.world import World

OPERATOR = Principal("olga", "platform", frozenset({Role.OPERATOR}))
OTHER_OPERATOR = Principal("oleg", "platform", frozenset({Role.OPERATOR}))
STRANGER = Principal("fred", "finance", frozenset({Role.AUTHOR, Role.APPROVER}))


def author(agency: str) -> Principal:
    """Who writes the triggers of an agency."""
    return Principal("aida", agency, frozenset({Role.AUTHOR}))


def approver(agency: str) -> Principal:
    """Who approves them."""
    return Principal("dana", agency, frozenset({Role.APPROVER}))


def approved(world: World, packs: Sequence[Path], trigger: str, agency: str) -> str:
    """Have that trigger of these packs approved as it is there; returns the hash of the version."""
    governing = world.platform.rules.approval
    [done] = governing.submit(packs_in(packs), [Subject("trigger", trigger)], author(agency))
    governing.approve(done.submission, approver(agency))
    return done.submission.hash


def publish(
    world: World, trigger: str, agency: str, share: float = 1.0, *, to_pending: bool = False
) -> SubmissionResult:
    """Publish the trigger's latest approved version."""
    [done] = world.platform.rules.approval.publish(
        [reference(trigger)], author(agency), share=share, to_pending=to_pending
    )
    return done


def append(platform: Platform, fact: Any) -> None:
    """Append a governance fact without a check, as an older release did, which refused less."""

    def work(rules: Rulemaking) -> None:
        about = subject_of(fact)
        aggregate = rules.pack(about.name) if about.kind == "pack" else rules.trigger(about.name)
        aggregate.trigger_event(resolve_topic(fact.TOPIC), fact=fact)

    govern(platform.database, platform.log, platform.identity.names, work)
