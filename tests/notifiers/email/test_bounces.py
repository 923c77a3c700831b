import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.facts.receipts import ReceiptStatus
from notifiers.email.bounces import MOST_BYTES, NoBounceError, reports_in
from notifiers.email.mime import Letterhead
from notifiers.port.interface import Accepted, Reason, Report
from tests.notifiers.bounced import ABSENCE, EXCHANGE, EXIM, RETURN_PATH, TOKEN, postfix
from tests.notifiers.letters import AT, config, email_to, letter
from tests.notifiers.peers import Box, real


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("5.1.1", Reason.BAD_ADDRESS),
        ("5.2.1", Reason.BAD_ADDRESS),
        ("5.2.2", Reason.MAILBOX_FULL),
        ("5.3.4", Reason.TOO_LARGE),
        ("5.4.4", Reason.BAD_ADDRESS),
        ("5.4.1", Reason.UNDELIVERED),
        ("5.5.0", Reason.UNDELIVERED),
        ("5.1.8", Reason.REJECTED),
        ("5.7.1", Reason.REJECTED),
        ("5.7.509", Reason.REJECTED),
    ],
)
def test_a_permanent_failure_has_our_reason(status: str, reason: Reason) -> None:
    """A 5.x.x failure is one of our reasons, with the status code as its detail."""
    assert reports_in(postfix(status=status)) == [Report(TOKEN, ReceiptStatus.FAILED, reason, status)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            "550 Message was not accepted -- invalid mailbox. Local mailbox is unavailable: user not found",
            "undelivered",
        ),
        ("554 delivery error: dd This user doesn't have an account", "undelivered"),
        ("550-5.1.1 The email account that you tried to reach does not exist", "bad_address"),
        ("554 5.7.1 Message blocked", "rejected"),
        ("550 5.4.1 Recipient address rejected: Access denied", "undelivered"),
        ("552 over quota", "mailbox_full"),
        ("556 no mail here", "bad_address"),
        ("530 sign in", "undelivered"),
    ],
)
def test_a_vague_status_gives_way_to_the_answer(answer: str, reason: str) -> None:
    """What the other server answered counts where the status says nothing, and is never about relaying for us."""
    mail = postfix(status="5.0.0").replace(b"550 5.0.0 <aigerim@mail.test>: said the other server", answer.encode())
    assert reports_in(mail) == [Report(TOKEN, ReceiptStatus.FAILED, Reason(reason), "5.0.0")]


@pytest.mark.parametrize("status", ["4.4.1", "4.2.2", "4.4.7"])
def test_a_temporary_failure_is_told_apart(status: str) -> None:
    """A server that tried until it was too late says nothing against the address."""
    assert reports_in(postfix(status=status)) == [Report(TOKEN, ReceiptStatus.FAILED, Reason.EXPIRED_THERE, status)]


def test_a_delay_is_no_failure() -> None:
    """A server that is still trying has nothing to report yet."""
    assert reports_in(postfix(action="delayed", status="4.4.1")) == []


@pytest.mark.parametrize("action", ["delivered", "relayed", "Delivered "])
def test_a_delivery_is_told(action: str) -> None:
    """A report of success is a delivery."""
    assert reports_in(postfix(action=action, status="2.0.0")) == [Report(TOKEN, ReceiptStatus.DELIVERED)]


@pytest.mark.parametrize(
    ("mail", "reason", "status"),
    [(EXCHANGE, Reason.MAILBOX_FULL, "5.2.2"), (EXIM, Reason.BAD_ADDRESS, "5.0.0")],
    ids=["exchange", "exim"],
)
def test_the_servers_of_the_world(mail: bytes, reason: Reason, status: str) -> None:
    """Reports are read however they are written; a vague status gives way to the other server's words."""
    assert reports_in(mail) == [Report(TOKEN, ReceiptStatus.FAILED, reason, status)]


@pytest.mark.parametrize(
    "parts",
    [
        {"to": RETURN_PATH, "message_id": "x"},
        {"to": f'"Bounces" <{RETURN_PATH}>', "message_id": "x"},
        {"to": "other@gov.test", "also": f"Delivered-To: {RETURN_PATH}", "message_id": "x"},
        {"to": "other@gov.test", "also": f"X-Original-To: {RETURN_PATH}", "message_id": "x"},
        {"to": "other@gov.test", "envelope_id": TOKEN, "message_id": "x"},
        {"to": "other@gov.test", "envelope_id": f"<{TOKEN}@gov.test>", "message_id": "x"},
        {"to": "other@gov.test"},
    ],
)
def test_the_message_is_found(parts: dict[str, str]) -> None:
    """The address, the envelope id or the returned mail's Message-ID say which message came back."""
    (report,) = reports_in(postfix(**parts))
    assert report.reference == TOKEN


@pytest.mark.parametrize(
    ("mail", "problem"),
    [
        (b"", "not a delivery report"),
        (b"\x00\xff\xfe", "not a delivery report"),
        (ABSENCE, "not a delivery report"),
        (postfix(to="other@gov.test", message_id="x"), "names no message"),
        (postfix(status="5"), "status"),
        (postfix(status="9.1.1"), "status"),
        (postfix(status="2.0.0"), "status"),
        (postfix(action="exploded"), "action"),
        (postfix().replace(b"\r\n\r\nFinal-Recipient", b"\r\nFinal-Recipient"), "no recipient"),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 1000, "too many parts"),
    ],
)
def test_what_is_no_bounce_is_told(mail: bytes, problem: str) -> None:
    """Answers of people, other mail and nonsense are put aside with a sentence that repeats nothing of them."""
    with pytest.raises(NoBounceError, match=problem) as error:
        reports_in(mail)
    assert "aigerim" not in str(error.value)


def test_only_the_beginning_is_read() -> None:
    """A bounce that returns a huge mail is read as any other, and what lies behind the limit is not parsed."""
    huge = postfix() + b"x: y\r\n" * 400_000
    assert reports_in(huge) == reports_in(postfix())
    with pytest.raises(NoBounceError):
        reports_in(b"x: y\r\n" * (MOST_BYTES // 6) + postfix())


async def test_what_we_send_can_come_back() -> None:
    """The return path on the envelope and the Message-ID in the letter both lead to the reference of the outcome."""
    box = Box()
    async with real(box) as port, email_to(port, bounces="bounces@gov.test") as notifier:
        (outcome,) = await notifier.send([letter()])
    assert isinstance(outcome, Accepted)
    (envelope,) = box.envelopes
    assert re.fullmatch(r"bounces\+[a-z2-7]{45}@gov\.test", envelope.mail_from or "")
    message_id = Letterhead(config(25)).write(letter(), AT).reference
    for mail in (postfix(to=str(envelope.mail_from)), postfix(to="other@gov.test", message_id=message_id)):
        assert reports_in(mail) == [Report(outcome.reference, ReceiptStatus.FAILED, Reason.BAD_ADDRESS, "5.1.1")]


async def test_without_an_address_for_bounces_they_go_to_the_sender() -> None:
    """Where no address for bounces is set, the envelope names the sender."""
    box = Box()
    async with real(box) as port, email_to(port) as notifier:
        await notifier.send([letter()])
    assert [envelope.mail_from for envelope in box.envelopes] == ["habarshy@gov.test"]


def test_the_return_path_holds_nothing_about_the_person() -> None:
    """Neither the address nor the pseudonym can be found from a return path, which many servers see."""
    head = Letterhead(config(25, bounces="bounces@gov.test"))
    first, second = (head.write(letter(address, recipient="p"), AT) for address in ("a@mail.test", "b@mail.test"))
    assert first.return_path == second.return_path
    assert len(first.return_path.partition("@")[0]) <= 64


SEEDS = st.sampled_from([postfix(), EXCHANGE, EXIM, ABSENCE])
CHANGES = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 300), st.binary(max_size=40)), max_size=6)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(SEEDS, CHANGES)
def test_any_mail_is_read_or_put_aside(mail: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    """However a mail is broken, it gives reports about a reference, or is told to be no bounce."""
    for start, length, instead in changes:
        mail = mail[:start] + instead + mail[start + length :]
    try:
        reports = reports_in(mail)
    except NoBounceError:
        return
    assert all(re.fullmatch("[a-z2-7]{45}", report.reference) for report in reports)
    assert all((report.status is ReceiptStatus.FAILED) == (report.reason is not None) for report in reports)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=2000))
def test_any_bytes_are_put_aside(mail: bytes) -> None:
    """Bytes that are no mail are no bounce either."""
    with pytest.raises(NoBounceError):
        reports_in(mail)
