"""The follower of the log that keeps trail and statistics."""

from streams.replay.follower import Follower
from tests.streams.storing import Store, life, only_sqlite


class _Overtaken(Follower):
    """A follower to whom three more facts come in, one after each page."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.database, store.log)
        self._store, self._more = store, [life("3"), life("4"), life("5")]

    def _page(self, *given: int) -> int | None:
        found = super()._page(*given)
        if self._more:
            self._store.take(self._more.pop())
        return found


@only_sqlite
def test_facts_that_come_in_meanwhile_wait_for_the_next_time(store: Store) -> None:
    """Under steady load the follower reads one full page now and then, not a page for every fact."""
    store.take(life("1"), life("2"))
    follower = _Overtaken(store)

    assert follower.drain() == 2
    assert follower.drain() == 2
    assert follower.behind() == 1
