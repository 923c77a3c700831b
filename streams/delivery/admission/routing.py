"""Routing: the provider of each case, the rates that apply to it, and the calls in which attempts are handed over."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery, State
from domain.nudges.settle import Send
from domain.persons.channels import addresses
from notifiers.port.interface import RetryLater
from notifiers.port.routes import Provider, Route
from streams.delivery.admission.rate_limits import RateLimits
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import Attempt


class Routing:
    """Chooses among the providers of each channel, and knows the rates that apply."""

    def __init__(self, routes: Mapping[str, Route], rates: RateLimits) -> None:
        self._routes, self.rates = routes, rates

    def last_provider(self, delivery: Delivery) -> Provider | None:
        """Return the provider of a delivery's last attempt, if it is still in the settings."""
        route = self._routes.get(delivery.channel or "")
        return route.named(delivery.provider) if route is not None else None

    def other_providers(self, attempt: Attempt) -> tuple[Provider, ...]:
        """Return the providers that could be tried now instead of the attempt's."""
        message = attempt.message
        return tuple(self._routes[message.channel].others(message.address, attempt.provider.name))

    def choose_provider(self, case: Case) -> Provider | None:
        """Return the provider for a case, or None; one that may have it already, and removes doubles, keeps it."""
        return self._provider(case, Route.choose)

    def likely_provider(self, case: Case) -> str:
        """Return the name of the provider that would be chosen now; empty: none."""
        found = self._provider(case, Route.likely)
        return "" if found is None else found.name

    @property
    def removes_doubles(self) -> Mapping[str, bool]:
        """Return provider -> whether it removes doubles."""
        every = chain.from_iterable(route.providers for route in self._routes.values())
        return {provider.name: provider.notifier.removes_doubles for provider in every}

    @property
    def has_link_elsewhere(self) -> bool:
        """Return whether there is a provider to which another process has the only link."""
        return any(provider.is_elsewhere for route in self._routes.values() for provider in route.providers)

    def is_elsewhere(self, case: Case) -> bool:
        """Return whether only another process can hand the case to its provider."""
        found = self._provider(case, Route.likely)
        return found is not None and found.is_elsewhere

    def _provider(self, case: Case, choose: Callable[..., Provider]) -> Provider | None:
        if not isinstance(case.decision, Send):
            return None
        route = self._routes[case.decision.channel]
        delivery = case.nudge.to(case.recipient.pseudonym)
        last = route.named(delivery.bound_provider)
        if last is not None and last.notifier.removes_doubles and delivery.state is not State.FAILED:
            return last
        if case.is_bound:
            return last if last is not None and last.notifier.removes_doubles else None
        avoid = delivery.provider if delivery.state is State.FAILED else None
        address = next(iter(addresses(case.recipient, route.channel).values()), "")
        return choose(route, case.nudge.intent.id, address, avoid=avoid)

    def limits(self, case: Case, provider: Provider | None) -> tuple[str, ...]:
        """Return the names of the rates that apply: the agency's (unless the class ignores it) and the provider's."""
        if provider is None or not self.rates.has_any:
            return ()
        if CLASS_RULES[case.nudge.intent.klass].ignores_rate:
            return self.rates.limited_among(_limit(provider))
        return self.rates.limited_among(_agency(case), _limit(provider))

    def is_limited(self, case: Case) -> bool:
        """Return whether the case's agency has a rate."""
        return bool(self.rates.limited_among(_agency(case)))

    async def unready_providers(self, providers: Iterable[Provider]) -> dict[str, RetryLater]:
        """Wait until the providers are ready; return name -> the reason, for each that is not."""
        distinct = {provider.name: provider for provider in providers}
        answers = await asyncio.gather(*(provider.ready() for provider in distinct.values()))
        return {name: why for name, why in zip(distinct, answers, strict=True) if why is not None}

    async def reserve_pieces(self, attempts: Iterable[Attempt]) -> None:
        """Take further slots for the pieces of long messages: how many there are is known once they are rendered."""
        await self.rates.take_slots_of_pieces(map(self._pieces, attempts))

    async def wait_for_turn(self, attempt: Attempt, slot: datetime) -> None:
        """Wait for the attempt's slot, and for the last message under each of its rates to be long enough ago."""
        await self.rates.wait_for_turn(slot, self.limits(attempt.case, attempt.provider), self._pieces(attempt))

    def calls(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the attempts by call: each under a rate in its own, the others together for each provider."""
        calls: list[list[Attempt]] = []
        free: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            if self.limits(attempt.case, attempt.provider):
                calls.append([attempt])
            else:
                free.setdefault(attempt.provider.name, []).append(attempt)
        return [*calls, *free.values()]

    def _pieces(self, attempt: Attempt) -> Mapping[str, int]:
        """Return the provider's rate -> how many slots of it the message takes, if it has one."""
        limited = self.rates.limited_among(_limit(attempt.provider))
        return {limited[0]: attempt.pieces} if limited else {}


def _limit(provider: Provider) -> str:
    return f"provider:{provider.name}"


def _agency(case: Case) -> str:
    return f"agency:{case.settlement.trigger.owner}"
