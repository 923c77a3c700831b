"""Dead letters from a browser: grouped by cause, counted first, done only after the number was typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.planning.quarantine import UnreadableRecord
from streams.queues.dead_letters import Letter, LetterFilter
from tests.app.pages.console.forms import send
from tests.app.pages.console.office import AIGERIM, Office, office_in, signed_in
from tests.world import registered

PLAN = "/console/letters/plan?kind=person&cause=BadTrigger&what=retry"
DO = "/console/letters/do"
GROUP = {"kind": "person", "cause": "BadTrigger"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office where two records say nothing and one person could not be planned."""
    made = office_in(tmp_path)
    on = made.world.platform
    made.world.take(*registered(AIGERIM))
    on.planning.quarantine.keep([UnreadableRecord(f"persons/3/{at}", "not_json", None, b"x") for at in range(2)], {})
    name = on.identity.names.pseudonym(AIGERIM)
    on.database.write(
        lambda connection: on.queues.dead_letter_queue.put(
            connection, Letter("person", name, "BadTrigger", name.encode(), name)
        )
    )
    yield made
    made.world.close()


def test_letters_are_grouped_and_name_nobody(office: Office) -> None:
    """Each group says how many, since when and why; neither it nor its letters name a person."""
    browser = signed_in(office, "olga")
    pages = [
        browser.get(path).text
        for path in ("/console/letters", "/console/letters/group?" + "kind=person&cause=BadTrigger", PLAN)
    ]
    assert "not_json" in pages[0]
    assert "a person" in pages[1]
    for page in pages:
        assert office.world.name(AIGERIM) not in page
        assert AIGERIM not in page


def test_a_group_is_handled_after_its_number_was_typed(office: Office) -> None:
    """Another number than the count changes nothing and is named; the right one has the letters handled."""
    browser, letters = signed_in(office, "olga"), office.world.platform.runtime.dead_letters
    wrong = send(browser, DO, PLAN, what="retry", count="2", **GROUP)
    assert (wrong.status_code, "Type the number 1" in wrong.text) == (422, True)
    assert letters.count(LetterFilter(kind="person")) == 1
    done = send(browser, DO, PLAN, what="retry", count="1", **GROUP)
    assert (done.status_code, letters.count(LetterFilter(kind="person"))) == (303, 0)
    assert "1 handled, 0 failed again" in browser.get(done.headers["location"]).text
    assert office.world.health().unplanned == 0


def test_what_fails_again_stays(office: Office) -> None:
    """Records that say nothing stay dead, and the page says so; given up, they are gone, and the others stay."""
    browser, letters = signed_in(office, "olga"), office.world.platform.runtime.dead_letters
    plan = PLAN.replace("person", "kafka.record").replace("BadTrigger", "not_json")
    records = {"kind": "kafka.record", "cause": "not_json"}
    failed = send(browser, DO, plan, what="retry", count="2", **records)
    assert "failed=2" in failed.headers["location"]
    [group] = letters.groups(LetterFilter(kind="kafka.record"))
    again = plan.replace("not_json", group.cause)
    wish = records | {"cause": group.cause, "what": "drop", "count": "2"}
    silent = send(browser, DO, again, **wish, reason="no")
    assert (silent.status_code, "Write why" in silent.text, letters.count(LetterFilter())) == (422, True, 3)
    dropped = send(browser, DO, again, **wish, reason="sent anew <by> hand")
    assert "2 were given up" in browser.get(dropped.headers["location"]).text
    assert letters.count(LetterFilter()) == 1
    told = signed_in(office, "adil").get("/console/readings").text
    assert all(each in told for each in ("olga", "sent anew &lt;by&gt; hand", "2 dead letters given up", group.cause))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/console/letters/group?kind=person&cause=none", 404),
        ("/console/letters/plan?kind=person&cause=BadTrigger", 422),
        ("/console/letters/plan?kind=person&cause=BadTrigger&what=eat", 422),
    ],
)
def test_what_is_not_there_is_said(office: Office, path: str, status: int) -> None:
    """A group that is gone is 404, and what cannot be done with letters 422."""
    assert signed_in(office, "olga").get(path).status_code == status
