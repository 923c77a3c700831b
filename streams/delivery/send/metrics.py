"""Metrics of sending: the outcomes of attempts, as the log has them and as each notifier reported them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.facts.facts import NudgeFact, NudgeSent
from notifiers.port.interface import Accepted, GiveUp, Outcome, RetryLater
from notifiers.port.routes import Provider, Route
from streams.delivery.outcomes.attempts import Attempt
from streams.intake.intake import IntakeCounters, Labels
from streams.storage import measures

DEFECT = "defect"


class AttemptMetrics:
    """Counts the outcomes of a process's attempts, and measures how long after being due each message was sent."""

    def __init__(self) -> None:
        self._outcomes, self._sent_after = measures.outcome_counter(), measures.sending_delay()
        self.collectors = (self._outcomes, self._sent_after)

    def note(self, attempt: Attempt, fact: NudgeFact, now: datetime) -> None:
        """Count the outcome that the fact records."""
        nudge, channel, owner = attempt.case.nudge, attempt.fact.channel, attempt.case.settlement.trigger.owner
        outcome = fact.TOPIC.removeprefix("nudge-").partition("/")[0]
        self._outcomes.labels(channel, attempt.provider.name, owner, outcome).inc()
        if isinstance(fact, NudgeSent):
            due = nudge.to(attempt.fact.recipient).due or nudge.planned_at
            self._sent_after.labels(channel).observe(max(0.0, (now - max(due, nudge.planned_at)).total_seconds()))


def _labels(outcome: Outcome | None) -> tuple[str, str]:
    match outcome:
        case None:
            return "unknown", DEFECT
        case Accepted():
            return "sent", ""
        case RetryLater(reason=reason):
            return "failed", reason.value
        case GiveUp(reason=reason):
            return "gave_up", reason.value
        case _:
            return "unknown", outcome.reason.value


def with_metrics(routes: Mapping[str, Route], counts: IntakeCounters) -> dict[str, Route]:
    """Return the same routes; their outcomes are counted by provider, channel, outcome and reason."""
    return {
        channel: Route(route.channel, [_counted(provider, channel, counts) for provider in route.providers])
        for channel, route in routes.items()
    }


def _counted(provider: Provider, channel: str, counts: IntakeCounters) -> Provider:
    def count(outcomes: Sequence[Outcome | None]) -> None:
        counts.add((provider.name, channel, *_labels(outcome)) for outcome in outcomes)

    return replace(provider, on_outcomes=count)


def skipped_providers(routes: Mapping[str, Route]) -> dict[Labels, bool]:
    """Return provider and channel -> whether messages go past it."""
    return {
        (provider.name, route.channel): is_skipped(provider)
        for route in routes.values()
        for provider in route.providers
    }


def is_skipped(provider: Provider) -> bool:
    """Return whether messages go past it: too many in a row went wrong, or it asks for patience."""
    return provider.breaker.state != "closed" or provider.patience.left > 0
