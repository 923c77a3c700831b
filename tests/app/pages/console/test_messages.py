"""Messages are searched for by what an operator knows, page by page, and repaired by the job that there is for it."""

import html
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import URL

from domain.nudges.delivery import State
from notifiers.port.interface import GiveUp, Reason
from projections import inbox
from projections.inbox import PAGE, Place, Search
from projections.tables import inbox as table
from tests.app.pages.console.office import AIGERIM, Office, office_in, signed_in
from tests.services import postgres
from tests.world import LONG_AGO, card, fine, iin, registered

AT = "/console/messages"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office where four fines were told by SMS, and a card by push or SMS eighteen days later."""
    made = office_in(tmp_path)
    world = made.world
    for number in range(4):
        world.take(*registered(iin(number), LONG_AGO), fine(iin(number), f"KZ-{number}", "2025-06-02T11:00:00+05:00"))
    world.take(card(AIGERIM, "2025-07-20"))
    await world.settle()
    await world.settle("2025-06-20T09:00:00+05:00")
    yield made
    made.world.close()


def titles(text: str) -> list[str]:
    """The triggers of the messages that a page lists, in its order."""
    return re.findall(r"<li><p><strong>([^<]+)</strong>", text)


def test_messages_are_found_by_each_condition(office: Office) -> None:
    """By state, trigger, agency, provider, channel and day, alone and together; titles are the reader's."""
    browser = signed_in(office, "olga")
    every = titles(browser.get(AT).text)
    assert len(every) == 5
    fines = titles(browser.get(f"{AT}?trigger=traffic_fine_discount").text)
    assert (len(fines), set(fines) <= set(every)) == (4, True)
    assert "traffic_fine_discount" not in fines
    assert titles(browser.get(f"{AT}?day=2025-06-02").text) == fines
    assert titles(browser.get(f"{AT}?day=2025-06-20&channel=sms&provider=sms&state=sent").text) == every[:1]
    assert titles(browser.get(f"{AT}?agency=interior").text) == every
    assert titles(browser.get(f"{AT}?agency=health").text) == []
    assert titles(browser.get(f"{AT}?state=failed").text) == []
    assert titles(browser.get(f"{AT}?trigger=traffic_fine_discount&language=ru").text)[0] not in every


def test_each_state_that_a_message_may_have_can_be_chosen(office: Office) -> None:
    """Whatever became of a message that was tried, it is found by its state: what failed may have expired since."""
    browser, database = signed_in(office, "olga"), office.world.platform.database
    for state in State:
        database.write(lambda connection: connection.execute(table.update().values(state=str(state))))  # noqa: B023
        assert len(titles(browser.get(f"{AT}?state={state}").text)) == 5


def test_no_recipient_is_named(office: Office) -> None:
    """Neither page nor address holds a pseudonym, a national id, a telephone or a text."""
    text = signed_in(office, "olga").get(AT).text
    for secret in (AIGERIM, office.world.name(AIGERIM), "+77011234567", "KZ-1"):
        assert secret not in text


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("state=lost", "state"),
        ("trigger=nothing", "trigger"),
        ("agency=nobody", "agency"),
        ("provider=pigeon", "provider"),
        ("channel=fax", "channel"),
        ("day=2025-02-30", "day"),
        ("day=9999-12-31", "day"),
        ("day=today", "day"),
        ("before=7", "main"),
        ("before=99999999999999999999.00000000000000000000000000000000", "main"),
        ("before=7.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "main"),
    ],
)
def test_what_is_wrong_is_named(office: Office, asked: str, field: str) -> None:
    """A condition that nothing can have, a day that is none, and a cursor that no page gave are refused, by field."""
    answer = signed_in(office, "olga").get(f"{AT}?{asked}")
    assert (answer.status_code, f'<a href="#{field}">' in answer.text) == (422, True)
    assert titles(answer.text) == []


def test_a_likely_name_is_suggested(office: Office) -> None:
    """For a name that is nearly one there is, that one is suggested."""
    text = signed_in(office, "olga").get(f"{AT}?trigger=trafic_fine_discount").text
    assert "Did you mean traffic_fine_discount?" in text


@pytest.mark.parametrize(
    ("asked", "job", "command"),
    [
        (
            "state=failed&provider=sms&channel=sms&day=2025-06-02",
            "kind=repair-failed&channel=sms&provider=sms&from=2025-06-02&to=2025-06-03&last_only=yes",
            "--channel sms --provider sms --from 2025-06-02 --to 2025-06-03 --last-only",
        ),
        ("state=unknown&provider=sms", "kind=resolve-unknown&provider=sms", "habarshy unknown --provider sms"),
        (
            "state=failed&agency=interior",
            "kind=repair-failed&agency=interior",
            "habarshy repair --failed --plan --agency interior",
        ),
    ],
)
def test_what_was_found_is_repaired_by_the_job(office: Office, asked: str, job: str, command: str) -> None:
    """The button leads to the form of the job, filled with what was searched for; the command asks for the same."""
    state = asked.partition("&")[0].removeprefix("state=")
    database = office.world.platform.database
    database.write(lambda connection: connection.execute(table.update().values(state=state)))
    browser = signed_in(office, "olga")
    text = html.unescape(browser.get(f"{AT}?{asked}").text)
    assert command in text
    assert f"/console/jobs/new?{job}" in text
    form = browser.get(f"/console/jobs/new?{job}").text
    assert ('value="interior" selected' if "agency" in asked else 'value="sms" selected') in form


def test_pages_follow_each_other_by_key(office: Office) -> None:
    """Pages show each message once, in the order of time, also where new ones come in between."""
    database = office.world.platform.database
    with database.reading() as connection:
        [first] = inbox.search(connection, Search(triggers=("identity_card_expiry",))).rows
    more = [
        {"recipient": f"{at:032x}", "nudge": office.world.platform.identity.names.stream("/x", str(at)), "at": at}
        | {"channel": "sms", "state": "sent", "trigger": "many", "provider": "sms"}
        for at in range(1, 61)
    ]
    database.write(lambda connection: connection.execute(table.insert(), more))
    place: Place | None = Place(100, first.nudge)
    seen: list[int] = []
    while place is not None:
        with database.reading() as connection:
            page = inbox.search(connection, Search(channel="sms"), place)
        seen += [each.at for each in page.rows]
        place = page.further
    assert seen == list(range(60, 0, -1))
    assert PAGE < 60


def test_a_search_for_what_is_rare_reads_a_bounded_number_of_rows(office: Office) -> None:
    """A page looks at so many rows only; where it found nothing, it says where to go on, and the end is found."""
    with office.world.platform.database.reading() as connection:
        nothing = inbox.search(connection, Search(provider="nobody"), scanned=2)
        assert (nothing.rows, nothing.further is not None) == ([], True)
        places = [nothing.further]
        while places[-1] is not None:
            places.append(inbox.search(connection, Search(provider="nobody"), places[-1], scanned=2).further)
    assert len(places) == 3


def test_a_nudge_of_two_recipients_is_on_one_page(office: Office) -> None:
    """The recipients of one nudge are not parted by the end of a page, so none is left out."""
    database, names = office.world.platform.database, office.world.platform.identity.names
    rows = [
        {"recipient": f"{at:032x}", "nudge": names.stream("/x", str(max(at, 25))), "at": 100 - max(at, 25)}
        | {"channel": "push", "state": "sent", "trigger": "many", "provider": "push"}
        for at in range(24, 29)
    ]
    early = [
        row | {"recipient": f"{at + 40:032x}", "nudge": names.stream("/y", str(at)), "at": 200 + at}
        for at, row in enumerate([rows[0]] * 24)
    ]
    database.write(lambda connection: connection.execute(table.insert(), rows + early))
    with database.reading() as connection:
        page = inbox.search(connection, Search(channel="push"))
        rest = inbox.search(connection, Search(channel="push"), page.further)
    assert (len(page.rows), len(rest.rows)) == (26, 3)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "the addresses lead to nobody"), ("ru", "адреса никуда не ведут"), ("kk", "мекенжайлар")],
)
async def test_a_failed_message_says_why(tmp_path: Path, language: str, said: str) -> None:
    """The reason stands beside it in the reader's language."""
    wrong = GiveUp(Reason.BAD_ADDRESS)
    office = office_in(tmp_path, script={"sms": [wrong], "email": [wrong], "push": [wrong]})
    office.world.take(*registered(AIGERIM, LONG_AGO), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await office.world.settle()
    page = signed_in(office, "olga").get(f"{AT}?state=failed&language={language}").text
    assert len(titles(page)) == 1
    assert said in page
    office.world.close()


def test_an_address_with_a_character_that_no_database_has_finds_nothing(server: URL, tmp_path: Path) -> None:
    """NUL in the address of a search is no error of the platform, also on PostgreSQL."""
    with postgres.fresh(server) as at:
        made = office_in(tmp_path, url=at.render_as_string(hide_password=False))
        browser = signed_in(made, "olga")
        for path in (f"{AT}?provider=%00", f"{AT}?provider=%00&state=failed", "/console/readings?by=%00"):
            assert browser.get(path).status_code == HTTPStatus.OK
        nowhere = browser.get("/console/letters/group?kind=%00&cause=%00")
        assert nowhere.status_code == browser.get("/console/letters/group?kind=x&cause=x").status_code
        made.world.close()
