"""The meaning of a provider's failure: by its words where we know them, else by an HTTP status."""

from collections.abc import Mapping
from datetime import datetime

from notifiers.http.client import Answer, retry_after
from notifiers.port.interface import GiveUp, Outcome, Reason, RetryLater, Unknown

_US = {401, 403, 407}  # about our credentials, so not about the message
_LATER = {408, 425, 429}
_OF_ALL = {429, 503}  # with a Retry-After: about how much we send, or the server (RFC 6585, RFC 9110)
_PASSES = {Reason.BUSY, Reason.NOT_ADMITTED}


def refused(answer: Answer, now: datetime, reason: Reason) -> RetryLater | GiveUp:
    """Return the outcome where the provider said why."""
    return later(answer, now, reason) if reason in _PASSES else GiveUp(reason, str(answer.status))


def refusal(answer: Answer, now: datetime, final: Mapping[int, Reason]) -> Outcome:
    """Return the outcome, `final` naming the statuses that this provider gives a meaning of its own.

    A fault of the server puts the message off. A redirect does too: followed, it would lead past what is allowed.
    """
    status, code = answer.status, str(answer.status)
    if status in final:
        return GiveUp(final[status], code)
    match status // 100:
        case _ if status in _US:
            return later(answer, now, Reason.NOT_ADMITTED)
        case 3:
            return RetryLater(None, Reason.GARBLED, code)
        case 4 if status not in _LATER:
            return GiveUp(Reason.REJECTED, code)
        case 4 | 5:
            return later(answer, now, Reason.BUSY)
    return Unknown(Reason.GARBLED, code)


def later(answer: Answer, now: datetime, reason: Reason) -> RetryLater:
    """Return the outcome where it may go later, with the wait that the server asks for, perhaps for everything."""
    after = retry_after(answer, now)
    return RetryLater(after, reason, str(answer.status), everybody=after is not None and answer.status in _OF_ALL)
