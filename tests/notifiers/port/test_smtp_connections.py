import asyncio
from email import message_from_bytes
from email.policy import default

import pytest

from notifiers.email.notifier import EmailNotifier
from notifiers.port.contract import BUSY_MACHINE_SECONDS
from notifiers.port.interface import Accepted, GiveUp, Reason, RetryLater
from tests.notifiers.letters import AT, config, email_to, letter
from tests.notifiers.peers import Act, Answer, Box, Scripted, real

OK = b"250 ok\r\n"


async def test_connections_stay_open(scripted: Scripted) -> None:
    """Batch after batch goes over the same connection: one greeting, one EHLO."""
    async with scripted() as peer, email_to(peer.port, connections=1) as notifier:
        for _ in range(3):
            await notifier.send([letter(), letter()])
    assert peer.connections == 1
    assert len(peer.letters) == 6
    assert [line.split()[0] for line in peer.heard].count("EHLO") == 1


async def test_no_more_connections_than_allowed(scripted: Scripted) -> None:
    """However many batches run, the server sees no more connections than it was promised."""
    async with scripted() as peer, email_to(peer.port, connections=2) as notifier:
        await asyncio.gather(*(notifier.send([letter() for _ in range(5)]) for _ in range(4)))
    assert peer.connections == 2
    assert len(peer.letters) == 20


async def test_the_connection_that_was_waited_for_is_used(scripted: Scripted) -> None:
    """`ready` opens one connection where there is none, and letters go over it."""
    async with scripted() as peer, email_to(peer.port) as notifier:
        for _ in range(2):
            assert await notifier.ready() is None
        await notifier.send([letter()])
    assert (peer.connections, len(peer.letters)) == (1, 1)


async def test_why_no_connection_can_be_opened(scripted: Scripted) -> None:
    """`ready` answers what a send would: the server does not greet, or the notifier was closed."""
    async with scripted(greeting=Act.HANG) as peer, email_to(peer.port, limits={"connect": 0.2}) as notifier:
        assert await notifier.ready() == (await notifier.send([letter()]))[0]
        await notifier.aclose()
        assert await notifier.ready() == RetryLater(None, Reason.CLOSED)


async def test_leave_is_taken(scripted: Scripted) -> None:
    """Closing says QUIT, so that no server counts us as lost."""
    async with scripted() as peer, email_to(peer.port) as notifier:
        await notifier.send([letter()])
        await notifier.aclose()
        assert peer.heard[-1] == "QUIT"


@pytest.mark.parametrize("goodbye", [Act.CLOSE, Act.HANG, b"554 stay\r\n", b"\xff\r\n"])
async def test_closing_ends_whatever_the_server_says(scripted: Scripted, goodbye: bytes | Act) -> None:
    """Closing comes to an end with a server that doesn't take leave."""
    async with scripted(quit=goodbye) as peer, email_to(peer.port, limits={"envelope": 0.2}) as notifier:
        await notifier.send([letter()])
        async with asyncio.timeout(BUSY_MACHINE_SECONDS):
            await notifier.aclose()


@pytest.mark.parametrize("answer", [Act.CLOSE, b"421 4.4.2 idle for too long\r\n"])
async def test_a_kept_connection_that_was_closed_costs_nothing(scripted: Scripted, answer: bytes | Act) -> None:
    """When a kept connection proves to be closed, the letter goes over a new one in the same batch."""
    async with scripted(mail=[OK, answer, OK]) as peer, email_to(peer.port, connections=1) as notifier:
        await notifier.send([letter()])
        (outcome,) = await notifier.send([letter()])
    assert isinstance(outcome, Accepted)
    assert peer.connections == 2
    assert len(peer.letters) == 2


async def test_after_421_comes_a_new_connection(scripted: Scripted) -> None:
    """A new connection that is told 421 puts its letter off, and the next letter gets another."""
    async with scripted(mail=[b"421 4.3.2 closing\r\n", OK]) as peer, email_to(peer.port, connections=1) as notifier:
        outcomes = await notifier.send([letter(), letter()])
    assert outcomes[0] == RetryLater(None, Reason.BUSY, "421 4.3.2", everybody=True)
    assert isinstance(outcomes[1], Accepted)
    assert peer.connections == 2


async def test_421_to_a_letter_ends_the_connection(scripted: Scripted) -> None:
    """A server that closes after a letter, whether it says so or not, gets the next one over a new connection."""
    async with (
        scripted(letter=[b"421 4.3.2 closing\r\n", OK]) as peer,
        email_to(peer.port, connections=1) as notifier,
    ):
        await notifier.send([letter(), letter()])
    assert peer.connections == 2


async def test_nonsense_ends_the_connection(scripted: Scripted) -> None:
    """Nobody goes on talking where the answers have lost their sense."""
    async with scripted(mail=[b"999 what\r\n", OK]) as peer, email_to(peer.port, connections=1) as notifier:
        first, second = await notifier.send([letter(), letter()])
    assert first == RetryLater(None, Reason.GARBLED, "999")
    assert isinstance(second, Accepted)
    assert peer.connections == 2


async def test_an_unknown_letter_is_not_repeated(scripted: Scripted) -> None:
    """A kept connection lost after the last dot is not tried anew: the letter is handed over once."""
    async with scripted(letter=[OK, Act.CLOSE, OK]) as peer, email_to(peer.port, connections=1) as notifier:
        await notifier.send([letter()])
        await notifier.send([letter()])
    assert len(peer.letters) == 2


async def test_a_connection_refused_leaves_the_work_to_the_others(scripted: Scripted) -> None:
    """A server that limits its connections still gets the whole batch over those it allows."""
    greetings = [b"220 peer\r\n", b"421 4.7.0 too many\r\n"]
    async with scripted(greeting=greetings) as peer, email_to(peer.port, connections=2) as notifier:
        outcomes = await notifier.send([letter() for _ in range(20)])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 20
    assert peer.connections == 2


async def test_a_cancelled_send_leaves_no_half_conversation(scripted: Scripted) -> None:
    """A send cancelled in the middle does not spoil the next: that one starts a new conversation."""
    data: list[Answer] = [Act.HANG, b"354 go on\r\n"]
    async with scripted(data=data) as peer, email_to(peer.port, connections=1) as notifier:
        task = asyncio.create_task(notifier.send([letter()]))
        await peer.reached("data")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (outcome,) = await notifier.send([letter()])
    assert isinstance(outcome, Accepted)
    assert peer.connections == 2


async def test_closing_lets_the_letter_in_hand_finish(scripted: Scripted) -> None:
    """What is handed over while the notifier closes keeps its true outcome, then the connection ends."""
    async with scripted() as peer:
        release = peer.hold("letter")
        notifier = EmailNotifier(config(peer.port, connections=1), lambda: AT)
        batch = [letter() for _ in range(3)]
        sending = asyncio.create_task(notifier.send(batch))
        await peer.reached("letter")
        await notifier.aclose()
        release.set()
        outcomes = await sending
        async with asyncio.timeout(BUSY_MACHINE_SECONDS):
            await peer.left_alone()
    assert (type(outcomes[0]), outcomes[-1]) == (Accepted, RetryLater(None, Reason.CLOSED))


async def test_a_real_server_takes_a_batch() -> None:
    """A real server receives every letter of a batch once, with its refusals on the right messages."""
    box = Box(
        at_rcpt={"gone@mail.test": "550 5.1.1 unknown", "full@mail.test": "452 4.2.2 full"},
        at_data={"spam@mail.test": "554 5.7.1 spam"},
    )
    names = ["a", "gone", "b", "full", "spam", "c"]
    async with real(box) as port, email_to(port, connections=2) as notifier:
        outcomes = await notifier.send([letter(f"{name}@mail.test") for name in names])
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Accepted",
        "GiveUp",
        "Accepted",
        "RetryLater",
        "GiveUp",
        "Accepted",
    ]
    assert sorted(envelope.rcpt_tos[0] for envelope in box.envelopes) == ["a@mail.test", "b@mail.test", "c@mail.test"]
    assert {envelope.mail_from for envelope in box.envelopes} == {"habarshy@gov.test"}


async def test_the_size_is_said_first(scripted: Scripted) -> None:
    """A server that asks for it knows the size before the letter (RFC 1870, section 6)."""
    async with scripted(ehlo=b"250-peer\r\n250 SIZE 50000\r\n") as peer, email_to(peer.port) as notifier:
        await notifier.send([letter()])
    size = len(peer.letters[0].removesuffix(b".\r\n"))
    assert f"MAIL FROM:<habarshy@gov.test> SIZE={size}" in peer.heard


@pytest.mark.parametrize(("most", "outcome"), [(4_000_000, Accepted), (2_000_000, GiveUp)])
async def test_a_letter_of_two_megabytes(most: int, outcome: type) -> None:
    """It arrives whole where the server takes so much, and is given up elsewhere; the next letter goes."""
    box, text = Box(), "Ұзақ мәтін\n" * 100_000
    async with real(box, data_size_limit=most) as port, email_to(port, connections=1) as notifier:
        outcomes = await notifier.send([letter(text=text), letter()])
    assert [type(each) for each in outcomes] == [outcome, Accepted]
    came = [message_from_bytes(each.original_content or b"", policy=default).get_content() for each in box.envelopes]
    lengths = [len(text), len(letter().text)]
    assert [len(each.replace("\r\n", "\n")) for each in came] == (lengths if outcome is Accepted else lengths[1:])


async def test_a_letter_too_large_is_given_up() -> None:
    """A server's size limit ends the letter that exceeds it, and no other."""
    box = Box()
    async with real(box, data_size_limit=5_000) as port, email_to(port) as notifier:
        outcomes = await notifier.send([letter(text="long " * 2_000), letter()])
    assert [getattr(outcome, "reason", None) for outcome in outcomes] == [Reason.TOO_LARGE, None]
