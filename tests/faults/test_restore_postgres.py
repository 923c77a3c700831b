"""PostgreSQL comes back to a point in time: nothing is sent twice, and nothing that is still ahead is lost."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.post import Post
from tests.faults.site import Site, comes, crowd, site
from tests.services import postgres
from tests.services.postgres_server import Server

PEOPLE = 450


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose write-ahead log is archived."""
    with postgres.own(archived=True) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, server: Server, mail: Post) -> Iterator[Site]:
    """A platform on it."""
    with ExitStack() as open_:
        at = open_.enter_context(postgres.fresh(server.url))
        yield open_.enter_context(site(tmp_path, at.render_as_string(hide_password=False), mail))


def chain(here: Site, name: str) -> Path:
    """All facts are in the chain; its heads as they are deposited."""
    with here.platform() as at:
        at.runtime.chain_builder.finish()
    deposited = here.folder / name
    deposited.write_text("\n".join(here.run("audit", "heads", "--json").lines) + "\n")
    return deposited


def test_restored_to_a_point_in_time_it_sends_nothing_twice(here: Site, server: Server, mail: Post) -> None:
    """A dispatcher that still runs stops by itself, another refuses to begin; after `restored` the rest goes on."""
    mail.pause = 0.01
    here.take(*crowd(0, PEOPLE // 2))
    running = here.start("dispatch")
    mail.wait(100)
    mail.pause = 1.0
    copy = server.back_up()
    server.remember("here")
    here.take(*crowd(PEOPLE // 2, PEOPLE // 2))
    mail.pause = 0.01
    mail.wait(len(mail.received) + PEOPLE // 3)
    heads = chain(here, "before.ndjson")
    server.kill()
    server.restore(copy, "here")
    server.start()
    stopped = running.ended()
    assert (stopped.code, "habarshy restored" in stopped.talk) == (3, True), stopped.talk
    sent = len(mail.received)
    refused = here.run("dispatch")
    assert (refused.code, "habarshy restored" in refused.talk) == (3, True), refused.talk

    said = here.run("restored", "--yes", "--json", "--until", here.now.isoformat())
    assert said.code == 0, said.talk
    here.now += timedelta(hours=2)
    here.take(*crowd(0, PEOPLE), *crowd(PEOPLE, 10, hour="12:30:00+05:00"))
    going_on = here.start("dispatch")
    comes(lambda: not (standing := here.standing()).due_now and not standing.open_attempts)
    assert going_on.stop().code == 0
    report = here.standing()
    assert (mail.twice, len(mail.received)) == ([], sent + 10)
    assert report.nudges["sent"] > 10
    assert report.nudges["sent"] + report.nudges["unknown"] == PEOPLE + 10
    chain(here, "after.ndjson")
    verified = here.run("audit", "verify")
    assert verified.code == 0, verified.lines
    later = here.run("audit", "verify", "--head", str(heads))
    assert (later.code, "cut-off" in str(later.lines) or "rewritten" in str(later.lines)) == (1, True), later.lines
