"""What citizens wrote: each agency reads what is to it, and the log keeps who did."""

import re

from domain.accounting import PersonViewed
from notifiers.port import Incoming
from streams.correspondence import LOOKED_AT, PAGE
from tests.app.pages.work.workshop import AIGERIM, CLINIC, FINE, Workshop, signed_in
from tests.world import World


def dispute(world: World, trigger: str, text: str) -> None:
    """She says of the message by that trigger that it is not right."""
    nudge = next(each for each in world.nudges() if each.intent.trigger == trigger)
    world.platform.choosing.dispute(world.name(AIGERIM), str(nudge.intent.id), text)


def letters_in(page: str) -> list[str]:
    """The addresses of letters."""
    return re.findall(r'href="(/work/letters/[0-9a-f-]{36})"', page)


def readings(world: World) -> list[tuple[str, str]]:
    """Who read what of somebody's data."""
    facts = [entry.fact for entry in world.entries()]
    return [(each.by, each.what) for each in facts if isinstance(each, PersonViewed)]


def test_an_agency_reads_what_was_written_to_it(told: Workshop) -> None:
    """The list has neither text nor person; who opens a letter gets its text and their own event, and is noted."""
    dispute(told.world, CLINIC, "I did not <move>\nthere")
    dispute(told.world, FINE, "I have no car")
    aida = signed_in(told, "aida")
    page = aida.get("/work/letters").text
    [letter] = letters_in(page)
    assert "says that something is not right" in page
    assert "move" not in page
    assert readings(told.world) == []
    shown = aida.get(letter).text
    assert "I did not &lt;move&gt;\nthere" in shown
    assert re.search(r"<dt>Its id there</dt><dd>[^<]+</dd>", shown)
    assert told.world.name(AIGERIM) not in shown
    assert readings(told.world) == [("aida", "letter")]


def test_another_agencys_letter_is_not_read(told: Workshop) -> None:
    """Who opens a letter to another agency gets 403, of an unknown one 404, and nothing is noted."""
    dispute(told.world, FINE, "I have no car")
    [letter] = letters_in(signed_in(told, "fred").get("/work/letters").text)
    aida = signed_in(told, "aida")
    assert letters_in(aida.get("/work/letters").text) == []
    assert aida.get(letter).status_code == 403
    assert aida.get(f"/work/letters/{'0' * 8}-0000-0000-0000-{'0' * 12}").status_code == 404
    assert readings(told.world) == []


def test_a_text_that_no_rule_understood_is_a_letter(told: Workshop) -> None:
    """An SMS that is neither answer nor stop is read by the agency of the last message; one that is, is not."""
    [phone] = {each.address for each in told.world.sent if each.channel == "sms"}
    for number, text in enumerate(("Who are you?", "STOP")):
        assert told.world.platform.receiving.received("operator", Incoming(str(number), phone, text))
    found = [letters_in(signed_in(told, who).get("/work/letters").text) for who in ("aida", "fred")]
    assert sorted(map(len, found)) == [0, 1]


def test_letters_come_in_pages(told: Workshop) -> None:
    """However many there are, each is on one page, the latest first."""
    many = PAGE + LOOKED_AT
    for number in range(many):
        dispute(told.world, CLINIC, f"no {number}")
    aida, where, found = signed_in(told, "aida"), "/work/letters", list[str]()
    while where:
        page = aida.get(where).text
        found += letters_in(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        where = older[1].replace("&amp;", "&") if older else ""
    assert len(set(found)) == len(found) == many
    assert f"no {many - 1}" in aida.get(found[0]).text
