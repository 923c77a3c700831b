"""Preferences on the page: by topic, by channel, by both; what the form does not show stays as it was."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.pages.catalogues import Speech
from app.pages.life import CATEGORIES, category
from app.pages.preferences import masked
from domain.core.timing import zone_of
from streams.queries.inbox import Topic
from templates.checks.loader import shipped
from tests.app.pages.visitor import CSRF, visiting
from tests.beginnings import packs_in
from tests.world import World, birth, few_triggers, fine, iin, registered

AIGERIM = iin(1)
PATH = "/my/preferences"
CHANNELS = ("push", "sms", "email")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Aigerim is known."""
    made = World(tmp_path)
    made.take(*registered(AIGERIM))
    yield made
    made.close()


@pytest.fixture
def browser(world: World) -> TestClient:
    """Hers."""
    return visiting(world, AIGERIM)


def topics(world: World) -> list[Topic]:
    """What can be chosen."""
    return [each for each in world.platform.queries.inboxes.topics() if each.titles]


def form(world: World, **changed: object) -> dict[str, object]:
    """The form with everything wanted."""
    names = [each.category for each in topics(world)]
    return {
        "csrf": CSRF,
        "language": "en",
        "zone": "Asia/Almaty",
        "quiet_from": "21:00",
        "quiet_to": "09:00",
        "channel": list(CHANNELS),
        "topic": names,
        "by_shown": "yes",
        "by": [f"{name}/{channel}" for name in names for channel in CHANNELS],
    } | changed


def opted_out(world: World) -> list[str]:
    """What she wants nothing of."""
    return sorted(world.platform.delivery.inbound.preferences.person(world.name(AIGERIM)).get("opted_out") or [])


def test_one_channel_of_one_topic_is_turned_off_and_on(world: World, browser: TestClient) -> None:
    """No SMS about transport, and everything else as before; the page shows it, and takes it back."""
    all_of = form(world)["by"]
    assert isinstance(all_of, list)
    left = [each for each in all_of if each != "transport/sms"]
    assert browser.post(PATH, data=form(world, by=left)).status_code == 303
    assert opted_out(world) == ["transport/sms"]
    page = browser.get(PATH).text
    assert 'value="transport/sms">' in page
    assert 'value="transport/push" checked>' in page
    browser.post(PATH, data=form(world))
    assert opted_out(world) == []


def test_a_topic_is_turned_off_whatever_its_channels(world: World, browser: TestClient) -> None:
    """A topic that is not wanted is not wanted by any channel."""
    names = [each.category for each in topics(world) if each.category != "transport"]
    browser.post(PATH, data=form(world, topic=names))
    assert opted_out(world) == ["transport"]


def test_what_the_form_does_not_show_stays(world: World, browser: TestClient) -> None:
    """A form without the channels of topics, and topics of other packs, change nothing of them."""
    world.platform.delivery.inbound.preferences.prefer(
        world.name(AIGERIM), {"opted_out": ["elsewhere", "transport/email"]}
    )
    fields = form(world)
    del fields["by_shown"], fields["by"]
    browser.post(PATH, data=fields)
    assert opted_out(world) == ["elsewhere", "transport/email"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"language": "xx"}, "Choose a language"),
        ({"channel": []}, "Choose at least one channel"),
        ({"channel": ["fax"]}, "Choose at least one channel"),
        ({"quiet_from": "25:00"}, "Write a time such as 21:00"),
        ({"quiet_from": "21:00", "quiet_to": ""}, "Write a time such as 21:00"),
        ({"quiet_from": "08:00", "quiet_to": "08:00"}, "Quiet hours must end at another time"),
        ({"zone": "Mars/Olympus"}, "Choose a time zone"),
    ],
)
def test_what_is_wrong_is_said(world: World, browser: TestClient, changed: dict[str, object], said: str) -> None:
    """The field is named, in words; nothing is stored, and what was typed is still there."""
    before = len(list(world.entries()))
    answer = browser.post(PATH, data=form(world, **changed))
    assert answer.status_code == 422
    assert said in answer.text
    assert len(list(world.entries())) == before


@pytest.mark.parametrize("changed", [{"quiet_from": "25:00"}, {"channel": []}])
def test_what_was_ticked_survives_what_is_wrong(tmp_path: Path, changed: dict[str, object]) -> None:
    """Where offers are published, the form comes again with every tick as it was made, of consents as well."""
    made = World(tmp_path, packs=[few_triggers(tmp_path, "training_offer")])
    made.take(*registered(AIGERIM))
    names = [each.category for each in topics(made) if each.category != "transport"]
    fields = form(made, consent=["work_offers"], topic=names, **changed)
    answer = visiting(made, AIGERIM).post(PATH, data=fields)
    assert answer.status_code == 422
    assert ticked(answer.text) == {"consent-work_offers", *(f"topic-{each}" for each in names)}
    answer = visiting(made, AIGERIM).post(PATH, data=fields | {"consent": []})
    assert ticked(answer.text) == {f"topic-{each}" for each in names}
    made.close()


def ticked(page: str) -> set[str]:
    """Which topics and offers are ticked."""
    return set(re.findall(r'id="((?:topic|consent)-\w+)" name="\w+" value="\w+" checked', page))


def test_nothing_can_be_made_up(world: World, browser: TestClient) -> None:
    """Topics and channels that there are not are left out, and nothing fails."""
    fields = form(world)
    assert isinstance(fields["by"], list)
    browser.post(PATH, data=fields | {"topic": [*topics_of(fields), "no_such"], "by": [*fields["by"], "x/y", "<b>"]})
    assert opted_out(world) == []


def topics_of(fields: dict[str, object]) -> list[object]:
    """The topics that a form names."""
    found = fields["topic"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("language", "title", "at_once", "outside"),
    [
        ("en", "Flood evacuation", "They come at once, also in your quiet hours", "outside of your quiet hours"),
        ("ru", "Эвакуация при паводке", "Они приходят сразу, в том числе в ваше тихое время", "вне вашего тихого"),
        ("kk", "Су тасқыны кезіндегі эвакуация", "Олар тыныш уақытыңызда да бірден келеді", "уақытыңыздан тыс"),
    ],
)
def test_the_page_says_what_comes_in_quiet_hours(
    tmp_path: Path, language: str, title: str, at_once: str, outside: str
) -> None:
    """Danger to life comes at once, and is not among what comes outside of quiet hours, in three languages."""
    world = World(tmp_path, packs=[each for each in shipped() if each.name in ("kz", "alatau")])
    world.take(*registered(AIGERIM))
    page = visiting(world, AIGERIM, language).get(PATH).text
    assert at_once in page
    assert title in page.partition(at_once)[2]
    assert outside not in page
    world.close()


@pytest.mark.parametrize(
    ("language", "said"),
    [("kk", "SMS-хабарламаңызға жауаптар"), ("ru", "Ответы на ваши SMS"), ("en", "Replies to your SMS")],
)
def test_answers_to_an_sms_are_no_topic(world: World, language: str, said: str) -> None:
    """What answers an SMS of theirs cannot be turned off, and its topic has a name in each language."""
    assert "sms_replies" not in visiting(world, AIGERIM, language).get(PATH).text
    assert category("sms_replies", Speech(language, zone_of("Asia/Almaty"))) == said


def test_every_topic_has_a_name() -> None:
    """Each category of the shipped packs has a name that catalogues translate."""
    names = {str(each.rules["category"]) for pack in packs_in(list(shipped())) for each in pack.triggers}
    assert names <= set(CATEGORIES)


async def test_what_one_gets_stands_first(tmp_path: Path) -> None:
    """Topics of which messages came stand first, the most frequent one at the top; the others open below them."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, "1996-05-05"), birth(iin(2), AIGERIM, "2025-05-30"))
    for number in ("KZ-1", "KZ-2"):
        world.take(fine(AIGERIM, number, "2025-06-02T11:00:00+05:00"))
    await world.settle("2025-06-02T13:00+05:00")
    world.platform.replay.follower.drain()
    page = visiting(world, AIGERIM).get(PATH).text
    shown = re.findall(r'id="topic-(\w+)"', page)
    assert shown[:2] == ["transport", "family"]
    assert sorted(shown) == sorted(each.category for each in topics(world))
    assert [re.search(rf'id="topic-{each}"', page.partition("Other topics")[0]) is not None for each in shown] == [
        each in ("transport", "family") for each in shown
    ]
    world.close()


def test_where_messages_go_is_masked(tmp_path: Path) -> None:
    """Telephone and email are shown in part, with the service that keeps them; what is not known says so."""
    known = {"title": "eGov", "who": "citizens", "issuer": "https://idp.example.org", "client_id": "x"}
    world = World(tmp_path, sign_in={"egov": known})
    world.take(*registered(AIGERIM, phone="+77011234567", email=f"{'q' * 60}@{'mail.' * 40}example.org"))
    page = visiting(world, AIGERIM).get(PATH).text
    assert "<bdi>+7 … 4567</bdi>" in page
    assert "1234567" not in page
    assert "<bdi>q…@mail." in page
    assert "qq" not in page
    assert "no device yet" in page
    assert "where you sign in: eGov." in page
    assert "no telephone number is known" in visiting(world, iin(9)).get(PATH).text
    world.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [("+77011234567", "+7 … 4567"), ("+1234567", "…"), ("a@b.kz", "a…@b.kz"), ("@", "…@"), ("", "…")],
)
def test_any_address_is_masked(address: str, shown: str) -> None:
    """Of a short number nothing is shown, for what is left would be all of it."""
    assert masked(address) == shown


@pytest.mark.parametrize(
    ("language", "country", "towns"),
    [
        ("en", "Kazakhstan", ["Almaty", "Qyzylorda"]),
        ("ru", "Казахстан", ["Алматы", "Кызылорда"]),
        ("kk", "Қазақстан", ["Алматы", "Қызылорда"]),
    ],
)
def test_zones_are_towns_of_the_country(world: World, language: str, country: str, towns: list[str]) -> None:
    """The zones of the country stand there by their towns; others are one link away, and all are taken."""
    browser = visiting(world, AIGERIM, language)
    few, all_of = browser.get(PATH).text, browser.get(f"{PATH}?zones=all").text
    assert re.findall(r'<optgroup label="(.*?)">', few) == [country]
    assert [f">{town}</option>" in few for town in towns] == [True, True]
    assert "Europe/Berlin" not in few
    assert f'<optgroup label="{country}">' == re.findall(r"<optgroup .*?>", all_of)[0]
    assert 'value="Europe/Berlin"' in all_of
    assert browser.post(PATH, data=form(world, zone="Europe/Berlin")).status_code == 303
    assert 'value="Europe/Berlin" selected' in browser.get(PATH).text


def test_saved_is_said_once(world: World, browser: TestClient) -> None:
    """After saving the page says so once, and not again on a reload."""
    saved = browser.post(PATH, data=form(world), follow_redirects=True)
    assert "It applies from now on." in saved.text
    assert "It applies from now on." not in browser.get(str(saved.url)).text
