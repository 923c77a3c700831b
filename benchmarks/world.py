"""What the benchmarks work on: platforms, invented events and people, made before anything is timed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy.engine import URL

from app.clock import Clock, fixed
from app.compose import Platform, compose
from app.identity.key_file import load_keyring
from app.settings import load_settings
from app.simulation.population import simulate
from domain.core.national_id import with_check_digit
from streams.intake.cloudevents import Envelope, envelope_of
from streams.log.master_key import Keyring
from streams.rules.publishing import Publisher
from templates.checks.loader import Pack, load_packs, shipped
from tests.beginnings import KEYRING, at_first
from tests.services import postgres

NOW = datetime(2026, 1, 1, 7, tzinfo=UTC)
AT_NOW = fixed(NOW)
T = TypeVar("T")


def platform(folder: Path, name: str = "bench") -> Platform:
    """A fresh platform on SQLite with the shipped packs."""
    (folder / f"{name}.sqlite").write_bytes(at_first(shipped(), NOW))
    return opened(folder, name)


def opened(folder: Path, name: str) -> Platform:
    """The platform on that file, which `platform` made in this process or another."""
    return compose(load_settings(database=f"sqlite:///{folder / name}.sqlite"), AT_NOW, KEYRING)


@contextmanager
def fresh(server: URL) -> Iterator[str]:
    """The address of a database with our tables and nothing in them, on that server."""
    with postgres.fresh(server) as at:
        yield at.render_as_string(hide_password=False)


def published(
    database: str, clock: Clock = AT_NOW, keyring: Keyring | None = None, now: datetime = NOW, **settings: Any
) -> Platform:
    """A platform on that database, for which the shipped packs were published then.

    Without a `keyring` it makes the `key_file` of the settings, which other processes may read too.
    """
    if keyring is None:
        load_keyring(settings["key_file"], create=True)
    on = compose(load_settings(database=database, **settings), clock, keyring)
    if not on.database.sqlite:  # an empty SQLite gets them by itself
        publish(on, shipped_packs(), now)
    return on


def publish(on: Platform, packs: Sequence[Pack], now: datetime = NOW) -> None:
    Publisher(on.database, on.log, on.identity.names).publish(packs, by="bench", now=now)


@cache
def shipped_packs() -> Sequence[Pack]:
    """The shipped packs, read and checked once: each platform of a benchmark gets them."""
    return load_packs(shipped())


def envelopes() -> Iterator[Envelope]:
    """The events of an invented population over a year, without an end."""
    for made in simulate(10**9, 7, date(2025, 1, 1), date(2026, 1, 1)):
        yield envelope_of(msgspec.to_builtins(made))


def batched(source: Iterator[T], size: int) -> Iterator[list[T]]:
    """So many at a time, to the end."""
    while batch := list(islice(source, size)):
        yield batch


def event(person: str, type_: str, at: datetime | str, data: Mapping[str, object], mark: object) -> dict[str, Any]:
    """A life event as its registry would report it; `mark`: tells it from others of its type."""
    time = at if isinstance(at, str) else at.isoformat()
    about = {"subject": person, "type": type_, "time": time, "data": data}
    return {"specversion": "1.0", "id": f"{type_}.{mark}", "source": "/bench", **about}


def named() -> dict[str, Any]:
    """The data of a registration."""
    return {"given_name": "Айгерім", "family_name": "Серікқызы", "sex": "female", "born_on": "1950-01-01"}


def national_id(number: int) -> str:
    """An id of their own for each of twelve million; some beginnings have no check digit, so there are several."""
    month, rest = divmod(number, 1_000_000)
    year, serial = divmod(rest, 10_000)
    beginnings = (
        f"{year:02d}{month + 1:02d}{day:02d}{century}{serial:04d}" for day in range(1, 29) for century in "35"
    )
    return next(filter(None, map(with_check_digit, beginnings)))
