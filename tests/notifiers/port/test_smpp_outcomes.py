"""What becomes of a message, whatever the SMS centre answers."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from notifiers.port.interface import Accepted, GiveUp, Reason, RetryLater, Unknown
from notifiers.sms.smpp.pace import Pace
from notifiers.sms.smpp.status import refusal
from tests.notifiers.hurrying import hurry
from tests.notifiers.sms_helpers import AT, KAZAKH, PATIENT, number, sms, sms_to
from tests.notifiers.smsc import Act, Answer, real_centre, scripted_centre

LONG, PARTS = KAZAKH * 4, 3


async def test_a_kazakh_text_arrives_as_it_is() -> None:
    """Another implementation of SMPP reads the words that were sent, the sender and the receiver."""
    async with real_centre() as centre, sms_to(centre.port) as notifier:
        (outcome,) = await notifier.send([sms("+7 (701) 234-56-78", text="Ә🎓 куәлік ₸")])
        (seen,) = await centre.told("submit")
    assert outcome == Accepted(seen["id"])
    assert seen["text"] == "Ә🎓 куәлік ₸"
    assert (seen["source_addr"], seen["destination_addr"], seen["data_coding"]) == ("1414", "77012345678", 8)


@pytest.mark.parametrize("text", ["Renew it: {soon}, it costs 5 € [once].", "Plain words, 100 % of them.", "Çé Ω @"])
async def test_a_latin_text_goes_in_the_cheap_alphabet(text: str) -> None:
    """What GSM 03.38 can carry is carried by it, escapes included."""
    async with real_centre() as centre, sms_to(centre.port) as notifier:
        await notifier.send([sms(text=text)])
        (seen,) = await centre.told("submit")
    assert (seen["text"], seen["data_coding"]) == (text, 0)


async def test_a_long_text_goes_in_parts_that_belong_together() -> None:
    """The parts have one reference, the same at every attempt, their number and their total, and make up the text."""
    async with real_centre() as centre, sms_to(centre.port) as notifier:
        await notifier.send([sms(text=LONG)])
        await notifier.send([sms(text=LONG, attempt=2)])
        seen = await centre.told("submit", 6)
    assert "".join(part["text"] for part in seen[:3]) == LONG
    assert {part["esm_class"] for part in seen} == {0x40}
    heads = [part["udh"] for part in seen]
    assert heads[:3] == heads[3:]
    assert [head[0][-4:] for head in heads[:3]] == ["0301", "0302", "0303"]
    assert len({head[0][:6] for head in heads}) == 1


async def test_a_message_is_known_by_its_last_part() -> None:
    """Its reference is the last part's id; of the other parts a receipt is asked only if they fail."""
    async with real_centre() as centre, sms_to(centre.port) as notifier:
        (outcome,) = await notifier.send([sms(text=LONG)])
        seen = await centre.told("submit", 3)
    assert outcome == Accepted(seen[2]["id"], (seen[0]["id"], seen[1]["id"]))
    assert [part["registered_delivery"] for part in seen] == [2, 2, 1]


async def test_no_receipts_are_asked_for_if_none_are_wanted() -> None:
    """Without receipts nothing is asked, and silence means nothing."""
    async with scripted_centre() as centre, sms_to(centre.port, receipts=False) as notifier:
        await notifier.send([sms(text=LONG)])
        assert not notifier.reports
    assert {submit.registered_delivery for submit in centre.submits} == {0}


@pytest.mark.parametrize(
    ("expires", "period"),
    [
        (None, "260304040000000+"),
        (AT + timedelta(hours=2), "260301060000000+"),
        (AT + timedelta(days=300), "260304040000000+"),
    ],
)
async def test_the_centre_tries_no_longer_than_the_message_is_of_use(expires: object, period: str) -> None:
    """The validity is the message's own, and never longer than the operator's."""
    async with scripted_centre() as centre, sms_to(centre.port) as notifier:
        await notifier.send([sms(expires=expires)])
    assert centre.submits[0].validity_period == period


@pytest.mark.parametrize(
    ("sender", "others", "source"),
    [
        ("1414", {}, ("1414", 0, 1)),
        ("+77010001414", {}, ("77010001414", 1, 1)),
        ("eGov", {}, ("eGov", 5, 0)),
        ("1414", {"sender_ton": 3, "sender_npi": 8}, ("1414", 3, 8)),
    ],
)
async def test_the_sender_is_a_number_a_code_or_a_name(
    sender: str, others: dict[str, Any], source: tuple[str, int, int]
) -> None:
    """The kind of number follows from how the sender is written, unless it is given."""
    async with scripted_centre() as centre, sms_to(centre.port, sender=sender, **others) as notifier:
        await notifier.send([sms()])
    (seen,) = centre.submits
    assert (seen.source_addr, seen.source_addr_ton, seen.source_addr_npi) == source
    assert (seen.dest_addr_ton, seen.dest_addr_npi) == (1, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("half a character \ud83c", Reason.BAD_CONTENT),
        ("long " * 400, Reason.TOO_LARGE),
        ("x" * 2_000_000, Reason.TOO_LARGE),
    ],
)
async def test_words_that_cannot_be_carried_are_given_up(text: str, reason: Reason) -> None:
    """Half a character and a text of too many parts are refused before they cost anything, and only they."""
    async with scripted_centre() as centre, sms_to(centre.port) as notifier:
        outcomes = await notifier.send([sms(text=text), sms()])
    assert outcomes[0] == GiveUp(reason)
    assert isinstance(outcomes[1], Accepted)
    assert len(centre.submits) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x0B, GiveUp(Reason.BAD_ADDRESS, "ESME_RINVDSTADR")),
        (0x01, GiveUp(Reason.TOO_LARGE, "ESME_RINVMSGLEN")),
        (0x45, GiveUp(Reason.REJECTED, "ESME_RSUBMITFAIL")),
        (0x0A, RetryLater(None, Reason.NOT_ADMITTED, "ESME_RINVSRCADR")),
        (0x08, RetryLater(None, Reason.BUSY, "ESME_RSYSERR")),
        (0x0401, GiveUp(Reason.REJECTED, "0x401")),
    ],
)
async def test_a_refusal_is_told_in_our_words(status: int, outcome: object) -> None:
    """What the centre answers to one message decides about that message alone, with the status's own name."""
    async with scripted_centre(submit=[0, status, 0]) as centre, sms_to(centre.port) as notifier:
        outcomes = await notifier.send([sms(), sms(), sms()])
    assert outcomes == [Accepted("1"), outcome, Accepted("2")]


def test_every_status_of_the_standard_has_a_name() -> None:
    """Only what the standard reserves or leaves to vendors is told by its number."""
    named = [status for status in range(0x401) if refusal(status or 1).detail.startswith("ESME_")]
    assert {0x01, 0x0B, 0x14, 0x58, 0x61, 0x66, 0xC4, 0xFF} <= set(named)


async def test_an_unbound_session_is_not_used_any_further() -> None:
    """A centre that says we are not bound is bound to anew."""
    async with (
        scripted_centre(submit=[0x04, 0]) as centre,
        sms_to(centre.port, limits={"rest": 0.001, "longest_rest": 0.001}) as notifier,
    ):
        (first,) = await notifier.send([sms()])
        await centre.until(lambda: centre.connections == 2)
        (second,) = await notifier.send([sms()])
    assert first == RetryLater(None, Reason.NOT_ADMITTED, "ESME_RINVBNDSTS")
    assert isinstance(second, Accepted)


@pytest.mark.parametrize("status", [0x58, 0x14])
async def test_throttling_slows_down_and_fails_nothing(status: int) -> None:
    """A centre that is asked too much gets everything a little later, each message once."""
    async with (
        real_centre(throttle=6, throttled=status) as centre,
        sms_to(centre.port, window=8, limits={"begin": 20.0}) as notifier,
    ):
        outcomes = await notifier.send([sms(number(n)) for n in range(40)])
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    receivers = [seen["destination_addr"] for seen in centre.of("submit")]
    assert sorted(receivers) == [number(n)[1:] for n in range(40)]


async def test_a_centre_that_throttles_to_the_end_means_later() -> None:
    """What is still throttled when the batch's time is up is put off, by the name of what the centre said."""
    async with (
        scripted_centre(submit=0x58) as centre,
        sms_to(centre.port, limits={"response": 60.0}) as notifier,
    ):
        sending = asyncio.create_task(notifier.send([sms(), sms(text=LONG)]))
        await centre.until(lambda: len(centre.submits) > 8)
        hurry(PATIENT["begin"])
        outcomes = await sending
    assert outcomes == [RetryLater(None, Reason.BUSY, "ESME_RTHROTTLED")] * 2


def test_the_pace_falls_by_half_and_climbs_by_one() -> None:
    """Halved once for all that were under way together, then one more a window; each rest is longer than the last."""
    pace = Pace(64)
    pace.throttled(now=10.0)
    pace.throttled(now=10.01)
    assert pace.allowed == 32
    assert pace.opens == pytest.approx(10.05)
    pace.throttled(now=11.0)
    assert pace.opens - 11.0 == pytest.approx(0.1)
    for _ in range(16):
        pace.taken()
    assert 16.9 < pace.allowed <= 17
    for at in range(100):
        pace.throttled(now=100.0 + at * 10)
    assert pace.allowed == 1
    assert pace.opens == pytest.approx(1092.0)
    for _ in range(10_000):
        pace.taken()
    assert pace.allowed == 64


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([0, 0, 0x0B], GiveUp(Reason.BAD_ADDRESS, "ESME_RINVDSTADR")),
        ([0, 0x0B, 0], GiveUp(Reason.BAD_ADDRESS, "ESME_RINVDSTADR")),
        ([0x08, 0x0B, 0], GiveUp(Reason.BAD_ADDRESS, "ESME_RINVDSTADR")),
        ([0, 0x08, 0], RetryLater(None, Reason.BUSY, "ESME_RSYSERR")),
        ([0, Act.CLOSE], Unknown(Reason.LINK_LOST, parts=("1",))),
        ([0, 0x08, Act.CLOSE], Unknown(Reason.LINK_LOST, parts=("1",))),
    ],
)
async def test_a_message_is_only_accepted_when_all_its_parts_are(answers: list[Answer], outcome: object) -> None:
    """The gravest outcome of a part is the message's."""
    async with scripted_centre(submit=answers) as centre, sms_to(centre.port) as notifier:
        assert await notifier.send([sms(text=LONG)]) == [outcome]


async def test_a_message_is_unknown_when_one_of_its_parts_is() -> None:
    """A part whose answer never comes makes the message unknown, and the names of the other parts are kept."""
    async with scripted_centre(submit=[0, 0, Act.IGNORE]) as centre, sms_to(centre.port, window=1) as notifier:
        sending = asyncio.create_task(notifier.send([sms(text=LONG)]))
        await centre.until(lambda: len(centre.submits) == PARTS)
        hurry(PATIENT["response"])
        assert await sending == [Unknown(Reason.TIMED_OUT, parts=("1", "2"))]


async def test_what_was_under_way_on_a_lost_link_is_unknown() -> None:
    """Written and unanswered is unknown, never sent again by us; what waited goes over the next link."""
    script: list[Answer] = [0, Act.IGNORE, Act.CLOSE, 0]
    async with (
        scripted_centre(submit=script) as centre,
        sms_to(centre.port, window=2, limits={"rest": 0.001}) as notifier,
    ):
        outcomes = await notifier.send([sms(number(n)) for n in range(5)])
    assert outcomes[0] == Accepted("1")
    assert outcomes[1:3] == [Unknown(Reason.LINK_LOST)] * 2
    assert all(isinstance(outcome, Accepted | RetryLater) for outcome in outcomes[3:])
    receivers = [submit.destination_addr for submit in centre.submits]
    assert len(receivers) == len(set(receivers))


async def test_what_waits_when_the_centre_dies_is_put_off() -> None:
    """A killed centre leaves unknown what was under way, and what was not written is later."""
    async with (
        real_centre(silent=True) as centre,
        sms_to(centre.port, window=3) as notifier,
    ):
        sending = asyncio.create_task(notifier.send([sms(number(n)) for n in range(5)]))
        await centre.told("unanswered", 3)
        centre.process.kill()
        outcomes = await sending
    assert outcomes[:3] == [Unknown(Reason.LINK_LOST)] * 3
    assert all(isinstance(outcome, RetryLater) for outcome in outcomes[3:])


async def test_a_hung_centre_is_given_up_with_what_it_has() -> None:
    """A stopped process answers nothing: what it was given is unknown, and no more is written until it speaks."""
    async with (
        real_centre(silent=True) as centre,
        sms_to(centre.port, window=2) as notifier,
    ):
        sending = asyncio.create_task(notifier.send([sms(number(n)) for n in range(6)]))
        await centre.told("unanswered", 2)
        hurry(PATIENT["response"])
        outcomes = await sending
        assert len(centre.of("unanswered")) == 2
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown] + [RetryLater] * 4


async def test_one_lost_answer_ends_no_link() -> None:
    """A single answer that never comes leaves its message unknown; the others go on over the same link."""
    async with (
        scripted_centre(submit=[Act.IGNORE, 0]) as centre,
        sms_to(centre.port, window=1, limits={"begin": 60.0}) as notifier,
    ):
        sending = asyncio.create_task(notifier.send([sms(), sms()]))
        await centre.until(lambda: centre.submits)
        hurry(PATIENT["response"])
        outcomes = await sending
    assert outcomes == [Unknown(Reason.TIMED_OUT), Accepted("1")]
    assert centre.connections == 1
    assert "enquire" in centre.heard


async def test_an_answer_without_an_id_is_an_answer() -> None:
    """A centre that takes a message and names it by nothing has taken it."""
    nameless = b"\0\0\0\x11\x80\0\0\4\0\0\0\0\0\0\0\2\0"
    async with scripted_centre(submit=nameless) as centre, sms_to(centre.port) as notifier:
        (outcome,) = await notifier.send([message := sms()])
    assert outcome == Accepted(f"key:{message.key}")


async def test_an_answer_with_an_unreadable_id_is_no_success() -> None:
    """A message whose answer makes no sense is unknown."""
    unreadable = b"\0\0\0\x12\x80\0\0\4\0\0\0\0\0\0\0\2\xff\xfe"
    async with scripted_centre(submit=unreadable) as centre, sms_to(centre.port) as notifier:
        assert await notifier.send([sms()]) == [Unknown(Reason.GARBLED)]


async def test_a_generic_nack_refuses_its_message() -> None:
    """A centre that does not understand a message has not taken it."""
    nack = b"\0\0\0\x10\x80\0\0\0\0\0\0\2\0\0\0\2"
    async with scripted_centre(submit=[nack, 0]) as centre, sms_to(centre.port) as notifier:
        outcomes = await notifier.send([sms(), sms()])
    assert outcomes == [GiveUp(Reason.REJECTED, "ESME_RINVCMDLEN"), Accepted("1")]


async def test_a_stopped_send_writes_no_more() -> None:
    """When the dispatcher stops a send, what was not written never will be."""
    async with scripted_centre(submit=[Act.IGNORE, 0]) as centre, sms_to(centre.port, window=1) as notifier:
        sending = asyncio.create_task(notifier.send([sms(number(n)) for n in range(3)]))
        await centre.until(lambda: centre.submits)
        sending.cancel()
        await asyncio.wait([sending])
        centre.say(centre.response(4, 2, 0))
        await notifier.send([sms(number(9))])
    assert [submit.destination_addr for submit in centre.submits] == [number(0)[1:], number(9)[1:]]
