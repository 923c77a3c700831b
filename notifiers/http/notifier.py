"""A notifier that hands each message over by a request of its own."""

from collections.abc import Sequence

from notifiers.http.options import HttpOptions
from notifiers.port.interface import Message, Outcome
from notifiers.port.parallel_requests import Lanes


class HttpNotifier:
    """The parts of a notifier that all of these share. Raises ValueError for an authority that is none."""

    def __init__(self, options: HttpOptions, longest: float) -> None:
        self.longest = longest
        self._lanes = Lanes(options.lanes, options.begin)
        self._http = options.http()

    async def start(self) -> None:
        """Do nothing: what a provider reports, it reports by requests of its own."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch within `longest` seconds."""
        return await self._lanes.send(messages, self._deliver)

    async def aclose(self) -> None:
        """Close the connections; what is on its way is finished before."""
        await self._http.aclose()

    async def _deliver(self, message: Message) -> Outcome:
        """Hand one message over."""
        raise NotImplementedError
