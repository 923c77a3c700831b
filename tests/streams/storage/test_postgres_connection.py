"""Settings of connections to PostgreSQL: lost hosts are noticed soon, and the planner assumes flash storage."""

import gc
import os
import socket
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from projections import history
from streams.storage.database import Database
from streams.storage.postgres_connection import TCP_KEEPALIVE
from tests.faults.wire import Wire, wire
from tests.services import postgres
from tests.streams.distributed import eventually

SHORT = {
    "connect_timeout": "2",
    "tcp_user_timeout": "500",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "1",
}
LOCK = text("SELECT pg_try_advisory_xact_lock(1)")


def database(at: URL, **query: str) -> Database:
    """The database as our processes have it."""
    return Database(at.update_query_dict(query).render_as_string(hide_password=False))


def test_both_sides_notice_that_the_other_has_vanished(server: URL) -> None:
    """We do not wait for an answer that never comes, and what we had locked there is free for others."""
    with postgres.empty(server) as at, wire(at.port or 0) as line:
        ours, others = database(at.set(port=line.port), **SHORT), database(at)
        with pytest.raises(OperationalError):
            ours.write(lambda connection: _lose(connection, line))
        eventually(lambda: others.write(_locks))
        ours.close()
        others.close()


def _locks(connection: Connection) -> bool:
    return bool(connection.execute(LOCK).scalar_one())


def _lose(connection: Connection, line: Wire) -> None:
    assert _locks(connection)
    line.vanish()
    _locks(connection)


def test_nobody_waits_for_a_database_that_says_nothing(server: URL) -> None:
    """One that accepts a connection and is silent then is away, after `connect_timeout`."""
    with wire(server.port or 0) as line:
        line.swallows = True
        silent = database(server.set(port=line.port), **SHORT)
        with pytest.raises(OperationalError, match="timeout"):
            silent.write(_locks)
        silent.close()


def test_limits_hold_where_nothing_is_set(server: URL) -> None:
    """Each connection has the limits of the documentation, at both ends."""
    usual = database(server)
    with usual.reading() as connection:
        theirs = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in (
                "tcp_user_timeout",
                "tcp_keepalives_idle",
                "tcp_keepalives_interval",
                "tcp_keepalives_count",
            )
        }
        driver = connection.connection.driver_connection
        assert driver is not None
        with socket.socket(fileno=os.dup(driver.fileno())) as line:
            ours = [
                line.getsockopt(socket.IPPROTO_TCP, each)
                for each in (
                    socket.TCP_USER_TIMEOUT,
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                )
            ]
    usual.close()
    assert list(theirs.values()) == ["60000", "20", "10", "4"]
    assert ours == [*TCP_KEEPALIVE.values()][1:]


def test_a_connection_in_use_at_the_close_is_closed_when_given_back(server: URL) -> None:
    """Who reads while the database is closed reads to the end, and leaves no open connection."""
    usual = database(server)
    with usual.reading() as connection:
        driver: Any = connection.connection.driver_connection
        usual.close()
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    assert driver.closed


def _unplanned_over_a_lost_session(usual: Database, server: URL) -> None:
    admin_url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin_url) as admin, usual.reading() as connection:
        driver: Any = connection.connection.driver_connection
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [driver.info.backend_pid])
        history.unplanned(connection, 10)


def test_a_session_that_was_ended_leaves_no_cursor_open(server: URL) -> None:
    """Who asks for the waiting persons over a lost session gets an error, and no cursor of it stays open."""
    usual = database(server)
    with pytest.raises(OperationalError):
        _unplanned_over_a_lost_session(usual, server)
    usual.close()
    gc.collect()  # an open cursor warns here, and warnings are errors


def _random_page_cost(at: URL) -> str:
    opened = database(at)
    with opened.reading() as connection:
        found = connection.execute(text("SHOW random_page_cost")).scalar_one()
    opened.close()
    return str(found)


def test_rows_are_looked_up_by_their_keys(server: URL) -> None:
    """Where nobody has set the cost of a page, a few keys do not have the whole table read."""
    with postgres.empty(server) as at:
        assert _random_page_cost(at) == "1.1"


@pytest.mark.parametrize("theirs", ["4", "2.5"])
def test_what_an_administrator_has_set_is_left(server: URL, theirs: str) -> None:
    """A cost that was set for the database holds for us too, be it the default's."""
    with postgres.empty(server) as at:
        with psycopg.connect(at.set(drivername="postgresql").render_as_string(hide_password=False)) as admin:
            admin.execute(f'ALTER DATABASE "{at.database}" SET random_page_cost = {theirs}'.encode())
        assert _random_page_cost(at) == theirs
