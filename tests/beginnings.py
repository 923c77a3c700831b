"""What a platform of the tests has at first: keys, and packs, which are read once and not for each test."""

import os
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from sqlalchemy.engine import make_url

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.settings import load_settings
from streams.log.master_key import Keyring
from streams.rules.publishing import Publisher
from streams.storage.database import Database
from streams.storage.schema import make_ready
from templates.checks.loader import Pack, load_packs

KEYRING = Keyring(bytes(range(32)), {1: bytes(range(32, 64))})
_first: dict[tuple[datetime, bytes], bytes] = {}
"""What a world's file is at first, by its time and its packs: to make it takes as long as many a test."""
_read: dict[bytes, Sequence[Pack]] = {}
"""The packs that were read, by their digest."""

_unchanging: dict[Path, bytes] = {}
"""The digests of packs that nobody changes."""

_tables: list[bytes] = []
"""A SQLite file with our tables, once it was made."""


def unchanging(pack: Path) -> Path:
    """A pack that nobody changes any more: whether it is still the same is not looked at for each test."""
    _unchanging[pack] = _digest([pack])
    return pack


def _digest(packs: Sequence[Path]) -> bytes:
    if len(packs) == 1 and packs[0] in _unchanging:
        return _unchanging[packs[0]]
    digest = blake2b()
    for pack in packs:
        for folder, _, files in sorted(os.walk(pack, followlinks=True)):
            for name in sorted(files):
                file = Path(folder, name)
                digest.update(f"{pack.name}/{file.relative_to(pack)}\0".encode() + file.read_bytes() + b"\0")
    return digest.digest()


def packs_in(packs: Sequence[Path]) -> Sequence[Pack]:
    """The packs in these folders, which nobody changes: the same files are read and checked once in a process."""
    if (digest := _digest(packs)) not in _read:
        _read[digest] = load_packs(packs)
    return _read[digest]


def at_first(packs: Sequence[Path], now: datetime) -> bytes:
    """A file with nothing but these packs, published then."""
    if (key := (now, _digest(packs))) not in _first:
        with tempfile.TemporaryDirectory() as folder:
            settings = load_settings(database=f"sqlite:///{folder}/first", packs=":".join(map(str, packs)))
            platform = compose(settings, VirtualClock(now), KEYRING)
            platform.replay.follower.drain()  # no world reads the packs' facts again, of which no view tells
            platform.database.close()
            with closing(sqlite3.connect(f"{folder}/first")) as file:
                _first[key] = file.serialize()
    return _first[key]


def lay_tables(url: str) -> None:
    """Put a file with our tables where the address of a SQLite database has none yet: migrating takes longer."""
    at = make_url(url)
    if at.drivername == "sqlite" and not (file := Path(at.database or "")).exists():
        if not _tables:
            with tempfile.TemporaryDirectory() as folder:
                database = Database(f"sqlite:///{folder}/tables")
                make_ready(database)
                database.close()
                with closing(sqlite3.connect(f"{folder}/tables")) as made:
                    _tables.append(made.serialize())
        file.write_bytes(_tables[0])


def publish(platform: Platform, packs: Sequence[Path]) -> None:
    """Publish these packs."""
    publisher = Publisher(platform.database, platform.log, platform.identity.names)
    publisher.publish(packs_in(packs), by="pack", now=platform.clock())
