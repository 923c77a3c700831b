"""The files of an embedded platform: keys that are missing, links to the database, and who may read what."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from app.identity.key_file import new_keyring
from app.roles.run_lock import run_lock
from streams.storage.database import Database
from streams.storage.leadership import Lane, job_lock
from tests.app.terminal import Terminal, begun
from tests.world import LONG_AGO, card, iin, registered

AIGERIM = iin(1)
MAY = "--clock=2025-05-01T12:00+05:00"


@pytest.fixture
def lived(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim's card is known and planned."""
    return begun(tmp_path, _lived)


def _lived(terminal: Terminal) -> None:
    life = (*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    assert terminal.run("ingest", terminal.written("life.ndjson", *life), MAY).code == 0
    assert terminal.run("run", "--until-idle", MAY).code == 0


def data_of(terminal: Terminal) -> Path:
    """The folder of its database and keys."""
    return terminal.folder / "data" / "habarshy"


COMMANDS = (
    ["ingest", "-"],
    ["run", "--until-idle"],
    ["status"],
    ["migrate"],
    ["keys", "show"],
    ["keys", "rotate"],
    ["replay", "--verify"],
    ["audit", "verify"],
    ["audit", "heads"],
    ["trail", AIGERIM],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_makes_a_key_file_beside_data(lived: Terminal, command: list[str]) -> None:
    """A moved key file is missed by every command: exit 3, where to restore it from, and no new file in its place."""
    key = data_of(lived) / "key"
    key.rename(lived.folder / "moved")
    ended = lived.run(*command, stdin=b"")
    assert (ended.code, ended.lines, key.exists()) == (3, [], False)
    assert f"The key file {key} is missing" in ended.talk
    assert "Put it back from the copy" in ended.talk
    (lived.folder / "moved").rename(key)
    assert lived.run("status").code == 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_key_file_of_another_log_is_told_from_its_own(lived: Terminal, command: list[str]) -> None:
    """With the keys of another log every command ends with 2 and says that these are not the database's keys."""
    other = new_keyring()
    kept = {"names": other.names.hex(), "wrapping": {"1": other.wrapping[1].hex()}, "sealing": other.sealing.hex()}
    (data_of(lived) / "key").write_text(json.dumps(kept))
    ended = lived.run(*command, stdin=b"")
    assert (ended.code, ended.lines) == (2, [])
    assert "Start with the one that the database was made with" in ended.talk


def test_two_runs_by_way_of_a_symbolic_link_meet(lived: Terminal) -> None:
    """A second run that reaches the database by a link is told that one is at work; jobs' turns meet alike."""
    file = data_of(lived) / "habarshy.sqlite"
    link = lived.folder / "elsewhere" / "log.sqlite"
    link.parent.mkdir()
    link.symlink_to(file)
    given = f"--database=sqlite:///{link}", f"--key-file={data_of(lived) / 'key'}"
    with closing(Database(f"sqlite:///{file}")) as one, closing(Database(f"sqlite:///{link}")) as other:
        with run_lock(one.engine.url):
            ended = lived.run("run", "--until-idle", *given, MAY)
        with job_lock(one, Lane.VIEWS) as first, job_lock(other, Lane.VIEWS) as second:
            assert (first, second) == (True, False)
    assert (ended.code, ended.lines) == (3, [])
    assert "Another habarshy run" in ended.talk
    assert lived.run("run", "--until-idle", *given, MAY).code == 0
    assert [each.name for each in link.parent.iterdir()] == [link.name]


def test_a_database_with_a_hard_link_is_not_opened(lived: Terminal) -> None:
    """SQLite keeps a write-ahead log beside each name of a file, so two names are refused, and said."""
    file, link = data_of(lived) / "habarshy.sqlite", lived.folder / "linked.sqlite"
    link.hardlink_to(file)
    for each in (file, link):
        ended = lived.run(
            "run", "--until-idle", f"--database=sqlite:///{each}", f"--key-file={data_of(lived) / 'key'}"
        )
        assert (ended.code, ended.lines) == (3, [])
        assert "has 2 names (hard links)" in ended.talk
    link.unlink()
    assert lived.run("status").code == 0


def test_only_the_owner_may_use_any_file_of_the_platform(lived: Terminal) -> None:
    """Database, write-ahead log, locks, keys, lists and certificates are 0600; a database that was open is closed."""
    folder = data_of(lived)
    (folder / "habarshy.sqlite").chmod(0o644)
    certificate = lived.folder / "certificate.html"
    ended = lived.run("erase", AIGERIM, "--reason=asked", "--yes", f"--html={certificate}", MAY)
    assert ended.code == 0
    database = Database(f"sqlite:///{folder / 'habarshy.sqlite'}")
    with closing(database), database.reading() as connection, run_lock(database.engine.url):
        connection.exec_driver_sql("SELECT count(*) FROM log")
        files = [each for each in (*folder.iterdir(), certificate) if each.is_file()]
        assert {"habarshy.sqlite", "habarshy.sqlite-wal", "habarshy.sqlite.run", "key"} <= {
            each.name for each in files
        }
        assert {each.name: oct(each.stat().st_mode & 0o777) for each in files if each.stat().st_mode & 0o077} == {}
