"""kill -9 of a real `habarshy run` that sends by email and SMS at once: few messages are unknown."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.clock import fixed
from app.compose import Platform, compose
from app.compose_sending import compose_dispatcher, compose_routes
from app.identity.key_file import load_keyring
from app.settings import load_settings
from notifiers.port.contract import BUSY_MACHINE_SECONDS
from projections import nudges
from streams.delivery.admission.concurrency import IN_FLIGHT
from streams.queries.health import health
from tests.notifiers.smsc import Act, ScriptedCentre, scripted_centre
from tests.services.commands import Command
from tests.world import LONG_AGO, card, event, few_triggers, iin, registered

EACH = 60
"""How many are told by mail, and how many by SMS."""
ON_ITS_WAY = 0.05
"""Seconds that the mail server takes for a letter."""
LOADED, DUE = "2025-06-02T12:00+05:00", "2025-06-20T09:00+05:00"


class Mails:
    """Counts the letters that came."""

    def __init__(self) -> None:
        self.count = 0
        self.came = asyncio.Condition()

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        await asyncio.sleep(ON_ITS_WAY)
        async with self.came:
            self.count += 1
            self.came.notify_all()
        return "250 taken"


@asynccontextmanager
async def peers() -> AsyncIterator[tuple[Mails, int, ScriptedCentre]]:
    """A mail server with its port, and an SMS centre that takes messages and answers none."""
    mails = Mails()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mails), "127.0.0.1", 0)
    async with scripted_centre(submit=Act.IGNORE) as centre:
        yield mails, server.sockets[0].getsockname()[1], centre
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("letters", [1, 40])
async def test_a_kill_leaves_few_unknown(tmp_path: Path, letters: int) -> None:
    """Whenever a dispatcher is killed, at most 32 messages by email and SMS are unknown; others go again."""
    async with peers() as (mails, port, centre):
        environment = _environment(tmp_path, port, centre.port)
        await asyncio.to_thread(_fill, environment)
        running = await asyncio.to_thread(Command, ["run", "--clock", DUE], environment, tmp_path / "run.log")
        try:
            async with asyncio.timeout(BUSY_MACHINE_SECONDS), mails.came:
                await mails.came.wait_for(lambda: mails.count >= letters)
        finally:
            running.kill()
    opened = _open(environment)
    unknown = _unknown(environment)
    assert 0 < unknown <= IN_FLIGHT
    assert opened >= unknown
    assert _open(environment) == 0


async def test_a_kill_while_no_link_can_be_opened_leaves_none(tmp_path: Path) -> None:
    """A mail server that takes connections and says nothing was handed nothing: no attempt is in the log."""
    came = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, scripted_centre(bind=Act.IGNORE) as centre:
        environment = _environment(tmp_path, server.sockets[0].getsockname()[1], centre.port)
        await asyncio.to_thread(_fill, environment)
        running = await asyncio.to_thread(Command, ["run", "--clock", DUE], environment, tmp_path / "run.log")
        try:
            async with asyncio.timeout(BUSY_MACHINE_SECONDS):
                await came.wait()
        finally:
            running.kill()
    assert _open(environment) == 0


def _environment(folder: Path, mail: int, sms: int) -> dict[str, str]:
    here = "127.0.0.1"
    return os.environ | {
        "HABARSHY_DATABASE": f"sqlite:///{folder}/log.sqlite",
        "HABARSHY_KEY_FILE": str(folder / "key"),
        "HABARSHY_PACKS": str(few_triggers(folder)),
        "HABARSHY_PROVIDERS": json.dumps(
            {
                "mail": {"kind": "smtp", "host": here, "port": mail, "security": "none", "sender": "h@example.org"},
                "sms": {"kind": "smpp", "host": here, "port": sms, "system_id": "habarshy", "sender": "1414"},
            }
        ),
    }


def _platform(environment: dict[str, str], at: str) -> Platform:
    key_file = Path(environment["HABARSHY_KEY_FILE"])
    load_keyring(key_file, create=True)
    database, packs = environment["HABARSHY_DATABASE"], environment["HABARSHY_PACKS"]
    return compose(
        load_settings(database=database, key_file=key_file, packs=packs), fixed(datetime.fromisoformat(at))
    )


def _fill(environment: dict[str, str]) -> None:
    """Everybody's card is about to expire: some have a telephone, and some have mail."""
    platform = _platform(environment, LOADED)
    for number in range(2 * EACH):
        who = iin(number)
        birth, contact, language = registered(who, LONG_AGO)
        if number % 2:
            mail = {"email": f"c{number}@example.org"}
            contact = event("citizen.contact_changed", who, "2020-01-02T00:00:00Z", mail, id=f"mail-{number}")
        outcomes = platform.intake.accept([birth, contact, language, card(who, "2025-07-20", f"N{number}")])
        assert all(each.accepted for each in outcomes)
    platform.planning.planning.drain()
    platform.database.close()


def _unknown(environment: dict[str, str]) -> int:
    """Take over from the killed process, and count what it left unknown."""
    platform = _platform(environment, DUE)
    compose_dispatcher(platform, compose_routes(platform)).take_over()
    found = health(platform.database, platform.log, platform.replay.follower, datetime.fromisoformat(DUE))
    platform.database.close()
    return found.nudges["unknown"]


def _open(environment: dict[str, str]) -> int:
    platform = _platform(environment, DUE)
    with platform.database.reading() as connection:
        found = nudges.open_attempts(connection)
    platform.database.close()
    return found
