"""What citizens wrote: each agency reads what is to it, and the log keeps who did."""

import re

from domain.facts.access_facts import LetterHandled, PersonViewed
from notifiers.port.interface import Incoming
from projections import trail
from streams.delivery.inbound.own_limits import A_DAY, MOST_A_DAY
from streams.queries.correspondence import LOOKED_AT, PAGE
from tests.app.pages.work.workshop import AIGERIM, CLINIC, FINE, Workshop, signed_in
from tests.streams.rebuilding import rebuilt
from tests.world import World


def dispute(world: World, trigger: str, text: str) -> None:
    """She says of the message by that trigger that it is not right."""
    nudge = next(each for each in world.nudges() if each.intent.trigger == trigger)
    world.platform.delivery.inbound.preferences.dispute(world.name(AIGERIM), nudge.intent.id, text)


def letters_in(page: str) -> list[str]:
    """The addresses of letters."""
    return re.findall(r'href="(/work/letters/[0-9a-f-]{36})"', page)


def readings(world: World) -> list[tuple[str, str]]:
    """Who read what of somebody's data."""
    facts = [entry.fact for entry in world.entries()]
    return [(each.by, each.what) for each in facts if isinstance(each, PersonViewed)]


def handled(world: World) -> list[LetterHandled]:
    """What the log has about letters that were dealt with."""
    return [entry.fact for entry in world.entries() if isinstance(entry.fact, LetterHandled)]


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
        assert told.world.platform.delivery.inbound.receiving.received("operator", Incoming(str(number), phone, text))
    found = [letters_in(signed_in(told, who).get("/work/letters").text) for who in ("aida", "fred")]
    assert sorted(map(len, found)) == [0, 1]


def test_letters_come_in_pages(told: Workshop) -> None:
    """However many there are, each is on one page, the latest first."""
    many = PAGE + LOOKED_AT
    for number in range(many):
        if number == MOST_A_DAY:
            told.world.at(told.world.clock() + A_DAY)
        dispute(told.world, CLINIC, f"no {number}")
    aida, where, found = signed_in(told, "aida"), "/work/letters", list[str]()
    while where:
        page = aida.get(where).text
        found += letters_in(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        where = older[1].replace("&amp;", "&") if older else ""
    assert len(set(found)) == len(found) == many
    assert f"no {many - 1}" in aida.get(found[0]).text


def test_what_is_dealt_with_leaves_the_list_of_what_waits(told: Workshop) -> None:
    """Marked with a note, a letter is among those dealt with, and says who did it, when and how; so does the log."""
    dispute(told.world, CLINIC, "I did not move")
    aida, berik = signed_in(told, "aida"), signed_in(told, "berik")
    [letter] = letters_in(aida.get("/work/letters").text)
    assert letters_in(aida.get("/work/letters?handled=true").text) == []
    answer = aida.post(f"{letter}/handled", note="the clinic corrected it")
    assert (answer.status_code, answer.headers["location"]) == (303, "/work/letters?noted=true")
    waiting = berik.get("/work/letters?noted=true").text
    assert (letters_in(waiting), "It is dealt with" in waiting) == ([], True)
    page = berik.get("/work/letters?handled=true").text
    assert (letters_in(page), "Noted: 20 June 2025, 12:00, aida" in page) == ([letter], True)
    assert "the clinic corrected it" not in page
    assert "<dt>20 June 2025, 12:00, aida</dt><dd>the clinic corrected it</dd>" in berik.get(letter).text
    [kept] = handled(told.world)
    assert (kept.by, kept.agency, kept.person, kept.note) == (
        "aida",
        "health",
        told.world.name(AIGERIM),
        "the clinic corrected it",
    )
    assert letter.endswith(str(kept.letter))


def test_how_it_was_dealt_with_may_be_added_to(told: Workshop) -> None:
    """Whoever notes something more adds to what was kept; both are read, in their order."""
    dispute(told.world, CLINIC, "I did not move")
    aida, berik = signed_in(told, "aida"), signed_in(told, "berik")
    [letter] = letters_in(aida.get("/work/letters").text)
    aida.post(f"{letter}/handled", note="asked the clinic")
    berik.post(f"{letter}/handled", note="corrected there")
    assert [(each.by, each.note) for each in handled(told.world)] == [
        ("aida", "asked the clinic"),
        ("berik", "corrected there"),
    ]
    assert re.findall("<dd>(asked[^<]+|corrected[^<]+)</dd>", aida.get(letter).text) == [
        "asked the clinic",
        "corrected there",
    ]


def test_who_may_mark_a_letter_and_how(told: Workshop) -> None:
    """Without a note, a form of their own or the right agency nothing is marked; what is no letter is not found."""
    dispute(told.world, FINE, "I have no car")
    fred, aida = signed_in(told, "fred"), signed_in(told, "aida")
    [letter] = letters_in(fred.get("/work/letters").text)
    for note, why in ((" ok ", "Write how it was dealt with"), ("x" * 501, "Write no more than 500 characters")):
        without = fred.post(f"{letter}/handled", note=note)
        assert (without.status_code, why in without.text) == (422, True)
    assert fred.client.post(f"{letter}/handled", data={"note": "told them"}).status_code == 403
    assert aida.post(f"{letter}/handled", note="told them").status_code == 403
    nothing = f"/work/letters/{'0' * 8}-0000-0000-0000-{'0' * 12}/handled"
    assert aida.post(nothing, note="told them").status_code == 404
    assert handled(told.world) == []


def test_that_it_was_dealt_with_is_in_the_writers_trail(told: Workshop) -> None:
    """The trail of whoever wrote has it, and views rebuilt from the log are the same."""
    dispute(told.world, CLINIC, "I did not move")
    aida = signed_in(told, "aida")
    [letter] = letters_in(aida.get("/work/letters").text)
    aida.post(f"{letter}/handled", note="the clinic corrected it")
    platform = told.world.platform
    platform.replay.follower.drain()
    with platform.database.reading() as connection:
        theirs = trail.positions(connection, told.world.name(AIGERIM))
        assert [type(each.fact) for each in platform.log.read(connection, theirs[-1:])] == [LetterHandled]
    assert rebuilt(platform).equal
