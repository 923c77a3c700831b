"""Fixtures that every folder may use."""

import gc
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import settings
from sqlalchemy.engine import URL
from xdist.scheduler import LoadFileScheduling

from tests.compiled import compile_once
from tests.services import postgres
from tests.world import World

pytest.register_assert_rewrite("notifiers.port.contract")  # before any test imports it, of whichever folder
os.environ.setdefault("HABARSHY_FUTURE_EVENTS", "accept")  # most tests report a year at one moment of their clock
settings.register_profile(
    "unhurried", deadline=None
)  # no test is timed: a machine that is busy is none that is wrong
settings.load_profile("unhurried")


compile_once()
gc.disable()  # until all is collected: hardly anything that is imported or collected is garbage
gc.set_threshold(10_000, 10, 5)  # a process of tests holds half a million objects that stay: looking is dear


WAITING = ("tests/kills/", "tests/streams/kafka/", "tests/streams/test_readiness.py", "tests/faults/")
"""Where tests wait most of the time, for servers that start, die or rebalance; the longest first."""
SPREAD_OVER = 0.7
"""The share of the other files among which they are spread: the last ones to be begun shall be short."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait among those that compute, for together they would leave processors idle."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    waiting = [name for each in WAITING for name in files if name.startswith(each)]
    others = [name for name in files if not name.startswith(WAITING)]
    every = SPREAD_OVER * len(others) / max(1, len(waiting))
    places = [(number * every, 0, name) for number, name in enumerate(waiting)]
    places += [(float(number), 1, name) for number, name in enumerate(others)]
    items[:] = [item for _, _, name in sorted(places) for item in files[name]]


TOGETHER = ("tests/app/demo/",)
"""Folders whose files share what takes longest: they are one process's."""


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives each file to one process, and each of those folders as if it were a file."""

    def _split_scope(self, nodeid: str) -> str:
        return next((each for each in TOGETHER if nodeid.startswith(each)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile | None:
    """Spread the tests by their files where `--dist loadfile` asks for it."""
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collector never look at what was imported and collected."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """A PostgreSQL server for the whole run."""
    with postgres.server() as at:
        yield at


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform on SQLite with the shipped packs."""
    made = World(tmp_path)
    yield made
    made.close()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Tests run on the loop that the product runs on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_addoption(parser: pytest.Parser) -> None:
    """How large the campaigns are."""
    parser.addoption("--kills", default="30", help="how often the kill campaign kills")
    parser.addoption("--country-kills", default="30", help="how often the kill campaign of a country kills")
    parser.addoption("--country-seed", default="7", help="what that campaign draws by")
    parser.addoption("--fuzz-inputs", default="1000", help="how many inputs each usual fuzzing target gets")
    parser.addoption("--fuzz-lives", default="4", help="how many lives of the whole platform are tried")
