"""What it means when a provider answers without success: by its words where we know them, else by an HTTP status."""

from collections.abc import Mapping
from datetime import datetime

from notifiers.http import Answer, retry_after
from notifiers.port import GiveUp, Outcome, Reason, RetryLater, Unknown

_US = {401, 403, 407}  # about our credentials, so not about the message
_LATER = {408, 425, 429}
_PASSES = {Reason.BUSY, Reason.NOT_ADMITTED}


def refused(answer: Answer, now: datetime, reason: Reason) -> RetryLater | GiveUp:
    """The outcome where the provider said why."""
    code = str(answer.status)
    return RetryLater(retry_after(answer, now), reason, code) if reason in _PASSES else GiveUp(reason, code)


def refusal(answer: Answer, now: datetime, final: Mapping[int, Reason]) -> Outcome:
    """The outcome, `final` naming the statuses that this provider gives a meaning of its own.

    A fault of the server puts the message off. A redirect does too: followed, it would lead past what is allowed.
    """
    status, code = answer.status, str(answer.status)
    if status in final:
        return GiveUp(final[status], code)
    match status // 100:
        case _ if status in _US:
            return RetryLater(retry_after(answer, now), Reason.NOT_ADMITTED, code)
        case 3:
            return RetryLater(None, Reason.GARBLED, code)
        case 4 if status not in _LATER:
            return GiveUp(Reason.REJECTED, code)
        case 4 | 5:
            return RetryLater(retry_after(answer, now), Reason.BUSY, code)
    return Unknown(Reason.GARBLED, code)
