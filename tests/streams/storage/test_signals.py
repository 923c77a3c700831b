"""The signal of facts that wake persons, by which the relay follows the log without polling."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from domain.facts.facts import AheadMoved
from streams.log.mapper import Entry
from streams.storage import signals
from streams.storage.signals import Signal
from tests.streams.storing import NOW, PATIENCE, Store, life, nudge_id, planned

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
def session(store: Store) -> Iterator[Connection]:
    """A session that listens."""
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as made:
        signals.listen(made, Signal.WAKES)
        yield made


def test_an_event_is_signalled(store: Store, session: Connection) -> None:
    """Whoever listens learns of an event at once, also of one while it did something else."""
    store.take(life())
    session.exec_driver_sql("SELECT 1")
    assert signals.wait(session, PATIENCE)
    assert not signals.wait(session, 0)


def test_an_earlier_load_is_signalled(store: Store, session: Connection) -> None:
    """That more of an event is to be planned than its load said wakes its persons, so it is signalled too."""
    store.append(Entry(life().stream, 2, AheadMoved(None, NOW)))
    assert signals.wait(session, PATIENCE)


def test_what_wakes_nobody_is_not_signalled(store: Store, session: Connection) -> None:
    """Plans, attempts and their outcomes are most of a log, and the relay has nothing to send for them."""
    store.append(Entry(nudge_id(1), 1, planned()))
    assert not signals.wait(session, 0)


def test_what_is_not_committed_is_not_signalled(store: Store, session: Connection) -> None:
    """A transaction that is rolled back wakes nobody."""

    class Undone(Exception):
        """Ends the transaction."""

    def undone(connection: Connection) -> None:
        signals.lock_log(connection, wakes=True)
        raise Undone

    with pytest.raises(Undone):
        store.database.write(undone)
    assert not signals.wait(session, 0)
