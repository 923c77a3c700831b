"""Dispatch to providers that are far away: the ceiling is what may be under way, over how long each answer takes.

That is IN_FLIGHT, which bounds unknown messages, or FAR_WINDOW for a provider that removes doubles.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from app.clock import VirtualClock
from app.compose import compose
from app.compose_sending import compose_dispatcher
from app.identity.key_file import load_keyring
from app.settings import load_settings
from benchmarks.dispatch import DUE, Count, Nothing, drained, fill
from benchmarks.measuring import Row, sized
from benchmarks.world import NOW, shipped_packs
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Message, Outcome
from notifiers.port.routes import single_routes
from streams.delivery.send.concurrency import FAR_WINDOW, IN_FLIGHT, PATIENCE
from streams.rules.publishing import Publisher
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
        f"at most at {seconds * 1000:.0f} ms{_who(removes_doubles=removes)}": (FAR_WINDOW if removes else IN_FLIGHT)
        / seconds
        for seconds, removes, _, _ in AWAY
    }


def _who(*, removes_doubles: bool) -> str:
    return " that removes doubles" if removes_doubles else ""


def _rate(seconds: float, citizens: int, *, removes_doubles: bool) -> float:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server(lasting=True) as server,
        postgres.fresh(server) as at,
    ):
        clock = VirtualClock(NOW)
        load_keyring(Path(folder) / "key", create=True)
        url = at.render_as_string(hide_password=False)
        platform = compose(load_settings(database=url, key_file=Path(folder) / "key"), clock)
        Publisher(platform.database, platform.log, platform.identity.names).publish(
            shipped_packs(), by="pack", now=NOW
        )
        fill(platform, citizens)
        clock.advance_to(DUE)
        sent = Count()
        routes = single_routes(
            {channel: _Far(channel, sent, seconds, removes_doubles=removes_doubles) for channel in ADDRESS_OF}
        )
        dispatcher = compose_dispatcher(platform, routes)

        rate = uvloop.run(drained(platform, dispatcher, sent, PATIENCE))
        platform.database.close()
        return rate
