"""A nightly sample finds who misses a message, takes nobody for missing who is not, and lets others go first."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import URL, Connection

from domain.facts.facts import NudgeCancelled, NudgeFact, NudgePlanned, NudgeRescheduled
from domain.facts.principals import Principal, Role
from domain.nudges.nudge import content_of
from projections import area_plans, history, positions
from streams.log.appending import record
from streams.queues.jobs import Job, JobState, Plan, Step
from streams.replay import sample
from streams.replay.repair import GapFilter
from streams.replay.sample import PAUSES, Sample, SampleRequest
from streams.replay.verify import Differing, Verified
from streams.storage.leadership import Lane
from tests.services import postgres
from tests.streams.rebuilding import unsaved
from tests.streams.weather import settled, storm, write_weather
from tests.world import NOON, World, annulled, card, corrected, fine, iin

PEOPLE = 7
CARDS = [card(iin(number), "2025-12-20", f"N{number}") for number in range(1, PEOPLE + 1)]
TRIGGER = "identity_card_expiry"
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Some people, each with a card, in an area over which a storm comes; all are planned."""
    with closing(World(tmp_path, packs=write_weather(tmp_path))) as made:
        yield told_of_a_storm(made)


def told_of_a_storm(world: World) -> World:
    """The world with these people."""
    for number, issued in enumerate(CARDS, 1):
        world.take(*settled(number), issued)
    world.take(storm())
    world.plan()
    return world


def work(world: World, after: str, persons: int, pause: Callable[[], object] = dict, number: int = 0) -> Sample:
    """A sample, two persons in a step."""
    request = SampleRequest(after, persons, number)
    return Sample(world.platform.log, world.platform.rules.library, request, pause, size=2)


def steps_of(sampling: Sample, cursor: str = "") -> Iterator[Step]:
    """The steps up to the last one."""
    step = sampling.step(cursor, unsaved)
    yield step
    while not step.finished:
        step = sampling.step(step.cursor, unsaved)
        yield step


def sampled(world: World, after: str = "", persons: int = PEOPLE) -> Verified:
    """What a sample finds."""
    *_, last = steps_of(work(world, after, persons))
    return sample.found_in(last.words)


def everybody(world: World) -> list[str]:
    """All pseudonyms, in their order."""
    with world.platform.database.reading() as connection:
        return history.persons_after(connection, "", 100)


def planted(world: World, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
    """Facts that planning would not have appended."""
    world.platform.database.write(lambda connection: record(connection, world.platform.log, facts))


def test_a_loss_is_found(world: World) -> None:
    """A message that is not there, one too many and a wrong one are counted by trigger, and nobody is named."""
    of_cards = {each.intent.person: each.intent for each in world.nudges() if each.intent.trigger == TRIGGER}
    missing, extra, different = list(of_cards.values())[:3]
    content = content_of(different) | {"due": different.due + timedelta(days=1)}
    planted(world, [(missing.id, NudgeCancelled(NOON)), (uuid4(), NudgePlanned(NOON, **content_of(extra)))])
    planted(world, [(different.id, NudgeRescheduled(NOON, **content))])
    *_, last = steps_of(work(world, "", PEOPLE))
    found = sample.found_in(last.words)
    assert (found.persons, found.unlike, found.triggers) == (PEOPLE, 3, {TRIGGER: Differing(1, 1, 1)})
    assert not found.equal
    assert not any(person in last.words for person in everybody(world))


def test_a_loss_is_found_on_postgresql(server: URL, tmp_path: Path) -> None:
    """It is found there as on a file; before it everything is as planned."""
    with postgres.fresh(server) as at:
        url = at.render_as_string(hide_password=False)
        with closing(World(tmp_path, packs=write_weather(tmp_path), url=url)) as made:
            world = told_of_a_storm(made)
            assert sampled(world).equal
            [one, *_] = world.nudges()
            planted(world, [(one.intent.id, NudgeCancelled(NOON))])
            assert (sampled(world).unlike, sampled(world).persons) == (1, PEOPLE)


def test_residents_whom_an_area_event_left_out_are_found(world: World) -> None:
    """Whoever lives there and was planned without it is counted under its trigger; not while it has to be planned."""
    world.take(storm(id_="flood", time="2025-06-06T00:00:00Z"))
    waiting = sampled(world)
    assert (waiting.unlike, waiting.residents) == (0, PEOPLE)

    def end(connection: Connection) -> None:
        for each in area_plans.all_waiting(connection):
            area_plans.end(connection, each)

    world.platform.database.write(end)
    found = sampled(world)
    assert (found.unlike, found.triggers["at_event"].missing > 0) == (PEOPLE, True)


def test_news_that_wait_are_no_loss(world: World) -> None:
    """Whoever has yet to be planned is counted apart, and compared once they are."""
    world.take(card(iin(1), "2025-11-20", "M1"), fine(iin(2), "F1", "2025-06-01T00:00:00Z"))
    found = sampled(world)
    assert (found.equal, found.waiting) == (True, 2)
    world.plan()
    assert sampled(world) == replace(found, waiting=0, intents=sampled(world).intents)


def test_the_corrected_annulled_and_erased_are_no_loss(world: World) -> None:
    """What was corrected, annulled, or planned before an erasure is as it should be."""
    world.take(corrected(CARDS[0], 2, expires_on="2025-11-20"), annulled(CARDS[1], 2))
    world.platform.privacy.erasure.erase(world.name(iin(3)), OMAR, "asked")
    world.plan()
    assert (sampled(world).equal, sampled(world).unplannable) == (True, 0)
    world.take(fine(iin(3), "F1", "2025-06-01T00:00:00Z"))
    world.plan()
    assert (sampled(world).equal, sampled(world).unplannable) == (True, 0)


def test_corrections_that_were_loaded_and_came_live_are_no_loss(world: World) -> None:
    """The load's share of them counts in the plan as in the log."""
    issued = fine(iin(1), "F1", "2025-05-30T00:00:00Z")
    world.take(issued, corrected(issued, 2, amount=5000), ahead_from=NOON - timedelta(days=10))
    world.plan()
    assert sampled(world).equal
    world.take(issued, corrected(issued, 2, amount=5000), corrected(issued, 3, amount=6000))
    world.plan()
    assert sampled(world).equal


def test_everybody_has_a_turn(world: World) -> None:
    """Each sample begins where the last one ended, after the last person anew, and looks at nobody twice."""
    seen, after = [], ""
    for _ in range(PEOPLE):
        *_, last = steps_of(work(world, after, 3))
        assert sample.found_in(last.words).persons == 3
        seen.append(after := sample.start_of_next(job_with(world, last)))
    assert set(seen) == set(everybody(world))
    assert seen[0] == everybody(world)[2]
    assert sampled(world, everybody(world)[4], persons=100).persons == PEOPLE


def job_with(world: World, step: Step) -> Job:
    """A job that has come to this step."""
    jobs = world.platform.queues.jobs
    job = jobs.add(sample.KIND, Lane.SAMPLE, {"after": "", "persons": 3}, Plan("sample", 3, "persons", 1.0), "tests")
    jobs.cancel(job.id, work(world, "", 3))
    return replace(job, cursor=step.cursor)


def test_a_loss_is_looked_at_until_it_is_mended(world: World) -> None:
    """The sample after one that found differences looks at the same persons, and after the repair goes on."""
    [one, *_] = [each for each in world.nudges() if each.intent.person == everybody(world)[4]]
    planted(world, [(one.intent.id, NudgeCancelled(NOON))])
    start = everybody(world)[2]
    *_, last = steps_of(work(world, start, 3))
    assert (sample.found_in(last.words).unlike, sample.start_of_next(job_with(world, last))) == (1, start)
    list(world.platform.replay.repair.repair(GapFilter()))
    *_, last = steps_of(work(world, start, 3))
    assert (sample.found_in(last.words).unlike, sample.start_of_next(job_with(world, last))) == (
        0,
        everybody(world)[5],
    )


def test_another_process_goes_on_at_the_last_step(world: World) -> None:
    """What one has looked at is not looked at again, and what it found is kept."""
    [one, *_] = [each for each in world.nudges() if each.intent.person == everybody(world)[0]]
    planted(world, [(one.intent.id, NudgeCancelled(NOON))])
    first, second, *_ = steps_of(work(world, "", PEOPLE))
    *others, last = steps_of(work(world, "", PEOPLE), second.cursor)
    assert (first.done, second.done, others[0].done) == (2, 4, 6)
    found = sample.found_in(last.words)
    assert (found.persons, found.unlike) == (PEOPLE, 1)


def test_persons_who_wait_go_first(world: World) -> None:
    """A step gives way to them, and is the same step after it; where they wait for ever it goes on in the end."""
    pauses: list[int] = []

    def pause() -> None:
        pauses.append(len(pauses))
        if len(pauses) == 3:
            world.plan()

    world.take(fine(iin(1), "F1", "2025-06-01T00:00:00Z"))
    steps = list(steps_of(work(world, "", PEOPLE, pause)))
    assert [step.done for step in steps] == [0, 0, 0, 2, 4, 6, 7, 7]
    assert sample.found_in(steps[-1].words).waiting == 0
    world.take(fine(iin(1), "F2", "2025-06-01T00:00:00Z"))
    still: list[None] = []
    *_, last = steps_of(work(world, "", 2, lambda: still.append(None)))
    assert (last.finished, len(still)) == (True, 2 * PAUSES)


def test_other_jobs_go_first(world: World) -> None:
    """A step gives way to a job of any kind that is at work or waits."""
    jobs = world.platform.queues.jobs
    plan = Plan("sample", 1, "persons", 1.0)
    own = jobs.add(sample.KIND, Lane.SAMPLE, {"after": "", "persons": 2}, plan, "tests", waits=True)
    other = jobs.add("audit verify", Lane.AUDIT, {}, plan, "olga", waits=True)
    pauses: list[JobState] = []

    def pause() -> None:
        pauses.append(jobs.job(other.id).state)
        if len(pauses) == 2:
            jobs.pause(other.id)

    *_, last = steps_of(work(world, "", 2, pause, own.id))
    assert (last.finished, pauses) == (True, [JobState.PLANNED, JobState.PLANNED])


def test_nobody_is_compared_while_a_publication_wakes_persons(world: World) -> None:
    """Until everybody is woken whom it concerns, the plans by its rules are asked for by nothing."""
    database = world.platform.database
    pauses: list[None] = []

    def pause() -> None:
        pauses.append(None)
        if len(pauses) == 2 * PAUSES:
            database.write(lambda connection: positions.save(connection, positions.PUBLICATION, 0))

    database.write(lambda connection: positions.save(connection, positions.PUBLICATION, 1))
    *_, last = steps_of(work(world, "", 2, pause))
    assert (last.finished, len(pauses)) == (True, 2 * PAUSES)
