"""PostgreSQL: bulk append by COPY beside executemany, the intake path, and batches and single events over HTTP."""

import http.client
import itertools
import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import URL, insert

from app.compose import Platform
from app.identity.principals import add
from app.simulation.population import simulate
from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.world import fresh, published
from domain.facts.principals import Principal, Role, Scope
from projections.bulk import insert_rows
from streams.intake.cloudevents import envelope_of
from streams.storage.database import Database
from streams.storage.tables import log
from tests.services import postgres

BATCH, BATCHES, CLIENTS, ROUNDS = sized(1000), 20, 4, sized(3)
CONNECTIONS, SINGLES = 32, sized(3_000, least=64)
SINGLE = {"Content-Type": "application/cloudevents+json"}
BATCHED = {"Content-Type": "application/cloudevents-batch+json"}


def measure() -> tuple[list[Row], dict[str, float]]:
    source = simulate(10**9, 7, date(2025, 1, 1), date(2026, 1, 1))
    events = list(map(msgspec.to_builtins, itertools.islice(source, BATCH * BATCHES)))
    batches = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
    with postgres.server(lasting=True) as server:
        faster, copy, _ = ratio(lambda _: _append(server, copy=True), lambda _: _append(server, copy=False), ROUNDS)
        taken = sorted(_intake(server, batches) for _ in range(ROUNDS))[ROUNDS // 2]
        sent = sorted(_over_http(server, batches) for _ in range(ROUNDS))[ROUNDS // 2]
        alone, waits = _singles(server, events[:SINGLES])
    slow = waits[len(waits) * 99 // 100]
    rows = [
        Row("append on PostgreSQL, COPY to executemany", faster, "×", 1.5),
        Row("intake into PostgreSQL", len(events) / taken, "events/s", 5000),
        Row("ingest over HTTP into PostgreSQL", len(events) / sent, "events/s", 5000),
        Row(f"single POST /events, {CONNECTIONS} connections", len(waits) / alone, "events/s", 1000),
        Row(f"single POST /events, {CONNECTIONS} connections, 99 of 100 within", slow * 1000, "ms", 60, most=True),
    ]
    return rows, {"COPY facts/s": len(events) / copy, "HTTP clients": CLIENTS}


def _append(server: URL, *, copy: bool) -> float:
    """Facts of the usual size in batches, each in a transaction of its own."""
    state = os.urandom(157)
    numbers = itertools.count(1)
    batches = [
        [(next(numbers), uuid4(), 1, "life/1", state, bytes(16)) for _ in range(BATCH)] for _ in range(BATCHES)
    ]
    names = log.columns.keys()
    with fresh(server) as url:
        database = Database(url)

        def work() -> None:
            for batch in batches:
                with database.engine.begin() as connection:
                    if copy:
                        insert_rows(connection, log, batch)
                    else:
                        connection.execute(insert(log), [dict(zip(names, row, strict=True)) for row in batch])

        taken = seconds(work)
        database.close()
    return taken


def _intake(server: URL, batches: Sequence[Sequence[dict[str, Any]]]) -> float:
    read = [[envelope_of(event) for event in batch] for batch in batches]
    with _published(server) as platform:
        return seconds(lambda: [platform.intake.accept(batch) for batch in read])


def _over_http(server: URL, batches: Sequence[Sequence[dict[str, Any]]]) -> float:
    bodies = [msgspec.json.encode(batch) for batch in batches]
    with _published(server) as platform, _api(platform) as port, ThreadPoolExecutor(CLIENTS) as clients:
        headers = BATCHED | {"Authorization": f"Bearer {api_key(platform)}"}

        def post(some: Sequence[bytes]) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            stored = 0
            for body in some:
                connection.request("POST", "/events", body, headers)
                stored += msgspec.json.decode(connection.getresponse().read())["accepted"]
            connection.close()
            return stored

        post([b"[]"])
        parts = [bodies[at::CLIENTS] for at in range(CLIENTS)]
        stored: list[int] = []
        taken = seconds(lambda: stored.extend(clients.map(post, parts)))
        assert sum(stored) == BATCH * BATCHES
    return taken


def _singles(server: URL, events: Sequence[dict[str, Any]]) -> tuple[float, list[float]]:
    """Return the seconds that all took, and those of each request, sorted."""
    with _published(server) as platform, _api(platform) as port:
        headers = SINGLE | {"Host": "127.0.0.1", "Authorization": f"Bearer {api_key(platform)}"}
        requests = [_request(msgspec.json.encode(event), headers) for event in events]
        _posted(port, requests[:1])
        waits: list[float] = []
        taken = seconds(lambda: waits.extend(_posted(port, requests[1:])))
    return taken, sorted(waits)


def _request(body: bytes, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /events HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _posted(port: int, requests: Sequence[bytes]) -> list[float]:
    """Post all by so many connections, each with one request under way; return the seconds until each answer.

    By sockets without a library or threads: the client shares the processors with what is measured.
    """
    waiting, waits = iter(requests), list[float]()
    begun: dict[socket.socket, float] = {}
    answers: dict[socket.socket, bytes] = {}

    def begin(connection: socket.socket) -> None:
        if (request := next(waiting, None)) is not None:
            begun[connection], answers[connection] = time.perf_counter(), b""
            connection.sendall(request)

    with ExitStack() as kept:
        selector = kept.enter_context(selectors.DefaultSelector())
        for _ in range(min(CONNECTIONS, len(requests))):
            connection = kept.enter_context(socket.create_connection(("127.0.0.1", port)))
            selector.register(connection, selectors.EVENT_READ, connection)
            begin(connection)
        while len(waits) < len(requests):
            for key, _ in selector.select():
                answers[key.data] += key.data.recv(4096)
                if answers[key.data].endswith(b"}"):
                    assert answers[key.data].startswith(b"HTTP/1.1 202"), answers[key.data]
                    waits.append(time.perf_counter() - begun[key.data])
                    begin(key.data)
    return waits


@contextmanager
def _published(server: URL) -> Iterator[Platform]:
    with fresh(server) as url, tempfile.TemporaryDirectory() as folder:
        made = published(url, key_file=Path(folder) / "key")
        made.rules.library.rules()
        yield made
        made.database.close()


def api_key(platform: Platform) -> str:
    """The key of a principal who may post events."""
    registries = Principal("registries", "platform", frozenset([Role.OPERATOR]), {}, frozenset([Scope.EVENTS]))
    return add(platform.settings.principals, registries)


@contextmanager
def _api(platform: Platform) -> Iterator[int]:
    """`habarshy api` as a process of its own; gives its port."""
    options = ["--port", "0", "--database", platform.settings.database, "--key-file", str(platform.settings.key_file)]
    with subprocess.Popen([sys.executable, "-m", "app", "api", *options], stderr=subprocess.PIPE) as process:  # noqa: S603  (ourselves)
        assert process.stderr is not None
        try:
            found = re.search(rb":(\d+);", process.stderr.readline())
            assert found is not None
            yield int(found[1])
        finally:
            process.terminate()
