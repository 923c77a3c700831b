"""habarshy status: what is stopped, what waits, and what became of the nudges."""

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo

from app.cli.options import AsJson, ClockTime, DatabaseUrl, KeyFile, clock_of
from app.compose import compose
from app.log_places import zone_shown
from app.moments import told_in
from app.reports.stopped import stopped_lines
from app.settings import settings_of
from app.terminal import data, data_json, red
from domain.nudges.delivery import State
from streams.queries.health import Health, health

UNITS = {
    "held_back": "deliveries",
    "facts": "facts in the log",
    "unplanned": "facts about persons",
    "unplanned_for_seconds": "seconds",
    "corrections_waiting": "corrections without their event",
    "due_now": "deliveries",
    "overdue_for_seconds": "seconds",
    "open_attempts": "attempts",
    "views_behind": "facts",
    "dead_letters": "letters",
    "untold": "answers",
    "reconciled": "persons",
}
"""The unit of each figure; one without a unit is shown bare. `unplanned` counts pairs of an event and a person."""


def status(
    as_json: AsJson = False, clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Show what is stopped, what is stored, what waits, and the outcomes of the nudges."""
    now = clock_of(clock)
    platform = compose(settings_of(database, key_file), now, make=False)
    found = health(platform.database, platform.log, platform.replay.follower, now())
    if as_json:
        data_json(found)
    else:
        zone = zone_shown(platform.rules.library)
        for line in stopped_lines(found.stopped, zone):
            data(red(line, sys.stdout))
        for name, told in status_lines(found, zone):
            data(f"{name}: {told}")
    platform.database.close()


def status_lines(found: Health, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield each figure by its name, with its unit."""
    for name in found.__struct_fields__:
        value = getattr(found, name)
        if name == "nudges":
            yield "nudges", _told(_by_end(found), zone)
        elif name not in {"stopped", "tried_again"}:
            unit = f" {UNITS[name]}" if name in UNITS and value else ""
            yield name.removesuffix("_seconds").replace("_", " "), _told(value, zone) + unit


def _by_end(found: Health) -> Mapping[str, int]:
    """Return the nudges by state; those that failed for good are told from those that are tried again."""
    states = dict(found.nudges)
    failed = states.pop(State.FAILED, 0)
    again = {"failed for good": failed - found.tried_again, "failed and tried again by themselves": found.tried_again}
    return states | {what: many for what, many in again.items() if many}


def _told(value: object, zone: tzinfo) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{many:,} {what}" for what, many in sorted(value.items())) or "none"
    if isinstance(value, datetime):
        return told_in(value, zone)
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value or "none")
