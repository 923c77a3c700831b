"""One person's trail: the reason first, the viewing a fact, nothing about anybody in an address."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.facts.access_facts import PersonViewed
from domain.facts.principals import Principal
from streams.privacy.access_log import LOOKED_AT, note_viewing
from tests.app.pages.console.forms import send
from tests.app.pages.console.office import AIGERIM, Office, office_in, signed_in
from tests.world import LONG_AGO, NOON, annulled, birth, card, fine, iin, registered

PEOPLE, WHY = "/console/people", "request 17 of the citizen"
TOLD = {
    "en": ("A document was issued", "Ministry of Internal Affairs", "Identity card renewal: planned", "Message 1"),
    "ru": (
        "Выдан документ",
        "Министерство внутренних",
        "Замена удостоверения личности: запланировано",
        "Сообщение 1",
    ),
    "kk": ("Құжат берілді", "Ішкі істер министрлігі", "Жеке куәлікті ауыстыру: ", "1-хабарлама"),
}
"""Language -> an event, who reported it, a trigger and its step, as the trail names them."""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with one citizen who is planned."""
    made = office_in(tmp_path)
    made.world.take(*registered(AIGERIM), card(AIGERIM, "2025-07-20"))
    made.world.plan()
    yield made
    made.world.close()


def viewings(office: Office) -> list[PersonViewed]:
    """What the log says of who read whose data."""
    return [entry.fact for entry in office.world.entries() if isinstance(entry.fact, PersonViewed)]


@pytest.mark.parametrize("who", ["olga", "adil"])
def test_the_reason_comes_first_and_is_kept(office: Office, who: str) -> None:
    """Operators and auditors read a trail after they said why; that is a fact before they see anything."""
    browser = signed_in(office, who)
    answer = send(browser, PEOPLE, PEOPLE, person=AIGERIM, purpose=WHY)
    where = answer.headers["location"]
    [fact] = viewings(office)
    assert (fact.by, fact.person, fact.what, fact.purpose) == (who, office.world.name(AIGERIM), "trail", WHY)
    assert AIGERIM not in where
    assert office.world.name(AIGERIM) not in where
    page = browser.get(where).text
    for language, words in TOLD.items():
        told = browser.get(f"{where}?language={language}").text
        assert all(each in told for each in words), language
        assert not re.search(r"kz\.[a-z]+\.[a-z_]+|identity_card_expiry|citizen\.|/test|– (month|week|day)", told)
    assert WHY in page
    assert AIGERIM not in page
    assert office.world.name(AIGERIM) not in page
    assert "Айгерім" not in page


async def test_the_code_of_a_message_names_its_person(office: Office) -> None:
    """The code under an SMS leads to the trail of whoever got it, under the same reason and record; no other does."""
    browser, world = signed_in(office, "olga"), office.world
    unsent = next(each.intent for each in world.nudges())
    codes = world.platform.identity.codes
    early = codes.of(unsent.id, unsent.person)
    assert "No message of ours has this code" in send(browser, PEOPLE, PEOPLE, person=early, purpose=WHY).text
    [sent] = await world.settle("2025-06-20T09:00:00+05:00")
    browser = signed_in(office, "olga")
    code = codes.of(sent.nudge, sent.recipient)
    for typed in (code, code.lower().replace("-", " ")):
        assert send(browser, PEOPLE, PEOPLE, person=typed, purpose=" ").status_code == 422
        where = send(browser, PEOPLE, PEOPLE, person=typed, purpose=WHY).headers["location"]
        assert code not in where
        assert "Identity card renewal" in browser.get(where).text
    assert {(each.by, each.person, each.purpose) for each in viewings(office)} == {("olga", unsent.person, WHY)}
    made_up = send(browser, PEOPLE, PEOPLE, person="00000-00000", purpose=WHY)
    assert (made_up.status_code, "No message of ours has this code" in made_up.text) == (422, True)


def test_why_a_message_came_is_read_as_well(office: Office) -> None:
    """From the trail one looks why a nudge is planned, which the log keeps too; somebody else's is 404."""
    browser, world = signed_in(office, "olga"), office.world
    world.take(*registered(iin(2)), card(iin(2), "2025-08-20"))
    world.plan()
    where = send(browser, PEOPLE, PEOPLE, person=world.name(AIGERIM), purpose=WHY).headers["location"]
    own, other = (
        next(each.intent for each in world.nudges() if each.intent.person == world.name(whose))
        for whose in (AIGERIM, iin(2))
    )
    assert f"{where}/why/{own.id}" in browser.get(where).text
    assert "Identity card" in browser.get(f"{where}/why/{own.id}").text
    assert [each.what for each in viewings(office)] == ["trail", "why"]
    assert browser.get(f"{where}/why/{other.id}").status_code == 404
    assert browser.get(f"{where}/why/x").status_code == 404
    assert [each.what for each in viewings(office)] == ["trail", "why", "why", "why"], "that it is not theirs says so"


@pytest.mark.parametrize(
    ("language", "trail", "why"),
    [
        ("en", "Identity card renewal: no further attempt", "found to be wrong after it was sent"),
        ("ru", "Замена удостоверения личности: больше не отправляется", "после отправки выяснилось, что оно неверно"),
        ("kk", "Жеке куәлікті ауыстыру: енді қайта жіберілмейді", "жіберілгеннен кейін қате екені анықталды"),
    ],
)
async def test_a_sent_message_that_was_wrong_is_never_cancelled(
    office: Office, language: str, trail: str, why: str
) -> None:
    """The trail and the line of time of a sent message say what is true: it was wrong, and is not tried again."""
    await office.world.settle("2025-06-20T09:00+05:00")
    office.world.take(annulled(card(AIGERIM, "2025-07-20"), 2))
    office.world.plan()
    browser, sent = signed_in(office, "olga"), office.world.nudge("month").intent.id
    where = send(browser, PEOPLE, PEOPLE, person=AIGERIM, purpose=WHY).headers["location"]
    assert browser.get(f"{where}?language={language}").text.count(trail) == 1
    assert why in browser.get(f"{where}/why/{sent}").text


async def test_whose_message_it_is_has_it_in_their_trail(office: Office) -> None:
    """Who looks why a parent was told of their child reads the child's data: it is noted in both trails."""
    world, mother, child = office.world, iin(3), iin(4)
    world.take(*registered(mother, LONG_AGO), birth(child, mother, "2008-12-15"), card(child, "2025-07-20"))
    await world.settle("2025-06-20T09:00+05:00")
    browser = signed_in(office, "olga")
    where = send(browser, PEOPLE, PEOPLE, person=mother, purpose=WHY).headers["location"]
    about_child = next(
        each.intent
        for each in world.nudges()
        if each.intent.person == world.name(child) and each.intent.step == "month"
    )
    assert "Identity card" in browser.get(f"{where}/why/{about_child.id}").text
    noted = {(each.person, each.what, each.purpose) for each in viewings(office)}
    assert noted == {
        (world.name(mother), "trail", WHY),
        *((world.name(each), "why", WHY) for each in (mother, child)),
    }


async def test_of_whom_a_parents_message_tells_has_it_in_their_trail(office: Office) -> None:
    """Why a mother is reminded half a year after a birth says when her child was born, though the message is hers."""
    world, mother, child = office.world, iin(3), iin(4)
    world.take(*registered(mother, LONG_AGO), birth(child, mother, "2025-06-01"))
    world.plan()
    browser = signed_in(office, "olga")
    [hers] = [each for each in world.intents() if each.person == world.name(mother) and each.step == "half_year"]
    where = send(browser, PEOPLE, PEOPLE, person=mother, purpose=WHY).headers["location"]
    assert "date of birth" in browser.get(f"{where}/why/{hers.id}").text.lower()
    noted = {each.person for each in viewings(office) if each.what == "why"}
    assert noted == {world.name(mother), world.name(child)}
    of_child = send(browser, PEOPLE, PEOPLE, person=child, purpose=WHY).headers["location"]
    assert browser.get(f"{of_child}/why/{hers.id}").status_code == 404, "it is not the child's"


@pytest.mark.parametrize(
    ("person", "purpose", "words"),
    [
        (AIGERIM, "", "Write why"),
        (AIGERIM, "x", "Write why"),
        ("", WHY, "Write a national id"),
        ("Айгерім", WHY, "Write a national id"),
    ],
)
def test_without_a_reason_nothing_is_shown(office: Office, person: str, purpose: str, words: str) -> None:
    """Without a purpose, or of nobody, nothing is shown or kept; an id that is right stays in its field alone."""
    answer = send(signed_in(office, "olga"), PEOPLE, PEOPLE, person=person, purpose=purpose)
    assert (answer.status_code, words in answer.text) == (422, True)
    kept = {f'value="{person}"'} if person == AIGERIM else set()
    assert set(re.findall(r"\S*" + re.escape(person or "-none-") + r"\S*", answer.text)) == kept
    assert answer.headers["cache-control"] == "no-store"
    assert viewings(office) == []


def test_that_nothing_is_known_is_told_of_somebody(office: Office) -> None:
    """Whether somebody is known here is a reading of its own, also when it is asked again."""
    browser = signed_in(office, "olga")
    for count in (1, 2):
        answer = send(browser, PEOPLE, PEOPLE, person=iin(9), purpose=WHY)
        assert (answer.status_code, "Nothing is known" in answer.text, iin(9) in answer.text) == (422, True, False)
        noted = [(each.by, each.person, each.purpose) for each in viewings(office)]
        assert noted == [("olga", office.world.name(iin(9)), WHY)] * count


def test_a_viewing_is_its_owners_for_an_hour(office: Office) -> None:
    """Nobody else reads under somebody's reason, and nobody for longer than an hour."""
    browser = signed_in(office, "olga")
    where = send(browser, PEOPLE, PEOPLE, person=AIGERIM, purpose=WHY).headers["location"]
    assert signed_in(office, "adil").get(where).status_code == 404
    assert browser.get(f"{PEOPLE}/0").status_code == 404
    office.world.at(NOON + timedelta(minutes=59))
    assert browser.get(where).status_code == 200
    office.world.at(NOON + timedelta(hours=1))
    assert browser.get(where).status_code == 404


def test_long_trails_have_pages(office: Office) -> None:
    """A page leads to the next one, none is left out, and none comes twice."""
    browser, world = signed_in(office, "olga"), office.world
    world.take(*(fine(AIGERIM, f"KZ-{at}", "2025-06-02T11:00:00+05:00") for at in range(60)))
    where: str | None = send(browser, PEOPLE, PEOPLE, person=AIGERIM, purpose=WHY).headers["location"]
    seen: list[str] = []
    while where is not None:
        page = browser.get(where).text
        seen += page.split("position ")[1:]
        where = page.partition('rel="next" href="')[2].partition('"')[0] or None
    positions = [int(each.partition("<")[0]) for each in seen]
    assert positions == sorted(set(positions))
    assert len(positions) > 60


def test_readings_come_in_pages(office: Office) -> None:
    """However often data was read, each reading is on one page; who looks for one reader's goes on until they are."""
    context, by = office.world.platform.rules.context, Principal("portal", "platform", frozenset())
    for number in range(LOOKED_AT + 20):
        note_viewing(context, by, "", "statistics", f"reading {number:04}")
    auditor = signed_in(office, "adil")
    for start, first in (("/console/readings", None), ("/console/readings?by=nobody", "There are none here")):
        page = auditor.get(start).text
        assert first is None or first in page
        older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        rest = auditor.get(older).text
        told = re.findall("reading [0-9]{4}", page + rest)
        assert told == ([] if first else [f"reading {number:04}" for number in reversed(range(LOOKED_AT + 20))])
        assert 'rel="next"' not in rest
        assert f'rel="prev" href="{start}"' in rest


def test_auditors_see_who_read_what(office: Office) -> None:
    """The list has who, when and why, the latest first, by one of them if wished; and nobody's name."""
    for who in ("olga", "adil"):
        send(signed_in(office, who), PEOPLE, PEOPLE, person=AIGERIM, purpose=f"{WHY} by {who}")
    auditor = signed_in(office, "adil")
    page = auditor.get("/console/readings").text
    assert page.index(f"{WHY} by adil") < page.index(f"{WHY} by olga")
    assert office.world.name(AIGERIM) not in page
    assert "/console/letters" not in page
    only = auditor.get("/console/readings?by=olga").text
    assert f"{WHY} by olga" in only
    assert f"{WHY} by adil" not in only
