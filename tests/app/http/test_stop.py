import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.settings import load_settings
from domain.facts.principals import Principal, Role
from domain.nudges.nudge import Nudge
from projections import nudges
from streams.delivery.inbound.opt_outs import SOURCE
from streams.intake.cloudevents import Envelope
from streams.planning import histories
from streams.rules.publishing import govern
from templates.checks.loader import shipped
from tests.app.http.wire import DRIVER, FINE, client_of, served, stored
from tests.beginnings import KEYRING
from tests.world import NOON, World, event, registered

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
HTML = {"accept": "text/html,application/xhtml+xml"}
BUTTON = '<button type="submit">'


def fine(number: str = "KZ-1", time: datetime = NOON) -> Envelope:
    """The driver was fined at that time; they are told an hour later."""
    return event("kz.traffic.fine_issued", DRIVER, time.isoformat(), FINE | {"number": number}, id=number)


def prefers(id_: str, time: datetime, *opted_out: str, source: str = "/test") -> Envelope:
    """The driver said what they do not want to hear of."""
    data = {"opted_out": list(opted_out)}
    return event("citizen.preferences_changed", DRIVER, time.isoformat(), data, id=id_, source=source)


def tell(platform: Platform, *envelopes: Envelope) -> None:
    """Take events in and plan; every one must be accepted."""
    assert all(outcome.accepted for outcome in platform.intake.accept(envelopes))
    platform.planning.planning.drain()


def fined_driver(platform: Platform, language: str = "ru") -> str:
    """A driver who speaks that language is to be told of their fine; returns their pseudonym."""
    tell(platform, *registered(DRIVER, language=language), fine())
    return platform.identity.names.pseudonym(DRIVER)


def nudges_of(platform: Platform, person: str) -> list[Nudge]:
    """The person's nudges about fines, the earliest due first."""
    with platform.database.reading() as connection:
        found = nudges.of_persons(connection, [person])[person].values()
    about_fines = [nudge for nudge in found if "fine" in nudge.intent.trigger]
    return sorted(about_fines, key=lambda nudge: nudge.intent.due)


def link_of(platform: Platform, person: str) -> str:
    """The stop link of the person's first nudge."""
    return f"/stop/{platform.identity.links.token(nudges_of(platform, person)[0].intent.id, person)}"


def opted_out(platform: Platform, person: str) -> list[str]:
    """The categories that the person opted out of."""
    rulebook = platform.rules.library.rules().rulebook
    with platform.database.reading() as connection:
        found = histories.persons(connection, platform.log, [person], rulebook)
    return found[person].get("opted_out") or []


def stops(platform: Platform) -> list[Any]:
    """The life events that stop links made."""
    return [one for one in stored(platform) if one.source == SOURCE]


def test_looking_at_the_link_changes_nothing(client: TestClient, platform: Platform) -> None:
    """GET shows a button in the person's language and what it would stop; however often, nothing is stored."""
    link = link_of(platform, fined_driver(platform, "ru"))
    before = stored(platform)
    pages = [client.get(link) for _ in range(3)]
    assert {page.status_code for page in pages} == {200}
    assert '<html lang="ru">' in pages[0].text
    assert "Скидка на штраф за нарушение ПДД" in pages[0].text
    assert "сообщения на тему «Транспорт»" in pages[0].text, "more stops than the message from which it was opened"
    assert BUTTON in pages[0].text
    assert stored(platform) == before


def test_one_click_stops_the_category(client: TestClient, platform: Platform) -> None:
    """A POST without login or cookie adds the category to what the person opted out of (RFC 8058)."""
    person = fined_driver(platform)
    answer = client.post(link_of(platform, person), data=ONE_CLICK)
    assert (answer.status_code, len(answer.history), answer.headers.get("set-cookie")) == (200, 0, None)
    assert opted_out(platform, person) == ["transport"]
    [stop] = stops(platform)
    assert (stop.type, stop.persons) == ("citizen.preferences_changed", {"citizen": (person,)})
    assert BUTTON not in answer.text


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", ""),
        (
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
    ids=["empty", "multipart"],
)
def test_any_post_stops(client: TestClient, platform: Platform, content: bytes, content_type: str) -> None:
    """RFC 8058 allows multipart too, and nobody who posts to a signed link is asked for more."""
    person = fined_driver(platform)
    client.post(link_of(platform, person), content=content, headers={"content-type": content_type})
    assert opted_out(platform, person) == ["transport"]


async def test_the_link_of_a_message_stops_the_next_one(client: TestClient, world: World) -> None:
    """The link that came with a message stops what was planned before and what happens afterwards, and says why."""
    fined_driver(world.platform)
    [message] = await world.settle(NOON + timedelta(hours=1))
    assert message.unsubscribe_url is not None
    client.post(urlsplit(message.unsubscribe_url).path, data=ONE_CLICK)
    world.at(NOON + timedelta(days=1))
    world.take(fine("KZ-2", NOON + timedelta(days=1)))
    for days in (2, 6):
        assert await world.settle(NOON + timedelta(days=days)) == []
    deliveries = [one for nudge in nudges_of(world.platform, message.recipient) for one in nudge.deliveries]
    assert sorted(one.reason or "" for one in deliveries) == ["", "opted_out", "opted_out", "opted_out"]


def test_repeating_the_stop_stores_it_once(client: TestClient, platform: Platform) -> None:
    """A link that is posted to again, by the mail program or the person, says that it is done and stores nothing."""
    person = fined_driver(platform)
    link = link_of(platform, person)
    answers = [client.post(link, data=ONE_CLICK) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(stops(platform)) == 1
    assert BUTTON not in client.get(link).text


def test_two_links_of_one_category_store_it_once(client: TestClient, platform: Platform) -> None:
    """Every message has a link of its own, and one of them is enough."""
    person = fined_driver(platform)
    first, second = (platform.identity.links.token(nudge.intent.id, person) for nudge in nudges_of(platform, person))
    client.post(f"/stop/{first}")
    assert BUTTON not in client.get(f"/stop/{second}").text
    client.post(f"/stop/{second}")
    assert len(stops(platform)) == 1


def test_what_was_stopped_before_stays_stopped(client: TestClient, platform: Platform) -> None:
    """A stop adds to the earlier choices of the person."""
    person = fined_driver(platform)
    tell(platform, prefers("no", NOON - timedelta(days=1), "documents"))
    client.post(link_of(platform, person), data=ONE_CLICK)
    assert opted_out(platform, person) == ["documents", "transport"]


def test_who_came_back_can_stop_again(client: TestClient, platform: Platform, clock: VirtualClock) -> None:
    """After the person wished for the messages again, the same link stops them again."""
    person = fined_driver(platform)
    link = link_of(platform, person)
    client.post(link)
    clock.advance_to(NOON + timedelta(days=1))
    tell(platform, prefers("back", clock()))
    assert BUTTON in client.get(link).text
    client.post(link)
    assert opted_out(platform, person) == ["transport"]
    assert len(stops(platform)) == 2


def test_a_clock_that_is_ahead_cannot_undo_a_stop(client: TestClient, platform: Platform) -> None:
    """A choice reported with a time that has not come yet is still older than the stop that follows it."""
    person = fined_driver(platform)
    tell(platform, prefers("ahead", NOON + timedelta(hours=14), source="/zz"))
    client.post(link_of(platform, person))
    assert opted_out(platform, person) == ["transport"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bad_link_is_a_problem(client: TestClient, platform: Platform, method: str) -> None:
    """404: a token that is damaged, made elsewhere or for a nudge that does not exist stops nothing."""
    person = fined_driver(platform)
    link = link_of(platform, person)
    flipped = link[:-2] + ("A" if link[-2] != "A" else "B") + link[-1]
    unknown = f"/stop/{platform.identity.links.token(UUID(bytes=b'0000' + bytes(12)), person)}"
    for bad in (flipped, link[:-1], "/stop/x", "/stop/%D0%B0", unknown):
        answer = client.request(method, bad)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert stops(platform) == []


@pytest.mark.parametrize(("wished", "language"), [("kk-KZ, ru;q=0.8", "kk"), ("de, ru;q=0.5", "ru"), ("", "en")])
def test_a_person_with_a_bad_link_gets_a_page(client: TestClient, wished: str, language: str) -> None:
    """A browser gets words in the language that it asks for, with the same status."""
    answer = client.get("/stop/x", headers=HTML | {"accept-language": wished})
    assert answer.status_code == 404
    assert f'<html lang="{language}">' in answer.text


def test_the_page_keeps_its_address_to_itself(client: TestClient, platform: Platform) -> None:
    """The address is a secret: no store, frame, index or referrer may learn it, and nothing runs on the page."""
    headers = client.get(link_of(platform, fined_driver(platform))).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_stylesheet_of_the_page_is_there(client: TestClient) -> None:
    """The one file that the page asks for is served."""
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("language", ["kk", "ru", "en", "de"])
def test_the_page_speaks_the_persons_language(client: TestClient, platform: Platform, language: str) -> None:
    """The page says which language it is in; who speaks one that it has no words in gets English."""
    page = client.get(link_of(platform, fined_driver(platform, language)), headers={"accept-language": "fr"}).text
    assert f'<html lang="{language if language != "de" else "en"}">' in page


def test_links_of_a_withdrawn_trigger_still_work(client: TestClient, platform: Platform) -> None:
    """A message outlives the trigger that sent it, and so does its link."""
    person = fined_driver(platform)
    link = link_of(platform, person)
    withdraw(platform, "traffic_fine_discount")
    assert BUTTON in client.get(link).text
    client.post(link)
    assert opted_out(platform, person) == ["transport"]


def withdraw(platform: Platform, trigger: str) -> None:
    """Withdraw a trigger, as its owner does."""
    name = next(
        n for n in {v.trigger.name for v in platform.rules.library.rules().rulebook.versions.values()} if trigger in n
    )
    owner = Principal("owner", "interior", frozenset(Role))
    names, now = platform.identity.names, platform.clock()
    govern(platform.database, platform.log, names, lambda rules: rules.trigger(name).withdraw(owner, now))


@pytest.fixture
def legal(tmp_path: Path, clock: VirtualClock) -> Iterator[Platform]:
    """A platform on which the traffic fine is a notice that the law requires."""
    packs = [Path(shutil.copytree(pack, tmp_path / pack.name)) for pack in shipped()]
    [trigger] = [file for pack in packs for file in pack.glob("traffic_fine_discount/trigger.yaml")]
    trigger.write_text(trigger.read_text().replace("class: service", "class: legal"))
    folders = ":".join(map(str, packs))
    settings = load_settings(database=f"sqlite:///{tmp_path / 'legal.sqlite'}", packs=folders)
    made = compose(settings, clock, KEYRING)
    yield made
    made.database.close()


def test_a_legal_notice_says_why_it_cannot_be_stopped(legal: Platform) -> None:
    """GET has no button but the legal basis; POST is refused with the same words and changes nothing."""
    person = fined_driver(legal, "en")
    client, link = client_of(served(legal)), link_of(legal, person)
    page, answer = client.get(link), client.post(link, data=ONE_CLICK)
    assert (page.status_code, answer.status_code) == (200, 403)
    for each in (page, answer):
        assert "arts. 810 and 811" in each.text
        assert BUTTON not in each.text
    assert opted_out(legal, person) == []
    assert stops(legal) == []


def test_a_stop_says_nothing_about_its_person_in_clear(client: TestClient, platform: Platform) -> None:
    """Neither the link nor the stored event has a national id in it."""
    person = fined_driver(platform)
    link = link_of(platform, person)
    client.post(link)
    [stop] = stops(platform)
    assert DRIVER not in link + stop.id + stop.source


def test_who_stopped_by_mistake_takes_it_back(client: TestClient, platform: Platform) -> None:
    """The page that says that messages are stopped has a button that lets them come again, without login."""
    driver = fined_driver(platform)
    link = link_of(platform, driver)
    page = client.post(link)
    assert f'action="{link}/undo"' in page.text
    assert client.post(f"{link}/undo").status_code == 200
    assert opted_out(platform, driver) == []
    assert BUTTON in client.get(link).text
