import asyncio

import pytest

from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.port.message_names import token
from notifiers.port.routes import Provider
from tests.notifiers.hurrying import hurry
from tests.notifiers.letters import PATIENCE, email_to, letter
from tests.notifiers.peers import FLOOD, GARBAGE, Act, Answer, Scripted
from tests.services.ports import kept_port

LATER = RetryLater
STAGES = {"greeting": "connect", "ehlo": "connect", "mail": "envelope", "rcpt": "envelope", "data": "envelope"}


async def outcome_of(scripted: Scripted, stage: str, answer: Answer, **limits: float) -> Outcome:
    """What becomes of one letter when the server answers so at this stage."""
    async with scripted(**{stage: answer}) as peer, email_to(peer.port, limits=limits) as notifier:
        (outcome,) = await notifier.send([letter()])
        return outcome


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("answer", [b"421 4.3.2 closing\r\n", b"450 4.2.1 later\r\n"])
async def test_a_4xx_means_later(scripted: Scripted, stage: str, answer: bytes) -> None:
    """A temporary refusal before the letter puts it off, at any stage."""
    outcome = await outcome_of(scripted, stage, answer)
    assert isinstance(outcome, RetryLater)
    assert outcome.reason is Reason.BUSY


@pytest.mark.parametrize("stage", ["data", "letter"])
async def test_a_5xx_about_the_message_gives_it_up(scripted: Scripted, stage: str) -> None:
    """A permanent refusal of the letter is final, and its code is kept."""
    assert await outcome_of(scripted, stage, b"554 5.7.1 no\r\n") == GiveUp(Reason.REJECTED, "554 5.7.1")


SENDER, RELAYING = b"550 5.7.1 Sender address rejected: not owned by user\r\n", b"554 5.7.1 Relay access denied\r\n"


@pytest.mark.parametrize(
    ("stage", "answer"), [("mail", SENDER), ("rcpt", RELAYING), ("rcpt", b"550 no relaying\r\n")]
)
async def test_a_server_that_refuses_everybody_is_in_trouble(scripted: Scripted, stage: str, answer: bytes) -> None:
    """Where the sender or relaying is refused no letter is given up: the door closes, and others have their turn."""
    async with scripted(**{stage: answer}) as peer, email_to(peer.port) as notifier:
        provider = Provider("relay", notifier)
        outcomes = [each for _ in range(3) for each in await provider.send([letter()] * 4)]
    assert {type(each) for each in outcomes} == {RetryLater}
    assert {getattr(each, "reason", None) for each in outcomes} == {Reason.NOT_ADMITTED}
    assert not provider.is_open()


@pytest.mark.parametrize(
    ("stage", "answer", "is_left"),
    [
        ("greeting", b"421 4.3.2 busy\r\n", True),
        ("mail", b"421 4.7.0 too much\r\n", True),
        ("rcpt", b"450 4.2.0 greylisted\r\n", False),
        ("rcpt", b"421 4.7.0 not you now\r\n", False),
    ],
)
async def test_a_server_that_asks_for_patience_is_left_alone(
    scripted: Scripted, stage: str, answer: bytes, *, is_left: bool
) -> None:
    """A 421 before any recipient is named is for all of them, so nobody knocks for a while; a greylisting is not."""
    async with scripted(**{stage: answer}) as peer, email_to(peer.port, connections=1) as notifier:
        provider = Provider("relay", notifier)
        outcomes = [each for _ in range(2) for each in await provider.send([letter()])]
    assert {getattr(each, "reason", None) for each in outcomes} == {Reason.BUSY}
    assert provider.is_open() is not is_left


async def test_a_connection_too_many_is_no_patience(scripted: Scripted) -> None:
    """Where letters go by some connections, a 421 to another one keeps nobody waiting."""
    async with scripted(mail=[b"421 4.3.2 closing\r\n", b"250 ok\r\n"]) as peer, email_to(peer.port) as notifier:
        provider = Provider("relay", notifier)
        outcomes = await provider.send([letter(), letter()])
    assert [type(each) for each in outcomes] == [RetryLater, Accepted]
    assert provider.is_open()


async def test_a_refused_recipient_among_others_is_given_up(scripted: Scripted) -> None:
    """Near a recipient whom the server takes, a refusal is that recipient's; five in a row are not."""
    answers = [b"250 ok\r\n", *[RELAYING] * 5, b"250 ok\r\n", RELAYING]
    async with scripted(rcpt=answers) as peer, email_to(peer.port, connections=1) as notifier:
        outcomes = [each for _ in answers for each in await notifier.send([letter()])]
    given_up, put_off = GiveUp(Reason.REJECTED, "554 5.7.1"), LATER(None, Reason.NOT_ADMITTED, "554 5.7.1")
    taken = Accepted(token(letter().key))
    assert outcomes == [taken, *[given_up] * 4, put_off, taken, given_up]


@pytest.mark.parametrize("stage", ["greeting", "ehlo"])
async def test_a_5xx_about_us_means_later(scripted: Scripted, stage: str) -> None:
    """A server that will not talk to us says nothing about the message: it is put off, not failed."""
    assert await outcome_of(scripted, stage, b"554 5.7.1 not you\r\n") == LATER(None, Reason.NOT_ADMITTED, "554")


@pytest.mark.parametrize("stage", STAGES)
async def test_a_link_lost_before_the_letter_means_later(scripted: Scripted, stage: str) -> None:
    """Whoever hangs up before the letter was handed over has not got it."""
    outcome = await outcome_of(scripted, stage, Act.CLOSE)
    assert outcome == LATER(None, Reason.UNREACHABLE if STAGES[stage] == "connect" else Reason.LINK_LOST)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("act", [Act.HANG, Act.DRIP])
async def test_a_silence_before_the_letter_means_later(scripted: Scripted, stage: str, act: Act) -> None:
    """A server that falls silent before the letter, or answers for ever, is left at its limit, the letter put off."""
    assert await outcome_of(scripted, stage, act, **{STAGES[stage]: 0.2}) == LATER(None, Reason.TIMED_OUT)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("answer", [GARBAGE, FLOOD, b"999 what\r\n", b"199 hm\r\n"])
async def test_nonsense_before_the_letter_means_later(scripted: Scripted, stage: str, answer: bytes) -> None:
    """Nonsense before the letter neither raises nor counts as sent."""
    outcome = await outcome_of(scripted, stage, answer)
    assert isinstance(outcome, RetryLater)
    assert outcome.reason is Reason.GARBLED


async def test_one_answer_too_many_is_no_success(scripted: Scripted) -> None:
    """A server that answers MAIL twice, so that all later answers are one off, is left before the letter."""
    async with scripted(mail=b"250 ok\r\n250 ok\r\n") as peer, email_to(peer.port) as notifier:
        (outcome,) = await notifier.send([letter()])
    assert outcome == LATER(None, Reason.GARBLED, "250")
    assert peer.letters == []


@pytest.mark.parametrize("answer", [b"451 4.3.0 queue full\r\n", b"421 4.3.2 closing\r\n"])
async def test_a_4xx_to_the_letter_means_later(scripted: Scripted, answer: bytes) -> None:
    """A server that says it did not take the letter is believed."""
    outcome = await outcome_of(scripted, "letter", answer)
    assert outcome == LATER(None, Reason.BUSY, answer[:9].decode())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Act.CLOSE, Reason.LINK_LOST),
        (Act.HANG, Reason.TIMED_OUT),
        (Act.DRIP, Reason.TIMED_OUT),
        (GARBAGE, Reason.GARBLED),
        (FLOOD, Reason.GARBLED),
        (b"354 still going on\r\n", Reason.GARBLED),
    ],
)
async def test_after_the_last_dot_nobody_knows(scripted: Scripted, answer: Answer, reason: Reason) -> None:
    """Once the last dot may have arrived, only a clear answer settles it: all else is unknown."""
    outcome = await outcome_of(scripted, "letter", answer, **({"final": 0.2} if reason is Reason.TIMED_OUT else {}))
    assert isinstance(outcome, Unknown)
    assert outcome.reason is reason


async def test_a_dot_that_never_left_is_no_doubt(scripted: Scripted) -> None:
    """A server that stops reading in the middle cannot have the letter: that is known, not unknown."""
    async with scripted(data=Act.DEAF) as peer, email_to(peer.port, limits={"final": 0.2}) as notifier:
        (outcome,) = await notifier.send([letter(text="x" * 12_000_000)])
    assert outcome == LATER(None, Reason.TIMED_OUT)


async def test_any_2xx_accepts_the_letter(scripted: Scripted) -> None:
    """The first digit decides, as RFC 5321 (section 4.3.2) asks for, and receipts know its reference."""
    message = letter()
    outcome = await outcome_of(scripted, "letter", b"252 will try\r\n")
    assert outcome == Accepted(token(message.key))


async def test_nobody_listening_means_later() -> None:
    """A refused connection puts off the whole batch."""
    with kept_port() as kept:
        async with email_to(kept.getsockname()[1]) as notifier:
            outcomes = await notifier.send([letter(), letter()])
    assert outcomes == [LATER(None, Reason.UNREACHABLE)] * 2


async def test_refusals_concern_one_letter_only(scripted: Scripted) -> None:
    """A refused recipient does not keep the next letter on the same connection from its own outcome."""
    answers = [b"250 ok\r\n", b"550 5.1.1 unknown\r\n", b"250 ok\r\n"]
    async with scripted(rcpt=answers) as peer, email_to(peer.port, connections=1) as notifier:
        outcomes = await notifier.send([letter() for _ in range(3)])
    assert [type(outcome) for outcome in outcomes] == [Accepted, GiveUp, Accepted]
    assert peer.connections == 1
    assert peer.heard.count("RSET") == 1


async def test_what_is_not_begun_in_time_is_put_off(scripted: Scripted) -> None:
    """A slow provider holds a batch only for a while: the rest is put off, and nothing of it was sent."""
    async with scripted(mail=Act.HANG) as peer, email_to(peer.port, connections=1) as notifier:
        sending = asyncio.create_task(notifier.send([letter(), letter()]))
        await peer.reached("mail")
        hurry(PATIENCE)
        outcomes = await sending
    assert outcomes == [LATER(None, Reason.TIMED_OUT), LATER(None, Reason.NO_TIME)]


async def test_waiting_for_a_connection_has_its_limit(scripted: Scripted) -> None:
    """A batch that finds every connection busy is put off, not held."""
    limits = {"final": 3 * PATIENCE}
    async with scripted(letter=Act.HANG) as peer, email_to(peer.port, connections=1, limits=limits) as notifier:
        first, second = (asyncio.create_task(notifier.send([letter()])) for _ in range(2))
        await peer.reached("letter")
        hurry(PATIENCE)
        assert await second == [LATER(None, Reason.NO_TIME)]
        assert not first.done()
        hurry(3 * PATIENCE)
        assert await first == [Unknown(Reason.TIMED_OUT)]
