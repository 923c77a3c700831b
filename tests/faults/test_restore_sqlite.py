"""SQLite comes back from an online backup that was taken under load: nothing is sent twice."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.post import Post
from tests.faults.site import Site, crowd, site
from tests.world import iin

PEOPLE = 450


@pytest.fixture
def here(tmp_path: Path, mail: Post) -> Iterator[Site]:
    """A platform on a file."""
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail) as made:
        yield made


def backed_up(here: Site) -> Path:
    """A copy of the file, by SQLite's own means, while others write to it."""
    copy = here.folder / "copy.sqlite"
    with (
        closing(sqlite3.connect(here.folder / "log.sqlite")) as file,
        closing(sqlite3.connect(copy)) as to,
    ):
        file.backup(to, pages=50, sleep=0.001)
    return copy


def restore(here: Site, copy: Path) -> None:
    """Put the copy where the file was."""
    for name in ("log.sqlite-wal", "log.sqlite-shm"):
        (here.folder / name).unlink(missing_ok=True)
    copy.replace(here.folder / "log.sqlite")


def test_what_was_sent_since_the_backup_is_not_sent_again(here: Site, mail: Post) -> None:
    """After a kill, `run` refuses the copy until `restored`; then it goes on, and nobody is told twice."""
    mail.pause = 0.01
    here.take(*crowd(0, PEOPLE))
    running = here.start("run")
    mail.wait(160)
    mail.pause = 1.0  # else a busy machine may have sent all of it before the copy is made
    copy = backed_up(here)
    mail.pause = 0.01
    mail.wait(320)
    running.kill()
    mail.left()
    restore(here, copy)
    sent = len(mail.received)

    refused = here.run("run", "--until-idle")
    assert (refused.code, "habarshy restored" in refused.talk) == (3, True), refused.talk
    assert len(mail.received) == sent
    plan = here.run("restored", "--plan", "--json")
    assert plan.last["in_doubt"] == here.standing().due_now > 0
    assert here.run("restored", "--json").code == 5, "nobody agreed"
    said = here.run("restored", "--yes", "--json")
    assert (said.code, said.last) == (0, plan.last)

    here.now += timedelta(hours=2)
    here.take(*crowd(0, PEOPLE), *crowd(PEOPLE, 10, hour="12:30:00+05:00"))  # the registries report again, and go on
    assert here.run("run", "--until-idle").code == 0
    report = here.standing()
    assert mail.twice == []
    assert len(mail.received) == sent + 10
    assert (report.due_now, report.open_attempts) == (0, 0)
    assert report.nudges["sent"] + report.nudges["unknown"] == PEOPLE + 10
    assert report.nudges["sent"] > 10, "else the backup was not taken under load"


def test_who_was_erased_since_the_backup_is_erased_again(here: Site) -> None:
    """`restored` erases again whom the list beside the key file, or a certificate, says; the log verifies."""
    here.take(*crowd(0, 3))
    assert here.run("run", "--until-idle").code == 0
    copy = backed_up(here)
    one = here.run("erase", iin(0), "--reason", "asked", "--yes", "--json")
    (here.folder / "key.erased").unlink()
    (here.folder / "certificate.json").write_text("\n".join(one.lines))
    assert here.run("erase", iin(1), "--reason", "asked", "--yes", "--json").code == 0
    restore(here, copy)
    assert "c1@example.org" in str(here.run("trail", iin(1), "--json").lines)

    certificate = str(here.folder / "certificate.json")
    said = here.run("restored", "--yes", "--json", "--erased", certificate)
    assert (said.code, said.last["erased"]) == (0, 2), said.talk
    for number, clear in ((0, False), (1, False), (2, True)):
        trail = here.run("trail", iin(number), "--json").lines
        assert (f"c{number}@example.org" in str(trail)) is clear
    assert here.run("restored", "--plan", "--json", "--erased", certificate).last["erased"] == 0
    assert here.run("restored", "--plan", "--erased", str(here.key_file)).code == 2
    assert here.run("run", "--until-idle").code == 0
    verified = here.run("audit", "verify", "--json")
    assert (verified.code, verified.last["findings"]) == (0, 0), verified.talk
