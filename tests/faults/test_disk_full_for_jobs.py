"""A disk so full that not even a job over history can be noted: it is said, and log and views stay as they are."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from streams.replay.rebuild_compare import COMPARED
from streams.storage.database import Database
from streams.storage.tables import jobs, log
from tests.faults.disks import Disk, disk
from tests.faults.post import Post
from tests.faults.site import Site, crowd, site
from tests.services import postgres

PLANNED, WAITING = 60, 20
FOR_A_SHADOW = 300_000
"""Bytes: room to note a job and to begin a shadow, and not to end it."""
COMMANDS = (
    ("replay", "views", "--all", "--yes"),
    ("replay", "--verify"),
    ("repair", "--yes"),
    ("backfill", "traffic_fine_discount", "--since", "2023-01-01", "--also-overdue", "--yes"),
)
TO_KAFKA = ("replay", "kafka", "--from", "1", "--yes")
NO_ROOM = ("disk is full", "disk I/O error", "No space left on device")


@pytest.fixture(params=["sqlite", "postgres"])
def full(request: pytest.FixtureRequest, tmp_path: Path, mail: Post) -> Iterator[tuple[Site, Disk]]:
    """A platform on a small disk of its own, on which there is room yet."""
    if request.param == "sqlite":
        with (
            disk(tmp_path / "disk", 24) as small,
            _lived(f"sqlite:///{small.folder}/log.sqlite", tmp_path, mail) as at,
        ):
            yield at, small
        return
    with tempfile.TemporaryDirectory(prefix="habarshy-disk-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is another user
        with (
            disk(Path(folder) / "data", 160) as small,
            postgres.own(room=small.folder) as server,
            postgres.fresh(server.url) as url,
            _lived(url.render_as_string(hide_password=False), tmp_path, mail) as at,
        ):
            yield at, small


@contextmanager
def _lived(url: str, folder: Path, mail: Post) -> Iterator[Site]:
    """Where some were planned, some wait for it, and some were fined before the trigger looks."""
    with site(folder, url, mail) as here:
        roles = ("--role", "operator", "--role", "author", "--role", "approver")
        olga = here.run("principals", "add", "olga", "--agency", "interior", *roles)
        here.environment |= {"HABARSHY_TOKEN": olga.lines[0], "HABARSHY_KAFKA": "127.0.0.1:9"}
        here.take(*crowd(0, PLANNED), *crowd(200, 10, on="2023-02-02"))
        with here.platform() as at:
            at.intake.accept(crowd(400, WAITING))
        yield here


def rows(database: Database) -> dict[str, int]:
    """What is in the log, in the views and in the book of jobs."""
    with database.reading() as connection:
        tables = (*COMPARED, log, jobs)
        return {each.name: connection.scalar(select(func.count()).select_from(each)) or 0 for each in tables}


def test_no_job_is_begun_without_room(full: tuple[Site, Disk]) -> None:
    """Each ends with 3 and says that the disk is full; nothing has changed, and with room each goes through."""
    here, small = full
    with closing(Database(here.url)) as others:  # as a platform at work has it open
        before = rows(others)
        small.fill()
        for command in (*COMMANDS, TO_KAFKA):
            refused = here.start(*command).ended()
            assert (refused.code, "Traceback" in refused.talk) == (3, False), refused.talk
            assert refused.talk.startswith("nothing was done: no job could be noted ("), refused.talk
            assert any(words in refused.talk for words in NO_ROOM), refused.talk
        assert rows(others) == before
        small.empty()
        for command in COMMANDS:
            done = here.start(*command).ended()
            assert done.code == 0, done.talk
        assert rows(others)[jobs.name] == len(COMMANDS)


def test_a_rebuild_that_filled_the_disk_is_cancelled(tmp_path: Path, mail: Post) -> None:
    """Where what it left takes the last room, it goes first: only then can it be noted that the job is cancelled."""
    with (
        disk(tmp_path / "disk", 24) as small,
        _lived(f"sqlite:///{small.folder}/log.sqlite", tmp_path, mail) as here,
        closing(Database(here.url)) as others,  # as a platform at work has it open
    ):
        before = {name: many for name, many in rows(others).items() if name != jobs.name}
        small.fill(FOR_A_SHADOW)
        refused = here.start("replay", "views", "--all", "--yes").ended()
        assert (refused.code, "`habarshy jobs resume 1` goes on" in refused.talk) == (3, True), refused.talk
        small.fill()
        cancelled = here.start("jobs", "cancel", "1").ended()
        assert (cancelled.code, cancelled.talk) == (0, "job 1 is cancelled\n")
        assert [each.name for each in small.folder.glob("*.shadow*")] == []
        assert {name: many for name, many in rows(others).items() if name != jobs.name} == before
