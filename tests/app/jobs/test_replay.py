"""Replays as operators see them: the plan, the confirmation, kills, a full disk, and what is left afterwards."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, select, update

from app.clock import system_clock
from app.jobs.replay_jobs import VIEWS
from domain.core.events import LifeEvent
from projections import tables
from streams.queues.job_store import Jobs
from streams.queues.jobs import Plan
from streams.replay.rebuild_compare import COMPARED
from streams.storage.database import Database
from streams.storage.leadership import Lane
from streams.storage.tables import log
from tests.app.terminal import Ended, Terminal
from tests.world import LONG_AGO, annulled, card, corrected, fine, iin, registered

CARDS = [card(iin(number), "2025-07-20") for number in range(1, 8)]
LIFE = [
    *(each for number in range(1, 8) for each in registered(iin(number), LONG_AGO)),
    *CARDS,
    corrected(CARDS[0], 2, expires_on="2025-08-20"),
    annulled(CARDS[1], 2),
    fine(iin(1), "F1", "2025-05-30T12:00:00+05:00"),
]
JUNE = "--clock=2025-06-20T12:00+05:00"
LITTLE = 150_000
"""Bytes that a file may have where the disk is full: too few for a shadow."""
ALL = ("replay", "views", "--all")


class Site:
    """A terminal on whose database some people lived, were planned and told; and an operator."""

    def __init__(self, folder: Path, operator: Mapping[str, str]) -> None:
        self.terminal, self.operator = Terminal(folder), operator
        self.file = folder / "data" / "habarshy" / "habarshy.sqlite"

    def run(self, *arguments: str, stdin: bytes | None = None) -> Ended:
        """Run a command as the operator."""
        return self.terminal.run(*arguments, env=self.operator, stdin=stdin)

    def database(self) -> AbstractContextManager[Database]:
        """The database, for a look."""
        return self.terminal.database()

    def add(self) -> int:
        """A job that rebuilds all views, not begun; its number."""
        with self.database() as database:
            arguments = {"views": list(VIEWS)}
            jobs = Jobs(database, system_clock)
            return jobs.add("replay views", Lane.VIEWS, arguments, Plan("rebuild", 1, "facts", 1), "olga").id

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """View -> its rows, as the log decides them."""
        with self.database() as database, database.reading() as connection:
            return {
                table.name: sorted(connection.execute(select(*(table.c[name] for name in columns))).all(), key=repr)
                for table, columns in COMPARED.items()
            }

    def lose(self) -> None:
        """Some views lose rows."""
        with self.database() as database:
            for table in (tables.due, tables.trail, tables.history):
                database.write(partial(Connection.execute, statement=delete(table)))

    @property
    def files(self) -> set[str]:
        """What lies beside the database."""
        return {path.name for path in self.file.parent.iterdir()}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site where people lived."""
    terminal = Terminal(tmp_path_factory.mktemp("lived"))
    assert terminal.run("ingest", terminal.written("life.ndjson", *LIFE)).code == 0
    assert terminal.run("run", "--until-idle", JUNE).code == 0
    return Site(terminal.folder, terminal.act("olga", "platform", "operator"))


@pytest.fixture
def site(lived: Site, tmp_path: Path) -> Site:
    """A site of this test's own."""
    shutil.copytree(lived.terminal.folder, tmp_path, dirs_exist_ok=True)
    return Site(tmp_path, lived.operator)


def test_the_plan_comes_first_and_is_agreed_to_by_its_count(site: Site) -> None:
    """What, how many and how long is data; another word declines (5) and makes no job; --plan only says it."""
    [plan] = site.run(*ALL, "--plan", "--json").objects
    assert (plan["unit"], plan["rate"], plan["what"]) == (
        "facts",
        "estimated",
        f"rebuild {len(VIEWS)} views and mend the live ones",
    )
    for stdin in (b"y\n", b"", f"{plan['count'] + 1}\n".encode()):
        declined = site.run(*ALL, stdin=stdin)
        assert (declined.code, len(declined.lines)) == (5, 1)
    assert site.run("jobs", "list").lines == []

    done = site.run(*ALL, stdin=f"{plan['count']}\n".encode())

    assert done.code == 0, done.talk
    assert done.lines[1:] == [f"{table.name}: equal" for table in COMPARED]
    [job] = site.run("jobs", "list", "--json").objects
    assert (job["state"], job["asked_by"], job["done"]) == ("done", "olga", plan["count"])
    assert site.run(*ALL, "--plan", "--json").objects[0]["rate"] == "measured"


def test_what_views_lost_is_mended(site: Site) -> None:
    """Rows that live views lack are counted and put back; whose history was wrong is planned again, and the same."""
    before, files = site.rows(), site.files
    site.lose()

    ended = site.run("replay", "views", "due", "trail", "history", "--yes", "--json")

    assert ended.code == 0, ended.talk
    found = {each["view"]: each["differences"] for each in ended.objects[1:]}
    assert found == {name: len(before[name]) for name in ("history", "due", "trail")}
    assert (site.rows(), site.files) == (before, files)
    assert site.run("run", "--until-idle", JUNE).code == 0
    assert site.rows() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "which views?"),
        (("--all", "due"), "which views?"),
        (("nudge",), "no view 'nudge' (did you mean 'nudges'?). The views are: history,"),
    ],
)
def test_views_that_are_not_there_are_refused(site: Site, arguments: tuple[str, ...], told: str) -> None:
    """No view, or one that there is none of, is a wrong usage (2) that says what there is."""
    ended = site.run("replay", "views", *arguments, "--yes")
    assert (ended.code, told in ended.talk) == (2, True), ended.talk


def test_replays_are_for_operators(site: Site) -> None:
    """Who is no operator, or nobody, replays nothing (4)."""
    author = site.terminal.act("aida", "water", "author")
    for env in (author, {}):
        assert site.terminal.run(*ALL, "--yes", env=env).code == 4


def killed(site: Site, id_: int, step: int) -> None:
    """Work at the job in a process of its own that is killed in that step."""
    environment = {name: value for name, value in {**os.environ, **site.terminal.environment}.items() if value}
    command = [sys.executable, "-m", "tests.app.killing", str(id_), str(step)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True)  # noqa: S603  (ourselves)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_a_killed_rebuild_goes_on_where_it_was(site: Site) -> None:
    """Killed again and again, it goes on with what was rebuilt; until its end the live views are as they were."""
    before, files = site.rows(), site.files
    site.lose()
    lost = site.rows()
    id_ = site.add()
    for step in (1, 4, 9):
        killed(site, id_, step)
        assert site.rows() == lost
    [job] = site.run("jobs", "list", "--json").objects
    assert (job["state"], job["alone"], 0 < job["done"] <= job["of"]) == ("running", True, True)
    busy = site.run(*ALL, "--yes")
    assert (busy.code, f"job {id_} (replay views, asked for by olga) has lost its process" in busy.talk) == (3, True)

    resumed = site.run("jobs", "resume", str(id_))

    assert resumed.code == 0, resumed.talk
    assert "beginning anew" not in resumed.talk
    assert (site.rows(), site.files) == (before, files)


def test_a_cancelled_rebuild_leaves_nothing(site: Site) -> None:
    """What a killed rebuild left goes with its cancelling; the next one begins."""
    files, id_ = site.files, site.add()
    killed(site, id_, 5)
    assert site.files > files
    assert site.run("jobs", "cancel", str(id_)).code == 0
    assert site.files == files
    again = site.run("jobs", "resume", str(id_))
    assert (again.code, again.talk) == (1, f"job {id_} cannot be resumed: it is cancelled.")
    assert site.run(*ALL, "--yes").code == 0


def test_a_shadow_that_was_taken_away_is_begun_anew(site: Site) -> None:
    """Whoever deletes what was rebuilt so far loses only that."""
    id_ = site.add()
    killed(site, id_, 9)
    for each in site.file.parent.glob("*.shadow*"):
        each.unlink()
    resumed = site.run("jobs", "resume", str(id_))
    assert (resumed.code, "beginning anew" in resumed.talk) == (0, True)


def test_a_verification_finds_all_as_it_was_and_has_a_digest(site: Site) -> None:
    """Without differences it ends with 0, changes nothing, needs nobody's token, and says the same each time."""
    before, files = site.rows(), site.files
    ended = [site.terminal.run("replay", "--verify", "--json") for _ in range(3)]

    assert [each.code for each in ended] == [0, 0, 0], ended[0].talk
    plan, *views, standing, digest = ended[0].objects
    assert (plan["unit"], {each["view"]: each["differences"] for each in views}) == (
        "facts, each counted twice",
        dict.fromkeys(VIEWS, 0),
    )
    assert (standing["differences"], standing["waiting"], standing["facts"]) == (0, 0, len(LIFE))
    assert standing["intents"] > 0
    assert len({str(each.objects[-1]) for each in ended}) == 1
    assert len(digest["digest"]) == 64
    assert (site.rows(), site.files) == (before, files)


def test_a_verification_names_what_differs_and_nobody(site: Site) -> None:
    """What differs is counted by view and by people, with exit 1, and nobody is named."""
    with site.database() as database:
        gone = delete(tables.nudges).where(tables.nudges.c.state == "planned")
        lost = database.write(partial(Connection.execute, statement=gone)).rowcount
    ended = site.terminal.run("replay", "--verify", "--json")
    assert ended.code == 1
    assert {each["view"]: each["differences"] for each in ended.objects[1:-2]}["nudges"] == lost > 0
    assert 0 < ended.objects[-2]["differences"] <= 7
    assert not any(person in "".join(ended.lines) + ended.talk for person in map(iin, range(1, 8)))


def begun(site: Site, kind: str, lane: Lane) -> str:
    """A job of that kind, begun and then paused; its number."""
    with site.database() as database:
        jobs = Jobs(database, system_clock)
        return str(jobs.pause(jobs.add(kind, lane, {}, Plan("look", 1, "facts", 1), "olga").id).id)


@pytest.mark.parametrize("lost", [False, True])
def test_a_resumed_verification_ends_as_another_does(site: Site, *, lost: bool) -> None:
    """Whoever resumes one reads what `replay --verify` prints, the digest too, and its exit code; so do programs."""
    if lost:
        site.lose()
    for flags in ((), ("--json",)):
        whole = site.terminal.run("replay", "--verify", *flags)
        resumed = site.run("jobs", "resume", begun(site, "replay verify", Lane.VIEWS), *flags)
        assert resumed.code == whole.code == int(lost), resumed.talk
        assert resumed.lines[1:] == whole.lines[1:]
    words, *_, digest = site.run("jobs", "resume", begun(site, "replay verify", Lane.VIEWS), "--json").objects
    assert json.loads(words["words"])["digest"] == digest["digest"]
    listed = site.run("jobs", "list", "--limit", "1").lines
    assert ("not all is as the log says" in listed[0]) == lost


def test_a_resumed_audit_ends_as_another_does(site: Site) -> None:
    """An audit that finds something ends with 1 by whatever command it is done, and prints its counts."""
    assert site.run("jobs", "resume", begun(site, "audit verify", Lane.AUDIT)).code == 0
    with site.database() as database:
        with database.reading() as connection:
            first = connection.scalar(select(func.min(log.c.position)).where(log.c.topic == LifeEvent.TOPIC))
        altered = update(log).where(log.c.position == first).values(state=b"x")
        database.write(partial(Connection.execute, statement=altered))
    whole = site.run("audit", "verify")
    resumed = site.run("jobs", "resume", begun(site, "audit verify", Lane.AUDIT))
    assert (resumed.code, resumed.lines[-1]) == (whole.code, whole.lines[-1]) == (1, whole.lines[-1])
    assert resumed.lines[1].startswith(f"changed: 1; the first: position {first}, block 1")


def test_who_is_not_planned_yet_is_no_difference(site: Site) -> None:
    """Where people wait for their plan, that is said, and nothing of them is taken for a difference."""
    late = site.terminal.written("late.ndjson", card(iin(1), "2025-09-20", "N2", "2025-06-19T12:00:00+05:00"))
    assert site.terminal.run("ingest", late).code == 0
    ended = site.terminal.run("replay", "--verify", "--json")
    assert (ended.code, ended.objects[-2]["waiting"], ended.objects[-2]["differences"]) == (0, 1, 0), ended.talk
    lines = site.terminal.run("replay", "--verify").lines
    assert "nudges: as planned, as far as they were compared" in lines
    assert "  not compared: 1 person, yet to be planned" in lines


def test_a_killed_verification_goes_on(site: Site) -> None:
    """Killed in its first parts and in its last, it comes to what it would have come to."""
    whole = site.terminal.run("replay", "--verify", "--json").objects[-2:]
    with site.database() as database:
        plan = Plan("verify", 1, "facts", 1)
        id_ = Jobs(database, system_clock).add("replay verify", Lane.VIEWS, {}, plan, "olga").id
    killed(site, id_, 4)
    resumed = site.run("jobs", "resume", str(id_), "--json")
    assert resumed.code == 0, resumed.talk
    assert json.loads(resumed.objects[0]["words"])["digests"]["facts"] == whole[1]["facts_digest"]


def test_a_full_disk_fails_the_rebuild_in_words(site: Site) -> None:
    """Where files cannot grow the rebuild ends with 3 and says how to go on; live views are as they were."""
    before = site.rows()
    environment = {**os.environ, **site.terminal.environment, **site.operator}
    done = subprocess.run(  # noqa: S603  (ourselves)
        [sys.executable, "-m", "app", *ALL, "--yes"],
        check=False,
        capture_output=True,
        text=True,
        env={name: value for name, value in environment.items() if value is not None},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LITTLE, LITTLE)),
    )
    assert (done.returncode, "`habarshy jobs resume 1` goes on" in done.stderr) == (3, True), done.stderr
    assert "Traceback" not in done.stderr
    assert site.rows() == before

    resumed = site.run("jobs", "resume", "1")

    assert resumed.code == 0, resumed.talk
    assert site.rows() == before
