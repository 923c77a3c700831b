"""Unknown outcomes from a browser: listed by their kind; a decision is planned, counted and confirmed as a job."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from domain.facts.facts import NudgeResolved
from notifiers.port.interface import Accepted, Reason, Unknown
from streams.queues.jobs import JobState
from tests.app.pages.console.forms import send
from tests.app.pages.console.office import AIGERIM, Office, office_in, signed_in
from tests.app.pages.console.test_jobs import ended
from tests.streams.dispatching import DUE
from tests.world import LONG_AGO, card, registered

PAGE, NEW = "/console/unknown", "/console/jobs/new"
WISH = {"kind": "resolve-unknown", "how": "close", "why": "the provider's record has nothing", "cause": "link_lost"}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office where nobody knows what became of one message."""
    lost = Unknown(Reason.LINK_LOST)
    made = office_in(tmp_path, script={"sms": [lost, Accepted("two")], "email": [lost]})
    made.world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    await made.world.settle(DUE)
    await made.world.settle(DUE + timedelta(days=3))  # the next channel had its turn, too
    yield made
    made.world.close()


def test_they_are_listed_in_every_language(office: Office) -> None:
    """The list counts each kind and leads to the form of the decision; it names nobody."""
    browser = signed_in(office, "olga")
    for language, words in (("en", "1 message has an unknown"), ("ru", "1 сообщение с"), ("kk", "1 хабарламаның")):
        page = unescape(browser.get(f"{PAGE}?language={language}").text)
        assert words in page
        assert f"{NEW}?kind=resolve-unknown&cause=link_lost&provider=email&channel=email" in page
        assert office.world.name(AIGERIM) not in page
    assert signed_in(office, "adil").get(PAGE).status_code == 403


def test_a_decision_is_counted_and_confirmed(office: Office) -> None:
    """It is a job with words of its own; nothing is decided before its name was typed; the log keeps by whom."""
    browser, jobs = signed_in(office, "olga"), office.world.platform.queues.jobs
    form = f"{NEW}?kind=resolve-unknown"
    for wrong in ({"why": ""}, {"how": "forget"}):
        assert send(browser, NEW, form, **{**WISH, **wrong}).status_code == 422
    where = send(browser, NEW, form, **WISH).headers["location"]
    ended()
    page = browser.get(where).text
    assert "Settle unknown outcomes" in page
    assert "habarshy unknown --cause link_lost --close --why" in unescape(page)
    assert office.world.platform.replay.unknown_outcomes.counts().total() == 1
    done = send(signed_in(office, "oleg"), f"{where}/confirm", where, name="resolve-unknown", count="1")
    assert done.status_code == 303, done.text
    ended()
    assert jobs.latest(1)[0].state is JobState.DONE
    assert office.world.platform.replay.unknown_outcomes.counts().total() == 0
    [fact] = [each.fact for each in office.world.entries() if isinstance(each.fact, NudgeResolved)]
    assert (fact.how, fact.by, fact.why) == ("close", "oleg", WISH["why"]), "who confirmed it"
