"""eventsourcing's own tests of recorders, run over ours on both databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.tests import persistence
from sqlalchemy import URL

from streams.log.recorder import FactRecorder
from tests.services import postgres
from tests.streams.storing import Store, url_in


class _OnSqlite:
    """Recorders of empty logs in files."""

    stores: list[Store]

    @pytest.fixture(autouse=True)
    def _logs(self, tmp_path: Path) -> Iterator[None]:
        self._url, self.stores = url_in(tmp_path), []
        yield
        for store in self.stores:
            store.database.close()

    def create_recorder(self) -> Any:
        """Return the recorder of the log."""
        self.stores.append(Store(self._url))
        return self.stores[-1].log.facts


class _OnPostgres(_OnSqlite):
    """Recorders of empty logs on a server."""

    @pytest.fixture(autouse=True)
    def _logs(self, server: URL) -> Iterator[None]:
        with postgres.fresh(server) as at:
            self._url, self.stores = at.render_as_string(hide_password=False), []
            yield
            for store in self.stores:
                store.database.close()


class _Positions(persistence.ApplicationRecorderTestCase[FactRecorder]):
    test_performance = None  # type: ignore[assignment]  # it asserts nothing


class TestPositionsOnSqlite(_OnSqlite, _Positions):
    """Reading by position, beside ten writers."""


class TestPositionsOnPostgres(_OnPostgres, _Positions):
    """The same on PostgreSQL."""


class TestNoGapsOnSqlite(_OnSqlite, persistence.NonInterleavingNotificationIDsBaseCase):
    """The positions of one append follow each other, whoever else appends."""


class TestNoGapsOnPostgres(_OnPostgres, persistence.NonInterleavingNotificationIDsBaseCase):
    """The same on PostgreSQL."""
