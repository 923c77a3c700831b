"""The platform with the means to send: only here do notifiers come in."""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta

from app.compose import Platform
from app.identity.authenticity_codes import proof_maker
from app.provider_routes import configured_routes, missing_channels
from app.providers import limits_of
from app.scheduled import schedule_of
from app.settings import BadSettings
from notifiers.port.fake import FakeNotifier
from notifiers.port.routes import Route, single_routes
from streams.delivery.admission.rate_limits import RateLimits
from streams.delivery.admission.routing import Routing
from streams.delivery.outcomes.hand_over_journal import HandOverJournal
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.send.claiming import Claimant
from streams.delivery.send.dispatch import Dispatcher
from streams.delivery.send.message import MessageBuilder
from streams.runtime.scheduler import Engine


def compose_engine(platform: Platform, routes: Mapping[str, Route]) -> Engine:
    """Return the engine, which plans, sends and chains what waits."""
    runtime = platform.runtime
    return Engine(
        database=platform.database,
        planning=platform.planning,
        dispatcher=compose_dispatcher(platform, routes),
        inbound=platform.delivery.inbound,
        follower=platform.replay.follower,
        chain_builder=runtime.chain_builder,
        schedule=schedule_of(platform),
        backlog=platform.queries.backlog,
        watermark=runtime.watermark,
        clock=platform.clock,
    )


def compose_dispatcher(
    platform: Platform,
    routes: Mapping[str, Route],
    messages: MessageBuilder | None = None,
    holder: str | None = None,
    rates: RateLimits | None = None,
) -> Dispatcher:
    """Return the dispatcher, which takes nudges from due to their end."""
    settings, context, links = platform.settings, platform.rules.context, platform.identity.links
    limits = limits_of(settings.providers, settings.rates)
    proof_of = proof_maker(links, platform.identity.codes)
    return Dispatcher(
        context,
        Routing(routes, rates or RateLimits(platform.database, limits, platform.clock)),
        messages or MessageBuilder(links.unsubscribe, links.answer, links.seen, proof_of),
        Recorder(
            context,
            platform.delivery.receipts,
            platform.delivery.suppression,
            platform.runtime.watermark,
            HandOverJournal(platform.runtime.watermark.beside, settings.database),
        ),
        Claimant(
            holder or f"dispatch-{socket.gethostname()}-{os.getpid()}",
            timedelta(seconds=settings.lease_seconds),
            settings.in_flight,
        ),
    )


def compose_routes(platform: Platform) -> Mapping[str, Route]:
    """Return channel -> its providers: what the settings configure, on SQLite the shipped fake for the rest.

    Raises:
        BadSettings: what is configured cannot work, or a channel has no provider on PostgreSQL.
    """
    routes = configured_routes(platform.settings, platform.clock, platform.delivery.inbound.receiving.inbound_of)
    missing = missing_channels(routes)
    if missing and not platform.database.sqlite:
        raise BadSettings(f"providers: no provider is configured for {', '.join(missing)}")
    fakes = {channel: FakeNotifier(channel, platform.delivery.fake_outbox.keep) for channel in missing}
    return {**routes, **single_routes(fakes)}
