"""What a search among messages found is repaired as a whole, and nothing else is, by the page and by the command."""

import html
import re
import shlex
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import uvloop
from msgspec import convert
from starlette.testclient import TestClient

from app.jobs.requests import BadOrder, Order, Orders
from domain.facts.principals import Principal, Role
from domain.nudges.delivery import State
from notifiers.port.interface import Accepted, GiveUp, Reason, Unknown
from streams.replay.retry_failed import Outage
from streams.replay.unknown_outcomes import OutcomeFilter, Resolution
from tests.app.pages.console.office import Office, office_in, signed_in
from tests.world import LONG_AGO, birth, fine, iin, registered

AT = "/console/messages"
OLGA = Principal("olga", "platform", frozenset([Role.OPERATOR]))
AWAY, UNSURE, WRONG = GiveUp(Reason.UNREACHABLE), Unknown(Reason.TIMED_OUT), GiveUp(Reason.BAD_ADDRESS)
CONDITIONS = {
    "trigger": ("", "traffic_fine_discount", "birth_allowance"),
    "agency": ("", "interior", "labour", "health"),
    "provider": ("", "sms", "email"),
    "day": ("", "2025-06-02", "2025-06-03"),
}
EVERY = [dict(zip(CONDITIONS, chosen, strict=True)) for chosen in product(*CONDITIONS.values())]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office of two agencies whose messages failed on two days, by one provider or by two."""
    scripts = {
        "push": [],
        "sms": [AWAY, UNSURE, AWAY, AWAY, UNSURE, Accepted("1"), *[AWAY, UNSURE] * 40],
        "email": [AWAY, WRONG, AWAY, UNSURE, *[AWAY, UNSURE] * 40],
    }
    made = office_in(tmp_path_factory.mktemp("office"), script=scripts)
    uvloop.run(_told(made))
    yield made
    made.world.close()


async def _told(office: Office) -> None:
    world, email = office.world, {"email": "a@example.kz"}
    for day in ("2025-06-02", "2025-06-03"):
        for number in range(8):
            who = iin(number + 20 * (day == "2025-06-03"))
            world.take(*registered(who, LONG_AGO, **(email if number % 2 else {})))
            world.take(fine(who, f"{day}-{number}", f"{day}T11:00:00+05:00"))
            if number < 3:
                world.take(birth(iin(number + 60 + 20 * (day == "2025-06-03")), who, day))
        await world.settle(f"{day}T12:00:00+05:00")
        await world.settle(f"{day}T20:00:00+05:00")


def found(browser: TestClient, asked: str) -> set[str]:
    """The messages that a search finds, over all its pages."""
    messages, text = set[str](), html.unescape(browser.get(f"{AT}?{asked}").text)
    messages |= set(re.findall(r"<code>([0-9a-f-]{36})</code>", text))
    for further in re.findall(r'href="(/console/messages\?[^"]*before=[^"]+)"', text):
        messages |= found(browser, further.partition("?")[2]) if "before=" not in asked else set()
    return messages


def order_of(office: Office, given: dict[str, list[str]]) -> Order:
    """The job that somebody asks for by these fields, with what a decision needs besides."""
    [kind] = given.pop("kind")
    return Orders(office.world.platform).of(kind, {"how": ["close"], "why": ["they have not gone"]} | given, OLGA)


def meant(office: Office, order: Order) -> set[str]:
    """The messages about which the job does something."""
    on, given = office.world.platform.replay, order.arguments
    if order.kind == "repair-failed":
        looked = on.retry_failed.look(convert(given["outage"], Outage))
        return {str(each.nudge.intent.id) for batch in looked for each in batch.renewals}
    which = convert(given["which"], OutcomeFilter)
    batches = on.unknown_outcomes.look(which, Resolution.CLOSE)
    return {str(nudge.intent.id) for batch in batches for nudge, _ in batch.meant}


def of_command(line: str) -> dict[str, list[str]]:
    """The fields that a command says."""
    words = iter(shlex.split(line)[1:])
    given: dict[str, list[str]] = {"kind": ["repair-failed" if next(words) == "repair" else "resolve-unknown"]}
    for word in words:
        name = word.removeprefix("--").replace("-", "_")
        if name not in {"failed", "plan"}:
            given[name] = ["yes"] if name == "last_only" else [next(words)]
    return given


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN])
def test_exactly_what_was_found_is_repaired(office: Office, state: State) -> None:
    """By trigger, agency, provider, day and all their combinations: the job and the command mean what was found."""
    browser, sizes = signed_in(office, "olga"), set[int]()
    repairable = meant(
        office, order_of(office, {"kind": ["repair-failed" if state == "failed" else "resolve-unknown"]})
    )
    for conditions in EVERY:
        asked = urlencode({"state": state} | {name: each for name, each in conditions.items() if each})
        text = html.unescape(browser.get(f"{AT}?{asked}").text)
        there = found(browser, asked)
        link = re.search(r'href="/console/jobs/new\?([^"]+)"', text)
        assert (link is None) == (not there), asked
        if link is None:
            continue
        order = order_of(office, parse_qs(link[1]))
        assert meant(office, order) == there & repairable, asked
        [command] = re.findall(r"<code>(habarshy (?:repair|unknown)[^<]*)</code>", text)
        assert order_of(office, of_command(command)) == order, asked
        sizes.add(len(there & repairable))
    assert len(sizes) > 3  # the conditions tell the messages apart


def test_a_message_that_failed_by_two_providers_is_repaired_where_it_is_found(office: Office) -> None:
    """Failed by SMS and then by email, it is found by the email, and repairing what SMS failed leaves it alone."""
    browser = signed_in(office, "olga")
    by_sms, by_email = (found(browser, f"state=failed&provider={name}") for name in ("sms", "email"))
    every: dict[str, Any] = {"kind": ["repair-failed"], "provider": ["sms"]}
    by_any = meant(office, order_of(office, dict(every)))
    assert by_any & by_email
    assert meant(office, order_of(office, every | {"last_only": ["yes"]})) <= by_sms


def test_the_form_shows_what_was_chosen(office: Office) -> None:
    """The form of the job has the agency, and says that the last attempt is meant."""
    browser = signed_in(office, "olga")
    form = browser.get("/console/jobs/new?kind=repair-failed&agency=interior&provider=sms&last_only=yes").text
    assert '<option value="interior" selected>' in form
    assert re.search(r'name="last_only" value="yes"[^>]* checked', form)
    assert "habarshy repair --failed --provider sms --agency interior --last-only" in html.unescape(form)


@pytest.mark.parametrize("provider", ["\x00", "sms\u202e", "x" * 501])
def test_a_condition_that_nobody_could_read_is_refused(office: Office, provider: str) -> None:
    """It is not made another one, least of all none, which would mean every message."""
    with pytest.raises(BadOrder, match="provider: "):
        order_of(office, {"kind": ["repair-failed"], "provider": [provider]})


def test_no_such_agency(office: Office) -> None:
    """An agency that nobody knows is refused, and the likely one is suggested."""
    with pytest.raises(BadOrder, match=r"no agency is called 'interor' \(did you mean 'interior'\?\)"):
        order_of(office, {"kind": ["repair-failed"], "agency": ["interor"]})
