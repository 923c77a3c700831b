"""The commands for jobs, and how progress is told."""

import io
import re
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from app.clock import fixed, system_clock
from app.identity.log_codes import codes_by
from app.jobs.pace import duration
from app.jobs.progress import Counting, Progress, ProgressLine
from streams.queues.job_store import Jobs
from streams.queues.jobs import Job, JobState, Plan
from streams.storage.database import Database
from streams.storage.leadership import Lane
from streams.storage.schema import migrate
from tests.app.terminal import Terminal, begun
from tests.beginnings import KEYRING
from tests.streams.storing import NOW, url_in
from tests.world import iin, registered


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with a database."""
    return begun(tmp_path, _reported)


def _reported(terminal: Terminal) -> None:
    assert terminal.run("ingest", terminal.written("life.ndjson", *registered(iin(1)))).code == 0


@pytest.fixture
def operator(terminal: Terminal) -> Mapping[str, str]:
    """The environment of an operator."""
    return terminal.act("olga", "platform", "operator")


def put(terminal: Terminal) -> int:
    """A job of a kind that no version knows; its number."""
    with terminal.database() as database:
        jobs = Jobs(database, system_clock)
        return jobs.add("counting", Lane.KAFKA, {"upto": 3}, Plan("count", 3, "numbers", 1), "olga").id


def test_jobs_are_listed_and_paused(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """An operator sees a job as a line and as JSON, and pauses it; what is not to be paused is told with 1."""
    id_ = str(put(terminal))
    [job] = terminal.run("jobs", "list", "--json", env=operator).objects
    assert (job["id"], job["kind"], job["state"], job["asked_by"], job["done"], job["of"]) == (
        1,
        "counting",
        "planned",
        "olga",
        0,
        3,
    )
    assert terminal.run("jobs", "pause", id_, env=operator).code == 0
    [line] = terminal.run("jobs", "show", id_, env=operator).lines
    assert line.startswith("job 1: 0 of 3 numbers (0 %)  counting  paused  olga")
    again = terminal.run("jobs", "pause", id_, env=operator)
    assert (again.code, again.talk) == (1, "job 1 cannot be paused: it is paused.")


def test_a_kind_that_is_unknown_here_is_told(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """A job of another version's is neither resumed nor cancelled by this one, and stays."""
    id_ = str(put(terminal))
    for wish in ("resume", "cancel"):
        ended = terminal.run("jobs", wish, id_, env=operator)
        assert (ended.code, "knows no such kind" in ended.talk) == (3, True)
    assert terminal.run("jobs", "show", "7", env=operator).code == 1


COMMANDS = (["show", "1"], ["pause", "1"], ["resume", "1"], ["cancel", "1"])


def test_jobs_of_others_are_for_operators(terminal: Terminal) -> None:
    """Who is no operator neither sees what others asked for nor touches it; who is nobody does not even ask."""
    put(terminal)
    author = terminal.act("aida", "interior", "author")
    for env in (author, {}):
        for command in COMMANDS:
            ended = terminal.run("jobs", *command, env=env)
            assert (ended.code, ended.lines) == (4, [])
    assert [terminal.run("jobs", "list", env=env).code for env in (author, {})] == [0, 4]
    assert terminal.run("jobs", "list", env=author).lines == []


def repairing(terminal: Terminal, trigger: str | None) -> int:
    """A repair that Aida asked for, paused; its number."""
    with terminal.database() as database:
        jobs = Jobs(database, system_clock)
        made = jobs.add("repair", Lane.NUDGES, {"trigger": trigger}, Plan("repair", 1, "persons", 1), "aida")
        return jobs.pause(made.id).id


@pytest.mark.parametrize("wish", ["resume", "cancel"])
def test_whoever_asked_for_a_job_decides_on_it(terminal: Terminal, wish: str) -> None:
    """An author sees the repair of their trigger that was paused, and resumes or cancels it: the next one begins."""
    env = terminal.act("aida", "interior", "author")
    repair = ("repair", "--trigger", "traffic_fine_discount", "--yes")
    id_ = str(repairing(terminal, "traffic_fine_discount"))
    assert terminal.run(*repair, env=env).code == 3
    assert [each["id"] for each in terminal.run("jobs", "list", "--json", env=env).objects] == [int(id_)]
    assert terminal.run("jobs", "show", id_, env=env).code == 0
    ended = terminal.run("jobs", wish, id_, env=env)
    assert ended.code == 0, ended.talk
    assert terminal.run(*repair, env=env).code == 0


@pytest.mark.parametrize(("agency", "trigger"), [("finance", "traffic_fine_discount"), ("interior", None)])
def test_what_they_may_not_have_done_any_more_is_not_resumed(
    terminal: Terminal, agency: str, trigger: str | None
) -> None:
    """A repair of a trigger that is not their agency's, or of everything, is cancelled by who asked, not resumed."""
    env = terminal.act("aida", agency, "author")
    id_ = str(repairing(terminal, trigger))
    assert [terminal.run("jobs", wish, id_, env=env).code for wish in ("resume", "cancel")] == [4, 0]


def a_job(tmp_path: Path) -> Job:
    """A job that has just begun."""
    database = Database(url_in(tmp_path))
    with closing(database):
        migrate(database)
        database.use_codes(codes_by(KEYRING))
        made = Jobs(database, fixed(NOW)).add("x", Lane.VIEWS, {}, Plan("count", 100, "facts", 1), "olga")
    return replace(made, state=JobState.RUNNING)


def at(job: Job, done: int, seconds: int) -> Job:
    """The job when it has come that far."""
    return replace(job, done=done, worked=timedelta(seconds=seconds))


def screen(width: int = 100, term: str = "xterm") -> Console:
    """A terminal that keeps what is written to it."""
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, _environ={"TERM": term})


def drawn(console: Console) -> list[str]:
    """The lines that the terminal showed one after the other, without the bar."""
    assert isinstance(console.file, io.StringIO)
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", console.file.getvalue())
    lines = [line.lstrip("━╸╺ ").rstrip() for line in re.split(r"[\r\n]+", plain)]
    return [line for line, before in zip(lines, ["", *lines], strict=False) if line and line != before]


def test_progress_at_a_terminal_is_one_line(tmp_path: Path) -> None:
    """The line is written over, with rate and time to go as measured since the process took the job up."""
    job, console = a_job(tmp_path), screen()
    shown = Progress(ProgressLine(console))
    for each in (at(job, 50, 1000), at(job, 60, 1002)):
        shown(each)
    shown.end()
    assert drawn(console) == [
        "job 1: 50 of 100 facts (50 %)",
        "job 1: 60 of 100 facts (60 %), 5/s, 8 s to go",
    ]


def test_progress_of_something_else_has_a_rate_of_its_own(tmp_path: Path) -> None:
    """Where a job goes on to count something else, how fast it goes is measured from there."""
    job, console = a_job(tmp_path), screen()
    shown = Progress(ProgressLine(console))
    for each in (at(job, 10, 0), at(job, 100, 9), *(at(replace(job, unit="rows"), done, done) for done in (10, 20))):
        shown(each)
    shown.end()
    assert drawn(console)[2:] == [
        "job 1: 10 of 100 rows (10 %)",
        "job 1: 20 of 100 rows (20 %), 1/s, 80 s to go",
    ]


def test_counting_is_told_at_a_terminal_alone() -> None:
    """Before anybody is asked, how far the count has come is one line with rate and time to go."""
    for console in (screen(), Console(file=io.StringIO(), force_terminal=False)):
        seconds, line = iter([0.0, 5.0, 10.0]), ProgressLine(console, passing=True)
        counting = Counting(line, lambda: next(seconds))  # noqa: B023  (asked at once)
        for looked in (500, 1500):
            counting(looked, 2000, "persons")
        line.end()
        assert drawn(console) == (
            [
                "counting: 500 of about 2,000 persons, 100/s, 15 s to go",
                "counting: 1,500 of about 2,000 persons, 150/s, 3 s to go",
            ]
            if console.is_terminal
            else []
        )


def test_progress_elsewhere_is_a_line_every_ten_seconds(tmp_path: Path) -> None:
    """Where nobody looks, a log gets a line now and then."""
    job, out = a_job(tmp_path), io.StringIO()
    shown = Progress(ProgressLine(Console(file=out)))
    for second in range(25):
        shown(at(job, second, second))
    shown.end()
    assert [line.partition(" of")[0] for line in out.getvalue().splitlines()] == ["job 1: 10", "job 1: 20"]


def test_times_are_told_as_people_do() -> None:
    """Seconds up to two minutes, then minutes, then hours."""
    assert [duration(each) for each in (-1, 40.2, 119, 600, 11_100)] == [
        "0 s",
        "40 s",
        "119 s",
        "10 min",
        "3 h 5 min",
    ]


def test_progress_goes_with_the_terminal(tmp_path: Path) -> None:
    """One that cannot begin a line anew gets whole lines; on a narrow one the line is cut, and stays one."""
    job = a_job(tmp_path)
    for console, count in ((screen(20), 1), (screen(20, "dumb"), 0)):
        shown = Progress(ProgressLine(console))
        shown(at(job, 50, 1000))
        shown.end()
        lines = drawn(console)
        assert (len(lines), all(line.endswith("…") for line in lines)) == (count, True)
