"""The health port of a role: /livez, /readyz, /health and /metrics, without personal data."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
import uvicorn
from fastapi import FastAPI, Response
from msgspec import Struct, field
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from app.compose import Platform
from app.http.head import Head
from app.http.health import Probes
from app.http.metrics import Own, exposition
from app.http.presence import signs_of_life
from app.http.problems import RETRY_SECONDS, Problem, install_problem_handlers
from streams.intake.intake import Labels
from streams.kafka.errors import KafkaFailure
from streams.kafka.lag import Lag
from streams.queries.health import Status, read_status
from streams.runtime.schedule_metrics import ScheduleMetrics
from streams.storage.server_clock import WrongClock

GRACE, HEALTH_GRACE = 60, 5
"""The seconds in which requests under way have to end when a process stops: of the API, and then of its health port.

Both together are fewer than it is given by what is in deploy/.
"""


class ServedRole(Struct, frozen=True):
    """A process as it shows itself: `lags` are read anew each time, `unready` says what keeps it from its work.

    `registry`, `collectors`: what prometheus-client collects of it besides.
    `attempts`: what it counts of those, where it sends; `passed_by`: which providers it sends past.
    """

    name: str
    platform: Platform
    lags: Callable[[], Sequence[Lag]] = tuple
    unready: Callable[[], str] = str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    collectors: Sequence[Collector] = ()
    attempts: Callable[[], Mapping[Labels, int]] = dict
    passed_by: Callable[[], Mapping[Labels, bool]] = dict

    def status(self) -> Status | None:
        """Return the state of the platform; None where its database does not answer."""
        on = self.platform
        try:
            return read_status(on.database, on.log, on.replay.follower, on.clock())
        except SQLAlchemyError:
            return None

    def unready_reason(self) -> str:
        """Return what keeps it from its work: its own reason, or a wrong clock; else an empty text."""
        if reason := self.unready():
            return reason
        database = self.platform.database
        try:
            with database.reading() as connection:
                database.server_clock.check(connection)
        except WrongClock as wrong:
            return str(wrong)
        except SQLAlchemyError:
            pass  # told otherwise
        return ""

    def own(self) -> Own:
        """Return the counts of its own work."""
        return Own(self.platform.intake.refused.all(), self.attempts(), self.passed_by())

    def lagging(self) -> Sequence[Lag]:
        """Return the lags of this role; none where its database or Kafka does not answer."""
        try:
            return self.lags()
        except (SQLAlchemyError, KafkaFailure):
            return ()


def role_application(role: ServedRole) -> FastAPI:
    """Return the routes."""
    app = FastAPI(title="Habarshy", docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    app.add_middleware(Head)
    probes = Probes(role.platform.database, role.platform.log)
    _collect(role)

    def readyz() -> Any:  # noqa: ANN401  (FastAPI makes the answer of it)
        if reason := role.unready_reason():
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, reason, headers={"Retry-After": RETRY_SECONDS})
        return probes.readyz()

    def health() -> Response:
        found = {"role": role.name, "lag": role.lagging(), "standing": role.status()}
        return Response(msgspec.json.encode(found), media_type="application/json")

    def metrics() -> Response:
        found = role.status()
        ready = found is not None and not role.unready_reason()
        text = exposition(role.name, found, role.lagging(), role.own(), ready=ready)
        return Response(text + generate_latest(role.registry), media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/livez", probes.livez, methods=["GET"])
    app.add_api_route("/readyz", readyz, methods=["GET"])
    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/metrics", metrics, methods=["GET"])
    return app


def _collect(role: ServedRole) -> None:
    """Register what is known of the process, which version it is, and what its work measures."""
    registry, database = role.registry, role.platform.database
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Info("habarshy_build", "The version that runs.", registry=registry).info({"version": version("habarshy")})
    in_use = Gauge("habarshy_pool_connections", "Connections of the pool to the database in use.", registry=registry)
    in_use.set_function(lambda: pool.checkedout() if isinstance(pool := database.engine.pool, QueuePool) else 0)
    for each in (database.waits, ScheduleMetrics(database), *role.collectors):
        registry.register(each)


@contextlib.contextmanager
def serving_health(role: ServedRole, listener: socket.socket | None) -> Iterator[None]:
    """Give signs of life, and answer on that port, if there is one, in threads: also while the work waits."""
    with signs_of_life(role.platform, role.name):
        if listener is None:
            yield
            return
        config = uvicorn.Config(
            role_application(role),
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=HEALTH_GRACE,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="health", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()
