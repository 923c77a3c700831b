"""What the benchmarks work on: a platform in a folder, invented events, made before anything is timed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import msgspec

from app.clock import fixed
from app.compose import Platform, compose
from app.settings import load_settings
from app.simulation.population import simulate
from streams.intake.cloudevents import Envelope, envelope_of
from templates.checks.loader import Pack, load_packs, shipped
from tests.beginnings import KEYRING, at_first

NOW = datetime(2026, 1, 1, 7, tzinfo=UTC)


def platform(folder: Path, name: str = "bench") -> Platform:
    """A fresh platform on SQLite with the shipped packs."""
    (folder / f"{name}.sqlite").write_bytes(at_first(shipped(), NOW))
    settings = load_settings(database=f"sqlite:///{folder / name}.sqlite")
    return compose(settings, fixed(NOW), KEYRING)


def envelopes(citizens: int, seed: int = 7) -> Iterator[Envelope]:
    """The events of an invented population over a year."""
    for event in simulate(citizens, seed, date(2025, 1, 1), date(2026, 1, 1)):
        yield envelope_of(msgspec.to_builtins(event))


@cache
def shipped_packs() -> Sequence[Pack]:
    """The shipped packs, read and checked once: each platform of a benchmark gets them."""
    return load_packs(shipped())
