"""The signal of an append, by which the relay follows the log without polling."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from streams.log import append_signal
from tests.streams.storing import PATIENCE, Store, life

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
def session(store: Store) -> Iterator[Connection]:
    """A session that listens."""
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as made:
        append_signal.listen(made)
        yield made


def test_an_append_is_signalled(store: Store, session: Connection) -> None:
    """Whoever listens learns of an append at once, also of one while it did something else."""
    store.take(life())
    session.exec_driver_sql("SELECT 1")
    assert append_signal.wait(session, PATIENCE)
    assert not append_signal.wait(session, 0)


def test_what_is_not_committed_is_not_signalled(store: Store, session: Connection) -> None:
    """A transaction that is rolled back wakes nobody."""

    class Undone(Exception):
        """Ends the transaction."""

    def undone(connection: Connection) -> None:
        append_signal.lock_log(connection)
        raise Undone

    with pytest.raises(Undone):
        store.database.write(undone)
    assert not append_signal.wait(session, 0)
