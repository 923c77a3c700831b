import asyncio
from collections.abc import Sequence

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from tests.notifiers import peers
from tests.notifiers.letters import Letters, email_to, letter
from tests.notifiers.peers import Answer
from tests.notifiers.wires import Server, Wire, link_over

OK, GO_ON = b"250 ok\r\n", b"354 go on\r\n"
ENVELOPE = b"MAIL FROM:<habarshy@gov.test>\r\nRCPT TO:<a%d@mail.test>\r\nDATA\r\n"
BODY = b"Subject: x\r\n\r\nwords\r\n"


def work(*contents: bytes) -> Letters:
    """Letters that have all the time."""
    return Letters(asyncio.get_running_loop().time() + 1000, contents)


async def talked(wire: Wire, letters: Letters, *answers: bytes, pipelining: bool = True) -> list[bytes]:
    """What the link has written after each of the answers, until the last of them has ended the delivery."""
    link = link_over(wire, pipelining=pipelining)
    delivery = asyncio.create_task(link.deliver(letters))
    await asyncio.sleep(0)
    heard = [wire.written]
    for answer in answers:
        link.data_received(answer)
        heard.append(wire.written[sum(map(len, heard)) :])
    link.connection_lost(None)
    await delivery
    return heard


async def test_a_letter_costs_one_round_trip() -> None:
    """The next envelope goes out together with the words of the letter before it."""
    letters = work(BODY, BODY, BODY)
    heard = await talked(Wire(), letters, OK + OK + GO_ON, OK + OK + OK + GO_ON, OK + OK + OK + GO_ON, OK)
    assert heard == [
        ENVELOPE % 0,
        BODY + b".\r\n" + ENVELOPE % 1,
        BODY + b".\r\n" + ENVELOPE % 2,
        BODY + b".\r\n",
        b"",
    ]
    assert letters.outcomes == {n: Accepted(f"reference {n}") for n in range(3)}


async def test_elsewhere_every_command_waits() -> None:
    """Without pipelining nothing is written before the answer to what came before."""
    heard = await talked(Wire(), work(BODY), OK, OK, GO_ON, OK, pipelining=False)
    mail, recipient, data = (line + b"\r\n" for line in (ENVELOPE % 0).split(b"\r\n")[:3])
    assert heard == [mail, recipient, data, BODY + b".\r\n", b""]


async def test_a_letter_for_nobody_is_a_lone_dot() -> None:
    """When DATA is taken though RCPT was refused, a lone dot ends it (RFC 2920, section 3.1)."""
    letters = work(BODY, BODY)
    refused = OK + b"550 5.1.1 unknown\r\n" + GO_ON
    heard = await talked(Wire(), letters, refused, b"554 5.5.1 nobody\r\n" + OK + OK + OK + GO_ON, OK)
    assert heard == [ENVELOPE % 0, b".\r\nRSET\r\n" + ENVELOPE % 1, BODY + b".\r\n", b""]
    assert letters.outcomes == {0: GiveUp(Reason.BAD_ADDRESS, "550 5.1.1"), 1: Accepted("reference 1")}


async def test_a_lone_dot_never_goes_to_somebody() -> None:
    """Where MAIL was refused but RCPT and DATA were taken, the link ends: a dot would bring an empty letter."""
    letters = work(BODY)
    heard = await talked(Wire(), letters, b"550 5.7.1 no\r\n" + OK + GO_ON)
    assert heard == [ENVELOPE % 0, b""]
    assert letters.outcomes == {0: RetryLater(None, Reason.NOT_ADMITTED, "550 5.7.1")}


@pytest.mark.parametrize("surplus", [b"250 ok\r\n", b"25", b"\xff"])
async def test_what_was_not_asked_is_not_answered(surplus: bytes) -> None:
    """When more has come than was asked for, the words stay here, for the next answer would be the surplus."""
    letters = work(BODY)
    heard = await talked(Wire(), letters, OK + OK + GO_ON + surplus)
    assert heard == [ENVELOPE % 0, b""]
    assert letters.outcomes == {0: RetryLater(None, Reason.GARBLED, "354")}


async def test_words_that_never_left_are_no_doubt() -> None:
    """A link lost while a long letter is still being written has not brought it: that is known."""
    letters = work(b"x" * 99_998 + b"\r\n")
    await talked(Wire(room=50_000), letters, OK + OK + GO_ON)
    assert letters.outcomes == {0: RetryLater(None, Reason.LINK_LOST)}


async def test_words_that_have_left_are_a_doubt() -> None:
    """Once all of a long letter was written, a lost link leaves it unknown, and the next one waits on."""
    wire, letters = Wire(room=50_000), work(b"x" * 99_998 + b"\r\n", BODY)
    link = link_over(wire, pipelining=True)
    delivery = asyncio.create_task(link.deliver(letters))
    await asyncio.sleep(0)
    link.data_received(OK + OK + GO_ON)
    assert not wire.written.endswith(ENVELOPE % 1)
    wire.widen()
    assert wire.written.endswith(ENVELOPE % 1)
    link.connection_lost(None)
    await delivery
    assert letters.outcomes == {0: Unknown(Reason.LINK_LOST)}
    assert letters.put_back_ == [1]


async def test_an_answer_before_the_last_dot_accepts_nothing() -> None:
    """A server that thanks for a letter of which it has but a part has not got it."""
    letters = work(b"x" * 99_998 + b"\r\n")
    await talked(Wire(room=50_000), letters, OK + OK + GO_ON, OK)
    assert letters.outcomes == {0: RetryLater(None, Reason.GARBLED, "250")}


async def test_a_refusal_before_the_last_dot_counts() -> None:
    """A server that has seen enough of a letter is believed, and left."""
    wire, letters = Wire(room=50_000), work(b"x" * 99_998 + b"\r\n", BODY)
    await talked(wire, letters, OK + OK + GO_ON, b"552 5.3.4 too big\r\n")
    assert letters.outcomes == {0: GiveUp(Reason.TOO_LARGE, "552 5.3.4")}
    assert wire.closed


async def test_words_that_come_too_late_are_not_begun() -> None:
    """Where too little time is left for the answer to a letter, its words stay here."""
    letters = Letters(asyncio.get_running_loop().time() - 40.5, [BODY])
    heard = await talked(Wire(), letters, OK + OK + GO_ON)
    assert heard == [ENVELOPE % 0, b""]
    assert letters.outcomes == {0: RetryLater(None, Reason.NO_TIME)}


async def test_slow_answers_gain_no_time() -> None:
    """A server that answers letter by letter, for ever, is left when its time is over, as a silent one."""
    wire, letters = Wire(), work(BODY)
    link = link_over(wire, pipelining=True)
    delivery = asyncio.create_task(link.deliver(letters))
    await asyncio.sleep(0)
    end = link._deadline._at
    for piece in (b"2", b"5", b"0", b"-", b"s", b"\r\n", b"2"):
        link.data_received(piece)
        assert link._deadline._at == end
    link._deadline._passed()
    await delivery
    assert letters.outcomes == {0: RetryLater(None, Reason.TIMED_OUT)}
    assert wire.closed


async def test_one_letters_trouble_is_not_the_nexts() -> None:
    """When a link dies over one letter, the next, whose envelope was out, goes over a new one in the same batch."""
    answers: list[Answer] = [b"999 what\r\n", OK]
    async with peers.scripted(True, letter=answers) as peer, email_to(peer.port, connections=1) as notifier:  # noqa: FBT003  (pipelined)
        outcomes = await notifier.send([letter() for _ in range(3)])
    assert outcomes[0] == Unknown(Reason.GARBLED, "999")
    assert [type(outcome) for outcome in outcomes[1:]] == [Accepted] * 2
    assert peer.connections == 2


async def test_a_server_that_always_hangs_up_is_left() -> None:
    """A server that hangs up after every greeting costs the batch no endless calls."""
    async with peers.scripted(True, mail=peers.Act.CLOSE) as peer, email_to(peer.port, connections=1) as notifier:  # noqa: FBT003  (pipelined)
        outcomes = await notifier.send([letter() for _ in range(3)])
    assert outcomes == [RetryLater(None, Reason.LINK_LOST)] * 3
    assert peer.connections == 3


class _Told:
    """Outcomes and what was put back, in one place, with each letter at most once."""

    def __init__(self, letters: Letters) -> None:
        assert not set(letters.put_back_) & set(letters.outcomes)
        assert len(set(letters.put_back_)) == len(letters.put_back_)
        self.outcomes: dict[int, Outcome | None] = {**letters.outcomes, **dict.fromkeys(letters.put_back_)}


async def conversation(data: st.DataObject, contents: Sequence[bytes], *, pipelining: bool) -> None:
    """One link, one server that says whatever it likes, in whatever pieces, and a link lost whenever it likes."""
    wire, letters = Wire(), work(*contents)
    server = Server(lambda choice: data.draw(st.sampled_from((*choice[:1] * 12, *choice[1:]))), list(contents))
    link = link_over(wire, pipelining=pipelining)
    delivery = asyncio.create_task(link.deliver(letters))
    await asyncio.sleep(0)
    while (said := b"".join(server.replies(wire.carried))) and not wire.closed:
        cut = data.draw(st.integers(0, len(said)))
        link.data_received(said[:cut])
        lost = data.draw(st.integers(0, 9)) == 0
        if lost:
            break
        link.data_received(said[cut:])
    list(server.replies(wire.carried))
    link.connection_lost(None)
    await delivery
    told = _Told(letters)
    for number in range(len(contents)):
        outcome = told.outcomes.get(number)
        if isinstance(outcome, Accepted):
            assert server.answered[number][:1] == b"2"
        if number in server.received and not server.answered[number]:
            assert isinstance(outcome, Unknown)
        if number not in server.received:
            assert not isinstance(outcome, Accepted | Unknown)
        if outcome is None or isinstance(outcome, RetryLater):
            assert number not in server.received or server.answered[number][:1] == b"4"
    assert set(told.outcomes) == set(range(len(told.outcomes)))
    assert len(told.outcomes) == len(contents) or wire.closed


@pytest.mark.parametrize("pipelining", [False, True])
@settings(deadline=None, derandomize=True, max_examples=300)
@given(data=st.data(), count=st.integers(1, 5))
def test_whatever_the_server_says_outcomes_are_certain(data: st.DataObject, count: int, pipelining: bool) -> None:  # noqa: FBT001  (the case)
    """Any mix of answers, refusals and lost links gives one outcome a letter, and none that the server belies."""
    contents = [b"Subject: %d\r\n\r\nwords\r\n" % number for number in range(count)]
    uvloop.run(conversation(data, contents, pipelining=pipelining))
