import json
import multiprocessing
import os
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import pytest
from pydantic import SecretStr

from app.identity import private_files
from app.identity.key_file import (
    BadKeyFile,
    KeptKeys,
    _create,
    _read,
    keyring_of,
    load_keyring,
    new_keyring,
    retire,
    rotate,
)
from app.settings import Settings
from streams.log.master_key import KEY_BYTES, WrongKeyFile

PROCESSES = 3
PATIENCE = 120


def written(path: Path, content: str, mode: int = 0o600) -> Path:
    """A key file with that content."""
    path.write_text(content)
    path.chmod(mode)
    return path


def key(number: int) -> str:
    """A key, in hexadecimal digits: another for each number."""
    return bytes((number * 41 + each * 7) % 256 for each in range(KEY_BYTES)).hex()


def content(**parts: object) -> dict[str, Any]:
    """What a key file holds."""
    return {"names": key(1), "wrapping": {"1": key(2)}} | parts


def test_new_keys_are_independent() -> None:
    """No key equals another, neither within a ring nor between two."""
    one, other = new_keyring(), new_keyring()

    keys = [each for ring in (one, other) for each in (ring.names, ring.wrapping[1], ring.sealing)]
    assert {len(each) for each in keys} == {KEY_BYTES}
    assert len(set(keys)) == 6


def test_a_key_file_is_made_at_first_use(tmp_path: Path) -> None:
    """It is made with its folder, its owner alone can read it, and nothing else is left beside it."""
    path = tmp_path / "data" / "habarshy" / "key"
    load_keyring(path, create=True)

    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_the_same_keys_come_back(tmp_path: Path) -> None:
    """The keys in the file are those that were used when it was made, with or without leave to create it."""
    made = load_keyring(tmp_path / "key", create=True)

    assert load_keyring(tmp_path / "key", create=True) == made
    assert load_keyring(tmp_path / "key", create=False) == made


def test_a_key_file_is_never_changed_by_reading(tmp_path: Path) -> None:
    """Loading leaves the file as it is."""
    path = tmp_path / "key"
    load_keyring(path, create=True)
    before = path.read_bytes()
    load_keyring(path, create=True)

    assert path.read_bytes() == before


def test_a_rotated_file_is_read(tmp_path: Path) -> None:
    """A file may hold several wrapping keys: the highest version wraps, the older ones still unwrap."""
    wrapping = {"2": key(2), "10": key(10), "9": key(9)}
    ring = load_keyring(written(tmp_path / "key", json.dumps(content(wrapping=wrapping))), create=False)

    assert ring.names.hex() == key(1)
    assert {version: each.hex() for version, each in ring.wrapping.items()} == {2: key(2), 9: key(9), 10: key(10)}
    assert ring.current == 10


def test_a_missing_file_is_not_made_without_leave(tmp_path: Path) -> None:
    """In production a missing key file stops the start: new keys would silently make everybody a stranger."""
    with pytest.raises(BadKeyFile, match=r"key cannot be used: it does not exist\. Restore it"):
        load_keyring(tmp_path / "key", create=False)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o602, 0o601])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Keys that others may read or change are not used; the message says how to close the file."""
    path = written(tmp_path / "key", json.dumps(content()), mode)

    with pytest.raises(BadKeyFile, match="chmod 600"):
        load_keyring(path, create=True)


def test_a_file_that_only_its_owner_may_read_is_fine(tmp_path: Path) -> None:
    """Read-only is stricter than needed, and allowed."""
    path = written(tmp_path / "key", json.dumps(content()), 0o400)

    assert load_keyring(path, create=False).current == 1


DAMAGED = {
    "empty": "",
    "cut off": json.dumps(content())[:-20],
    "no JSON": "names=11",
    "a list": "[]",
    "a number": "7",
    "without names": json.dumps({"wrapping": {"1": "22" * KEY_BYTES}}),
    "without wrapping": json.dumps({"names": "11" * KEY_BYTES}),
    "names no hex": json.dumps(content(names="zz" * KEY_BYTES)),
    "names no text": json.dumps(content(names=7)),
    "wrapping a list": json.dumps(content(wrapping=["22" * KEY_BYTES])),
    "wrapping no hex": json.dumps(content(wrapping={"1": "key"})),
    "version no number": json.dumps(content(wrapping={"one": "22" * KEY_BYTES})),
    "names too short": json.dumps(content(names="11" * 31)),
    "names too long": json.dumps(content(names="11" * 33)),
    "one wrapping key too short": json.dumps(content(wrapping={"1": "22" * 16, "2": "33" * KEY_BYTES})),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, damaged: str) -> None:
    """A damaged file is never used and never replaced, for part of it may be rescued; no key is in the message."""
    path = written(tmp_path / "key", damaged)

    with pytest.raises(BadKeyFile, match=r"it is damaged|has not 32 bytes") as caught:
        load_keyring(path, create=True)

    assert str(path) in str(caught.value)
    assert key(1)[:32] not in str(caught.value)
    assert key(2)[:32] not in str(caught.value)
    assert path.read_text() == damaged


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    """A file of zeros or noise, as a crashed disk leaves it, is refused like any other damage."""
    path = written(tmp_path / "key", "")
    path.write_bytes(b"\xff\xfe\x00" * 40)

    with pytest.raises(BadKeyFile, match="it is damaged"):
        load_keyring(path, create=True)


def load_together(path: Path, together: Barrier, found: "Queue[str]") -> None:
    """In a process of its own: load or make the keys at the same moment as the others."""
    together.wait(PATIENCE)
    found.put(load_keyring(path, create=True).names.hex())


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    """Several processes that find no key file at the same moment end with the same keys, and one file."""
    context = multiprocessing.get_context("spawn")
    together, found = context.Barrier(PROCESSES), context.Queue()
    path = tmp_path / "key"
    processes = [context.Process(target=load_together, args=(path, together, found)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    names = {found.get(timeout=PATIENCE) for _ in processes}
    for process in processes:
        process.join(PATIENCE)
        process.close()
    found.close()
    found.join_thread()

    assert names == {load_keyring(path, create=False).names.hex()}
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_who_comes_second_uses_the_keys_of_the_first(tmp_path: Path) -> None:
    """Even between looking and making, a file that has appeared is kept: its maker may have used its keys."""
    path = tmp_path / "key"
    first = load_keyring(path, create=True)

    assert _create(path) == first


WEAK = {
    "all zero": content(names="00" * KEY_BYTES),
    "one letter": content(wrapping={"1": "61" * KEY_BYTES}),
    "one key twice": content(wrapping={"1": key(1)}),
    "a key of another version": content(wrapping={"1": key(2), "2": key(2)}),
    "a seed that is a wrapping key": content(sealing=key(2)),
}


@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK.keys())
def test_weak_keys_stop_the_start(tmp_path: Path, weak: dict[str, Any]) -> None:
    """Keys that anybody could guess, or that serve two ends, are refused, and no key is in the message."""
    path = written(tmp_path / "key", json.dumps(weak))

    with pytest.raises(BadKeyFile, match=r"no random one|are the same") as caught:
        load_keyring(path, create=False)

    assert key(1)[:32] not in str(caught.value)


def test_an_older_file_gets_a_key_that_seals(tmp_path: Path) -> None:
    """A file of an earlier version keeps its keys and gets the missing one, once."""
    path = written(tmp_path / "key", json.dumps(content()))
    assert load_keyring(path, create=False).sealing == b""

    first, second = load_keyring(path, create=True), load_keyring(path, create=True)

    assert first == second
    assert len(first.sealing) == KEY_BYTES
    assert (first.names.hex(), first.wrapping[1].hex()) == (key(1), key(2))
    assert path.stat().st_mode & 0o777 == 0o600


def test_keys_may_come_without_a_file(tmp_path: Path) -> None:
    """The variable HABARSHY_KEY_RING holds what the file would, and is held to the same."""
    at = Settings(key_file=tmp_path / "key", key_ring=SecretStr(json.dumps(content())))
    assert keyring_of(at, create=True).names.hex() == key(1)
    assert list(tmp_path.iterdir()) == []

    with pytest.raises(BadKeyFile, match="HABARSHY_KEY_RING cannot be used: it is damaged"):
        keyring_of(Settings(key_file=tmp_path / "key", key_ring=SecretStr("{")), create=True)


def test_a_rotation_by_another_process_is_noticed(tmp_path: Path) -> None:
    """Who started before the rotation reads what the new key wrapped; once retired, an old one opens nothing."""
    path = tmp_path / "key"
    before = KeptKeys(load_keyring(path, create=True), path)
    old = before.wrap(b"k" * KEY_BYTES, b"about")

    rotated = rotate(path)
    assert before.unwrap(*rotated.wrap(b"k" * KEY_BYTES, b"about"), b"about") == b"k" * KEY_BYTES
    assert before.unwrap(*old, b"about") == b"k" * KEY_BYTES
    assert (rotated.current, before.wrap(b"k" * KEY_BYTES, b"about").version) == (2, 2)

    with pytest.raises(WrongKeyFile):
        KeptKeys(retire(path, rotated.current), path).unwrap(*old, b"about")


@pytest.mark.parametrize("names", [key(9), key(1)], ids=["another database's", "another key of that version"])
def test_a_file_with_other_keys_is_not_taken_up(tmp_path: Path, names: str) -> None:
    """Who runs wraps nothing with the keys of a file that was not made for this database."""
    path = written(tmp_path / "key", json.dumps(content()))
    running = KeptKeys(load_keyring(path, create=False), path)
    written(path, json.dumps({**content(), "names": names, "wrapping": {"1": key(7), "2": key(8)}}))
    os.utime(path, ns=(1, 1))

    wrapped = running.wrap(b"k" * KEY_BYTES, b"about")
    assert wrapped.version == 1
    assert _read(path, json.dumps(content()).encode()).unwrap(*wrapped, b"about") == b"k" * KEY_BYTES


def test_a_file_that_lacks_an_older_key_takes_none_away(tmp_path: Path) -> None:
    """Who runs goes on reading what the older key wrapped, and wraps with the newer one."""
    path = written(tmp_path / "key", json.dumps(content()))
    running = KeptKeys(load_keyring(path, create=False), path)
    old = running.wrap(b"k" * KEY_BYTES, b"about")
    written(path, json.dumps({**content(), "wrapping": {"2": key(8)}}))
    os.utime(path, ns=(1, 1))

    assert running.wrap(b"k" * KEY_BYTES, b"about").version == 2
    assert running.unwrap(*old, b"about") == b"k" * KEY_BYTES


def test_who_retires_leaves_what_another_operator_has_begun(tmp_path: Path) -> None:
    """A rotation begun since then has not wrapped all: what its keys are still wrapped with stays in the file."""
    path = tmp_path / "key"
    load_keyring(path, create=True)
    seen = rotate(path)
    begun = rotate(path)

    left = retire(path, seen.current)
    assert sorted(left.wrapping) == [seen.current, begun.current]


def test_a_new_master_key_outlasts_a_loss_of_power(tmp_path: Path) -> None:
    """Its file is on the disk under its name before anything is wrapped with it: first the file, then the folder."""
    path, synced = tmp_path / "key", list[tuple[bool, str]]()
    private_files.replace(path, "old")

    def sync(descriptor: int) -> None:
        synced.append((S_ISDIR(os.fstat(descriptor).st_mode), path.read_text()))

    private_files.replace(path, "new", sync)
    assert synced == [(False, "old"), (True, "new")]
