"""Append: life events in, stored with their history rows, against a raw sqlite3 loop that does the same work."""

import itertools
import os
import sqlite3
import tempfile
from collections import deque
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.world import NOW, envelopes, platform
from domain.core.events import PUBLIC, LifeEvent
from projections.tables import micros
from streams.log.mapper import LifeState

BATCH, BATCHES = sized(5000), 4
SCHEMA = """
CREATE TABLE log (position INTEGER PRIMARY KEY, originator_id BLOB NOT NULL, originator_version INTEGER NOT NULL,
  topic TEXT NOT NULL, state BLOB NOT NULL, code BLOB NOT NULL, UNIQUE (originator_id, originator_version));
CREATE TABLE history (person TEXT NOT NULL, position INTEGER NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL,
  ahead_from INTEGER, planned BOOLEAN NOT NULL, recorded INTEGER NOT NULL, woken INTEGER NOT NULL,
  PRIMARY KEY (person, position)) WITHOUT ROWID;
CREATE INDEX history_unplanned ON history (woken, person) WHERE NOT planned;
CREATE INDEX history_loaded ON history (position) WHERE ahead_from IS NOT NULL;
CREATE TABLE person_keys (person TEXT PRIMARY KEY, key_id BLOB, wrapped BLOB, wrapped_by INTEGER);
"""


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        checker = platform(Path(folder), "types").rules.library.rules().checker
        source = (checker.check(envelope) for envelope in envelopes())
        events = list(itertools.islice(source, BATCH * BATCHES))
        batches = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
        speedup, ours, raw = ratio(
            lambda number: _ours(Path(folder), number, batches), lambda number: _raw(Path(folder), number, batches)
        )
    count = len(events)
    return [Row("append, ratio to raw", speedup, "×", 0.7)], {"events/s": count / ours, "raw events/s": count / raw}


def _ours(folder: Path, number: int, batches: Sequence[Sequence[LifeEvent]]) -> float:
    fresh = platform(folder, f"ours-{number}")

    def work() -> None:
        for batch in batches:
            fresh.intake.store(
                [_hashed(fresh.identity.names.stream(event.source, event.id), event) for event in batch]
            )

    taken = seconds(work)
    fresh.database.close()
    return taken


def _hashed(stream, event: LifeEvent) -> LifeEvent:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert stream == event.stream
    return event


def _raw(folder: Path, number: int, batches: Sequence[Sequence[LifeEvent]]) -> float:
    connection = sqlite3.connect(folder / f"raw-{number}.sqlite", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;" + SCHEMA
    )
    raw = _Raw(connection)
    taken = seconds(lambda: deque(map(raw.store, batches), maxlen=0))
    connection.close()
    return taken


class _Raw:
    """The least that can be done: hash, encrypt with each person's key, encode, make the row's code, insert."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection, self.position = connection, 0
        self.keys: dict[str, tuple[bytes, AESGCM]] = {}
        self.wrapper = AESGCM(b"w" * 32)
        self.encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode

    def store(self, batch: Sequence[LifeEvent]) -> None:
        log, history, keys = [], [], []
        for event in batch:
            self.position += 1
            keys += [row for person in event.everybody if (row := self._key(person)) is not None]
            joined = f"4:life{len(event.source)}:{event.source}{len(event.id)}:{event.id}".encode()
            stream = blake2b(joined, key=b"n" * 32, digest_size=16).digest()
            log.append(self._coded(self.position, stream, self._state(stream, event)))
            time = micros(event.time)
            history += [(person, self.position, time, event.type, None, False, 0, 0) for person in event.everybody]
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO person_keys VALUES (?, ?, ?, ?)", keys)
        self.connection.executemany("INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?, ?, ?)", log)
        self.connection.executemany("INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", history)
        self.connection.execute("COMMIT")

    def _coded(self, position: int, stream: bytes, state: bytes) -> tuple[int, bytes, int, str, bytes, bytes]:
        about = position.to_bytes(8) + stream + state
        return position, stream, 1, "life/1", state, blake2b(about, key=b"c" * 32, digest_size=16).digest()

    def _key(self, person: str) -> tuple[str, bytes, bytes, int] | None:
        if person in self.keys:
            return None
        key_id, key, nonce = os.urandom(8), os.urandom(32), os.urandom(12)
        self.keys[person] = (key_id, AESGCM(key))
        return (person, key_id, nonce + self.wrapper.encrypt(nonce, key, person.encode() + key_id), 1)

    def _state(self, stream: bytes, event: LifeEvent) -> bytes:
        sealed = {}
        for role, part in event.fields.items():
            if role != PUBLIC and part:
                key_id, cipher = self.keys[event.persons[role][0]]
                nonce = os.urandom(12)
                sealed[role] = key_id + nonce + cipher.encrypt(nonce, self.encode(part), stream + role.encode())
        state = LifeState(
            event.source,
            event.id,
            event.type,
            event.time,
            event.persons,
            event.fields.get(PUBLIC, {}),
            sealed,
            event.corrects,
            event.revision,
            event.annuls,
            event.area,
            None,
            event.digest,
            None,
            NOW,
        )
        return self.encode(state)
