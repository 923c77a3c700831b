"""Jobs that somebody without the key wrote or changed are told as that, and everything else goes on."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.http.metrics import exposition
from app.jobs.job_results import trouble
from app.jobs.job_threads import JobControl, JobThreads
from app.reports.condition import ConditionReader
from app.reports.findings import FindingKind, findings
from app.settings import load_settings
from streams.queries.health import read_status
from streams.queues.jobs import JobState
from streams.replay import sample
from streams.storage.tables import jobs
from tests.app.terminal import Terminal
from tests.app.test_alerts import ALERTS
from tests.services import promtool
from tests.world import NOON


@pytest.fixture
def platform(terminal: Terminal) -> Iterator[Platform]:
    """The platform of the terminal."""
    data = terminal.folder / "data" / "habarshy"
    settings = load_settings(database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key")
    on = compose(settings, VirtualClock(NOON))
    with closing(on.database):
        yield on


def worked(on: Platform) -> None:
    """The role jobs works at what waits."""
    workers = JobThreads(on)
    workers.start_waiting()
    workers.wait()
    workers.stop()


def done(on: Platform, kind: str) -> int:
    """The number of a job of that kind that has ended."""
    arguments = {"after": "", "persons": 3} if kind == sample.KIND else {}
    id_ = JobControl(on).begin(kind, arguments, "olga").id
    worked(on)
    assert on.queues.jobs.job(id_).state is JobState.DONE
    return id_


def changed(on: Platform, id_: int, values: Mapping[str, Any]) -> None:
    """Somebody writes to the row of the job."""
    on.database.write(lambda connection: connection.execute(update(jobs).where(jobs.c.id == id_).values(values)))


def told(on: Platform) -> list[tuple[str, int]]:
    """What is wrong with jobs, as the console has it: the kind and the number."""
    found = findings(ConditionReader(on, trouble).read())
    return [(each.kind, each.count) for each in found if "job" in each.kind]


@pytest.mark.parametrize("words", ["", '{"findings":"many","unlike":"all"}', "[]"])
@pytest.mark.parametrize("kind", [sample.KIND, "audit verify", "replay verify"])
def test_a_result_that_cannot_be_read_is_a_finding(
    terminal: Terminal, platform: Platform, kind: str, words: str
) -> None:
    """The state, the jobs and the schedule say that somebody changed the result, and show all else."""
    id_ = done(platform, kind)
    changed(platform, id_, {"words": words})
    assert told(platform) == [(FindingKind.JOB_ALTERED, id_)]
    clock = ("--clock", NOON.isoformat())
    state = terminal.run("status", *clock)
    said = f"BAD: Somebody without our key wrote or changed job {id_} ({kind}) in the database."
    assert [line for line in state.lines if line.startswith(said)]
    assert "altered jobs: 1 job" in state.lines
    for command in (["jobs", "list"], ["jobs", "show", str(id_)]):
        assert "its result cannot be read" in "\n".join(terminal.run(*command).lines)
    done(platform, kind)
    assert told(platform) == []


FORGED: Mapping[str, Mapping[str, Any]] = {
    "another asker": {"asked_by": "somebody"},
    "no code": {"code": None},
    "an unknown kind": {"kind": "plunder"},
    "no arguments": {"arguments": "{"},
    "an unknown state": {"state": "hovering"},
    "a count that is none": {"state": "counted", "cursor": "{"},
    "an unknown lane": {"lane": "fast"},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_job_is_told_and_holds_nothing_up(terminal: Terminal, platform: Platform, how: str) -> None:
    """It is no mere failure but a finding of its own, before and after the role jobs has seen it; others are done."""
    id_ = JobControl(platform).begin("audit verify", {}, "olga").id
    changed(platform, id_, FORGED[how])
    for _ in range(2):
        assert told(platform) == [(FindingKind.JOB_ALTERED, id_)]
        state = json.loads(terminal.run("status", "--json", "--clock", NOON.isoformat()).lines[0])
        assert (state["altered_jobs"], state["findings"][0]["kind"]) == (1, "job_altered")
        worked(platform)
    done(platform, sample.KIND)
    assert terminal.run("jobs", "list").code == 0
    if how not in {"no arguments", "an unknown state", "a count that is none", "an unknown lane"}:
        assert terminal.run("jobs", "cancel", str(id_)).code == 0
        assert told(platform) == []
    else:
        assert f"Job {id_} cannot be read" in terminal.run("jobs", "cancel", str(id_)).talk


def test_a_forged_job_calls_somebody(platform: Platform, tmp_path: Path) -> None:
    """The metric counts it, and its alert fires at once."""
    changed(platform, JobControl(platform).begin("audit verify", {}, "olga").id, {"code": None})
    state = read_status(platform.database, platform.log, platform.replay.follower, platform.clock())
    text = exposition("worker", state, (), ready=True).decode()
    assert "habarshy_altered_jobs 1.0" in text.splitlines()
    summary = "1 jobs were written or changed in the database by somebody without our key"
    about = "Nothing of them is done. `habarshy status` names them. Find out who wrote to the database."
    fires = {
        "exp_labels": {"severity": "critical"},
        "exp_annotations": {"summary": summary, "description": about},
    }
    promtool.play(tmp_path, [ALERTS], {"habarshy_altered_jobs": [1.0] * 15}, {"HabarshyJobAltered": [fires]})
    promtool.play(tmp_path, [ALERTS], {"habarshy_altered_jobs": [0.0] * 15}, {"HabarshyJobAltered": []})
