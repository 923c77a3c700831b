from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from streams.kafka.brokers import Brokers
from streams.storage.database import Database
from tests.services import kafka as broker
from tests.services import postgres
from tests.streams.distributed import Country, country
from tests.streams.storing import Store, url_in


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The address of a Kafka broker for the whole run."""
    with broker.server() as at:
        yield at


@pytest.fixture
def land(server: URL, kafka: str, tmp_path: Path) -> Iterator[Country]:
    """A platform on PostgreSQL and Kafka."""
    with country(server, Brokers(kafka), tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on each kind that the platform runs on."""
    if request.param == "sqlite":
        yield url_in(tmp_path)
        return
    with postgres.fresh(request.getfixturevalue("server")) as at:
        yield at.render_as_string(hide_password=False)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A new log."""
    made = Store(url)
    yield made
    made.database.close()


@pytest.fixture
def database(store: Store) -> Database:
    """The database of a new log."""
    return store.database
