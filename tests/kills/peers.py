"""The providers of the campaign: a real SMTP server in this process, a real SMS centre and a real push service."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from pathlib import Path
from threading import Event
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from notifiers.email.verp import in_message_id
from tests.kills.browsers import Browsers
from tests.kills.registries import START
from tests.notifiers.browsers import vapid_file, vapid_key
from tests.notifiers.http_peers import listening
from tests.notifiers.push_service import push_service
from tests.notifiers.smsc import RealCentre, real_centre

LOOK_EVERY = 0.01


class Peers:
    """The messages that providers took over; `folder` has our push key.

    Each mail takes `pause` seconds before it is taken over.
    """

    def __init__(self, centre: RealCentre, browsers: Browsers, folder: Path, pause: float) -> None:
        self._loop, self._centre, self._folder, self.pause = asyncio.get_running_loop(), centre, folder, pause
        self._references: list[str] = []
        self.mail_port, self.browsers, self._hesitation = 0, browsers, 0.0

    def settings(self) -> dict[str, dict[str, object]]:
        """What operators say of them."""
        here, us = "127.0.0.1", "h@example.org"
        return {
            "mail": {"kind": "smtp", "host": here, "port": self.mail_port, "security": "none", "sender": us},
            "sms": {
                "kind": "smpp",
                "host": here,
                "port": self._centre.port,
                "system_id": "habarshy",
                "sender": "1414",
            },
            "push": {
                "kind": "web_push",
                "key_file": str(vapid_file(self._folder)),
                "subject": f"mailto:{us}",
                "hosts": [f"http://{here}:{self.browsers.port}"],
                "reports_display": True,
            },
        }

    async def subscribe(self, count: int) -> list[str]:
        """The addresses of so many browsers."""
        return await self.browsers.subscribe(vapid_key(self._folder), count)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        assert isinstance(envelope.content, bytes)
        await asyncio.sleep(self.pause)
        self._references.append(in_message_id(str(message_from_bytes(envelope.content)["Message-ID"])) or "")
        await asyncio.sleep(self._hesitation)
        return "250 taken"

    def taken(self) -> int:
        """How many messages were taken over so far."""
        return len(self._references) + len(self._centre.of("submit")) + self.browsers.topics.total()

    def wait(self, count: int, seconds: float) -> None:
        """Until there are that many, or for so long."""
        until, pause = time.monotonic() + seconds, Event()
        while self.taken() < count and time.monotonic() < until:
            pause.wait(LOOK_EVERY)

    def hesitate(self, seconds: float) -> None:
        """Let so much time pass from taking a message over until that is answered."""
        self._hesitation = self.browsers.pause = seconds
        self._loop.call_soon_threadsafe(lambda: self._centre.control(set={"hesitation": seconds * 1000}))

    def report(self, state: str | None) -> None:
        """What the centre says of each message from now on (None: nothing)."""
        self._loop.call_soon_threadsafe(lambda: self._centre.control(set={"receipts": state}))

    def mails(self) -> Counter[str]:
        """How often each letter came, by its reference, which is of a nudge and its recipient."""
        return Counter(self._references)

    def texts(self) -> Counter[str]:
        """How many messages came for each number; the further parts of one don't count."""
        return Counter(f"+{each['destination_addr']}" for each in self._centre.of("submit") if _is_first(each))


@asynccontextmanager
async def peers(folder: Path, pause: float) -> AsyncIterator[Peers]:
    """All of them, on free ports of the loopback."""
    async with real_centre(receipts="DELIVRD") as centre, _browsers(pause) as browsers:
        made = Peers(centre, browsers, folder, pause)
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(made), "127.0.0.1", 0)
        made.mail_port = server.sockets[0].getsockname()[1]
        yield made
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def _browsers(pause: float) -> AsyncIterator[Browsers]:
    async with push_service(START) as service:
        made = Browsers(service, pause)
        async with listening(made.serve) as made.port:
            yield made
        await made.aclose()


def _is_first(submit: dict[str, Any]) -> bool:
    return all(str(part).endswith("01") for part in submit["udh"])
