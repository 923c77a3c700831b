"""Scan: the log decoded and unsealed, against a raw sqlite3 loop that decrypts and decodes the same rows."""

import itertools
import sqlite3
import tempfile
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.compose import Platform
from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.world import envelopes, platform
from streams.log.mapper import LifeState
from tests.beginnings import KEYRING

EVENTS, ROUNDS = sized(20_000), sized(15)


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        full = platform(Path(folder))
        full.intake.accept(list(itertools.islice(envelopes(), EVENTS)))
        speedup, ours, raw = ratio(lambda _: _ours(full), lambda _: _raw(Path(folder) / "bench.sqlite"), ROUNDS)
        full.database.close()
    return [Row("scan and decode, ratio to raw", speedup, "×", 0.5)], {
        "facts/s": EVENTS / ours,
        "raw facts/s": EVENTS / raw,
    }


def _ours(full: Platform) -> float:
    return seconds(lambda: sum(len(page) for page in full.log.scan()))


def _raw(file: Path) -> float:
    connection = sqlite3.connect(file)
    keys = {
        person: AESGCM(KEYRING.unwrap(version, wrapped, person.encode() + key_id))
        for person, key_id, wrapped, version in connection.execute("SELECT * FROM person_keys")
    }
    decode = msgspec.msgpack.Decoder(LifeState).decode
    part = msgspec.msgpack.Decoder(dict).decode

    def work() -> None:
        for stream, topic, state in connection.execute(
            "SELECT originator_id, topic, state FROM log ORDER BY position"
        ):
            if topic != "life/1":
                continue
            event = decode(state)
            for role, sealed in event.sealed.items():
                part(keys[event.persons[role][0]].decrypt(sealed[8:20], sealed[20:], stream + role.encode()))

    taken = seconds(work)
    connection.close()
    return taken
