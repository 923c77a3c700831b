"""The disk is full, or cannot be written: nothing is lost, nothing goes twice, and it heals without a hand."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from streams.replay.rebuild_compare import COMPARED
from tests.faults.disks import Disk, disk
from tests.faults.post import Post
from tests.faults.reporting import Registry
from tests.faults.site import Running, Site, comes, crowd, fined, site
from tests.services import postgres
from tests.services.postgres_server import Server

PEOPLE = 120
SOME = 1_500_000
"""Bytes: enough for the tables of a shadow, and too few for what is in them."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    """A small disk."""
    with disk(tmp_path / "disk", 24) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, mail: Post, small: Disk) -> Iterator[Site]:
    """A platform whose file is on it, where some wait for their mail."""
    with site(tmp_path, f"sqlite:///{small.folder}/log.sqlite", mail) as made:
        made.take(*crowd(0, PEOPLE))
        yield made


def settled(here: Site, mail: Post, running: Running, people: int) -> None:
    """Everybody is told once, and the process ends well when it is asked to."""
    mail.wait(people)  # asking the database all the time would take the processor from those who send
    comes(lambda: not (standing := here.standing()).due_now and not standing.open_attempts)
    assert running.stop().code == 0
    assert (mail.twice, len(mail.received)) == ([], people)
    report = here.standing()
    assert report.nudges["sent"] == people
    assert here.run("replay", "--verify").code == 0


def test_sqlite_waits_for_room(here: Site, mail: Post, small: Disk) -> None:
    """`run` says why it waits, and sends all when there is room; `ingest` ends with 3 and stores nothing."""
    mail.pause = 0.3
    events = here.written(crowd(500, 400))
    running = here.start("run")
    mail.wait(5)
    small.fill()
    running.says("full; trying again")
    refused = here.start("ingest", events, "--json").ended()
    assert refused.code == 3, refused.talk
    assert "Traceback" not in refused.talk
    assert len(mail.received) < PEOPLE
    mail.pause = 0.01
    small.empty()
    settled(here, mail, running, PEOPLE)


def into_a_full_disk() -> None:
    """Whatever this process says has no room."""
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)


def into_a_closed_pipe() -> None:
    """Nobody reads what this process says."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 2)


@pytest.mark.parametrize("talk", [into_a_full_disk, into_a_closed_pipe])
def test_messages_that_cannot_be_written_stop_nobody(tmp_path: Path, mail: Post, talk: Callable[[], None]) -> None:
    """`run` whose log has no room, or no reader any more, sends as before."""
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail) as here:
        here.take(*crowd(0, 3))
        running = here.start("run", before=talk)
        comes(lambda: len(mail.received) == 3 or running.process.poll() is not None)
        assert (len(mail.received), running.process.poll()) == (3, None)


def test_a_disk_that_cannot_be_written_stops_the_start(here: Site, mail: Post, small: Disk) -> None:
    """Every role ends with 3 and the reason, nothing is sent; once it can be written they work."""
    small.protect(read_only=True)
    for command in (["run"], ["ingest", here.written(fined(900))], ["api", "--port", "0"]):
        refused = here.start(*command).ended()
        assert (refused.code, "Traceback" in refused.talk) == (3, False), refused.talk
        assert "unable to open database file" in refused.talk, refused.talk
        assert "its disk (room, right to write)" in refused.talk, refused.talk
    assert mail.received == []
    small.protect(read_only=False)
    assert here.run("run", "--until-idle").code == 0
    assert (mail.twice, len(mail.received)) == ([], PEOPLE)


def test_the_api_answers_503_until_there_is_room(here: Site, small: Disk) -> None:
    """What a registry reports meanwhile is refused with 503, and taken when it is sent again."""
    registry, events = Registry(here), [fined(number)[1] for number in range(300, 900)]
    api = here.start("api", "--port", "0")
    api.says("listening")
    facts = here.standing().facts
    small.fill()
    assert registry.report(api, events) == 503
    small.empty()
    assert here.standing().facts == facts
    assert registry.report(api, events) == 200
    assert here.standing().facts == facts + len(events)
    assert api.stop().code == 0


@pytest.fixture
def server() -> Iterator[tuple[Server, Disk]]:
    """A PostgreSQL server whose folder is on a small disk."""
    with tempfile.TemporaryDirectory(prefix="habarshy-disk-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is another user
        with disk(Path(folder) / "data", 160) as small, postgres.own(room=small.folder) as made:
            yield made, small


def plain(url: URL) -> str:
    """As the driver takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_postgresql_waits_for_its_disk(tmp_path: Path, mail: Post, server: tuple[Server, Disk]) -> None:
    """A full disk may end PostgreSQL itself: once it is back, the dispatcher that waited goes on by itself."""
    at, small = server
    with postgres.fresh(at.url) as url, site(tmp_path, url.render_as_string(hide_password=False), mail) as here:
        here.take(*crowd(0, PEOPLE))
        mail.pause = 1.0
        running = here.start("dispatch")
        mail.wait(4)
        small.fill()
        with suppress(psycopg.Error), psycopg.connect(plain(url), autocommit=True) as admin:  # it may be down by now
            for _ in range(200):  # its write-ahead log has a segment or two in hand
                admin.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000))")
        running.says("failed:")
        assert len(mail.received) < PEOPLE
        mail.pause = 0.01
        small.empty()
        at.revive()
        settled(here, mail, running, PEOPLE)


def test_postgresql_full_in_a_rebuild(tmp_path: Path, mail: Post, server: tuple[Server, Disk]) -> None:
    """In the middle of it the job ends with 3 and says how to go on, and nothing live has changed.

    With room again it is resumed, and mends what was lost.
    """
    at, small = server
    with postgres.fresh(at.url) as url, site(tmp_path, url.render_as_string(hide_password=False), mail) as here:
        operator = here.run("principals", "add", "olga", "--agency", "platform", "--role", "operator")
        here.environment["HABARSHY_TOKEN"] = operator.lines[0]
        here.take(*crowd(0, PEOPLE))
        with psycopg.connect(plain(url), autocommit=True) as admin:
            admin.execute("DELETE FROM trail WHERE position % 3 = 0")
            admin.execute("CHECKPOINT")
            before = rows(admin)
        small.fill(SOME)
        refused = here.start("replay", "views", "--all", "--yes").ended()
        assert (refused.code, "Traceback" in refused.talk) == (3, False), refused.talk
        assert "`habarshy jobs resume 1` goes on" in refused.talk, refused.talk
        small.empty()
        at.revive()
        with psycopg.connect(plain(url), autocommit=True) as admin:
            assert rows(admin) == before
        resumed = here.run("jobs", "resume", "1")
        assert resumed.code == 0, resumed.talk
        assert here.run("replay", "--verify").code == 0


def rows(admin: psycopg.Connection) -> dict[str, int]:
    """View -> how many rows it has."""
    counts = {table.name: admin.execute(f"SELECT count(*) FROM {table.name}".encode()) for table in COMPARED}  # noqa: S608  (our own names)
    return {name: count[0] for name, found in counts.items() if (count := found.fetchone())}
