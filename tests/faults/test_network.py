"""What the network does to us: silence, unknown names, a commit whose answer is lost; and no descriptor is left."""

import resource
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.faults.post import Post
from tests.faults.site import Site, comes, crowd, site
from tests.faults.wire import Wire, wire
from tests.services import postgres

PEOPLE, LIMIT = 30, 0.5
BREAKS, DESCRIPTORS = 6, 22


@pytest.fixture
def line(mail: Post) -> Iterator[Wire]:
    """What leads to the mail server."""
    with wire(mail.port) as made:
        yield made


def later(here: Site, mail: Post) -> None:
    """Once it is healed everybody is told, once."""
    here.now += timedelta(hours=2)
    assert here.run("run", "--until-idle").code == 0
    assert (mail.twice, len(mail.received)) == ([], PEOPLE)
    assert here.standing().nudges["sent"] == PEOPLE


def test_a_mail_server_that_accepts_and_never_answers(tmp_path: Path, mail: Post, line: Wire) -> None:
    """Half-open connections cost their limit and no more: nothing is unknown, as no letter was begun."""
    line.swallows = True
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", line, limit_seconds=LIMIT) as here:
        here.take(*crowd(0, PEOPLE))
        assert here.run("run", "--until-idle").code == 0
        assert "unknown" not in here.standing().nudges
        assert mail.received == []
        line.swallows = False
        later(here, mail)


def test_a_mail_server_whose_name_nobody_knows(tmp_path: Path, mail: Post) -> None:
    """A name that does not resolve is tried again later; once it does, everybody is told."""
    database = f"sqlite:///{tmp_path}/log.sqlite"
    with site(tmp_path, database, mail, mail_host="mail.invalid", limit_seconds=LIMIT) as here:
        here.take(*crowd(0, PEOPLE))
        assert here.run("run", "--until-idle").code == 0
        assert "unknown" not in here.standing().nudges
    with site(tmp_path, database, mail) as here:
        later(here, mail)


def test_a_process_without_descriptors_left(tmp_path: Path, mail: Post) -> None:
    """Whoever may open no more files goes on, or ends and says so: then at most what was under way is unknown."""
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail) as here:
        here.take(*crowd(0, PEOPLE))
        few = here.start("run", "--until-idle", before=_few_descriptors).ended()
        assert (few.code in {0, 3}, "Traceback" in few.talk) == (True, False), few.talk
        here.now += timedelta(hours=2)
        assert here.run("run", "--until-idle").code == 0
        told = here.standing().nudges
        assert (mail.twice, told["sent"] + told.get("unknown", 0)) == ([], PEOPLE)
        assert few.code == 3 or "unknown" not in told


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def test_the_answer_to_a_commit_is_lost(tmp_path: Path, mail: Post, server: URL) -> None:
    """PostgreSQL commits, and we do not hear of it: everybody is told once, and nothing is unknown."""
    with (
        postgres.fresh(server) as at,
        wire(at.port or 0) as line,
        site(tmp_path, _through(line, at), mail) as here,
    ):
        here.take(*crowd(0, PEOPLE))
        mail.pause = 0.5
        first = here.start("dispatch")
        mail.wait(2)
        line.word, line.breaks = b"COMMIT", BREAKS
        comes(lambda: line.broken == BREAKS)
        mail.pause = 0.01
        comes(lambda: not here.standing().open_attempts)  # also those that were not answered
        assert first.stop().code == 0, first.talk
        here.now += timedelta(hours=2)  # leases are over
        second = here.start("dispatch")
        second.says("running;")
        comes(lambda: not (standing := here.standing()).due_now and not standing.open_attempts)
        assert second.stop().code == 0, second.talk
        assert (mail.twice, len(mail.received), here.standing().nudges["sent"]) == ([], PEOPLE, PEOPLE)


def _through(line: Wire, at: URL) -> str:
    return at.set(port=line.port).render_as_string(hide_password=False)
