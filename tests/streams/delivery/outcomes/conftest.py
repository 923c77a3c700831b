from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.streams.dispatching import DUE, with_card
from tests.world import World


@pytest.fixture
def due(tmp_path: Path) -> Iterator[World]:
    """A platform on which one message is due: Aigerim's card."""
    made = with_card(tmp_path)
    made.at(DUE)
    yield made
    made.close()
