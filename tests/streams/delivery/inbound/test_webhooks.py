"""Webhooks: an agency is told of each answer once it says yes, signed, and what is given up is a dead letter."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from app.providers import HookSettings
from domain.persons.replies import Reply
from streams.delivery.inbound.webhooks import AT_ONCE, LEASE, RETRY_AFTER, UNWANTED_FOR, Hook, Webhooks
from streams.queues.dead_letters import LetterFilter
from streams.runtime import cleanup
from streams.runtime.cleanup import UNSENT_WEBHOOKS_KEPT
from tests.app.http.wire import TRACE
from tests.notifiers.http_peers import Answer, HttpPeer, RecordedRequest, answer, listening
from tests.notifiers.peers import Act
from tests.world import LONG_AGO, World, event, few_triggers, iin, registered

AIGERIM = iin(1)
SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1hZ2VuY3k="
ASKED = "2025-06-04T10:00+05:00"
OK, BROKEN, GONE = answer(200), answer(500), answer(410)
EVERYBODY = LetterFilter()


class Told:
    """Aigerim was asked by the ministry of labour, which listens at a server that answers by the script."""

    def __init__(self, world: World, peer: HttpPeer) -> None:
        self.world, self.peer = world, peer

    async def answer(self, code: str = "1") -> None:
        """She answers, and the agency is told if its turn has come."""
        [message] = await self.world.settle(ASKED)
        at = datetime.fromisoformat("2025-06-04T10:30+05:00")
        self.world.platform.delivery.inbound.replies.take(Reply(message.nudge, message.recipient, code, at, "sms"))
        await self.world.settle()

    async def wait(self, time: timedelta) -> None:
        """Some time passes."""
        await self.world.settle(self.world.clock() + time)


class Agency:
    """Who knows a secret, and checks by it what calls."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def accepts(self, heard: RecordedRequest) -> bool:
        """Whether one of the signatures is by the secret."""
        at = datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), UTC)
        expected = Webhook(self._secret).sign(heard.headers["webhook-id"], at, heard.body.decode())
        return expected in heard.headers["webhook-signature"].split(" ")


@pytest.fixture
async def told(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Told]:
    """The agency's server; the parameter is its script, or more of the hook."""
    given = getattr(request, "param", OK)
    more = given if isinstance(given, dict) else {"script": given}
    script: Answer | Sequence[Answer] = more.get("script", OK)
    peer = HttpPeer(script)
    async with listening(peer.serve) as port:
        hook = HookSettings.model_validate(
            {"url": f"http://127.0.0.1:{port}/told", "secret": more.get("secret", SECRET)}
        )
        packs = [few_triggers(tmp_path, "work_offers_consent")]
        world = World(tmp_path, packs=packs, webhooks={"labour": hook})
        world.take(
            *registered(AIGERIM, LONG_AGO),
            event(
                "citizen.preferences_changed",
                AIGERIM,
                "2024-01-03T00:00:00+05:00",
                {"channels": ["sms"]},
                id="sms only",
            ),
            event(
                "kz.social.unemployment_registered",
                AIGERIM,
                "2025-06-02T11:00:00+05:00",
                {"registered_on": "2025-06-02", "insured_months": 0},
                id="jobless-77",
                traceparent=TRACE,
            ),
        )
        yield Told(world, peer)
        await world.platform.delivery.inbound.webhooks.aclose()
    world.close()


async def test_what_an_agency_is_told_is_this(told: Told) -> None:
    """The body and the headers, byte for byte: agencies read them, and docs/channels.md describes them."""
    await told.answer()
    [heard] = told.peer.heard
    nudge = told.world.sent[0].nudge
    assert heard.body.decode() == (
        '{"type": "citizen.consent_given", "timestamp": "2025-06-04T05:30:00+00:00", "data": {'
        f'"nudge": "{nudge}", "trigger": "work_offers_consent", "step": "ask", "answer": null, '
        '"cause": {"source": "/test", "id": "jobless-77"}}}'
    )
    assert heard.headers["content-type"] == "application/json"
    assert {name for name in heard.headers if name.startswith("webhook-")} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert heard.headers["webhook-signature"].startswith("v1,")


async def test_the_agency_is_told_of_a_consent(told: Told) -> None:
    """The call is signed, names the agency's own event, and holds nobody's data."""
    await told.answer()
    [heard] = told.peer.heard
    said = json.loads(heard.body)
    assert (said["type"], said["data"]["answer"]) == ("citizen.consent_given", None)
    assert said["data"]["cause"] == {"source": "/test", "id": "jobless-77"}
    assert said["data"]["trigger"] == "work_offers_consent"
    for secret in (AIGERIM, told.world.name(AIGERIM), "+7701", "Айгерім"):
        assert secret not in heard.body.decode()
    at = datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), UTC)
    expected = Webhook(SECRET).sign(heard.headers["webhook-id"], at, heard.body.decode())
    assert heard.headers["webhook-signature"] == expected
    assert heard.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]
    await told.wait(timedelta(days=3))
    assert len(told.peer.heard) == 1


NEW = "whsec_" + "dGhlLW5ldy1zZWNyZXQtb2YtaXQ="


@pytest.mark.parametrize("secret", [SECRET, NEW])
@pytest.mark.parametrize("told", [{"secret": [SECRET, NEW]}], indirect=True)
async def test_a_secret_is_changed_without_a_refusal(told: Told, secret: str) -> None:
    """While there are two secrets a call is signed with both: whoever knows either takes it."""
    await told.answer()
    [heard] = told.peer.heard
    assert Agency(secret).accepts(heard)
    assert len(heard.headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize(
    "told",
    [
        {"script": [answer(503, "retry-after: 3600"), OK]},
        {"script": [answer(429, "retry-after: 3600"), OK]},
    ],
    indirect=True,
)
async def test_an_agency_that_asks_for_patience_gets_it(told: Told) -> None:
    """Nothing comes again before the time that Retry-After says; then it does."""
    await told.answer()
    await told.wait(timedelta(minutes=59))
    assert len(told.peer.heard) == 1
    await told.wait(timedelta(minutes=1))
    assert len(told.peer.heard) == 2


async def test_an_answer_is_named_by_its_code(told: Told) -> None:
    """An answer that is no consent says which one it was."""
    await told.answer("2")
    [heard] = told.peer.heard
    assert json.loads(heard.body)["data"]["answer"] == "2"


async def test_the_agency_is_told_of_a_dispute(told: Told) -> None:
    """That somebody says a message is wrong is told with the message and not with their words."""
    [message] = await told.world.settle(ASKED)
    said = {"nudge": str(message.nudge), "text": "Мен жұмыссыз емеспін"}
    told.world.take(event("citizen.disputed", AIGERIM, "2025-06-04T10:20:00+05:00", said, id="wrong"))
    await told.world.settle()
    [heard] = told.peer.heard
    body = json.loads(heard.body)
    assert (body["type"], body["data"]["nudge"]) == ("citizen.disputed", str(message.nudge))
    assert "жұмыссыз" not in heard.body.decode()
    assert Agency(SECRET).accepts(heard)


@pytest.mark.parametrize("told", [[BROKEN, Act.CLOSE, OK]], indirect=True)
async def test_what_fails_is_tried_again_under_the_same_id(told: Told) -> None:
    """After an error and a lost link the call comes again, later, and the agency can tell that it is one."""
    await told.answer()
    assert len(told.peer.heard) == 1
    await told.wait(RETRY_AFTER[0])
    await told.wait(RETRY_AFTER[1])
    await told.wait(timedelta(days=5))
    assert len(told.peer.heard) == 3
    assert len({each.headers["webhook-id"] for each in told.peer.heard}) == 1


@pytest.mark.parametrize("told", [BROKEN], indirect=True)
async def test_what_fails_for_days_becomes_a_dead_letter(told: Told) -> None:
    """After the last attempt nothing more is tried until an operator says so, and then it is as if new."""
    await told.answer()
    for wait in RETRY_AFTER:
        await told.wait(wait)
    assert len(told.peer.heard) == len(RETRY_AFTER) + 1
    letters = told.world.platform.runtime.dead_letters
    [letter] = letters.letters(EVERYBODY)
    assert (letter.kind, letter.cause, letter.told) == ("webhook", "500", "for labour")
    await told.wait(timedelta(days=9))
    assert len(told.peer.heard) == len(RETRY_AFTER) + 1
    assert letters.retry(EVERYBODY).handled == 1
    await told.wait(timedelta())
    assert len(told.peer.heard) == len(RETRY_AFTER) + 2
    assert letters.count(EVERYBODY) == 0


@pytest.mark.parametrize("told", [GONE], indirect=True)
async def test_a_hook_that_is_gone_is_given_up(told: Told) -> None:
    """410 means that nobody will ever listen there: a dead letter at once."""
    await told.answer()
    await told.wait(timedelta(days=5))
    assert len(told.peer.heard) == 1
    assert [each.cause for each in told.world.platform.runtime.dead_letters.groups()] == ["410"]


async def test_a_process_that_dies_over_it_leaves_it_to_others(told: Told) -> None:
    """A call that was claimed and never made is made after its lease."""
    [message] = await told.world.settle(ASKED)
    at = datetime.fromisoformat("2025-06-04T10:30+05:00")
    told.world.platform.delivery.inbound.replies.take(Reply(message.nudge, message.recipient, "1", at, "sms"))
    assert len(told.world.platform.delivery.inbound.webhooks._claim()) == 1
    await told.world.settle()
    assert told.peer.heard == []
    await told.wait(LEASE)
    assert len(told.peer.heard) == 1


async def test_who_wants_to_be_told_nothing_is_not_waited_for(tmp_path: Path) -> None:
    """Without a hook nothing piles up for longer than a month."""
    world = World(tmp_path, packs=[few_triggers(tmp_path, "work_offers_consent")])
    world.take(
        *registered(AIGERIM, LONG_AGO),
        event(
            "citizen.disputed",
            AIGERIM,
            "2025-01-03T00:00:00+05:00",
            {"nudge": "00000000-0000-0000-0000-000000000001"},
        ),
    )
    await world.settle()
    assert world.health().untold == 1
    world.at(world.clock() + UNSENT_WEBHOOKS_KEPT + timedelta(days=1))
    cleanup.run(world.platform.database, world.clock())
    assert world.health().untold == 0
    world.close()


@pytest.mark.parametrize("url", ["https://", "https://two words/", "https://agency.example:99999/", "ftp://x/"])
def test_a_hook_that_nobody_can_call_stops_the_start(url: str) -> None:
    """An address that no client could call is told at once: at a call it would hold up the calls to others."""
    with pytest.raises(ValueError, match="url"):
        HookSettings.model_validate({"url": url, "secret": SECRET})


@pytest.mark.parametrize("told", [BROKEN], indirect=True)
async def test_an_agency_that_takes_nothing_is_not_called_for_all_that_waits(told: Told) -> None:
    """After the first calls failed the rest is put off untried, so that other agencies' calls have their turn."""
    [message] = await told.world.settle(ASKED)
    about = {"nudge": str(message.nudge)}
    for number in range(AT_ONCE + 5):
        time = f"2025-06-04T10:20:{number:02}+05:00"
        told.world.take(event("citizen.disputed", AIGERIM, time, about, id=f"disputed {number}"))
    await told.world.settle()
    assert len(told.peer.heard) == AT_ONCE
    for _ in range(4):  # what failed waits longer and longer, so the others come before it
        await told.wait(RETRY_AFTER[1])
    assert len({each.headers["webhook-id"] for each in told.peer.heard}) == AT_ONCE + 5


async def test_a_process_that_knows_no_agency_leaves_all_to_others(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits for agencies is not touched, said once, and seen in the health; whoever knows them tells them."""
    platform = told.world.platform
    [message] = await told.world.settle(ASKED)
    platform.delivery.inbound.replies.take(Reply(message.nudge, message.recipient, "1", told.world.clock(), "sms"))
    nobody = Webhooks(platform.rules.context, platform.queues.dead_letter_queue, {})
    assert [await nobody.deliver() for _ in range(3)] == [0, 0, 0]
    assert (told.world.health().untold, len(caplog.records)) == (1, 1)
    await told.world.settle()
    assert (told.world.health().untold, len(told.peer.heard)) == (0, 1)


async def test_an_agency_that_only_another_process_knows_is_told_by_that(told: Told) -> None:
    """A process that knows other agencies puts off what is not for them, and does not let go of it."""
    platform = told.world.platform
    [message] = await told.world.settle(ASKED)
    platform.delivery.inbound.replies.take(Reply(message.nudge, message.recipient, "1", told.world.clock(), "sms"))
    other = Webhooks(
        platform.rules.context, platform.queues.dead_letter_queue, {"health": Hook("http://127.0.0.1:9/", (SECRET,))}
    )
    assert await other.deliver() == 1
    await told.wait(UNWANTED_FOR)
    assert len(told.peer.heard) == 1
