"""habarshy keys: the master key is rotated from the command line, and people stay who they are."""

import json
from pathlib import Path

import pytest

from tests.app.terminal import Terminal
from tests.world import LONG_AGO, iin, registered

AIGERIM = iin(1)


@pytest.fixture
def lived(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim is known."""
    terminal = Terminal(tmp_path)
    assert terminal.run("ingest", terminal.written("life.ndjson", *registered(AIGERIM, LONG_AGO))).code == 0
    return terminal


def wraps(terminal: Terminal) -> dict[int, int]:
    """Version -> how many keys it wraps."""
    return {each["version"]: each["wraps"] for each in terminal.run("keys", "show", "--json").objects}


def test_the_master_key_is_rotated_and_retired(lived: Terminal) -> None:
    """Afterwards the old key is gone from the file, the log is as it was, and Aigerim's data is still read."""
    trail = lived.run("trail", AIGERIM, "--json").lines[:3]
    keys = wraps(lived)[1]

    rotated = lived.run("keys", "rotate", "--json")
    assert rotated.objects == [{"current": 2, "rewrapped": keys, "versions": [1, 2]}]
    assert "--retire" in rotated.talk
    assert wraps(lived) == {1: 0, 2: keys}
    assert lived.run("keys", "rotate", "--retire", "--json").objects == [
        {"current": 2, "rewrapped": 0, "versions": [2]}
    ]
    assert wraps(lived) == {2: keys}

    kept = json.loads((lived.folder / "data" / "habarshy" / "key").read_text())
    assert list(kept["wrapping"]) == ["2"]
    assert lived.run("trail", AIGERIM, "--json").lines[:3] == trail


def test_where_principals_are_only_operators_rotate(lived: Terminal) -> None:
    """An author may not, nobody without a token may, an operator may."""
    author, operator = lived.act("asel", "justice", "author"), lived.act("omar", "platform", "operator")

    for environment in ({}, author):
        assert lived.run("keys", "rotate", env=environment).code == 4
        assert lived.run("keys", "show", env=environment).code == 4
    assert lived.run("keys", "rotate", env=operator).code == 0


def test_keys_in_the_environment_are_rotated_where_they_are(lived: Terminal) -> None:
    """What holds the keys is told to add one; then the keys of persons are wrapped by it."""
    file = lived.folder / "data" / "habarshy" / "key"
    ring = json.loads(file.read_text())
    file.unlink()

    refused = lived.run("keys", "rotate", env={"HABARSHY_KEY_RING": json.dumps(ring)})
    assert (refused.code, "add a key with a higher version" in refused.talk) == (2, True)
    ring["wrapping"]["2"] = bytes(range(32)).hex()
    done = lived.run("keys", "rotate", "--json", env={"HABARSHY_KEY_RING": json.dumps(ring)})
    assert [each["current"] for each in done.objects] == [2]
    assert not file.exists()
