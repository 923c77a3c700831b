"""The packs that an empty log begins with."""

from pathlib import Path

from app.clock import Clock
from app.settings import Settings
from streams.log.log import Log
from streams.rules.publishing import Publisher
from templates.checks.loader import load_packs, shipped


def pack_folders(settings: Settings) -> tuple[Path, ...]:
    """Return the packs of the settings, or all that are shipped."""
    return tuple(Path(folder) for folder in settings.packs.split(":") if folder) or shipped()


def publish_first(settings: Settings, publisher: Publisher, log: Log, clock: Clock, *, make: bool) -> None:
    """Publish the packs of the settings if the log is empty and `make`.

    Raises:
        BrokenPack, NoDefaults: a pack that the settings name is broken, whether it is published or not.
    """
    empty = make and log.facts.max_notification_id() is None
    if empty or settings.packs:
        packs = load_packs(pack_folders(settings))
        if empty:
            publisher.publish(packs, by="pack", now=clock())
