"""Metrics of sending: the outcomes of attempts, as the log has them and as each notifier reported them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.facts.facts import NudgeFact, NudgeSent
from notifiers.port.interface import Accepted, GiveUp, Message, Notifier, Outcome, RetryLater
from notifiers.port.routes import Provider, Route
from streams.delivery.outcomes.attempts import Attempt
from streams.intake.intake import Counts, Labels
from streams.storage import measures

DEFECT = "defect"


class AttemptMetrics:
    """Counts the outcomes of a process's attempts, and measures how long after being due each message was sent."""

    def __init__(self) -> None:
        self._outcomes, self._sent_after = measures.outcomes(), measures.sent_after()
        self.collectors = (self._outcomes, self._sent_after)

    def note(self, attempt: Attempt, fact: NudgeFact, now: datetime) -> None:
        """Count the outcome that the fact records."""
        nudge, channel, owner = attempt.case.nudge, attempt.fact.channel, attempt.case.settlement.trigger.owner
        outcome = fact.TOPIC.removeprefix("nudge-").partition("/")[0]
        self._outcomes.labels(channel, attempt.provider.name, owner, outcome).inc()
        if isinstance(fact, NudgeSent):
            due = nudge.to(attempt.fact.recipient).due or nudge.planned_at
            self._sent_after.labels(channel).observe(max(0.0, (now - max(due, nudge.planned_at)).total_seconds()))


class CountedNotifier:
    """A notifier whose outcomes are counted, by provider, channel, outcome and reason."""

    def __init__(self, notifier: Notifier, name: str, counts: Counts) -> None:
        self._notifier, self._name, self._counts = notifier, name, counts

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (the type depends on the name)
        """Return what only some notifiers have, such as `elsewhere`."""
        return getattr(self._notifier, name)

    @property
    def channel(self) -> str:
        """Return the notifier's channel."""
        return self._notifier.channel

    @property
    def removes_doubles(self) -> bool:
        """Return whether a message with the same key is delivered only once."""
        return self._notifier.removes_doubles

    @property
    def reports(self) -> bool:
        """Return whether the provider reports deliveries, so that silence has a meaning."""
        return self._notifier.reports

    @property
    def longest(self) -> float:
        """Return the longest that a `send` may take, in seconds."""
        return self._notifier.longest

    def reaches(self, address: str) -> bool:
        """Return whether it reaches such an address."""
        return self._notifier.reaches(address)

    async def start(self) -> None:
        """Begin to listen."""
        await self._notifier.start()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and count the outcomes."""
        try:
            outcomes = await self._notifier.send(messages)
        except Exception:
            self._count([("unknown", DEFECT)] * len(messages))
            raise
        self.count(outcomes)
        return outcomes

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Count these outcomes."""
        self._count(map(_labels, outcomes))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._notifier.aclose()

    def _count(self, labels: Iterable[tuple[str, str]]) -> None:
        self._counts.add((self._name, self.channel, outcome, reason) for outcome, reason in labels)


def _labels(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Accepted():
            return "sent", ""
        case RetryLater(reason=reason):
            return "failed", reason.value
        case GiveUp(reason=reason):
            return "gave_up", reason.value
        case _:
            return "unknown", outcome.reason.value


def counted(routes: Mapping[str, Route], counts: Counts) -> dict[str, Route]:
    """Return the same routes with counted notifiers."""
    return {
        channel: Route(route.channel, [_counted(provider, counts) for provider in route.providers])
        for channel, route in routes.items()
    }


def _counted(provider: Provider, counts: Counts) -> Provider:
    notifier = CountedNotifier(provider.notifier, provider.name, counts)
    return replace(provider, notifier=notifier, unsent=notifier.count)


def passed_by(routes: Mapping[str, Route]) -> dict[Labels, bool]:
    """Return provider and channel -> whether messages go past it."""
    return {
        (provider.name, route.channel): is_shut(provider) for route in routes.values() for provider in route.providers
    }


def is_shut(provider: Provider) -> bool:
    """Return whether messages go past it: too many in a row went wrong, or it asks for patience."""
    return provider.breaker.state != "closed" or provider.patience.left > 0
