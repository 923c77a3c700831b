"""Notifiers that are counted: what became of the attempts at each provider, as its notifier says it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from notifiers.port.interface import Accepted, GiveUp, Message, Notifier, Outcome, RetryLater
from notifiers.port.routes import Provider, Route
from streams.intake.intake import Counts, Labels

DEFECT = "defect"


class Counted:
    """A notifier as it is, but that its outcomes are counted: provider, channel, what it said, and why."""

    def __init__(self, notifier: Notifier, name: str, counts: Counts) -> None:
        self._notifier, self._name, self._counts = notifier, name, counts

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever it is)
        """What some kinds of notifier have besides, such as that their only link is elsewhere."""
        return getattr(self._notifier, name)

    @property
    def channel(self) -> str:
        """As the notifier says, like all that follows."""
        return self._notifier.channel

    @property
    def removes_doubles(self) -> bool:
        """Whether a key goes once."""
        return self._notifier.removes_doubles

    @property
    def reports(self) -> bool:
        """Whether silence means something."""
        return self._notifier.reports

    @property
    def longest(self) -> float:
        """The longest that a `send` may take, in seconds."""
        return self._notifier.longest

    def reaches(self, address: str) -> bool:
        """Whether it reaches such an address."""
        return self._notifier.reaches(address)

    async def start(self) -> None:
        """Begin to listen."""
        await self._notifier.start()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and count what came of it."""
        try:
            outcomes = await self._notifier.send(messages)
        except Exception:
            self._count([("unknown", DEFECT)] * len(messages))
            raise
        self._count(map(_said, outcomes))
        return outcomes

    async def aclose(self) -> None:
        """Close the links."""
        await self._notifier.aclose()

    def _count(self, said: Iterable[tuple[str, str]]) -> None:
        self._counts.add((self._name, self.channel, outcome, reason) for outcome, reason in said)


def _said(outcome: Outcome) -> tuple[str, str]:
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
    """The same routes, by the same doors."""
    return {
        channel: Route(
            route.channel,
            [replace(each, notifier=Counted(each.notifier, each.name, counts)) for each in route.providers],
        )
        for channel, route in routes.items()
    }


def passed_by(routes: Mapping[str, Route]) -> dict[Labels, bool]:
    """Provider and channel -> whether messages go past it: too many in a row went wrong, or it asks for patience."""
    return {(each.name, route.channel): is_shut(each) for route in routes.values() for each in route.providers}


def is_shut(provider: Provider) -> bool:
    """Return whether messages go past it: too many in a row went wrong, or it asks for patience."""
    return provider.breaker.state != "closed" or provider.patience.left > 0
