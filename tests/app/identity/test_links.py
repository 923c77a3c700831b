"""The links in messages name nobody, and those that were sent before still work."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.identity.authenticity_codes import short_link_lookup
from app.identity.links import BadLink, Links
from domain.core.ids import keyed_hash, shortened
from domain.nudges.nudge import Nudge
from tests.app.http.wire import client_of, served
from tests.beginnings import KEYRING
from tests.world import LONG_AGO, NOON, World, card, event, few_triggers, fine, iin, registered

AIGERIM = iin(1)
ONE, OTHER = (UUID(bytes=b"abab" + bytes(range(10, 21)) + bytes([last])) for last in (1, 2))
SOMEBODY, ANYBODY = "ab" * 16, "cd" * 16
Make = Callable[[Links], str]
KINDS: dict[str, Make] = {
    "stop": lambda links: links.token(ONE, SOMEBODY),
    "answer": lambda links: links.answer(ONE, SOMEBODY, "да"),
    "seen": lambda links: links.seen(ONE, SOMEBODY, 2),
    "page": lambda links: links.page(ONE, SOMEBODY, NOON),
}


@pytest.fixture
def links() -> Links:
    """The links of some platform."""
    return Links("https://example.org", b"key")


def token_of(link: str) -> str:
    """What is secret of it."""
    return link.rpartition("/")[2]


def beginning(_number: int, _bits: int) -> list[tuple[UUID, str]]:
    """Everybody whose nudge begins alike."""
    return [(OTHER, SOMEBODY), (ONE, ANYBODY), (ONE, SOMEBODY)]


def nobody(_number: int, _bits: int) -> list[tuple[UUID, str]]:
    """No nudge begins so."""
    return []


def long(key: bytes, purpose: str, nudge: UUID, recipient: str, more: bytes = b"") -> str:
    """A token as messages had it at first."""
    body = nudge.bytes + bytes.fromhex(recipient) + more
    return base64.urlsafe_b64encode(body + keyed_hash(key, purpose, body.hex())).decode().rstrip("=")


def test_what_was_made_is_read(links: Links) -> None:
    """Each link leads to its nudge and recipient, among all whose nudges begin alike, and says what it said."""
    assert links.read(token_of(KINDS["stop"](links)), beginning) == (ONE, SOMEBODY)
    assert links.read_answer(token_of(KINDS["answer"](links)), beginning) == (ONE, SOMEBODY, "да")
    assert links.read_seen(token_of(KINDS["seen"](links)), beginning) == (ONE, SOMEBODY, 2)
    assert links.read_page(token_of(KINDS["page"](links)), NOON, beginning) == (ONE, SOMEBODY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_is_for_one_purpose(links: Links, kind: str) -> None:
    """A link that was made for one thing does no other, and none leads anywhere without its nudge."""
    token = token_of(KINDS[kind](links))
    readers: dict[str, Callable[[str], object]] = {
        "stop": lambda each: links.read(each, beginning),
        "answer": lambda each: links.read_answer(each, beginning),
        "seen": lambda each: links.read_seen(each, beginning),
        "page": lambda each: links.read_page(each, NOON, beginning),
    }
    for name, read in readers.items():
        if name != kind:
            with pytest.raises(BadLink):
                read(token)
    with pytest.raises(BadLink):
        links.read(token, nobody)


@pytest.mark.parametrize("kind", KINDS)
def test_no_link_says_whose_it_is(links: Links, kind: str) -> None:
    """In no link is there anything of a pseudonym or of a nudge's id, which begins like it."""
    raw = base64.urlsafe_b64decode(token_of(KINDS[kind](links)) + "==")
    for name in (bytes.fromhex(SOMEBODY), ONE.bytes):
        assert not any(name[at : at + 3] in raw for at in range(14))
    assert not raw.startswith(shortened(ONE, 40).to_bytes(5)[:2])
    assert len(raw) <= 17


def test_pages_that_were_linked_to_in_clear_are_found(links: Links) -> None:
    """The page's link as messages had it at first, with the beginning of the id as it is, still leads there."""
    day = (NOON - datetime(2020, 1, 1, tzinfo=UTC)).days.to_bytes(2)
    mark = keyed_hash(b"key", "page", (ONE.bytes + bytes.fromhex(SOMEBODY) + day).hex())[:8]
    old = base64.urlsafe_b64encode(shortened(ONE, 40).to_bytes(5) + day + mark).decode()
    assert links.read_page(old, NOON, beginning) == (ONE, SOMEBODY)
    with pytest.raises(BadLink):
        links.read_page(old, NOON + timedelta(days=1), beginning)


async def test_two_links_of_one_person_have_nothing_in_common(world: World) -> None:
    """Of all links of all messages that went to somebody, no two begin alike or have four characters in one place."""
    world.take(*registered(AIGERIM, LONG_AGO, push="a-device", language="en"))
    world.take(
        *(fine(AIGERIM, f"KZ-{at}", "2025-06-02T11:00:00+05:00") for at in range(2)), card(AIGERIM, "2025-07-02")
    )
    sent = await world.settle()
    tokens = [token_of(str(link)) for each in sent for link in (each.unsubscribe_url, each.seen_url) if link]
    assert len(tokens) >= 4
    name = world.name(AIGERIM)
    assert not any(name in token or name in base64.urlsafe_b64decode(token + "==").hex() for token in tokens)
    assert not any(a[at : at + 4] == b[at : at + 4] for a, b in combinations(tokens, 2) for at in range(len(a) - 3))


async def test_links_of_old_messages_still_work(world: World) -> None:
    """The longer form that is in mailboxes already stops, and tells what a device shows; damaged it does nothing."""
    world.take(*registered(AIGERIM, LONG_AGO, push="a-device"), card(AIGERIM, "2025-07-20"))
    [message] = await world.settle("2025-06-20T09:00+05:00")
    names, browser = KEYRING.names, client_of(served(world.platform))
    stop = long(names, "link", message.nudge, message.recipient)
    seen = long(names, "seen", message.nudge, message.recipient, (1).to_bytes(2))
    assert browser.post(f"/seen/{seen}?what=opened").status_code == 204
    assert world.delivery("month").state == "opened"
    assert browser.post(f"/stop/{stop}").status_code == 200
    for wrong in (stop[:-4] + "AAAA", seen):
        assert browser.post(f"/stop/{wrong}").status_code == 404


async def test_the_answer_in_an_old_message_ends_as_any_other(world_of_questions: World) -> None:
    """Its button answers until the message expires, and not after years."""
    world = world_of_questions
    [message] = await world.settle("2025-06-04T10:00+05:00")
    yes = f"/answer/{long(KEYRING.names, 'answer', message.nudge, message.recipient, b'1')}"
    browser = client_of(served(world.platform))
    assert browser.get(yes).status_code == 200
    [nudge] = [each for each in world.nudges() if each.intent.id == message.nudge]
    world.at(ended(nudge))
    assert (browser.get(yes).status_code, browser.post(yes).status_code) == (404, 404)
    assert urlsplit(message.actions[0].url).path != yes


def ended(nudge: Nudge) -> str:
    """When it is of no use any more."""
    assert nudge.intent.expires is not None
    return nudge.intent.expires.isoformat()


@pytest.fixture
def world_of_questions(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Aigerim is to be asked by email for her consent."""
    folder = tmp_path_factory.mktemp("questions")
    made = World(folder, packs=[few_triggers(folder, "work_offers_consent")])
    made.take(
        *registered(AIGERIM, LONG_AGO),
        event(
            "citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00+05:00", {"channels": ["email"]}, id="email"
        ),
        event(
            "kz.social.unemployment_registered",
            AIGERIM,
            "2025-06-02T11:00:00+05:00",
            {"registered_on": "2025-06-02", "insured_months": 0},
        ),
    )
    return made


async def test_who_is_told_of_nobody_known_finds_nothing(world: World) -> None:
    """A short link of a nudge that is not there leads nowhere."""
    token = world.platform.identity.links.token(ONE, SOMEBODY)
    with pytest.raises(BadLink):
        world.platform.identity.links.read(token, short_link_lookup(world.platform.rules.context))
