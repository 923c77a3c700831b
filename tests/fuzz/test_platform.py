"""The whole platform against a small model of it: any life of it keeps the promises."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.platform import Machine
from tests.world import World


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the packs are published and nothing else has happened."""
    world = World(tmp_path_factory.mktemp("published"))
    world.close()
    return world.file


def test_any_life_of_the_platform_keeps_the_promises(published: Path, request: pytest.FixtureRequest) -> None:
    """So many lives (--fuzz-lives) of events, failures, receipts, stops, switches, erasures and replays in any order.

    Each fact is stored once, nothing goes twice or where it must not, every nudge has one end and its reason, the
    intents are those of any other order, what is erased is nowhere, and a replay sends nothing.
    """
    lives = int(request.config.getoption("--fuzz-lives"))
    small = lives <= 20
    Machine.published = published
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=30,
            deadline=None,
            derandomize=small,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
