"""A backtest is what the platform would have done: the same functions over the same facts, published then."""

from contextlib import closing
from pathlib import Path

import pytest

from notifiers.port.fake import FakeNotifier
from streams.rehearsal.backtest import Backtest, BacktestQuestion
from streams.rehearsal.backtest_results import PersonResult, Tally
from tests.streams.years import (
    END,
    FAMILIES,
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

PRESSED = "identity_card_expiry"
"""A trigger whose reminders have no room beside those of vaccinations."""
FREE = "traffic_fine_discount"
"""A trigger whose messages are never put off for the cap, as others' are."""

QUEUE = "kindergarten_queue"
"""A trigger that starts on what befalls a child, and has something due for some of a family only."""

LARGEST = 6
"""Persons of the largest family: both parents and four children."""


@pytest.mark.parametrize("seed", [1, 3])
async def test_a_backtest_is_what_would_have_happened(tmp_path: Path, seed: int) -> None:
    """Published at the start, the pack sends what the backtest says, nudge by nudge: to whom, when, how, why not."""
    packs, told = Pasts.in_folder(tmp_path), past(seed)
    world = World(tmp_path, now=told[0].known, packs=[packs.bare])
    await lived(world, [packs.full], told)
    owns = played(world, question_of(world, packs.draft))

    assert went_played(owns) == went_live(world)
    assert set(ended_played(owns)) == set(ended_live(world))
    world.close()


async def test_families_count_together(tmp_path: Path) -> None:
    """A mother who is told for several children at once has one cap: played alone, each child would overrun it."""
    packs, told = Pasts.in_folder(tmp_path), past(5, citizens=2)
    world = World(tmp_path, now=told[0].known, packs=[packs.bare])
    await lived(world, [packs.full], told)
    question = question_of(world, packs.draft)
    alone, owns = played(world, question, together=False), played(world, question)
    assert went_played(owns) == went_live(world)
    assert went_played(alone) != went_live(world)
    world.close()


async def test_other_triggers_take_of_the_cap(tmp_path: Path) -> None:
    """Each trigger played beside all others says what it said live, also where those are about children."""
    packs, told = Pasts.in_folder(tmp_path), past(5, citizens=2)
    world = World(tmp_path, now=told[0].known, packs=[packs.bare])
    await lived(world, [packs.full], told)
    went, pressed = went_live(world), set[str]()
    for trigger in (each.name for each in packs.draft.triggers):
        theirs = {one.intent.id for one in world.nudges() if one.intent.trigger == trigger}
        live = {each for each in went if each[0] in theirs}
        alone, beside = (question_of(world, packs.one(trigger), others=others) for others in (False, True))
        assert {each for each in went_played(played(world, beside)) if each[0] in theirs} == live
        pressed |= {trigger} if live < went_played(played(world, alone)) else set()
    assert PRESSED in pressed, "nothing presses, so this shows nothing"
    world.close()


@pytest.mark.parametrize(("trigger", "matter"), [(PRESSED, True), (FREE, False)])
def test_other_triggers_are_played_only_if_the_cap_applies(tmp_path: Path, trigger: str, *, matter: bool) -> None:
    """What ignores the cap is played alone, for nothing that others say can change it."""
    packs = Pasts.in_folder(tmp_path)
    with closing(World(tmp_path, now=END, packs=[packs.full])) as world:
        assert question_of(world, packs.one(trigger), others=True).others_matter is matter
        assert question_of(world, packs.one(trigger)).others_matter is False


def test_what_is_told_is_of_the_draft_only(tmp_path: Path) -> None:
    """Samples and counts are of the triggers that are asked about, whatever is played beside them."""
    packs, told = Pasts.in_folder(tmp_path), [each for each in past(4, citizens=8) if each.known < END]
    world = World(tmp_path, now=END, packs=[packs.full])
    world.take(*(each.envelope for each in told), ahead_from=END)
    question = question_of(world, packs.one(FREE), others=True)
    tally = Backtest(world.platform.database, world.platform.log, question).share(question.selection())
    assert {each.message.trigger for each in tally.samples.all()} == {FREE}
    assert set(tally.steps) == {(FREE, step) for _, step in tally.steps}
    assert all(tally.deferred.values()), "nothing is told of what others put off"
    world.close()


@pytest.mark.parametrize("loaded", [False, True])
def test_three_times_the_same_and_silent(tmp_path: Path, url: str, *, loaded: bool) -> None:
    """However often it is played, in however many shares, also of a historical load: the same, nothing sent."""
    packs, told = Pasts.in_folder(tmp_path), [each for each in past(4, citizens=8) if each.known < END]
    world = World(tmp_path, now=END, packs=[packs.full], url=url)
    world.take(*(each.envelope for each in told), ahead_from=END if loaded else None)
    platform, before = world.platform, len(world.entries())
    question = question_of(world, packs.draft)
    digests, tally = set(), Tally()
    for shares in (1, 1, 3):
        tally = Tally()
        for part in question.selection().shares(shares):
            tally.add(Backtest(platform.database, platform.log, question).share(part))
        digests.add((tally.digest, tally.messages.total(), tally.facts))
    assert len(digests) == 1
    assert bool(tally.messages) == loaded, "what was recorded after the end is not known before it"
    assert (world.sent, len(world.entries())) == ([], before)
    assert all(each.calls == 0 for each in world.notifiers.values() if isinstance(each, FakeNotifier))
    world.close()


def test_a_process_holds_one_family_and_not_the_families_of_a_country(tmp_path: Path) -> None:
    """Results are held for one family at a time, in whatever share its members are; a share gives only counts."""
    packs, told = Pasts.in_folder(tmp_path), [each for each in past(5, citizens=2) if each.known < END]
    with closing(World(tmp_path, now=END, packs=[packs.full])) as world:
        world.take(*(each.envelope for each in told), ahead_from=END)
        held, whole = _shared(world, question_of(world, packs.draft))
        for trigger in (PRESSED, QUEUE):
            _shared(world, question_of(world, packs.one(trigger), others=True))
    assert FAMILIES < len(held) < len(whole), "nobody has a family"
    assert max(held) <= LARGEST


def _shared(world: World, question: BacktestQuestion) -> tuple[list[int], dict[str, PersonResult]]:
    """How many results are held at a time in many shares, and everybody's: the same as of one share."""
    backtest, tally = Backtest(world.platform.database, world.platform.log, question), Tally()
    whole = {own.person: own for owns in backtest.results(question.selection(), tally) for own in owns}
    assert len(whole) == tally.persons
    held, shared = list[int](), dict[str, PersonResult]()
    for part in question.selection().shares(16):
        for owns in backtest.results(part, Tally()):
            held.append(len(owns))
            assert shared.keys().isdisjoint(own.person for own in owns)
            shared |= {own.person: own for own in owns}
    assert shared == whole
    return held, whole
