"""The signal of an append, by which the relay follows the log without polling."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from streams.storage import signals
from streams.storage.signals import Signal
from tests.streams.storing import PATIENCE, Store, life

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
def session(store: Store) -> Iterator[Connection]:
    """A session that listens."""
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as made:
        signals.listen(made, Signal.FACTS)
        yield made


def test_an_append_is_signalled(store: Store, session: Connection) -> None:
    """Whoever listens learns of an append at once, also of one while it did something else."""
    store.take(life())
    session.exec_driver_sql("SELECT 1")
    assert signals.wait(session, PATIENCE)
    assert not signals.wait(session, 0)


def test_what_is_not_committed_is_not_signalled(store: Store, session: Connection) -> None:
    """A transaction that is rolled back wakes nobody."""

    class Undone(Exception):
        """Ends the transaction."""

    def undone(connection: Connection) -> None:
        signals.lock_log(connection)
        raise Undone

    with pytest.raises(Undone):
        store.database.write(undone)
    assert not signals.wait(session, 0)
