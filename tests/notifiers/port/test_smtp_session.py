"""A session with a mail server, letter by letter: what each outcome rests on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from notifiers.email.mime import Letter
from notifiers.email.smtp_dial import dial
from notifiers.email.smtp_session import Session
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.port.standing import Standing
from tests.notifiers.letters import config, email_to, letter, patient
from tests.notifiers.peers import Act, Answer, Scripted

OK = b"250 ok\r\n"
BODY = b"Subject: x\r\n\r\nwords\r\n"
LONG = b"x" * 11_999_998 + b"\r\n"
REFUSALS = (b"450 4.2.0 later\r\n", b"550 5.1.1 no\r\n", b"421 4.3.2 closing\r\n", b"\xff\r\n", b"199 hm\r\n", b"")


def written(number: int = 0, content: bytes = BODY) -> Letter:
    """A letter that is ready to go."""
    return Letter(f"a{number}@mail.test", "habarshy@gov.test", f"reference {number}", content)


@asynccontextmanager
async def session_to(port: int) -> AsyncIterator[Session]:
    """A session with the server on this port."""
    session = await dial(config(port), patient(), None, Standing())
    yield session
    session.abort()


async def test_words_that_come_too_late_are_not_begun(scripted: Scripted) -> None:
    """Where too little time is left for the answer to a letter, its words stay here."""
    async with scripted() as peer, session_to(peer.port) as session:
        late = asyncio.get_running_loop().time() - 2.5 * patient().final
        assert await session.send(written(), late) == RetryLater(None, Reason.NO_TIME)
    assert (peer.letters, peer.heard[-1]) == ([], "DATA")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (OK, RetryLater(None, Reason.GARBLED, "250")),
        (b"552 5.3.4 too big\r\n", GiveUp(Reason.TOO_LARGE, "552 5.3.4")),
    ],
)
async def test_an_answer_before_the_last_dot(answer: bytes, outcome: Outcome) -> None:
    """A server that has but a part of a letter cannot have taken it; one that refuses it is believed, and left."""

    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"220 peer\r\n")
        for reply in (OK, OK, OK, b"354 go on\r\n"):
            await reader.readline()
            writer.write(reply)
        await reader.read(1)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed: a transport that writes
        writer.write(answer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(impatient, "127.0.0.1", 0)
    async with session_to(server.sockets[0].getsockname()[1]) as session:
        assert await session.send(written(content=LONG), asyncio.get_running_loop().time()) == outcome
        assert not session.alive
    writers[0].transport.abort()
    server.close()


async def test_one_letters_trouble_is_not_the_nexts(scripted: Scripted) -> None:
    """When a connection ends over one letter, the next goes over a new one in the same batch."""
    answers: list[Answer] = [b"999 what\r\n", OK]
    async with scripted(letter=answers) as peer, email_to(peer.port, connections=1) as notifier:
        outcomes = await notifier.send([letter() for _ in range(3)])
    assert outcomes[0] == Unknown(Reason.GARBLED, "999")
    assert [type(outcome) for outcome in outcomes[1:]] == [Accepted] * 2
    assert peer.connections == 2


async def test_a_server_that_always_hangs_up_is_left(scripted: Scripted) -> None:
    """A server that hangs up after every greeting costs the batch no endless calls."""
    async with scripted(mail=Act.CLOSE) as peer, email_to(peer.port, connections=1) as notifier:
        outcomes = await notifier.send([letter() for _ in range(3)])
    assert outcomes == [RetryLater(None, Reason.LINK_LOST)] * 3
    assert peer.connections == 3


class Capricious:
    """A mail server that answers as `decide` makes of the usual answer; an empty one hangs up."""

    def __init__(self, decide: Callable[[bytes], bytes]) -> None:
        self.received: list[tuple[int, bytes]] = []
        self.answered: dict[int, bytes] = {}
        self.nested = 0
        self._decide = decide

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client."""
        writer.write(b"220 peer\r\n")
        await reader.readline()
        writer.write(OK)
        number, has_sender = -1, False
        while line := await reader.readline():
            usual = b"354 go on\r\n" if line == b"DATA\r\n" else OK
            answer = self._decide(usual)
            writer.write(answer)
            if line.startswith(b"RCPT"):
                number = int(line.partition(b"<a")[2].partition(b"@")[0])
            if line.startswith(b"MAIL"):
                self.nested += has_sender
                has_sender = answer == OK
            if line.startswith(b"RSET"):
                has_sender = False
            if answer.startswith(b"354"):
                self.received.append((number, await reader.readuntil(b"\r\n.\r\n")))
                answer = self.answered[number] = self._decide(OK)
                has_sender = False
                writer.write(answer)
            if not answer:
                break
        writer.close()


async def conversation(says: Iterator[bytes | None], count: int) -> None:
    """One session, and a server that says the usual (None) or whatever it likes, and hangs up whenever it likes."""

    def decide(usual: bytes) -> bytes:
        said = next(says, None)
        return usual if said is None else said

    peer = Capricious(decide)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    letters = [written(number, b"Subject: %d\r\n\r\nwords\r\n" % number) for number in range(count)]
    outcomes: dict[int, Outcome | None] = {}
    async with session_to(server.sockets[0].getsockname()[1]) as session:
        for number, each in enumerate(letters):
            if session.alive:
                outcomes[number] = await session.send(each, asyncio.get_running_loop().time())
    server.close()
    assert not peer.nested, "MAIL in the midst of a transaction"
    assert len(peer.received) == len(peer.answered), "twice"
    assert all(content == letters[number].content + b".\r\n" for number, content in peer.received)
    for number, outcome in outcomes.items():
        answer = peer.answered.get(number)
        match outcome:
            case Accepted():
                assert answer is not None
                assert answer[:1] == b"2"
            case Unknown():
                assert answer is not None
                assert answer[:1] not in {b"2", b"4", b"5"}
            case RetryLater():
                assert answer is None or answer[:1] == b"4"
            case GiveUp():
                assert answer is None or answer[:1] == b"5"
            case None:
                assert answer is None
                assert number > 0


@settings(deadline=None, derandomize=True, max_examples=300)
@given(says=st.lists(st.sampled_from((*[None] * 12, *REFUSALS)), max_size=30), count=st.integers(1, 5))
def test_whatever_the_server_says_outcomes_are_certain(says: list[bytes | None], count: int) -> None:
    """Any mix of answers, refusals and hang-ups gives each letter an outcome that the server does not belie."""
    uvloop.run(conversation(iter(says), count))
