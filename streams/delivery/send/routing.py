"""Which provider a case goes to, what bounds how many go there a second, and what is handed over in one call.

Leaving to others what only another process can send: there a provider has the only link that it allows.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from domain.facts.facts import NudgeSent
from domain.nudges.delivery import Delivery, State
from domain.nudges.settle import Send
from domain.persons.channels import ADDRESS_OF
from notifiers.port.routes import Provider, Route
from projections import claims
from projections.tables import micros
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import Attempt, is_bound
from streams.delivery.send.concurrency import is_emergency
from streams.delivery.send.rate_limits import Pace
from streams.log.log import Log
from streams.storage.database import Database, Priority


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


ALWAYS = datetime.min.replace(tzinfo=UTC)
MEANWHILE = timedelta(seconds=5)
"""For so long nobody claims it: this process would at once, again and again, in the way of what else is due."""
UNATTENDED = timedelta(minutes=2)
"""Whoever has the link has had many turns by then, and whoever waits for one that is free has asked for it twice."""


class Elsewhere:
    """Leaves to others what only another process can send, as long as somebody does.

    The link may be a session that outlived its process, or that of one that hangs: what nobody sends for a while is
    tried as by any provider that is away, so that the next channel has its turn.
    """

    def __init__(self, database: Database, log: Log, routing: Routing) -> None:
        self._database, self._routing, self._watch = database, routing, _Watch(database, log)

    async def without(self, cases: Sequence[Case], now: datetime) -> list[Case]:
        """The cases without the nudges that are left: no attempt at them is made, nor counted."""
        there = [each for each in cases if self._routing.is_elsewhere(each)] if self._routing.any_elsewhere else []
        if not there:
            return list(cases)
        await asyncio.to_thread(self._watch.look, now)
        left = {case.nudge.intent.id: case.nudge for case in there if not self._is_unattended(case, now)}
        work = partial(claims.leave, found=left.values(), until=micros(now + MEANWHILE))
        await asyncio.to_thread(self._database.write, work, Priority.DISPATCH)
        return [case for case in cases if case.nudge.intent.id not in left]

    def _is_unattended(self, case: Case, now: datetime) -> bool:
        """Whether it was due, and its provider took nothing over, for so long; or it would expire meanwhile."""
        due = case.nudge.to(case.recipient.pseudonym).due or now
        expires = case.nudge.intent.expires
        since = max(due, self._watch.idle_since(self._routing.likely(case)))
        return now >= since + UNATTENDED or (expires is not None and now >= expires - 2 * MEANWHILE)


class _Watch:
    """Reads from the log, while anything is left to others, since when nobody sends by a provider."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log
        self._begun = self._looked = ALWAYS
        self._upto = 0
        self._took: dict[str, datetime] = {}

    def look(self, now: datetime) -> None:
        """See what was taken over since the last look; where that was too long ago, begin anew."""
        with self._database.reading() as connection:
            upto = self._log.facts.last_position(connection)
        if now - self._looked > UNATTENDED:
            self._begun = now
        else:
            pages = self._log.scan(self._upto, upto, (NudgeSent.TOPIC,))
            sent = (each.fact for page in pages for each in page)
            self._took |= {fact.provider: now for fact in sent if isinstance(fact, NudgeSent)}
        self._looked, self._upto = now, upto

    def idle_since(self, provider: str) -> datetime:
        """Since when it took nothing over that was seen here."""
        return max(self._begun, self._took.get(provider, self._begun))
