"""Test-sends: by the real notifier, to a colleague's registered contact, marked, and a fact without address."""

import pytest
from msgspec.structs import replace

from domain.facts.governance import SentAsTest
from domain.facts.principals import NotAllowed, Principal
from notifiers.port.interface import Accepted
from notifiers.port.routes import single_routes
from streams.delivery.send.trial_send import TrialMessage
from templates.words.rendering import Rendered
from tests.streams.governors import STRANGER, approver, author
from tests.world import World

WORDS = Rendered("en", "Your meter", "Meter", "Check it", "Check it, please", "Dear reader", "<body><p>Dear</p>", ())
TRIAL = TrialMessage("meter_check", "v1", "water", "email", WORDS)
AIDA = author("water")
DANA: Principal = replace(approver("water"), contacts={"email": "dana@water.example", "sms": "+77000000000"})


async def send(world: World, trial: TrialMessage = TRIAL, to: Principal = DANA, who: Principal = AIDA) -> None:
    """Send it by the world's notifier of that channel."""
    route = single_routes(world.notifiers)[trial.channel]
    assert isinstance(await world.platform.delivery.test_sends.send(trial, to, who, route), Accepted)


async def test_it_is_marked_in_every_form(world: World) -> None:
    """Nobody takes a test for a message of the state: subject, text and page begin with the mark."""
    await send(world)
    await send(world, replace(TRIAL, channel="sms"))
    email, sms = world.sent
    assert (email.address, sms.address) == ("dana@water.example", "+77000000000")
    assert (email.title, email.text, email.html) == (
        "[TEST] Your meter",
        "[TEST] Dear reader",
        "<body><p>[TEST]</p><p>Dear</p>",
    )
    assert (sms.title, sms.text, sms.html) == ("", "[TEST] Check it, please", None)


async def test_it_is_a_fact_without_an_address_and_no_nudge(world: World) -> None:
    """The log says who sent which version to whom; there is no nudge, and two test-sends are two messages."""
    await send(world)
    await send(world)
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, SentAsTest)]
    assert [(fact.by, fact.to, fact.hash, fact.channel) for fact in facts] == [("aida", "dana", "v1", "email")] * 2
    assert "water.example" not in str(facts)
    assert len({message.key for message in world.sent}) == 2
    assert world.nudges() == []


@pytest.mark.parametrize(
    ("trial", "to", "who"),
    [
        (TRIAL, STRANGER, AIDA),
        (TRIAL, DANA, STRANGER),
        (replace(TRIAL, owner="finance"), DANA, AIDA),
        (replace(TRIAL, channel="push"), DANA, AIDA),
        (replace(TRIAL, trigger="identity_card_expiry"), DANA, AIDA),
    ],
)
async def test_what_is_not_allowed_is_neither_sent_nor_said(
    world: World, trial: TrialMessage, to: Principal, who: Principal
) -> None:
    """Across agencies, under another's name or without a registered contact, nothing goes and no fact says it did."""
    with pytest.raises(NotAllowed):
        await send(world, trial, to, who)
    assert world.sent == []
    assert not any(isinstance(entry.fact, SentAsTest) for entry in world.entries())
