"""What an SMS centre sends to us: receipts, and what people write."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from smpp34 import DeliverSm, Tlv

from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Accepted, Incoming, Piece, Reason, Report
from notifiers.port.message_names import numbered
from notifiers.sms.smpp.pdus import DELIVER_SM, SUBMIT_SM_RESP, bare
from notifiers.sms.smpp.receipts import UnreadableError, is_receipt, report
from tests.notifiers.sms_helpers import KAZAKH, KeptInbound, number, sms, sms_to
from tests.notifiers.smsc import Act, Answer, ScriptedCentre, real_centre, scripted_centre

TRY_AGAIN, NEVER = 0x64, 0x65
LONG = KAZAKH * 4
NAME = numbered(sms().key, 1)


def receipt(text: str = "", **fields: Any) -> DeliverSm:
    """A receipt with this text."""
    return DeliverSm("77012345678", "1414", text.encode(), **({"esm_class": 4} | fields))


def text_of(stat: str, err: str = "000") -> str:
    """A receipt's text as in appendix B of the standard."""
    return f"id:1a sub:001 dlvrd:001 submit date:2603010400 done date:2603010401 stat:{stat} err:{err} text:x"


@pytest.mark.parametrize(
    ("stat", "told"),
    [
        ("DELIVRD", Report("1a", ReceiptStatus.DELIVERED)),
        ("EXPIRED", Report("1a", ReceiptStatus.FAILED, Reason.EXPIRED_THERE, "EXPIRED 000")),
        ("UNDELIV", Report("1a", ReceiptStatus.FAILED, Reason.UNDELIVERED, "UNDELIV 000")),
        ("DELETED", Report("1a", ReceiptStatus.FAILED, Reason.UNDELIVERED, "DELETED 000")),
        ("REJECTD", Report("1a", ReceiptStatus.FAILED, Reason.REJECTED, "REJECTD 000")),
        ("ACCEPTD", None),
        ("ENROUTE", None),
        ("UNKNOWN", None),
        ("Delivrd", Report("1a", ReceiptStatus.DELIVERED)),
    ],
)
def test_the_text_of_a_receipt_is_read(stat: str, told: Report | None) -> None:
    """Final states become our words, others say nothing, whether in short_message or message_payload."""
    for pdu in receipt(text_of(stat)), receipt(tlvs=[Tlv(0x424, text_of(stat).encode())]):
        assert report(pdu) == told


@pytest.mark.parametrize(
    ("state", "heard"),
    [
        (2, ReceiptStatus.DELIVERED),
        (3, ReceiptStatus.FAILED),
        (4, ReceiptStatus.FAILED),
        (5, ReceiptStatus.FAILED),
        (8, ReceiptStatus.FAILED),
    ],
)
def test_the_optional_parameters_of_a_receipt_are_read(state: int, heard: ReceiptStatus) -> None:
    """A receipt without text, with another text, or without its bit in esm_class, is one by its parameters."""
    parameters = [Tlv(0x1E, b"7f\0"), Tlv(0x427, bytes((state,)))]
    for pdu in receipt(tlvs=parameters), receipt("id:9 stat:ENROUTE", tlvs=parameters, esm_class=0):
        told = report(pdu)
        assert is_receipt(pdu)
        assert told is not None
        assert (told.reference, told.status) == ("7f", heard)


@pytest.mark.parametrize("text", ["", "stat:DELIVRD", "id: stat:DELIVRD", "id:\xe9\xe9 stat:DELIVRD", "\x00" * 50])
def test_a_receipt_that_names_nothing_is_unreadable(text: str) -> None:
    """Without an id nobody can tell what it is about."""
    with pytest.raises(UnreadableError):
        report(receipt(text.replace("id:\xe9", "id;\xe9")))


def test_an_id_in_decimal_is_found_again() -> None:
    """A centre that names in decimal what it named in hexadecimal before is understood, if that is set."""
    told = report(receipt("id:26 stat:DELIVRD"), decimal=True)
    assert told is not None
    assert told.reference == "1a"


@pytest.mark.parametrize(
    ("given", "receipts", "taken"),
    [
        (["a", "b", "1a2b3c"], ["10", "1715004"], Accepted("1a2b3c", ("a", "b"))),
        (["A", "B", "1A2B3C"], ["10", "1715004"], Accepted("1a2b3c", ("a", "b"))),
        (["0000000A", "0000000B", "001A2B3C"], ["0000000010", "0001715004"], Accepted("1a2b3c", ("a", "b"))),
        (["0000000A", "0000000B", "001A2B3C"], ["0000000A", "001A2B3C"], Accepted("1a2b3c", ("a", "b"))),
        (["0", "1", "10"], ["0", "16"], Accepted("10", ("0", "1"))),
        (["A-1", "A-2", "A-3"], ["A-1", "A-3"], Accepted("A-3", ("A-1", "A-2"))),
    ],
)
async def test_an_id_in_decimal_is_found_however_it_was_written(
    given: list[str], receipts: list[str], taken: Accepted
) -> None:
    """In capitals or with zeros before, in answer or receipt: it is one id, of the last part and of others."""
    inbound = KeptInbound()
    async with (
        scripted_centre(submit=Act.IGNORE) as centre,
        sms_to(centre.port, inbound, receipt_ids="decimal") as notifier,
    ):
        sending = asyncio.create_task(notifier.send([sms(text=LONG)]))
        await centre.until(lambda: len(centre.submits) == 3)
        for submit, name in zip(centre.submits, given, strict=True):
            centre.say(bare(SUBMIT_SM_RESP, submit.sequence_number, body=name.encode() + b"\0"))
        assert await sending == [taken]
        for sequence, name in enumerate(receipts, 1):
            centre.deliver(sequence, short_message=f"id:{name} stat:UNDELIV".encode(), esm_class=4)
        await centre.until(lambda: len(centre.answered) == 2)
    assert inbound.reports == [
        Report(each, ReceiptStatus.FAILED, Reason.UNDELIVERED, "UNDELIV") for each in (NAME, taken.reference)
    ]


async def test_receipts_come_in_and_are_acknowledged() -> None:
    """A real centre's receipts name the messages that it accepted, and each is acknowledged."""
    inbound = KeptInbound()
    async with real_centre(receipts="DELIVRD") as centre, sms_to(centre.port, inbound) as notifier:
        outcomes = await notifier.send([sms(number(n)) for n in range(30)])
        answers = await centre.told("answered", 30)
    assert set(answers) == {0}
    accepted = {outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)}
    assert {told.reference for told in inbound.reports} == accepted
    assert {told.status for told in inbound.reports} == {ReceiptStatus.DELIVERED}


async def test_a_message_in_parts_has_one_receipt_when_it_is_delivered() -> None:
    """The last part tells for all: delivered is said once, of the message's reference."""
    inbound = KeptInbound()
    async with real_centre(receipts="DELIVRD") as centre, sms_to(centre.port, inbound) as notifier:
        (outcome,) = await notifier.send([sms(text=LONG)])
        await centre.told("answered")
    assert isinstance(outcome, Accepted)
    assert inbound.reports == [Report(outcome.reference, ReceiptStatus.DELIVERED)]


async def test_a_message_fails_when_any_of_its_parts_fails() -> None:
    """The failure of an earlier part is told of the attempt, by our own name for it."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        (outcome,) = await notifier.send([sms(text=LONG)])
        centre.deliver(1, short_message=b"id:1 stat:EXPIRED err:000", esm_class=4)
        await centre.until(lambda: centre.answered)
    assert outcome == Accepted("3", ("1", "2"))
    assert inbound.reports == [Report(NAME, ReceiptStatus.FAILED, Reason.EXPIRED_THERE, "EXPIRED 000")]


@pytest.mark.parametrize(("known", "told"), [(True, NAME), (False, "1")])
async def test_a_part_may_fail_before_the_last_one_is_answered(known: bool, told: str) -> None:  # noqa: FBT001
    """It is told of the attempt at once; before its own answer by its id, which the outcome has."""
    inbound = KeptInbound()
    failed = {"short_message": b"id:1 stat:UNDELIV err:000", "esm_class": 4}
    async with scripted_centre(submit=Act.IGNORE) as centre, sms_to(centre.port, inbound) as notifier:
        sending = asyncio.create_task(notifier.send([sms(text=LONG)]))
        await centre.until(lambda: len(centre.submits) == 3)
        first, *others = (submit.sequence_number for submit in centre.submits)
        if known:
            centre.say(centre.response(4, first, 0))
        centre.deliver(7, **failed)
        await centre.until(lambda: centre.answered)
        for sequence in others if known else (first, *others):
            centre.say(centre.response(4, sequence, 0))
        assert await sending == [Accepted("3", ("1", "2"))]
    assert inbound.reports == [Report(told, ReceiptStatus.FAILED, Reason.UNDELIVERED, "UNDELIV 000")]


async def test_one_part_that_was_delivered_is_not_the_message() -> None:
    """A centre that tells of earlier parts unasked says nothing by that: the last part may still fail."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.send([sms(text=LONG)])
        for sequence, words in enumerate((b"id:1 stat:DELIVRD", b"id:2 stat:DELIVRD", b"id:3 stat:UNDELIV"), 1):
            centre.deliver(sequence, short_message=words, esm_class=4)
        await centre.until(lambda: len(centre.answered) == 3)
    assert inbound.reports == [Report("3", ReceiptStatus.FAILED, Reason.UNDELIVERED, "UNDELIV")]
    assert {status for _, status in centre.answered} == {0}


async def test_receipts_of_one_moment_are_kept_together() -> None:
    """A receipt waits a moment for the next, because keeping each by itself is a transaction each."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.send([sms(number(each)) for each in range(2)])
        centre.deliver(1, short_message=b"id:1 stat:DELIVRD", esm_class=4)
        centre.say(bare(DELIVER_SM, 2))
        await centre.until(lambda: centre.answered == [(2, NEVER)])  # so the first has been read
        centre.deliver(3, short_message=b"id:2 stat:DELIVRD", esm_class=4)
        await centre.until(lambda: len(centre.answered) == 3)
    assert inbound.batches == [2]


def taken(sequence: int, id_: bytes) -> bytes:
    """A good answer to that submit_sm."""
    return bare(SUBMIT_SM_RESP, sequence, body=id_ + b"\0")


@pytest.mark.parametrize("order", [(2, 3, 4), (4, 3, 2)])
async def test_an_id_that_all_parts_share_tells_of_the_message(order: Sequence[int]) -> None:
    """Where a centre calls all parts alike, what it tells of them is told of the message, whichever came first."""
    inbound, all_at_once = KeptInbound(), b"".join(taken(each, b"5") for each in order)
    answers: list[Answer] = [Act.IGNORE, Act.IGNORE, all_at_once]
    async with scripted_centre(submit=answers) as centre, sms_to(centre.port, inbound) as notifier:
        assert await notifier.send([sms(text=LONG)]) == [Accepted("5", ("5", "5"))]
        centre.deliver(1, short_message=b"id:5 stat:DELIVRD", esm_class=4)
        await centre.until(lambda: centre.answered)
    assert inbound.reports == [Report("5", ReceiptStatus.DELIVERED)]


@pytest.mark.parametrize(
    ("stat", "told"),
    [
        (b"DELIVRD", Report("1", ReceiptStatus.DELIVERED)),
        (b"UNDELIV", Report("1", ReceiptStatus.FAILED, Reason.UNDELIVERED, "UNDELIV")),
    ],
)
async def test_a_parts_id_that_is_used_again_tells_of_the_new_message(stat: bytes, told: Report) -> None:
    """What an earlier part of a long message was called may be the next message's id: then it is about that."""
    inbound = KeptInbound()
    async with scripted_centre(submit=[0, 0, 0, taken(5, b"1")]) as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.send([sms(text=LONG)])
        assert await notifier.send([sms(number(1))]) == [Accepted("1")]
        centre.deliver(1, short_message=b"id:1 stat:" + stat, esm_class=4)
        await centre.until(lambda: centre.answered)
    assert inbound.reports == [told]


class Watching(KeptInbound):
    """A platform that is slow until it is let go, and knows what was acknowledged while it kept something."""

    def __init__(self, centre: ScriptedCentre, failures: Sequence[Exception] = ()) -> None:
        super().__init__(failures)
        self.centre = centre
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.seen: list[int] = []

    async def reported(self, reports: Sequence[Report]) -> None:
        """Keep these, when it may."""
        await self._pause()
        await super().reported(reports)

    async def received(self, message: Incoming) -> None:
        """Keep this, when it may."""
        await self._pause()
        await super().received(message)

    async def received_piece(self, piece: Piece) -> None:
        """Keep this, when it may."""
        await self._pause()
        await super().received_piece(piece)

    async def _pause(self) -> None:
        self.begun.set()
        await self.go.wait()
        self.seen.append(len(self.centre.answered))


ARRIVALS: list[dict[str, Any]] = [
    {"short_message": b"id:1 stat:DELIVRD", "esm_class": 4},
    {"short_message": b"1"},
    {"short_message": b"\5\0\3\7\2\1one ", "esm_class": 0x40},
]


@pytest.mark.parametrize("arrival", ARRIVALS)
async def test_nothing_is_acknowledged_before_it_is_kept(arrival: dict[str, Any]) -> None:
    """A receipt or a message is answered only after the platform has returned."""
    async with scripted_centre() as centre:
        inbound = Watching(centre)
        async with sms_to(centre.port, inbound) as notifier:
            await notifier.send([sms()])
            centre.deliver(7, **arrival)
            await inbound.begun.wait()
            await notifier.send([sms()])  # the link goes on meanwhile
            assert centre.answered == []
            inbound.go.set()
            await centre.until(lambda: centre.answered)
    assert inbound.seen == [0]
    assert centre.answered == [(7, 0)]


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("failure", [OSError(), TimeoutError(), LookupError()])
async def test_what_could_not_be_kept_is_asked_for_again(arrival: dict[str, Any], failure: Exception) -> None:
    """When the platform fails the centre is told to try again, and then it is kept, once."""
    inbound = KeptInbound([failure])
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        for sequence in 7, 8:
            centre.deliver(sequence, **arrival)
            await centre.until(lambda seen=sequence: len(centre.answered) == seen - 6)
    assert centre.answered == [(7, TRY_AGAIN), (8, 0)]
    assert len(inbound.reports) + len(inbound.messages) + len(inbound.pieces) == 1


async def test_a_platform_that_hangs_holds_nobody() -> None:
    """A message that is not kept in time is asked for again."""
    async with scripted_centre() as centre:
        inbound = Watching(centre)
        async with sms_to(centre.port, inbound, limits={"response": 0.1}) as notifier:
            await notifier.start()
            await centre.until(lambda: "bind" in centre.heard)
            centre.deliver(7, short_message=b"1")
            await centre.until(lambda: centre.answered)
    assert centre.answered == [(7, TRY_AGAIN)]


async def test_closing_waits_for_what_is_being_kept() -> None:
    """What came before the end is kept and acknowledged, for otherwise it would come again under another id."""
    async with scripted_centre() as centre:
        inbound = Watching(centre)
        async with sms_to(centre.port, inbound) as notifier:
            await notifier.send([sms()])
            centre.deliver(7, short_message=b"1")
            await inbound.begun.wait()
            closing = asyncio.create_task(notifier.aclose())
            await asyncio.sleep(0)
            inbound.go.set()
            await closing
            await centre.until(lambda: centre.answered)
    assert centre.answered == [(7, 0)]
    assert centre.heard[-1] == "unbind"


async def test_an_unanswered_message_keeps_its_id() -> None:
    """What comes again because it could not be kept has the same id, and what comes next another."""
    seen: list[Incoming] = []

    class Doubting(KeptInbound):
        async def received(self, message: Incoming) -> None:
            seen.append(message)
            if len(seen) == 1:
                raise OSError

    async with scripted_centre() as centre, sms_to(centre.port, Doubting()) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        for sequence in 7, 8, 9:
            centre.deliver(sequence, short_message=b"1")
            await centre.until(lambda at=sequence: len(centre.answered) == at - 6)
    first, again, other = (message.id for message in seen)
    assert first == again != other


async def test_a_message_whose_answer_was_lost_is_kept_once() -> None:
    """When the link is lost between keeping and answering, the same message is only acknowledged the next time."""
    async with scripted_centre() as centre:
        inbound = Watching(centre)
        async with sms_to(centre.port, inbound, limits={"rest": 0.001}) as notifier:
            await notifier.send([sms()])
            centre.deliver(7, short_message=b"1")
            await inbound.begun.wait()
            centre.hang_up()
            await centre.until(lambda: centre.heard.count("bind") == 2)
            inbound.go.set()
            centre.deliver(8, short_message=b"1")
            await centre.until(lambda: centre.answered)
    assert centre.answered == [(8, 0)]
    assert len(inbound.messages) == 1


async def test_a_message_whose_answer_was_lost_on_the_wire_is_kept_once() -> None:
    """The centre never read our answer, which was written: what it sends again by the next link is the same."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound, limits={"rest": 0.001}) as notifier:
        for sequence in 7, 17, 27:
            await notifier.start()
            await centre.until(lambda at=sequence: centre.heard.count("bind") == at // 10 + 1)
            centre.deliver(sequence, short_message=b"STOP")
            await centre.until(lambda at=sequence: len(centre.answered) == at // 10 + 1)
            centre.hang_up()
    assert {status for _, status in centre.answered} == {0}
    assert len(inbound.messages) == 1


async def test_the_same_words_again_by_the_same_link_are_another_message() -> None:
    """As long as the link stands its answers arrive: who writes 1 twice has written twice."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        for sequence in 7, 8:
            centre.deliver(sequence, short_message=b"1")
            await centre.until(lambda at=sequence: len(centre.answered) == at - 6)
    assert len(inbound.messages) == 2


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"short_message": b"1"}, "1"),
        ({"short_message": "ИӘ".encode("utf-16-be"), "data_coding": 8}, "ИӘ"),
        ({"short_message": "🎓".encode("utf-16-be"), "data_coding": 0x18}, "🎓"),
        ({"short_message": b"\x1b\x65 \x00", "data_coding": 0}, "€ @"),
        ({"short_message": b"caf\xe9", "data_coding": 3}, "café"),
        ({"short_message": "СТОП".encode("iso8859-5"), "data_coding": 6}, "СТОП"),
        ({"tlvs": [Tlv(0x424, "ДА".encode("utf-16-be"))], "data_coding": 8}, "ДА"),
        ({"short_message": b""}, ""),
    ],
)
async def test_what_people_write_is_read(fields: dict[str, Any], text: str) -> None:
    """In each alphabet, and wherever the centre puts the words."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        centre.deliver(7, **fields)
        await centre.until(lambda: centre.answered)
    (message,) = inbound.messages
    assert (message.sender, message.text) == ("+77012345678", text)


async def test_another_implementation_is_understood() -> None:
    """A message of a real centre in UCS-2 comes in as it was written."""
    inbound = KeptInbound()
    async with real_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.send([sms()])
        centre.control(deliver={"source_addr": "87012345678", "destination_addr": "1414", "short_message": "ТОҚТАТУ"})
        assert await centre.told("answered") == [0]
    assert [message.text for message in inbound.messages] == ["ТОҚТАТУ"]


def part(total: int, at: int, words: str, reference: int = 9) -> dict[str, Any]:
    """A part of a longer message, joined by its header."""
    head = bytes((5, 0, 3, reference, total, at))
    return {"short_message": head + words.encode("utf-16-be"), "esm_class": 0x40, "data_coding": 8}


async def test_a_part_of_a_longer_message_is_handed_on_with_its_place() -> None:
    """Where it belongs, by its header or by optional parameters, goes with it, and each is answered by itself."""
    inbound = KeptInbound()
    sar = [Tlv(0x20C, b"\1\5"), Tlv(0x20E, b"\2"), Tlv(0x20F, b"\1")]
    limits = {"incomplete": 60.0, "again": 30.0}
    async with scripted_centre() as centre, sms_to(centre.port, inbound, limits=limits) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        for sequence, arrival in enumerate([part(3, 2, "ұзақ "), {"short_message": b"one ", "tlvs": sar}], 7):
            centre.deliver(sequence, **arrival)
            await centre.until(lambda at=sequence: len(centre.answered) == at - 6)
    common: dict[str, Any] = {
        "sender": "+77012345678",
        "receiver": "1414",
        "patience": timedelta(minutes=1),
        "again": timedelta(seconds=30),
    }
    assert inbound.pieces == [
        Piece(reference=9, total=3, number=2, text="ұзақ ", **common),
        Piece(reference=261, total=2, number=1, text="one ", **common),
    ]
    assert centre.answered == [(7, 0), (8, 0)]


async def test_the_only_part_of_a_message_is_the_message() -> None:
    """A header that says one of one joins nothing."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        for sequence in 7, 8:
            centre.deliver(sequence, **part(1, 1, "Иә"))
            await centre.until(lambda at=sequence: len(centre.answered) == at - 6)
    assert [message.text for message in inbound.messages] == ["Иә", "Иә"]
    assert inbound.pieces == []


@pytest.mark.parametrize(
    ("reference", "total"),
    [
        (b"\1\5", b"\1\0"),
        (b"\1\5", b"\x7f\xff\xff\xff"),
        (b"\1\5", b"\xff" * 9),
        (b"\xff" * 2000, b"\2"),
    ],
)
async def test_no_message_has_more_parts_than_the_standard_allows(reference: bytes, total: bytes) -> None:
    """Numbers that are none make no part: nobody waits for millions of others, or lists them as missing."""
    inbound, sar = KeptInbound(), [Tlv(0x20C, reference), Tlv(0x20E, total), Tlv(0x20F, b"\1")]
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        centre.deliver(7, short_message=b"one", tlvs=sar)
        await centre.until(lambda: centre.answered)
    assert ([message.text for message in inbound.messages], inbound.pieces) == (["one"], [])
    assert centre.answered == [(7, 0)]


@pytest.mark.parametrize(
    "arrival",
    [
        {"short_message": b"\x50\x00\x03\x01", "esm_class": 0x40},
        {"short_message": b"", "esm_class": 0x40},
        {"short_message": b"no id", "esm_class": 4},
    ],
)
async def test_what_makes_no_sense_is_refused_for_good(arrival: dict[str, Any]) -> None:
    """A centre is told not to send it again, and the link goes on."""
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        centre.deliver(7, **arrival)
        centre.deliver(8, short_message=b"1")
        await centre.until(lambda: len(centre.answered) == 2)
    assert sorted(centre.answered) == [(7, NEVER), (8, 0)]
    assert [message.text for message in inbound.messages] == ["1"]


async def test_a_broken_deliver_sm_ends_no_link() -> None:
    """A deliver_sm whose fields don't fit its length is refused, and the next is read."""
    broken = b"\0\0\0\x14\0\0\0\5\0\0\0\0\0\0\0\7abcd"
    inbound = KeptInbound()
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        centre.say(broken)
        centre.deliver(8, short_message=b"1")
        await centre.until(lambda: len(centre.answered) == 2)
    assert sorted(centre.answered) == [(7, NEVER), (8, 0)]


async def test_no_more_waits_for_the_platform_than_there_is_room_for() -> None:
    """A flood while the platform is slow is put off instead of kept in memory."""
    async with scripted_centre() as centre:
        inbound = Watching(centre)
        async with sms_to(centre.port, inbound) as notifier:
            await notifier.start()
            await centre.until(lambda: "bind" in centre.heard)
            for sequence in range(1, 1202):
                centre.deliver(sequence, short_message=b"%d" % sequence)
                if sequence == 1:
                    await inbound.begun.wait()
            await centre.until(lambda: len(centre.answered) == 200)
            assert {status for _, status in centre.answered} == {TRY_AGAIN}
            inbound.go.set()
            await centre.until(lambda: len(centre.answered) == 1201)
    assert len(inbound.messages) == 1001


async def test_words_and_numbers_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A defect of the platform is told without what was written, and by whom."""
    inbound = KeptInbound([LookupError("77012345678 wrote a secret")])
    async with scripted_centre() as centre, sms_to(centre.port, inbound) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        centre.deliver(7, short_message=b"a secret")
        await centre.until(lambda: centre.answered)
    assert "LookupError" in caplog.text
    assert "secret" not in caplog.text
    assert "7012345678" not in caplog.text
