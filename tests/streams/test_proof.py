"""A message carries its own page and its code: on both databases the link and the code lead back to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.identity.authenticity_codes import _text, short_link_lookup
from app.identity.links import BadLink
from domain.core.ids import shortened
from domain.core.sms import segments
from notifiers.port.interface import Message
from tests.world import World, card, fine, iin, registered

AIGERIM, DANA = iin(1), iin(2)
SITE = "https://h.test"


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """A platform whose pages are reached by https; two people are told of their fines."""
    made = World(tmp_path, url=url, base_url=SITE)
    made.take(*registered(AIGERIM, language="en"), *registered(DANA), card(AIGERIM, "2025-07-20"))
    for number, person in enumerate((AIGERIM, DANA)):
        made.take(fine(person, f"KZ-{number}", "2025-06-02T11:00:00+05:00"))
    yield made
    made.close()


async def told(world: World) -> list[Message]:
    """What went, all of it by SMS."""
    sent = await world.settle()
    assert {message.channel for message in sent} == {"sms"}
    assert {message.recipient for message in sent} == {world.name(AIGERIM), world.name(DANA)}
    return sent


async def test_link_and_code_lead_back_to_the_message(world: World) -> None:
    """Whoever has the link or the code finds this message and this recipient, and nobody else."""
    links, find = world.platform.identity.links, short_link_lookup(world.platform.rules.context)
    for message in await told(world):
        assert message.page_url is not None
        token = message.page_url.removeprefix(f"{SITE}/m/")
        assert links.read_page(token, world.clock(), find) == (message.nudge, message.recipient)
        found = world.platform.identity.codes.check(message.code.lower().replace("-", " "))
        assert found is not None
        assert found.channel == "sms"
    with pytest.raises(BadLink):
        links.read_page("A" * 20, world.clock(), find)
    assert world.platform.identity.codes.check("AAAAA-AAAAA") is None


async def test_codes_of_one_person_have_nothing_in_common(world: World) -> None:
    """Ids of one person's messages begin alike and their codes do not; a code in clear, as it was at first, holds."""
    world.take(*(fine(AIGERIM, f"KZ-{each}", "2025-06-02T11:00:00+05:00") for each in range(7, 10)))
    theirs = [each for each in await told(world) if each.recipient == world.name(AIGERIM)]
    assert len(theirs) >= 3
    assert len({each.nudge.bytes[:4] for each in theirs}) == 1
    assert len({each.code[:3] for each in theirs}) == len(theirs)
    [first, *_] = theirs
    clear = _text(shortened(first.nudge, 25)) + first.code[5:]
    assert clear != first.code
    assert world.platform.identity.codes.check(clear) == world.platform.identity.codes.check(first.code) is not None


async def test_an_sms_says_what_there_is_room_for(world: World) -> None:
    """Link and code stand after the words, and each SMS has as many parts as its words need."""
    said = [(message, message.text.partition(f"\n{message.page_url}")[0]) for message in await told(world)]
    assert any(str(message.page_url) in message.text for message, _ in said)
    for message, words in said:
        alone = words.partition("\nКод: ")[0].partition("\nCode: ")[0]
        assert len(segments(message.text).parts) == len(segments(alone).parts)
