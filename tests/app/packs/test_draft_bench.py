"""Drafts are laid out beside the packs that are published, for a confined child to read."""

import gc
from pathlib import Path

from app.packs.draft_bench import Bench, DraftText, LaidOutDraft
from tests.world import World

DRAFT = DraftText("kz", "moved_in", {"trigger.yaml": "owner: nobody\n"})


def folder_of(laid: LaidOutDraft) -> Path:
    """Where it is laid out."""
    return Path(laid._question("lint").folder)


def test_a_draft_that_is_asked_about_again_is_laid_out_once(world: World) -> None:
    """The child that knows a draft need not read all packs anew for the next page of it."""
    bench = Bench(world.platform.rules.library)
    with bench.laid(DRAFT) as first, bench.laid(DraftText("kz", "moved_in", dict(DRAFT.files))) as again:
        assert folder_of(first) == folder_of(again)
    with bench.laid(DRAFT, others=True) as among:
        assert folder_of(among) != folder_of(first)


def test_a_folder_goes_with_its_draft(world: World) -> None:
    """Nothing of a draft stays on the disk once nobody can ask about it any more."""
    bench = Bench(world.platform.rules.library)
    with bench.laid(DRAFT) as laid:
        folder = folder_of(laid)
        assert (folder / "trigger.yaml").is_file()
    del bench, laid
    gc.collect()
    assert not folder.parent.parent.exists()
