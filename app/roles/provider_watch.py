"""Says that a provider is down, once, and once that it is back: what an operator at a terminal or a log must see."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from app.jobs.pace import duration
from domain.facts.receipts import PROVIDER_FAILURES
from notifiers.port.routes import FAILURES, Provider, Route
from streams.delivery.send.metrics import is_skipped
from streams.intake.intake import IntakeCounters


class _Down(Struct):
    since: datetime
    sent: int


class ProviderWatch:
    """Compares what providers do now with what was said of them.

    A provider is down when messages go past it, or when as many in a row failed by its fault: a few messages are one
    batch, which shuts no door. It is back when it took a message and its door is open: that it may be tried again is
    no news.
    """

    def __init__(self, routes: Mapping[str, Route], counts: IntakeCounters, clock: Callable[[], datetime]) -> None:
        self._routes, self._counts, self._clock = routes, counts, clock
        self._down: dict[tuple[str, str], _Down] = {}
        self._taken: dict[tuple[str, str], tuple[int, int]] = {}
        """Provider and channel -> how many it had taken when it last took one, and failed until then."""

    def look(self) -> Iterator[tuple[bool, str]]:
        """Yield what is new of each provider: whether it is up, and the sentence for it."""
        counts, now = self._counts.all(), self._clock()
        for route in self._routes.values():
            for provider in route.providers:
                name = (provider.name, route.channel)
                sent, known = counts.get((*name, "sent", ""), 0), self._down.get(name)
                if known is None and (is_skipped(provider) or self._in_row(name, counts) >= FAILURES):
                    self._down[name] = _Down(now, sent)
                    yield False, _went_down(provider, route, counts)
                elif known is not None and sent > known.sent and not is_skipped(provider):
                    del self._down[name]
                    was = (now - known.since).total_seconds()
                    took = f" after {duration(was)}" if was else ""
                    yield True, f"provider {provider.name} ({route.channel}) is back{took}"

    def _in_row(self, name: tuple[str, str], counts: Mapping[tuple[str, ...], int]) -> int:
        """Return how many attempts failed by the provider's fault since it last took a message."""
        sent = counts.get((*name, "sent", ""), 0)
        failed = sum(many for each, many in counts.items() if each[:2] == name and each[3] in PROVIDER_FAILURES)
        if sent > self._taken.get(name, (0, 0))[0]:
            self._taken[name] = sent, failed
        return failed - self._taken.get(name, (0, 0))[1]


def _went_down(provider: Provider, route: Route, counts: Mapping[tuple[str, ...], int]) -> str:
    failed = {
        each[3]: many
        for each, many in counts.items()
        if each[:2] == (provider.name, route.channel) and each[2] in {"failed", "unknown"}
    }
    why = f": {max(failed, key=failed.__getitem__)}" if failed else ""
    rest = "use another provider where one is open" if len(route.providers) > 1 else "wait and are tried again"
    return f"provider {provider.name} ({route.channel}) is down{why}; its messages {rest}"
