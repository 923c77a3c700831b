"""Targets: what providers answer over HTTP, what they call us with, and a live SMPP link in which anything comes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from app.http.gateways import _text
from app.http.problems import Problem
from app.http.receipts import _read
from domain.facts.receipts import ReceiptStatus
from notifiers.http.client import Answer, Http, Timeouts
from notifiers.port.interface import Accepted, Outcome, Reason, RetryLater
from notifiers.push import fcm, web_push
from notifiers.push.google_account import AccessTokens, ServiceAccount
from notifiers.sms.http.notifier import HttpSmsNotifier
from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.arrivals import Arrivals
from notifiers.sms.smpp.link import Link
from notifiers.sms.smpp.outbox import Batch, Outbox, Part, Sending
from notifiers.sms.smpp.pace import Pace
from streams.intake.strict_json import UnclearJson
from tests.fuzz.of_providers import DELIVERED
from tests.fuzz.target import Target, Try, promised
from tests.notifiers.gateway import options as gateway_options
from tests.notifiers.sms.smpp.test_smpp_interleavings import Line
from tests.notifiers.sms_helpers import AT, KeptInbound, number, options, sms

STATUSES = (200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 410, 413, 425, 429, 500, 502, 503, 504, 100, 999)
AS_JSON = r'"id":\s*"(?P<id>[^"]*)"'
MESSAGES, LONGEST_WAIT = 4, 24 * 3600
RESULTS = get_args(Outcome)


def _answers(_: Path) -> Try:
    """Whatever is answered has a meaning, and what is taken has a name that can be kept and called by."""
    readers = _readers()

    def attempt(data: bytes) -> None:
        head, _, body = data.partition(b"\n")
        status = STATUSES[head[0] % len(STATUSES)] if head else STATUSES[0]
        answer = Answer(status, {"retry-after": head[1:].decode("latin-1")}, body)
        for reader in readers:
            _meant(answer, reader(answer))

    return attempt


def _meant(answer: Answer, found: Outcome) -> None:
    promised("it has a meaning", kept=isinstance(found, RESULTS))
    if isinstance(found, RetryLater) and found.after is not None:
        promised("nobody waits for ever", kept=0 <= found.after.total_seconds() <= LONGEST_WAIT)
    if isinstance(found, Accepted):
        promised("only a success takes a message", kept=answer.status // 100 == 2)
        promised("its name can be kept", kept=found.reference.isprintable() and 0 < len(found.reference) <= 500)


def _readers() -> list[Callable[[Answer], Outcome]]:
    key = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    account = ServiceAccount("a@b.example", key.decode(), "https://c.example")
    tokens = AccessTokens(account, Http(Timeouts()), lambda: AT)
    plain = HttpSmsNotifier(gateway_options("http://127.0.0.1:9/"), lambda: AT)
    named = HttpSmsNotifier(gateway_options("http://127.0.0.1:9/", answer=AS_JSON), lambda: AT)

    def token(answer: Answer) -> Outcome:
        fcm.about_the_token(answer)
        given = tokens._granted(answer)
        return Accepted("a token") if isinstance(given, str) else given

    return [
        lambda answer: fcm.meaning(answer, AT),
        token,
        lambda answer: web_push.meaning(answer, "ours", AT, "https://wns2-by3p.notify.windows.com"),
        lambda answer: plain._meaning(answer, "ours"),
        lambda answer: named._meaning(Answer(answer.status, {}, b'{"id": "%b"}' % answer.body), "ours"),
    ]


def _calls(_: Path) -> Try:
    """What a provider calls us with is a list of reports, or the text of an SMS, or refused."""

    def attempt(data: bytes) -> None:
        charset, _, body = data.partition(b"\n")
        with suppress(Problem):
            _text(body, charset.decode("latin-1").lower()).encode()
        with suppress(ValidationError, UnclearJson):
            for made in _read(data):
                promised("a report names a message", kept=bool(made.reference) and "\0" not in made.reference)
                promised(
                    "a failure has a reason", kept=(made.status is ReceiptStatus.FAILED) == (made.reason is not None)
                )

    return attempt


class Wire(Line):
    """A connection whose other end is the fuzzer."""

    def close(self) -> None:
        self.cut = True


def _links(_: Path) -> Try:
    """Whatever comes in whatever pieces: each message has its outcome, and what we write is SMPP."""
    loop = asyncio.new_event_loop()
    failures: list[Any] = []
    loop.set_exception_handler(lambda _, context: failures.append(context))

    def attempt(data: bytes) -> None:
        outcomes, written = loop.run_until_complete(_played(data))
        promised("nothing failed beside it", kept=not failures)
        promised("each message has its outcome", kept=all(isinstance(each, RESULTS) for each in outcomes))
        frames = pdus.Frames()
        promised("what we write is SMPP", kept=sum(len(each.whole) for each in frames.feed(written)) == len(written))

    return attempt


async def _played(data: bytes) -> tuple[list[Outcome | None], bytes]:
    """The first octet says in which pieces the rest comes to a bound link with messages under way."""
    settings, outbox, line = options(1), Outbox(), Wire()
    arrivals = Arrivals(settings, KeptInbound(), lambda: "new")
    link = Link(settings, outbox, Pace(MESSAGES, _rest=0.0), arrivals)
    link.connection_made(line)
    link.data_received(pdus.bare(pdus.BIND_TRANSCEIVER_RESP, 77))
    batch = Batch(asyncio.get_running_loop().time() + 60, [None] * MESSAGES, lambda *_: None, waiting=MESSAGES)
    for at in range(MESSAGES):
        sending = Sending(batch, at, sms(number(at)), open=1)
        batch.parts.append(Part(pdus.bare(pdus.SUBMIT_SM, 0, body=bytes((at,))), sending, last=True))
    outbox.put(batch.parts)
    link.pump()
    size = 1 + (data[0] if data else 0)
    for start in range(1, len(data), size):
        if not line.cut:
            link.data_received(data[start : start + size])
        await asyncio.sleep(0)
    await arrivals.wait_answered()
    link.connection_lost(None)
    outbox.refuse(RetryLater(None, Reason.LINK_LOST))
    await arrivals.aclose()
    return batch.outcomes, line.sent


_SAID = [
    pdus.bare(pdus.SUBMIT_SM_RESP, 1, body=b"1a\0"),
    pdus.bare(pdus.SUBMIT_SM_RESP, 2, 0x58),
    pdus.bare(pdus.SUBMIT_SM_RESP, 3, 0x0B),
    pdus.bare(pdus.GENERIC_NACK, 4, 3),
    pdus.bare(pdus.ENQUIRE_LINK, 9),
    pdus.bare(0x102, 8),
]
TAKEN = b'{"name": "projects/demo/messages/1"}'
REFUSED = b'{"error": {"details": [{"errorCode": "UNREGISTERED", "fieldViolations": [{"field": "message.token"}]}]}}'
TARGETS = {
    "answer": Target(
        _answers,
        [
            b"\0\n" + TAKEN,
            b"\x0910\n" + REFUSED,
            b'\0\n{"access_token": "abc", "expires_in": 3599}',
            b"\x0eSun, 01 Mar 2026 04:00:30 GMT\n",
            b"\2\n0: Accepted",
            b"\0\n17",
        ],
        (
            '"errorCode":',
            '"details":[',
            "QUOTA_EXCEEDED",
            "INVALID_ARGUMENT",
            "1e999",
            "-0",
            "\\ud800",
            "\\u0000",
            "0:",
            "Sun, 06 Nov 9999 23:59:59 -2359",
            "Mon, 01 Jan 0001 00:00:00 +2359",
            "[[[[",
            "\x85",
        ),
    ),
    "receipt": Target(
        _calls,
        [
            b'{"reference": "a", "status": "delivered"}',
            b"utf-8\nhello",
            b"utf-16be\n\x04\x10",
            b"ucs-2\n\xd8\x00",
            (
                b'[{"reference": "a", "status": "failed", "reason": "bad_address"}, '
                b'{"reference": "b", "status": "opened"}]'
            ),
        ],
        (
            '"reference":',
            '"status":',
            '"reason":',
            "\\u0000",
            "\\ud800",
            "\\u2028",
            "utf-7",
            "idna",
            "punycode",
            "unicode_escape",
            "hex",
            "rot13",
            "undefined",
            "utf-16",
            "NaN",
            "[[[[",
        ),
    ),
    "smpp-link": Target(
        _links,
        [
            b"\xff" + b"".join(_SAID),
            b"\0" + b"".join(_SAID),
            b"\x06" + b"".join(DELIVERED),
            b"\x0f" + pdus.bare(6, 3),
        ],
        ("\x00\x00\x00\x10", "\x80\x00\x00\x04", "\x00\x00\x00\x05", "\x00\x00\x00\x58", "\x00\x00\x00\x00"),
        slow=4,
    ),
}
