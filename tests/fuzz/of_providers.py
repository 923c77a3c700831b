"""Targets: what SMS centres and mail servers send to us, and what people write back."""

from contextlib import suppress
from pathlib import Path
from typing import get_args
from uuid import UUID

from smpp34 import DeliverSm, SmppError, Tlv, decode

from domain.facts.receipts import ReceiptStatus
from domain.nudges.reply_meaning import Answered, OpenQuestion, Understood, understand
from notifiers.email.addresses import mailbox
from notifiers.email.bounces import NoBounceError, reports_in
from notifiers.port.interface import Report
from notifiers.push.subscription import is_subscription
from notifiers.sms.phone import e164, written
from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.content import carried, joint_of
from notifiers.sms.smpp.encoding import read, wire
from notifiers.sms.smpp.receipts import UnreadableError, is_receipt, report
from tests.fuzz.target import Target, Try, promised, text_of
from tests.notifiers.bounced import ABSENCE, EXCHANGE, EXIM, postfix

RECEIPT = b"id:1a sub:001 dlvrd:001 submit date:2603010400 done date:2603010401 stat:DELIVRD err:000 text:x"
PARTS = b"\x05\x00\x03\x07\x02\x01one"
DELIVERED = [
    DeliverSm("77012345678", "1414", RECEIPT, esm_class=4).encode(),
    DeliverSm("77012345678", "1414", b"", esm_class=0, tlvs=[Tlv(0x1E, b"7f\0"), Tlv(0x427, b"\x02")]).encode(),
    DeliverSm("77012345678", "1414", b"", esm_class=4, tlvs=[Tlv(0x424, RECEIPT)]).encode(),
    DeliverSm("77012345678", "1414", PARTS, esm_class=0x40, data_coding=8).encode(),
    DeliverSm("77012345678", "1414", b"", tlvs=[Tlv(0x424, b"long"), Tlv(0x20E, b"\2"), Tlv(0x20F, b"\1")]).encode(),
    pdus.bare(pdus.SUBMIT_SM_RESP, 1, body=b"1a\0"),
    pdus.bare(pdus.ENQUIRE_LINK, 2),
    pdus.bare(pdus.UNBIND, 3),
]
QUESTIONS = [
    OpenQuestion(
        UUID(int=1), "a", "47", {"1": "citizen.consent_given", "2": "citizen.consent_withdrawn"}, UUID(int=3)
    ),
    OpenQuestion(UUID(int=2), "b", "12", {"1": "citizen.replied", "да": "citizen.replied"}, UUID(int=4)),
]


def _pdus(_: Path) -> Try:
    """The stream in two pieces gives the same PDUs as in one; each is answered, read, or refused."""

    def attempt(data: bytes) -> None:
        whole = _cut(data)
        cut = len(data) // 3
        promised("two pieces give what one gives", kept=_cut(data[:cut], data[cut:]) == whole)
        for each in whole:
            pdus.message_id(each)
            pdus.message_id(each, decimal=True)
            with suppress(SmppError):
                content = decode(each.whole)
                if isinstance(content, DeliverSm):
                    _delivered(content)

    return attempt


def _cut(*pieces: bytes) -> list[pdus.Pdu]:
    frames, found = pdus.Frames(), list[pdus.Pdu]()
    with suppress(pdus.GarbledError):
        for piece in pieces:
            found += frames.feed(piece)
    return found


def _delivered(content: DeliverSm) -> None:
    if is_receipt(content):
        with suppress(UnreadableError):
            _told(report(content))
            _told(report(content, decimal=True))
        return
    with suppress(ValueError):
        words, joint = read(carried(content), content.data_coding, content.esm_class)
        words.encode()
        joint = joint or joint_of(content)
        promised("a part is one of the whole", kept=joint is None or 0 < joint.number <= joint.total)
    written(content.source_addr, international=content.source_addr_ton == 1, region="KZ")


def _told(found: Report | None) -> None:
    if found is not None:
        promised("a report names a message", kept=found.reference.isascii() and found.reference.isprintable())
        promised("its name can be kept", kept=0 < len(found.reference) <= 200)
        promised("a failure has a reason", kept=(found.status is ReceiptStatus.FAILED) == (found.reason is not None))


def _mails(_: Path) -> Try:
    def attempt(data: bytes) -> None:
        with suppress(NoBounceError):
            for each in reports_in(data):
                _told(each)

    return attempt


def _replies(_: Path) -> Try:
    """Whatever somebody writes, what it answers was asked, and takes that answer."""

    def attempt(data: bytes) -> None:
        text = text_of(data[1:])
        asked, answered = QUESTIONS[: data[0] % 3] if data else [], QUESTIONS[data[0] % 3 :] if data else []
        found = understand(text, asked, answered)
        promised("it is understood somehow", kept=isinstance(found, get_args(Understood)))
        if isinstance(found, Answered):
            promised("the question was asked", kept=found.question in (*asked, *answered))
            promised("the question takes it", kept=found.code in found.question.replies)

    return attempt


def _addresses(_: Path) -> Try:
    """What somebody calls their address is one, or it is none."""

    def attempt(data: bytes) -> None:
        text = text_of(data)
        is_subscription(text)
        found = mailbox(text)
        promised("a mailbox is one line of ASCII", kept=found is None or (found.isascii() and found.isprintable()))
        digits = e164(text, "KZ")
        promised("a number has digits only", kept=digits is None or digits.isdecimal())
        written(text, international=len(data) % 2 == 0, region="KZ")

    return attempt


def _texts(_: Path) -> Try:
    """A text goes over the air and comes back the same."""

    def attempt(data: bytes) -> None:
        text = text_of(data)
        try:
            made = wire(text, len(data), 255)
        except UnicodeError:
            return
        if made is not None:
            back = "".join(read(part, made.data_coding, made.esm_class)[0] for part in made.parts)
            promised("it comes back the same", kept=back == text)

    return attempt


TARGETS = {
    "smpp": Target(
        _pdus, [*DELIVERED, b"".join(DELIVERED)], ("id:", "stat:", "err:", "DELIVRD", "UNDELIV", "\x00\x1e\x00\x01")
    ),
    "bounce": Target(
        _mails,
        [postfix(), postfix(status="4.4.1"), EXCHANGE, EXIM, ABSENCE],
        (
            "Content-Type:",
            "multipart/report",
            "message/delivery-status",
            "message/rfc822",
            "boundary=",
            "\r\n\r\n",
            "Action: failed",
            "Status: 5.1.1",
            "Diagnostic-Code: smtp; 550",
            "=?utf-8?b?",
            "Message-ID:",
            "\r\n--a1--\r\n",
            "Final-Recipient:",
            "base64",
            "quoted-printable",
            "charset*0*=",
            "text/rfc822-headers",
        ),
    ),
    "reply": Target(
        _replies,
        [b"\x011", b"\x021 47", "\x02да".encode(), "\x00стоп".encode(), "\x011 ИӘ".encode()],
        (
            "47",
            "12",
            "иә",
            "жоқ",
            "stop",
            "тоқтату",
            "İ",
            "ß",
            "\u200b",
            "１",
        ),
    ),
    "address": Target(
        _addresses,
        [b"a@example.org", b"+77011234567", "а@пошта.қаз".encode(), b'{"endpoint":"https://x"}'],
        (
            "@",
            "xn--",
            "+7701",
            "00",
            "[127.0.0.1]",
            '"a b"@',
            "\u3002",
            "::",
            "https://",
            "\u202e",
        ),
    ),
    "sms": Target(
        _texts,
        ["Сәлем, әлем!".encode() * 9, b"a" * 161, "{}€[~]^".encode() * 30, "😀".encode() * 40],
        (
            "€",
            "Ә",
            "😀",
            "\x1b",
            "@",
            "ç",
            "\r",
        ),
    ),
}
