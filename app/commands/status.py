"""habarshy status: how it stands."""

from collections.abc import Mapping
from datetime import datetime

from app.compose import compose
from app.options import AsJson, ClockTime, DatabaseUrl, KeyFile, clock_of
from app.settings import settings_of
from app.terminal import data, data_json
from streams.health import health


def status(
    as_json: AsJson = False, clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Print what is stored, what waits, and what became of the nudges."""
    now = clock_of(clock)
    platform = compose(settings_of(database, key_file), now, make=False)
    found = health(platform.database, platform.log, platform.follower, now())
    if as_json:
        data_json(found)
    else:
        for name in found.__struct_fields__:
            data(f"{name.replace('_', ' ')}: {_told(getattr(found, name))}")
    platform.database.close()


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{many:,} {what}" for what, many in sorted(value.items())) or "none"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value or "none")
