"""Which provider a case goes to, what bounds how many go there a second, and what is handed over in one call."""

from collections.abc import Callable, Mapping, Sequence

from domain.channels import ADDRESS_OF
from domain.delivery import Delivery, State
from domain.settle import Send
from notifiers.routes import Provider, Route
from streams.attempts import Attempt, is_bound
from streams.cases import Case
from streams.pace import Pace
from streams.taking_turns import is_emergency


class Routing:
    """Chooses among the providers of each channel."""

    def __init__(self, routes: Mapping[str, Route], pace: Pace) -> None:
        self._routes, self._pace = routes, pace

    def provider(self, delivery: Delivery) -> Provider | None:
        """The provider of a delivery's last attempt, if it is still among the settings."""
        route = self._routes.get(delivery.channel or "")
        return route.named(delivery.provider) if route is not None else None

    def others(self, attempt: Attempt) -> tuple[Provider, ...]:
        """Those that could be tried now instead of the one that was."""
        message = attempt.message
        return tuple(self._routes[message.channel].others(message.address, attempt.provider.name))

    def chosen(self, case: Case) -> Provider | None:
        """The provider for a case; where one may have it, only that one, as it removes a double. None: nobody."""
        return self._provider(case, Route.choose)

    def likely(self, case: Case) -> str:
        """The name of the provider that would be chosen now; empty: nobody."""
        found = self._provider(case, Route.likely)
        return "" if found is None else found.name

    @property
    def providers(self) -> Mapping[str, int]:
        """Channel -> how many providers it has."""
        return {channel: len(route.providers) for channel, route in self._routes.items()}

    @property
    def any_elsewhere(self) -> bool:
        """Whether there is a provider to which another process has the only link."""
        return any(each.is_elsewhere for route in self._routes.values() for each in route.providers)

    def is_elsewhere(self, case: Case) -> bool:
        """Whether only another process can give it to its provider."""
        found = self._provider(case, Route.likely)
        return found is not None and found.is_elsewhere

    def _provider(self, case: Case, choose: Callable[..., Provider]) -> Provider | None:
        if not isinstance(case.decision, Send):
            return None
        route = self._routes[case.decision.channel]
        delivery = case.nudge.to(case.recipient.pseudonym)
        last = route.named(delivery.bound)
        if last is not None and last.notifier.removes_doubles and delivery.state is not State.FAILED:
            return last
        if is_bound(case):
            return last if last is not None and last.notifier.removes_doubles else None
        avoid = delivery.provider if delivery.state is State.FAILED else None
        address = str(case.recipient.get(ADDRESS_OF[route.channel]))
        return choose(route, case.nudge.intent.id, address, avoid=avoid)

    def limits(self, case: Case, provider: Provider | None) -> tuple[str, ...]:
        """What bounds how many go a second: the agency, but for an emergency, and the provider."""
        if provider is None or not self._pace.bounds:
            return ()
        if is_emergency(case):
            return self._pace.limits(_limit(provider))
        return self._pace.limits(agency(case), _limit(provider))

    def pieces(self, attempt: Attempt) -> Mapping[str, int]:
        """The provider's limit -> how many slots of it the message takes, if it is bound by it."""
        bound = self._pace.limits(_limit(attempt.provider))
        return {bound[0]: attempt.pieces} if bound else {}

    def parts(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """What is handed over in one call: one by one what is bound by a rate, the rest all to a provider."""
        parts: list[list[Attempt]] = []
        free: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            if self.limits(attempt.case, attempt.provider):
                parts.append([attempt])
            else:
                free.setdefault(attempt.provider.name, []).append(attempt)
        return [*parts, *free.values()]


def _limit(provider: Provider) -> str:
    return f"provider:{provider.name}"


def agency(case: Case) -> str:
    """The name of the limit that a case's agency has, if it has one."""
    return f"agency:{case.settlement.trigger.owner}"
