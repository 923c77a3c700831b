"""One demo for all tests of its pages: a small population, its year over, its web server running."""

from collections.abc import Iterator

import httpx2
import pytest

from app.demo.show import Options
from tests.app.demo.running import Lived, reopened, running
from tests.app.pages.conftest import chromium

__all__ = ["chromium"]


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A demo of 40 citizens whose year is over."""
    folder = tmp_path_factory.mktemp("demo")
    options = Options(citizens=40, seed=2, seconds=0.0, keep=True, folder=folder)
    with running(options) as announced, httpx2.Client(base_url=announced[0]) as client:
        platform = reopened(folder)
        yield Lived(client, platform, announced)
        platform.database.close()
