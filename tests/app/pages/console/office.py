"""An office for the console's tests: a platform in some trouble, and the officials who look at it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from playwright.sync_api import Browser, BrowserContext
from starlette.testclient import TestClient

from app.identity.principals import add
from app.jobs.kinds import work_of
from domain.facts.principals import Principal, Role
from notifiers.port.interface import Reason, RetryLater
from streams.queues.dead_letters import Letter
from streams.queues.jobs import Plan
from streams.storage.leadership import Lane
from tests.app.http.wire import client_of, served
from tests.app.pages.site import sign_in
from tests.world import World, card, fine, iin, registered

AIGERIM, DANA = iin(1), iin(2)
ROLES: Mapping[str, Role] = {"olga": Role.OPERATOR, "oleg": Role.OPERATOR, "adil": Role.AUDITOR, "saule": Role.AUTHOR}
HTML = {"accept": "text/html"}
AWAY = RetryLater(timedelta(minutes=1), Reason.UNREACHABLE)


class Office(NamedTuple):
    """Where the pages are, what is behind them, and name -> token of whoever works there."""

    world: World
    base: str
    tokens: Mapping[str, str]

    def visit(self, browser: Browser, who: str = "olga", *, language: str = "en", **more: Any) -> BrowserContext:
        """A browser of its own in which they have signed in, in that language."""
        return sign_in(browser, self.base, self.tokens[who], "/console", language=language, **more)


def office_in(folder: Path, base: str = "http://testserver", **more: Any) -> Office:
    """A platform with its officials."""
    world = World(folder, base_url=base, **more)
    agency = {"olga": "platform", "oleg": "platform", "adil": "platform", "saule": "interior"}
    tokens = {
        name: add(world.platform.settings.principals, Principal(name, agency[name], frozenset([role])))
        for name, role in ROLES.items()
    }
    return Office(world, base, tokens)


def signed_in(office: Office, who: str) -> TestClient:
    """Their browser, without any script."""
    browser = client_of(served(office.world.platform), **HTML)
    browser.post("/sign-in/token", data={"token": office.tokens[who]})
    return browser


def trouble(office: Office) -> None:
    """Somebody was told, somebody could not be, some records say nothing, and somebody waits."""
    uvloop.run(_told(office.world))
    on = office.world.platform
    letters = [Letter("kafka.record", f"persons/3/{at}", "not_json", b"\x92\xc0\xc4\x01x") for at in range(12)]
    letters += [
        Letter("person", on.identity.names.pseudonym(DANA), "BadTrigger", on.identity.names.pseudonym(DANA).encode())
    ]
    on.database.write(lambda connection: [on.queues.dead_letter_queue.put(connection, each) for each in letters])
    olga = Principal("olga", "platform", frozenset([Role.OPERATOR]))
    on.rules.switches.control("channel", "push", olga, stopped=True, reason="the gateway's certificate expired")
    asked = {"after": 0, "upto": 40, "topic": ""}
    job = on.queues.jobs.add(
        "replay kafka", Lane.KAFKA, asked, Plan("send positions 1 to 40", 40, "events", 1.0), "olga"
    )
    on.queues.jobs.pause(job.id)
    counted = on.queues.jobs.ask("repair", Lane.NUDGES, {}, "oleg")
    office.world.take(fine(DANA, "KZ-9", "2025-06-20T11:00:00+05:00"))
    on.queues.jobs.run(counted.id, work_of(on, counted), lambda _: None)
    on.queues.jobs.ask("audit verify", Lane.AUDIT, {}, "oleg")


async def _told(world: World) -> None:
    world.take(*registered(AIGERIM, "1990-01-01"), *registered(DANA), card(AIGERIM, "2025-07-20"))
    world.take(fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await world.settle()
    await world.settle(datetime.fromisoformat("2025-06-20T12:00:00+05:00"))
    world.platform.replay.follower.drain()
    world.platform.queries.backlog.take()
