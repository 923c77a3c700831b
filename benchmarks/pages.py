"""Pages of citizens and operators, and `POST /events`, with a million nudges in the log, in one process.

BENCH_DATABASE=postgresql takes a PostgreSQL of its own instead of SQLite; BENCH_NUDGES sets the size.

A tenth of the nudges is of invented citizens with their events, planned as live and told; the others are the same
nudges under other names, so that tables, indexes and the log are as long as a country makes them.
"""

import json
import os
import random
import statistics
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
from itsdangerous import TimestampSigner
from sqlalchemy import Connection, func, select
from starlette.testclient import TestClient

from app.compose import Platform
from app.identity.principals import add
from app.server import application
from app.simulation.population import simulate
from benchmarks.measuring import Row, seconds, sized
from benchmarks.world import NOW, batched, envelopes, fresh, published
from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgePlanned, NudgeSent
from domain.facts.principals import Principal, Role, Scope
from domain.nudges.nudge import Nudge, evolve
from projections import inbox, nudges, tables
from streams.log.mapper import Entry
from tests.beginnings import KEYRING
from tests.services import postgres

NUDGES, COPIES, BATCH = sized(1_000_000), 9, sized(5_000, least=500)
ASKED, EVENTS, AT_ONCE = sized(200, least=20), sized(20_000), sized(2_000)
TOLD = timedelta(minutes=1)


class Site(NamedTuple):
    """The application, and citizens who were told something."""

    on: Platform
    browser: TestClient
    citizens: Sequence[str]


def measure() -> tuple[list[Row], dict[str, float]]:
    wanted = int(os.environ.get("BENCH_NUDGES", NUDGES))
    with tempfile.TemporaryDirectory() as folder, _database(Path(folder)) as url:
        principals = Path(folder) / "principals.toml"
        on = published(url, keyring=KEYRING, principals=principals, requests_a_minute=0)
        count = _fill(on, wanted)
        key = add(
            on.settings.principals, Principal("bench", "interior", frozenset({Role.OPERATOR}), {}, frozenset(Scope))
        )
        site = Site(on, TestClient(application(on), headers={"accept": "text/html"}), _told(on))
        times = {name: _p95(_visits(site, path)) for name, path in PAGES.items()}
        times |= _console(site, key)
        size = max(len(_visit(site, person).get("/my").content) for person in site.citizens[:ASKED])
        rate = _events(on, key)
        on.database.close()
    rows = [Row(f"page p95: {name}", 1000 * taken, "ms", 50, most=True) for name, taken in times.items()]
    rows += [
        Row("the largest inbox page", size / 1000, "kB", 40, most=True),
        Row("POST /events, batches, validation included", rate, "events/s", 5_000),
    ]
    return rows, {"nudges in the log": count, "citizens asked for": len(site.citizens)}


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database of the wanted kind."""
    if os.environ.get("BENCH_DATABASE") != "postgresql":
        yield f"sqlite:///{folder / 'bench'}.sqlite"
        return
    with postgres.own(lasting=False) as server, fresh(server.url) as url:
        yield url


def _fill(on: Platform, wanted: int) -> int:
    """Events of citizens until they have their share, and the same nudges under other names."""
    events = envelopes()
    while _count(on) < wanted / (COPIES + 1):
        on.intake.accept(list(islice(events, BATCH)))
        on.planning.planning.drain()
    mine = [fact for page in on.log.scan(topics=[NudgePlanned.TOPIC]) for fact in _only_planned(on, page)]
    _write(on, chain.from_iterable(_life(on, fact, fact.person, old=True) for fact in mine))
    for copy in range(COPIES):
        _write(on, chain.from_iterable(_life(on, fact, _other(on, fact.person, copy), old=False) for fact in mine))
    on.replay.follower.drain()
    _know_sizes(on)
    return _count(on)


def _know_sizes(on: Platform) -> None:
    """Have PostgreSQL count its rows now, as its autovacuum does in time."""
    if not on.database.sqlite:
        with on.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _only_planned(on: Platform, page: Sequence[Entry]) -> Iterator[NudgePlanned]:
    """Those nudges of a page to which nothing has happened since, as a correction may have."""
    with on.database.reading() as connection:
        known = nudges.by_id(connection, [entry.originator_id for entry in page])
    for entry in page:
        if isinstance(entry.fact, NudgePlanned) and known[entry.originator_id].version == 1:
            yield entry.fact


def _count(on: Platform) -> int:
    with on.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.nudges)).scalar_one()


def _other(on: Platform, person: str, copy: int) -> str:
    return on.identity.names.pseudonym(f"{person}{copy}")


def _life(on: Platform, fact: NudgePlanned, person: str, *, old: bool) -> Iterator[Entry]:
    """The facts of a nudge: planned (unless it is so already), and told if it is due by now."""
    id_, at = on.identity.names.nudge(fact.trigger, person, fact.occurrence, fact.step), fact.due
    if not old:
        yield Entry(id_, 1, msgspec.structs.replace(fact, person=person))
    if at < NOW:
        yield Entry(id_, 2, NudgeAttempted(at, person, 1, "sms", "one", at + TOLD))
        yield Entry(id_, 3, NudgeSent(at, person, 1, id_.hex, provider="one"))
        yield Entry(id_, 4, NudgeDelivered(at, person, 1))


def _write(on: Platform, entries: Iterator[Entry]) -> None:
    for some in batched(entries, BATCH):
        on.database.write(partial(_store, on, some))


def _store(on: Platform, entries: Sequence[Entry], connection: Connection) -> None:
    before = nudges.by_id(connection, {entry.originator_id for entry in entries})
    now: dict[UUID, Nudge] = dict(before)
    for entry in entries:
        now[entry.originator_id] = evolve(
            now.get(entry.originator_id),
            entry.originator_id,
            entry.originator_version,
            entry.fact,  # type: ignore[arg-type]
        )
    nudges.store(connection, list(now.values()), before)
    on.log.append(connection, entries)


def _told(on: Platform) -> list[str]:
    """Citizens with events of their own and with messages, in an order that nobody chose."""
    with on.database.reading() as connection:
        theirs = (
            select(tables.inbox.c.recipient)
            .distinct()
            .where(tables.inbox.c.recipient.in_(select(tables.residents.c.person)))
        )
        found = sorted(connection.execute(theirs).scalars())
    random.Random(7).shuffle(found)  # noqa: S311  (no secret)
    return found


def _visit(site: Site, person: str) -> TestClient:
    """The browser of somebody who has signed in."""
    visit = b64encode(json.dumps({"citizen": person, "since": int(NOW.timestamp()), "language": "kk"}).encode())
    cookie = TimestampSigner(site.on.identity.links.secret("visits")).sign(visit).decode()
    site.browser.cookies.clear()
    site.browser.cookies.set("habarshy", cookie)
    return site.browser


def _p95(visits: Iterable[tuple[TestClient, str]]) -> float:
    taken = []
    for browser, path in visits:
        begun = time.perf_counter()
        answer = browser.get(path)
        taken.append(time.perf_counter() - begun)
        assert answer.status_code == 200, (path, answer.status_code)
    return statistics.quantiles(taken[10:], n=20)[-1]


def _visits(site: Site, path: Callable[[Site, str], str]) -> Iterator[tuple[TestClient, str]]:
    for person in site.citizens[:ASKED]:
        yield _visit(site, person), path(site, person)


def _console(site: Site, key: str) -> dict[str, float]:
    """Return the times of the console's pages, for an operator who looks again and again."""
    browser = TestClient(application(site.on), headers={"accept": "text/html"})
    browser.post("/sign-in/token", data={"token": key})
    return {f"console, {name}": _p95([(browser, path)] * ASKED) for name, path in CONSOLE.items()}


def _latest(site: Site, person: str) -> inbox.Received:
    with site.on.database.reading() as connection:
        return inbox.page(connection, person, None, 1)[0]


def _message(site: Site, person: str) -> str:
    return f"/my/messages/{_latest(site, person).nudge}"


def _linked(site: Site, person: str) -> str:
    return "/m/" + site.on.identity.links.page(_latest(site, person).nudge, person, NOW + TOLD).rpartition("/")[2]


PAGES: dict[str, Callable[[Site, str], str]] = {
    "inbox": lambda _site, _person: "/my",
    "coming": lambda _site, _person: "/my/coming",
    "entitlements": lambda _site, _person: "/my/entitlements",
    "preferences": lambda _site, _person: "/my/preferences",
    "message": _message,
    "why": lambda site, person: f"{_message(site, person)}/why",
    "by its link": _linked,
    "is it genuine": lambda site, person: (
        f"/check?code={site.on.identity.codes.of(_latest(site, person).nudge, person)}"
    ),
    "erase (the plan)": lambda _site, _person: "/my/erase",
    "my data, as a file": lambda _site, _person: "/my/data.json",
}


CONSOLE = {
    "front": "/console",
    "messages": "/console/messages",
    "messages of a trigger": "/console/messages?trigger=identity_card_expiry",
    "attempts that failed": "/console/messages?state=attempt-failed",
}


def _events(on: Platform, key: str) -> float:
    """Events a second over HTTP, in batches."""
    client = TestClient(application(on), headers={"authorization": f"Bearer {key}"})
    headers = {"content-type": "application/cloudevents-batch+json"}
    days = NOW.date() - timedelta(days=365), NOW.date()
    events = (msgspec.to_builtins(event) for event in simulate(10**9, 11, *days))
    made = (event | {"source": f"{event['source']}/bench"} for event in events)
    bodies = [msgspec.json.encode(list(islice(made, AT_ONCE))) for _ in range(EVENTS // AT_ONCE)]

    def post() -> None:
        for body in bodies:
            answer = client.post("/events", content=body, headers=headers)
            assert answer.json().get("accepted") == AT_ONCE, answer.text[:500]

    return EVENTS / seconds(post)
