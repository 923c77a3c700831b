"""Kill switches from a browser: effective at the next send, with who and why in the log."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.facts.governance import ControlSet, TriggerResumed
from domain.facts.principals import Principal, Role
from streams.queries.held_back import HeldBack, held_back_by
from tests.app.pages.console.forms import send
from tests.app.pages.console.office import AIGERIM, DANA, Office, office_in, signed_in
from tests.world import LONG_AGO, card, registered

PAGE = "/console/switches"
PAGES = (
    "/console",
    PAGE,
    "/console/letters",
    "/console/messages",
    "/console/jobs",
    "/console/jobs/new?kind=repair-failed",
    "/console/schedule",
    "/console/unknown",
    "/console/people",
    "/console/readings",
    "/console/forecast",
)
OLGA = Principal("olga", "platform", frozenset([Role.OPERATOR]))
SAULE = Principal("saule", "interior", frozenset([Role.AUTHOR]))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office of its own."""
    made = office_in(tmp_path)
    yield made
    made.world.close()


async def test_a_stop_holds_from_the_next_send_on(office: Office) -> None:
    """What was due when an operator pressed the button does not go; when they let it go on, it does."""
    world, browser = office.world, signed_in(office, "olga")
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    assert (
        send(browser, f"{PAGE}/stop", PAGE, what="trigger:identity_card_expiry", reason="wrong words").status_code
        == 303
    )
    assert await world.settle("2025-06-20T09:00:00+05:00") == []
    browser = signed_in(office, "olga")  # the visit of weeks ago is over
    page = browser.get("/console/switches").text
    assert "wrong words" in page
    assert "by olga" in page
    assert "habarshy control trigger identity_card_expiry --go --reason" in page
    assert send(browser, f"{PAGE}/go", PAGE, what="trigger:identity_card_expiry", reason="mended").status_code == 303
    assert len(await world.settle()) == 1
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, ControlSet)]
    assert [(each.by, each.stopped, each.reason) for each in facts] == [
        ("olga", True, "wrong words"),
        ("olga", False, "mended"),
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"what": "channel:sms", "reason": ""}, "Write why"),
        ({"what": "", "reason": "x"}, "Choose what to stop"),
        ({"what": "channel:pigeon", "reason": "x"}, "nothing of that name"),
        ({"what": "nobody:sms", "reason": "x"}, "Choose what to stop"),
    ],
)
def test_what_is_missing_is_named(office: Office, fields: dict[str, str], words: str) -> None:
    """Without a reason, or for what is not there, nothing is stopped, and the field is named."""
    browser = signed_in(office, "olga")
    answer = send(browser, f"{PAGE}/stop", PAGE, **fields)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert office.world.platform.rules.switches.active_stops() == []


def test_a_form_of_another_site_stops_nothing(office: Office) -> None:
    """Without the token of the visit the answer is 403."""
    browser = signed_in(office, "olga")
    fields = {"what": "all:", "reason": "x"}
    assert browser.post("/console/switches/stop", data=fields).status_code == 403
    assert office.world.platform.rules.switches.active_stops() == []


def test_a_paused_trigger_is_off_as_well(office: Office) -> None:
    """What an agency paused is listed with its reason and as its own; an operator says why it may go on."""
    world, browser = office.world, signed_in(office, "olga")
    world.platform.rules.switches.pause("identity_card_expiry", SAULE, "two laws disagree")
    [off] = world.platform.rules.switches.active_stops()
    assert (off.scope, off.name, off.by, off.reason) == (
        "paused",
        "identity_card_expiry",
        "saule",
        "two laws disagree",
    )
    page = browser.get(PAGE).text
    assert "two laws disagree" in page
    assert "Its own agency paused it: Ministry of" in page
    assert "habarshy resume identity_card_expiry --reason" in page
    assert send(browser, f"{PAGE}/go", PAGE, what="paused:identity_card_expiry").status_code == 422
    assert world.platform.rules.switches.active_stops() == [off]
    wish = {"what": "paused:identity_card_expiry", "reason": "they agree now"}
    assert send(browser, f"{PAGE}/go", PAGE, **wish).status_code == 303
    assert world.platform.rules.switches.active_stops() == []
    [fact] = [entry.fact for entry in world.entries() if isinstance(entry.fact, TriggerResumed)]
    assert (fact.by, fact.reason) == ("olga", "they agree now")


async def test_each_switch_says_how_many_messages_it_holds_back(office: Office) -> None:
    """A stop of a trigger or its agency counts what is due of it; a channel's, what nothing else holds."""
    world, switches = office.world, office.world.platform.rules.switches
    for stop in (
        ("trigger", "identity_card_expiry"),
        ("agency", "interior"),
        ("agency", "health"),
        ("channel", "sms"),
    ):
        switches.control(*stop, OLGA, stopped=True, reason="a test")
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    assert await world.settle("2025-06-20T09:00:00+05:00") == []
    held = re.compile("Messages that it holds back now: ([^<]*)<")
    assert held.findall(signed_in(office, "olga").get(PAGE).text) == ["0", "0", "1", "1"], "the latest first"
    for stop in (("trigger", "identity_card_expiry"), ("agency", "interior")):
        switches.control(*stop, OLGA, stopped=False, reason="a test")
    assert held.findall(signed_in(office, "olga").get(PAGE).text) == ["1", "0"]


async def test_of_two_stopped_channels_the_one_by_which_it_would_go_holds_it_back(office: Office) -> None:
    """Where push and SMS are stopped, a message to somebody without a device counts for SMS."""
    world, switches = office.world, office.world.platform.rules.switches
    for channel in ("push", "sms"):
        switches.control("channel", channel, OLGA, stopped=True, reason="a test")
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.take(*registered(DANA, LONG_AGO, push="a device"), card(DANA, "2025-07-20"))
    assert await world.settle("2025-06-20T09:00:00+05:00") == []
    held = re.findall("Messages that it holds back now: ([^<]*)<", signed_in(office, "olga").get(PAGE).text)
    assert held == ["1", "1"]


async def test_no_more_than_the_first_that_are_held_back_are_counted(office: Office) -> None:
    """Of a flood only so many are read, and the count says that there are more."""
    world = office.world
    world.platform.rules.switches.control("all", "", OLGA, stopped=True, reason="a test")
    for person in (AIGERIM, DANA):
        world.take(*registered(person, LONG_AGO), card(person, "2025-07-20"))
    assert await world.settle("2025-06-20T09:00:00+05:00") == []
    on, switches = world.platform, {("all", "")}
    with on.database.reading() as connection:
        [some, all_] = (held_back_by(connection, on.log, on.rules.library.rules(), switches, most) for most in (1, 2))
    assert (some.whole, all_) == (False, HeldBack({("all", ""): 2}, whole=True))


def test_what_an_operator_paused_is_not_its_agencys(office: Office) -> None:
    """Only what the agency's own people paused is said to be theirs."""
    office.world.platform.rules.switches.pause("identity_card_expiry", OLGA)
    assert "Its own agency paused it" not in signed_in(office, "olga").get(PAGE).text


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_what_is_stopped_stands_on_every_page(office: Office, language: str) -> None:
    """Every page of the console says what is stopped, by whom, since when and why, with the form to end it."""
    office.world.platform.rules.switches.control("agency", "interior", OLGA, stopped=True, reason="nonsense")
    browser, auditor = signed_in(office, "olga"), signed_in(office, "adil")
    for path in PAGES:
        text = browser.get(f"{path}{'&' if '?' in path else '?'}language={language}").text
        assert all(word in text for word in ("interior", "olga", "nonsense", "12:00")), path
        assert 'action="/console/switches/go"' in text, path
        assert "habarshy control agency interior --go --reason" in html.unescape(text), path
    seen = auditor.get(f"/console/people?language={language}").text
    assert "nonsense" in seen
    assert "/console/switches/go" not in seen


def test_the_bar_ends_what_is_stopped(office: Office) -> None:
    """The form of the bar ends the switch from whatever page; without a reason it is not ended."""
    office.world.platform.rules.switches.control("all", "", OLGA, stopped=True, reason="nonsense")
    browser = signed_in(office, "olga")
    assert send(browser, f"{PAGE}/go", "/console/letters", what="all:", reason=" ").status_code == 422
    assert send(browser, f"{PAGE}/go", "/console/letters", what="all:", reason="over").status_code == 303
    assert 'class="stops"' not in browser.get("/console/letters").text
