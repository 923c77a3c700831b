"""The meaning of SMTP replies (RFC 5321, section 4.2; enhanced codes of RFC 3463)."""

import re
from enum import Enum

from notifiers.port.interface import GiveUp, Reason, RetryLater

_ENHANCED = re.compile(r"[45]\.(\d{1,3}\.\d{1,3})\b")
_NOT_ADMITTED = {530, 534, 535, 538}  # RFC 4954, section 6: about our sign-in, so not about the message

_BY_ENHANCED = {
    "1.0": Reason.BAD_ADDRESS,
    "1.1": Reason.BAD_ADDRESS,
    "1.2": Reason.BAD_ADDRESS,
    "1.3": Reason.BAD_ADDRESS,
    "1.6": Reason.BAD_ADDRESS,
    "1.10": Reason.BAD_ADDRESS,
    "2.1": Reason.BAD_ADDRESS,
    "2.2": Reason.MAILBOX_FULL,
    "2.3": Reason.TOO_LARGE,
    "3.4": Reason.TOO_LARGE,
}
_AT_RCPT = {  # a bare 550, 551 or 553 also says that we may not relay: that is about us, and of all addresses alike
    552: Reason.MAILBOX_FULL,
    556: Reason.BAD_ADDRESS,  # RFC 7504: the domain takes no mail
}
_ELSEWHERE = {552: Reason.TOO_LARGE}  # RFC 1870, section 6


class SmtpCommand(Enum):
    """A command of the conversation; its value is the first digit of the reply that lets it go on."""

    RSET = "RSET", 2
    MAIL = "MAIL", 2
    RCPT = "RCPT", 2
    DATA = "DATA", 3
    LETTER = "the letter", 2

    def __init__(self, _name: str, digit: int) -> None:
        self._digit = digit

    def welcomes(self, code: int) -> bool:
        """Return True if the conversation goes on after this code: its first digit decides (section 4.3.2)."""
        return code // 100 == self._digit


def refusal(stage: SmtpCommand, code: int, words: str) -> RetryLater | GiveUp | None:
    """Return the refusal that the reply states; None if it states none, being no 4xx or 5xx."""
    enhanced = _ENHANCED.match(words)
    detail = f"{code} {enhanced[0]}" if enhanced else str(code)
    if code // 100 == 4:  # noqa: PLR2004  transient negative completion
        return RetryLater(None, Reason.BUSY, detail)
    if code in _NOT_ADMITTED:
        return RetryLater(None, Reason.NOT_ADMITTED, detail)
    if code // 100 == 5:  # noqa: PLR2004  permanent negative completion
        why = _why(stage, code, enhanced[1] if enhanced else None)
        ours = stage is SmtpCommand.MAIL and why is not Reason.TOO_LARGE  # the sender is the same of every letter
        return RetryLater(None, Reason.NOT_ADMITTED, detail) if ours else GiveUp(why, detail)
    return None


def _why(stage: SmtpCommand, code: int, enhanced: str | None) -> Reason:
    if enhanced is not None:
        return said_by(enhanced) or Reason.REJECTED
    return (_AT_RCPT if stage is SmtpCommand.RCPT else _ELSEWHERE).get(code, Reason.REJECTED)


def said_by(enhanced: str) -> Reason | None:
    """Return the reason for subject and detail of an enhanced code (`1.1` of 5.1.1), if they mean one thing."""
    return _BY_ENHANCED.get(enhanced)
