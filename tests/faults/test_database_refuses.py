"""PostgreSQL refuses for a while: what an administrator, a failover or a full server does to a role that runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.faults.post import Post
from tests.faults.site import comes, crowd, site
from tests.services import postgres

PEOPLE = 60
REFUSALS = {
    "statement timeout": "ALTER ROLE clerk SET statement_timeout = '1ms'",
    "takes no writes": "ALTER ROLE clerk SET default_transaction_read_only = on",
    "too many connections": "ALTER ROLE clerk CONNECTION LIMIT 0",
    "idle_in_transaction_session_timeout": "ALTER ROLE clerk SET idle_in_transaction_session_timeout = '1ms'",
}
"""The words by which the dispatcher says it -> how an administrator brings it about."""
UNDONE = ("ALTER ROLE clerk RESET ALL", "ALTER ROLE clerk CONNECTION LIMIT -1")


@pytest.fixture
def at(server: URL) -> Iterator[URL]:
    """A database with our tables, which the administrator uses."""
    with postgres.fresh(server) as made:
        yield made


@pytest.fixture
def administrator(at: URL) -> Iterator[psycopg.Connection]:
    """Who may change what the platform's user, `clerk`, may do."""
    with psycopg.connect(
        at.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as made:
        made.execute("CREATE ROLE clerk LOGIN")
        made.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk")
        made.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clerk")
        try:
            yield made
        finally:
            made.execute("DROP OWNED BY clerk")
            made.execute("DROP ROLE clerk")


@contextmanager
def refusing(administrator: psycopg.Connection, how: str) -> Iterator[None]:
    """Every connection ends, and new ones meet the refusal, in the block."""
    administrator.execute(how)
    _end_connections(administrator)
    try:
        yield
    finally:
        for each in UNDONE:
            administrator.execute(each)
        _end_connections(administrator)


def _end_connections(administrator: psycopg.Connection) -> None:
    administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'")


def test_whatever_the_server_refuses_for_a_while(
    tmp_path: Path, mail: Post, at: URL, administrator: psycopg.Connection
) -> None:
    """The dispatcher names the refusal and goes on by itself; everybody is told once, and nothing is unknown."""
    url = at.set(username="clerk").render_as_string(hide_password=False)
    with site(tmp_path, url, mail) as here:
        here.take(*crowd(0, PEOPLE))
        mail.pause = 0.3
        dispatcher = here.start("dispatch")
        mail.wait(2)
        for words, how in REFUSALS.items():
            with refusing(administrator, how):
                dispatcher.says(words)
        mail.pause = 0.01
        comes(lambda: here.standing().nudges.get("sent") == PEOPLE)
        ended = dispatcher.stop()
        assert (ended.code, "Error; trying again" in ended.talk) == (0, False), ended.talk
        assert (mail.twice, len(mail.received)) == ([], PEOPLE)
        assert "unknown" not in here.standing().nudges
