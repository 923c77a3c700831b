"""The HTTP application: the wiring of its routes to the platform, and nothing else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry

from app.compose import Platform
from app.http.access import Access
from app.http.admission import PATIENCE, Admission
from app.http.assistant_calls import REQUESTS, AssistantCalls
from app.http.backtest_calls import BacktestCalls
from app.http.bulkhead import Bulkhead
from app.http.citizens import Citizens
from app.http.drafting import DraftCalls
from app.http.events import Events
from app.http.gateways import GatewayCalls
from app.http.governing import GovernCalls
from app.http.head import Head
from app.http.health import Probes
from app.http.idempotency import Idempotency
from app.http.job_calls import JobCalls
from app.http.limits import Limits, RateLimiting
from app.http.openapi import PROBLEMS, VERSION, Api
from app.http.problems import install_problem_handlers
from app.http.receipts import ReceiptCalls
from app.http.request_log import RequestLog
from app.http.schedule_calls import ScheduleCalls
from app.http.seen import Seen
from app.http.trails import Trails
from app.identity.authenticity_codes import short_link_lookup
from app.jobs.job_threads import JobControl, JobThreads
from app.jobs.requests import Orders
from app.logs import Tracing
from app.pages.answer import Answer
from app.pages.citizen import install_citizen
from app.pages.components import Components
from app.pages.console.install import install_console
from app.pages.error_pages import ErrorPages
from app.pages.layout import Front, Pages, install_static
from app.pages.sign_in import SignIn
from app.pages.stop import Stop
from app.pages.visits import install_visits, official_of
from app.pages.work.install import install_work
from projections import nudges
from streams.queues.guess_counts import GuessCounts
from streams.queues.idempotency import IdempotencyKeys

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""The framework's own telemetry would export the paths of requests, which may hold the secret of a link."""


def application(
    platform: Platform, registry: CollectorRegistry | None = None, front: Front | None = None, *, works: bool = False
) -> Api:
    """Return everything that is served over HTTP; closing the platform stays with the caller.

    `registry`: where it counts the requests that it answers. `front`: pages that go before the product's own.
    `works`: this process also works at the jobs that are asked for here; else only the role jobs does.
    """
    workers = JobThreads(platform) if works else None
    job_control, app = JobControl(platform, workers), _api(workers)
    settings = platform.settings
    access = Access(settings.principals)
    pages = Pages(settings.base_url, lambda: platform.rules.library.rules().defaults.zone, front)
    if front is not None:
        front.install(app, pages)
    broken = ErrorPages(pages)
    install_problem_handlers(app, broken.answer)
    bulkhead = app.state.bulkhead = Bulkhead(access, official_of)
    _install_api(app, platform, access, job_control, bulkhead)
    _install_links(app, platform, pages)
    app.serve(SignIn(settings, pages, access, platform.identity.names, platform.clock))
    broken.install(app)
    install_citizen(app, platform, pages)
    app.serve(Components(pages))
    install_console(app, platform, pages, job_control, bulkhead)
    install_work(app, platform, pages, job_control, bulkhead)
    install_static(app)
    _install_guards(app, platform, access, broken)
    app.add_middleware(RequestLog, registry=registry or CollectorRegistry())
    app.add_middleware(Tracing)
    app.add_middleware(Head)
    return app


def _api(workers: JobThreads | None) -> Api:
    """Return the application without any route; `workers` begin and end with it."""
    return Api(
        title="Habarshy",
        version=VERSION,
        summary="Registries report life events; portals, officials and operators read and act.",
        responses=PROBLEMS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(workers),
        telemetry=NO_TELEMETRY,
    )


def _install_links(app: Api, platform: Platform, pages: Pages) -> None:
    """Install the pages behind the links of messages: to stop a category, and to answer."""
    find, inbound, links = (
        short_link_lookup(platform.rules.context),
        platform.delivery.inbound,
        platform.identity.links,
    )
    app.serve(Stop(inbound.opt_outs, inbound.preferences, links, find, pages))
    app.serve(Answer(inbound.replies, links, find, pages, platform.clock))


def _install_guards(app: Api, platform: Platform, access: Access, broken: ErrorPages) -> None:
    """Install what looks at a request before its route does; the last one looks first."""
    settings, clock, links = platform.settings, platform.clock, platform.identity.links
    secret = bytes.fromhex(links.secret("repeats"))
    app.add_middleware(Idempotency, repeats=IdempotencyKeys(platform.database, clock), access=access, secret=secret)
    app.add_middleware(Admission, access=access, answer=broken.answer, patience=PATIENCE)
    if settings.requests_a_minute:
        limits = _limits(platform, settings.requests_a_minute)
        app.add_middleware(RateLimiting, limits=limits, access=access, answer=broken.answer)
    install_visits(app, links.secret("visits"), settings.base_url, access, _erased_since(platform))


def _erased_since(platform: Platform) -> Callable[[str, datetime], bool]:
    def was_erased_since(person: str, moment: datetime) -> bool:
        with platform.database.reading() as connection:
            return nudges.was_erased_since(connection, person, moment)

    return was_erased_since


def _limits(platform: Platform, a_minute: int) -> Limits:
    secret = platform.identity.links.secret("guesses")
    return Limits(a_minute, platform.clock, GuessCounts(platform.database, secret.encode()))


def _lifespan(workers: JobThreads | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if workers is not None:
            await run_in_threadpool(workers.stop)

    return lifespan


def _install_api(app: Api, platform: Platform, access: Access, job_control: JobControl, bulkhead: Bulkhead) -> None:
    app.serve(Events(platform.intake, platform.rules.library, access))
    app.serve(
        Citizens(platform.rules.context, platform.queries.inboxes, platform.delivery.inbound.preferences, access)
    )
    app.serve(Trails(platform.rules.context, platform.replay.follower, access))
    app.serve(GovernCalls(platform.rules, platform.replay.follower, access, bulkhead))
    app.serve(JobCalls(platform.queues.jobs, Orders(platform), job_control, access))
    app.serve(ScheduleCalls(platform, access))
    app.serve(BacktestCalls(platform.rules, platform.queues.jobs, job_control, access), dependencies=[bulkhead.turn])
    app.serve(DraftCalls(platform.rules, access), dependencies=[bulkhead.turn])
    calls = ReceiptCalls(platform.delivery.inbound.receiving, platform.settings.providers, platform.rules.context)
    app.serve(calls)
    app.serve(GatewayCalls(platform.delivery.inbound.receiving, platform.settings.providers, platform.rules.context))
    app.serve(Seen(platform.delivery.receipts, platform.identity.links, short_link_lookup(platform.rules.context)))
    most = min(REQUESTS, platform.settings.requests_a_minute)
    app.router.routes.append(AssistantCalls(platform, _limits(platform, most) if most else None).route())
    app.serve(Probes(platform.database, platform.log))
