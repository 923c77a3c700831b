"""A backtest is what the platform would have done: the same functions over the same facts, published then."""

from pathlib import Path

import pytest

from tests.streams.years import (
    Pasts,
    ended_live,
    ended_played,
    lived,
    past,
    played,
    question_of,
    went_live,
    went_played,
)
from tests.world import World


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_backtest_is_what_would_have_happened(tmp_path: Path, seed: int) -> None:
    """Published at the start, the pack sends what the backtest says, nudge by nudge: to whom, when, how, why not."""
    packs, told = Pasts.in_folder(tmp_path), past(seed)
    world = World(tmp_path, now=told[0].known, packs=[packs.bare])
    await lived(world, packs, told)
    owns = played(world, question_of(world, packs.draft))

    assert went_played(owns) == went_live(world)
    assert set(ended_played(owns)) == set(ended_live(world))
    world.close()
