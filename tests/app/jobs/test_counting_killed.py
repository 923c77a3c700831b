"""A repair that is counted by a process that is killed: another one goes on, and nothing is done unconfirmed."""

from contextlib import closing
from pathlib import Path

from msgspec import to_builtins

from app.jobs.job_threads import JobControl, JobThreads
from app.jobs.kinds import work_of
from streams.queues.jobs import JobState
from streams.replay.repair import GapFilter
from streams.storage.leadership import Lane
from tests.app.killing import killed
from tests.world import World, card, iin, registered

PEOPLE = 6


def test_a_killed_count_goes_on_and_nothing_was_done(tmp_path: Path) -> None:
    """Killed in any look, it goes on behind the last one that was kept; only once confirmed anything is planned."""
    world = World(tmp_path)
    with closing(world):
        for number in range(1, PEOPLE + 1):
            world.take(*registered(iin(number)), card(iin(number), "2025-07-20", f"N{number}"))
        jobs, workers = world.platform.queues.jobs, JobThreads(world.platform)
        job_control = JobControl(world.platform, workers)
        id_ = jobs.ask("repair", Lane.NUDGES, to_builtins(GapFilter()), "olga").id

        left = jobs.job(id_)
        for look, seen in ((3, 2), (2, 3)):
            killed(world, tmp_path, id_, look)
            left = jobs.job(id_)
            assert (left.state, left.done, left.unit, jobs.has_lost_process(left)) == (
                JobState.COUNTING,
                seen,
                "persons",
                True,
            )
            assert left.of >= left.done
        world.platform.replay.repair.batch = 1
        looked: list[int] = []
        counted = jobs.run(id_, work_of(world.platform, left), lambda job: looked.append(job.done))
        assert (looked, counted.state, counted.of) == ([4, 5, 6, 0], JobState.COUNTED, len(world.intents()))
        assert (world.nudges(), world.health().unplanned > 0) == ([], True)
        job_control.confirm(id_, counted.of, "oleg")
        workers.wait()
        assert (jobs.job(id_).state, jobs.job(id_).done, world.health().unplanned) == (JobState.DONE, counted.of, 0)
