"""The HTTP application: the wiring of its routes to the platform, and nothing else."""

from app.compose import Platform
from app.http.answer import Answer
from app.http.events import Events
from app.http.gateways import GatewayCalls
from app.http.health import Probes
from app.http.openapi import PROBLEMS, VERSION, Api
from app.http.pages import Pages, install_static
from app.http.problems import install
from app.http.receipts import ReceiptCalls
from app.http.seen import Seen
from app.http.stop import Stop


def application(platform: Platform) -> Api:
    """Everything that is served over HTTP; closing the platform stays with the caller."""
    app = Api(
        title="Habarshy", version=VERSION, summary="Registries report life events, citizens stop or answer messages.",
        responses=PROBLEMS, docs_url=None, redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    install(app)
    app.include_router(Events(platform.intake).router())
    app.include_router(Stop(platform.stopping, platform.links, Pages()).router())
    app.include_router(Answer(platform.answering, platform.links, Pages(), platform.clock).router())
    calls = ReceiptCalls(platform.receiving, platform.settings.providers, platform.books)
    app.include_router(calls.router())
    app.include_router(GatewayCalls(platform.receiving, platform.settings.providers, platform.books).router())
    app.include_router(Seen(platform.receipts, platform.links).router())
    app.include_router(Probes(platform.database, platform.log).router())
    install_static(app)
    return app
