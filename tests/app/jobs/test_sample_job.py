"""The nightly sample: the schedule asks for it, the role jobs does it, and what it finds is told."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.http.metrics import exposition
from app.jobs.job_threads import JobThreads
from app.scheduled import schedule_of
from app.settings import load_settings
from domain.facts.facts import NudgeCancelled
from projections import history, nudges
from streams.log.appending import record
from streams.queries.health import read_status
from streams.queues.jobs import Job, JobState
from streams.replay import sample
from tests.app.terminal import Terminal
from tests.app.test_alerts import ALERTS
from tests.services import promtool
from tests.world import LONG_AGO, NOON, card, iin, registered

PEOPLE = 5
DAY = timedelta(days=1)


@pytest.fixture
def platform(terminal: Terminal) -> Iterator[Platform]:
    """The platform of the terminal, on which some people are planned, three of whom are looked at each night."""
    data = terminal.folder / "data" / "habarshy"
    settings = load_settings(
        database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key", sample_persons=3
    )
    on = compose(settings, VirtualClock(NOON))
    for number in range(1, PEOPLE + 1):
        on.intake.accept([*registered(iin(number), LONG_AGO), card(iin(number), "2025-12-20", f"N{number}")])
    on.planning.planning.drain()
    schedule_of(on).take_up()
    with closing(on.database):
        yield on


def night(on: Platform) -> Job:
    """A night passes; the job that the schedule asked for, as it is done."""
    assert isinstance(on.clock, VirtualClock)
    on.clock.advance_to(on.clock() + DAY)
    schedule_of(on).run_due(lambda: False)
    workers = JobThreads(on)
    workers.start_waiting()
    workers.wait()
    workers.stop()
    [job, *_] = on.queues.jobs.latest(1)
    assert (job.kind, job.asked_by, job.state) == (sample.KIND, "schedule", JobState.DONE)
    return job


def everybody(on: Platform) -> list[str]:
    """All pseudonyms, in their order."""
    with on.database.reading() as connection:
        return history.persons_after(connection, "", 100)


def robbed(on: Platform, person: str) -> None:
    """The person loses a message that they should get."""
    with on.database.reading() as connection:
        [nudge, *_] = nudges.of_persons(connection, [person])[person]
    facts = [(nudge, NudgeCancelled(NOON))]
    on.database.write(lambda connection: record(connection, on.log, facts))


def test_each_night_looks_at_the_next_persons(platform: Platform) -> None:
    """A sample has as many persons as the settings say, and begins where the last one ended."""
    first, second = night(platform), night(platform)
    assert (first.done, second.done, first.arguments["after"]) == (3, 3, "")
    assert second.arguments["after"] == everybody(platform)[2]
    assert sample.start_of_next(second) == everybody(platform)[0]


def test_a_loss_is_told_until_it_is_mended(terminal: Terminal, platform: Platform) -> None:
    """The schedule, the jobs and the state name how many miss something and by which trigger, and what to run."""
    robbed(platform, everybody(platform)[1])
    job = night(platform)
    scheduled = terminal.run("schedule", "--clock", platform.clock().isoformat())
    assert scheduled.code == 1
    told = f"sample: job {job.id}: not all is as the log says; `habarshy repair --plan` lists what people miss"
    assert told in scheduled.talk
    state = terminal.run("status", "--clock", platform.clock().isoformat())
    [line] = [line for line in state.lines if "The last sample" in line]
    assert line.startswith(
        "BAD: The last sample found people whose messages are not as planned: 1. Triggers: identity_card_expiry."
    )
    assert line.endswith("habarshy repair --plan")
    assert "sample differences: 1 person" in state.lines
    shown = terminal.run("jobs", "show", str(job.id))
    assert "  identity_card_expiry: 1 missing" in shown.lines
    everything = "".join((scheduled.talk, *scheduled.lines, *state.lines, *shown.lines))
    assert not any(person in everything for person in everybody(platform))
    assert terminal.run("repair", "--yes", "--clock", platform.clock().isoformat()).code == 0
    assert night(platform).arguments["after"] == ""
    again = terminal.run("status", "--clock", platform.clock().isoformat())
    assert not [line for line in again.lines if "The last sample" in line]
    assert terminal.run("schedule", "--clock", platform.clock().isoformat()).code == 0


def test_a_loss_calls_somebody(platform: Platform, tmp_path: Path) -> None:
    """The metric of the last sample counts who misses something, and its alert fires."""
    robbed(platform, everybody(platform)[1])
    night(platform)
    state = read_status(platform.database, platform.log, platform.replay.follower, platform.clock())
    text = exposition("worker", state, (), ready=True).decode()
    assert "habarshy_sample_differences 1.0" in text.splitlines()
    summary = "1 persons of the last sample have other messages than planned"
    about = "Others may miss theirs too. `habarshy replay --verify` counts them, `habarshy repair` plans them."
    fires = {
        "exp_labels": {"severity": "critical"},
        "exp_annotations": {"summary": summary, "description": about},
    }
    promtool.play(tmp_path, [ALERTS], {"habarshy_sample_differences": [1.0] * 15}, {"HabarshySampleDiffers": [fires]})
    promtool.play(tmp_path, [ALERTS], {"habarshy_sample_differences": [0.0] * 15}, {"HabarshySampleDiffers": []})
