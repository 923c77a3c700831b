from pathlib import Path

import pytest

from tests.app.terminal import Terminal
from tests.world import NOON


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal whose platform has its packs."""
    made = Terminal(tmp_path)
    assert made.run("run", "--until-idle", "--clock", NOON.isoformat()).code == 0
    return made
