"""A server that answers and does not let us: a standby is waited for, a missing GRANT ends, both in words."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.streams.distributed import Country, eventually, everyday, running, working
from tests.streams.kafka.test_roles import assert_ends
from tests.streams.planning.test_reconciler import LATER, kept
from tests.streams.registries import body
from tests.world import card, iin


def administer(land: Country, *statements: str) -> None:
    """Do this as the owner of the server, in the land's database."""
    plain = make_url(land.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")
        for each in statements:
            admin.execute(sql.SQL(each).format(sql.Identifier(str(make_url(land.url).database))))


PUT_OUT = (
    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname ="
    " current_database()"
)


@contextmanager
def demoted(land: Country) -> Iterator[None]:
    """The server is a standby's during the block: it answers, and takes no writes.

    The sessions of that time end with it: other than with a standby, the setting would stay with them.
    """
    administer(land, "ALTER DATABASE {} SET default_transaction_read_only = on", PUT_OUT)
    try:
        yield
    finally:
        administer(land, "ALTER DATABASE {} RESET default_transaction_read_only", PUT_OUT)


@pytest.fixture
def weak(land: Country) -> Iterator[str]:
    """The land's database, by a user who may read all of it, and write all but the log."""
    administer(
        land,
        "CREATE ROLE weak LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO weak",
        "REVOKE INSERT ON log FROM weak",
    )
    yield make_url(land.url).set(username="weak").render_as_string(hide_password=False)
    administer(land, "DROP OWNED BY weak", "DROP ROLE weak")


def said(land: Country, url: str, *arguments: str) -> tuple[int, str]:
    """How the command ends on that database, and what it says."""
    environment = os.environ | {"HABARSHY_DATABASE": url, "HABARSHY_KEY_FILE": str(land.key_file)}
    command = [sys.executable, "-m", "app", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  (ourselves)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def event_file(tmp_path: Path) -> str:
    """A file with one event."""
    (tmp_path / "events.ndjson").write_bytes(body(card(iin(9), "2025-12-20")) + b"\n")
    return str(tmp_path / "events.ndjson")


def test_a_command_on_a_standby_says_so(land: Country, event_file: str) -> None:
    """Who would write to a server that is read only ends with 3, and is told what it is; who reads is answered."""
    land.take(*everyday(2))
    with demoted(land):
        for command in (["ingest", event_file], ["replay", "--verify"]):
            code, words = said(land, land.url, *command)
            assert (code, "takes no writes" in words) == (3, True), words
        assert said(land, land.url, "status")[0] == 0


def test_a_command_without_a_grant_says_which(land: Country, weak: str, event_file: str) -> None:
    """Who may not write to a table ends with 3, and is told which one, and what to do."""
    code, words = said(land, weak, "ingest", event_file)
    assert (code, "permission denied for table log" in words, "GRANT" in words) == (3, True, True), words


def test_a_role_without_a_grant_ends(land: Country, weak: str) -> None:
    """What waiting does not heal ends a role with 3, from its start on or from the first that it does."""
    land.take(*everyday(2))
    land.relayed()
    assert_ends(land, ["worker"], {"HABARSHY_DATABASE": weak}, 3, "permission denied for table log")


def test_a_worker_waits_for_a_primary(land: Country) -> None:
    """While its server takes no writes a worker says so once, and it plans as soon as there is one that does."""
    land.take(*everyday(3))
    land.relayed()
    with working(land):
        with demoted(land):
            eventually(lambda: any("takes no writes" in each for each in land.told))
            assert land.unplanned()
        eventually(lambda: not land.unplanned())
    assert sum("takes no writes" in each for each in land.told) == 1


def test_the_upkeep_waits_for_a_primary(land: Country, caplog: pytest.LogCaptureFixture) -> None:
    """While its server takes no writes the upkeep says so once, gives its turn up, and goes on with a primary."""
    upkeep = kept(land)
    with running(upkeep.run, upkeep.stop):
        eventually(lambda: upkeep.upkeep.turn.active)
        with demoted(land):
            eventually(lambda: any("takes no writes" in each for each in caplog.messages))
        eventually(lambda: "the upkeep goes on" in caplog.messages)
        land.take(*everyday(3))
        land.clock.advance_to(LATER)
        eventually(lambda: not land.unplanned())
    assert not [each for each in caplog.messages if "Error" in each]
