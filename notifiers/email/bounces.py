"""Reads what mail servers send back: delivery reports (RFC 3464), bounces above all, as reports in our vocabulary.

A report is somebody's mail, so it is bounded before it is parsed, and nothing of its words is kept but the codes.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import Message as Mail

from domain.facts.receipts import ReceiptStatus
from notifiers.email.smtp_replies import SmtpCommand, refusal, said_by
from notifiers.email.verp import in_envelope_id, in_message_id, in_return_path
from notifiers.port.interface import GiveUp, Reason, Report

MOST_BYTES = 131_072
"""The bytes read of a mail: the report stands before the mail that it returns."""

_MOST_PARTS = 24
_MOST_RECIPIENTS = 8
_NESTING = re.compile(rb"(?:multipart|message)\s*/", re.IGNORECASE)
_STATUS = re.compile(r"\s*([245])\.(\d{1,3}\.\d{1,3})(?!\d)")
_DIAGNOSTIC = re.compile(r"\s*smtp\s*;\s*(5\d\d)[ -](.{0,20})", re.IGNORECASE)
_VAGUE, _NO_DOMAIN = "0.0", "4.4"
"""The code without meaning, and that of a missing domain (Postfix: `Host or domain name not found`)."""
_OUR_SENDER = {"1.7", "1.8"}
_ARRIVED = {"delivered", "relayed"}
_NOTHING_YET = {"delayed", "expanded"}


class NoBounceError(ValueError):
    """Raised for a mail that reports nothing about our messages."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The mail says nothing about any message of ours: {problem}. It can be put aside.")


def reports_in(mail: bytes) -> list[Report]:
    """Return the reports in a mail to the bounce address; none if it only says that a message is delayed.

    A permanent failure (5.x.x) has one of our reasons: where it is neither the letter nor us, and yet not certainly
    the address, UNDELIVERED. A temporary one that was given up (4.x.x) is EXPIRED_THERE; the detail is the status
    code. Raises NoBounceError.
    """
    parts = _parts(mail)
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if status is None:
        raise NoBounceError("it is not a delivery report (RFC 3464)")
    about, *recipients = _groups(status)
    reference = _reference(parts, about)
    if reference is None:
        raise NoBounceError("it names no message that we sent")
    found = [_report(reference, recipient) for recipient in recipients[:_MOST_RECIPIENTS]]
    return [report for report in dict.fromkeys(found) if report is not None]


def _parts(mail: bytes) -> list[Mail]:
    """Return the mail and its parts, but not what is in mails inside it."""
    head = mail[:MOST_BYTES]
    if len(_NESTING.findall(head)) > _MOST_PARTS:  # the parser's time grows with their product
        raise NoBounceError("it has too many parts")
    return list(_walked(message_from_bytes(head, policy=policy.compat32)))


def _walked(mail: Mail) -> Iterator[Mail]:
    yield mail
    if mail.get_content_maintype() == "multipart":
        for part in _children(mail):
            yield from _walked(part)


def _children(mail: Mail) -> list[Mail]:
    """Return the parts of a multipart mail. A text is not asked for: its charset may be one that Python fails at."""
    payload = mail.get_payload() if mail.is_multipart() else []
    return [part for part in payload if isinstance(part, Mail)]


def _groups(status: Mail) -> list[Mail]:
    """Return the fields about the mail, then those about each recipient."""
    groups = _children(status)
    if len(groups) < 2:  # noqa: PLR2004  (section 2.1)
        raise NoBounceError("its report names no recipient")
    return groups


def _reference(parts: list[Mail], about: Mail) -> str | None:
    """Return our reference: from the address that it came to, the envelope id, or the mail that it returns."""
    mail = parts[0]
    came_to = (
        in_return_path(value) for name in ("To", "Delivered-To", "X-Original-To") for value in _all(mail, name)
    )
    returned = (in_message_id(value) for value in _returned_ids(parts))
    return next(
        (each for each in (*came_to, in_envelope_id(_field(about, "Original-Envelope-Id")), *returned) if each), None
    )


def _returned_ids(parts: list[Mail]) -> Iterator[str]:
    for part in parts:
        if part.get_content_type() == "message/rfc822":
            yield from (value for child in _children(part) for value in _all(child, "Message-ID"))
        elif part.get_content_type() == "text/rfc822-headers":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield from _all(message_from_bytes(content, policy=policy.compat32), "Message-ID")


def _report(reference: str, recipient: Mail) -> Report | None:
    action = _field(recipient, "Action").strip().lower()
    if action in _NOTHING_YET:
        return None
    if action in _ARRIVED:
        return Report(reference, ReceiptStatus.DELIVERED)
    status = _STATUS.match(_field(recipient, "Status"))
    if action != "failed" or status is None or status[1] == "2":
        raise NoBounceError("its report has an unknown action or status")
    detail = f"{status[1]}.{status[2]}"
    if status[1] == "4":
        return Report(reference, ReceiptStatus.FAILED, Reason.EXPIRED_THERE, detail)
    return Report(reference, ReceiptStatus.FAILED, _why(status[2], _field(recipient, "Diagnostic-Code")), detail)


def _why(enhanced: str, diagnostic: str) -> Reason:
    said = _DIAGNOSTIC.match(diagnostic)
    if enhanced == _VAGUE and said:  # then what the other server answered says more
        return _answered(int(said[1]), said[2])
    return _of(enhanced)


def _of(enhanced: str) -> Reason:
    if enhanced.startswith("7.") or enhanced in _OUR_SENDER:
        return Reason.REJECTED
    return said_by(enhanced) or (Reason.BAD_ADDRESS if enhanced == _NO_DOMAIN else Reason.UNDELIVERED)


def _answered(code: int, words: str) -> Reason:
    """Return the reason of another server's reply: it is not asked to relay, so its bare 550 is UNDELIVERED."""
    if quoted := _STATUS.match(words):
        return _of(quoted[2])
    answer = refusal(SmtpCommand.RCPT, code, words)
    if isinstance(answer, GiveUp) and answer.reason is not Reason.REJECTED:
        return answer.reason
    return Reason.UNDELIVERED


def _field(group: Mail, name: str) -> str:
    return next(iter(_all(group, name)), "")


def _all(mail: Mail, name: str) -> list[str]:
    """Return the values of a header as text; the parser lets any bytes be a header."""
    return [str(value) for value in mail.get_all(name, [])]
