"""Routes to the providers that the settings name."""

from collections.abc import Callable, Mapping
from datetime import datetime

from app.providers import ProviderSettings, channel_of, make_provider
from app.settings import BadSettings, Settings
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Inbound
from notifiers.port.kinds import Tools
from notifiers.port.routes import Provider, Route

THIRD = 3
"""An attempt must have its outcome within that part of the lease: see streams/delivery/send/dispatch.py."""


def configured_routes(
    settings: Settings, clock: Callable[[], datetime], inbound: Callable[[str], Inbound]
) -> Mapping[str, Route]:
    """Channel -> its providers, of the channels that have some; `inbound`: where what comes back from each goes.

    Raises:
        BadSettings: a provider cannot be made, or a send may outlive its claim.
    """
    found: dict[str, list[Provider]] = {}
    for name, each in settings.providers.items():
        made = _made(name, each, Tools(clock, inbound(name)))
        _refuse_slow(name, made, settings.lease_seconds)
        found.setdefault(channel_of(each), []).append(made)
    return {channel: Route(channel, each) for channel, each in found.items()}


def missing_channels(routes: Mapping[str, Route]) -> list[str]:
    """Return the channels that have no provider."""
    return [channel for channel in ADDRESS_OF if channel not in routes]


def _made(name: str, settings: ProviderSettings, tools: Tools) -> Provider:
    try:
        return make_provider(name, settings, tools)
    except ValueError as error:
        raise BadSettings(f"providers.{name}: {error}") from None


def _refuse_slow(name: str, made: Provider, lease: float) -> None:
    if made.notifier.longest * THIRD >= lease:
        raise BadSettings(
            f"providers.{name}: a send may take {made.notifier.longest:g} seconds, which must be less than a third of"
            f" lease_seconds ({lease:g}); shorten its limits or lengthen the lease"
        )
