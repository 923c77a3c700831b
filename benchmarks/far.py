"""Dispatch to providers that are far away: the ceiling is what may be under way, over how long each answer takes.

That is IN_FLIGHT, which bounds unknown messages, or FAR_WINDOW for a provider that removes doubles.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.clock import VirtualClock
from benchmarks.dispatch import DUE, Count, Nothing, fill, sending
from benchmarks.measuring import Row, sized
from benchmarks.world import NOW, fresh, published
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Message, Outcome
from streams.delivery.admission.concurrency import IN_FLIGHT, MOST_REPEATABLE, PATIENCE
from tests.services import postgres

AWAY = [
    (0.05, False, sized(1_500, least=600), 350),
    (0.05, True, sized(6_000, least=600), 900),
    (0.2, False, sized(800, least=600), 100),
    (0.2, True, sized(6_000, least=600), 700),
]
"""Seconds until a provider answers, whether it removes doubles, citizens, and the messages a second to reach."""


class _Far(Nothing):
    """A provider that answers after so many seconds."""

    def __init__(self, channel: str, sent: Count, seconds: float, *, removes_doubles: bool) -> None:
        super().__init__(channel, sent)
        self._seconds, self.removes_doubles = seconds, removes_doubles

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        await asyncio.sleep(self._seconds)
        return await super().send(messages)


def measure() -> tuple[list[Row], dict[str, float]]:
    rows = [
        Row(
            f"dispatch on PostgreSQL, a provider {seconds * 1000:.0f} ms away{_who(removes_doubles=removes)}",
            _rate(seconds, citizens, removes_doubles=removes),
            "/s",
            target,
        )
        for seconds, removes, citizens, target in AWAY
    ]
    return rows, {
        f"at most at {seconds * 1000:.0f} ms{_who(removes_doubles=removes)}": (
            MOST_REPEATABLE if removes else IN_FLIGHT
        )
        / seconds
        for seconds, removes, _, _ in AWAY
    }


def _who(*, removes_doubles: bool) -> str:
    return " that removes doubles" if removes_doubles else ""


def _rate(seconds: float, citizens: int, *, removes_doubles: bool) -> float:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server(lasting=True) as server,
        fresh(server) as url,
    ):
        clock = VirtualClock(NOW)
        platform = published(url, clock, key_file=Path(folder) / "key")
        fill(platform, citizens)
        clock.advance_to(DUE)
        sent = Count()
        far = {channel: _Far(channel, sent, seconds, removes_doubles=removes_doubles) for channel in ADDRESS_OF}
        return sending(platform, far, sent, PATIENCE)
