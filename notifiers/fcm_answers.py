"""What an answer of FCM means to us: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode."""

import re
from datetime import datetime, timedelta

import msgspec

from notifiers.http import Answer
from notifiers.http_refusals import later, refusal
from notifiers.port import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown

_NAME = re.compile(r"[!-~]{1,300}")
_TOO_MANY = timedelta(minutes=1)  # what FCM asks for where it does not say more
_GIVEN_UP = {
    "UNREGISTERED": Reason.BAD_ADDRESS,
    "SENDER_ID_MISMATCH": Reason.REJECTED,  # an old app's token, or all tokens where our project is another's
}
_LATER = {
    "QUOTA_EXCEEDED": Reason.BUSY,
    "UNAVAILABLE": Reason.BUSY,
    "INTERNAL": Reason.BUSY,
    "THIRD_PARTY_AUTH_ERROR": Reason.NOT_ADMITTED,  # about the key for APNs that was given to FCM
}


class _Violation(msgspec.Struct):
    field: str = ""


class _Quota(msgspec.Struct):
    subject: str = ""
    description: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    error_code: str = ""
    field_violations: list[_Violation] = []
    violations: list[_Quota] = []


class _Error(msgspec.Struct):
    details: list[_Detail] = []


class _Refused(msgspec.Struct):
    error: _Error


class _Taken(msgspec.Struct):
    name: str


_TAKEN = msgspec.json.Decoder(_Taken)
_REFUSED = msgspec.json.Decoder(_Refused)
_NO_JSON = (msgspec.MsgspecError, UnicodeError, RecursionError)


def about_the_token(answer: Answer) -> bool:
    """Whether it is our access token that was refused, so that another may help."""
    return answer.status == 401 and _code(_details(answer)) not in _LATER  # noqa: PLR2004  unauthorized


def meaning(answer: Answer, now: datetime) -> Outcome:
    """The outcome: Accepted with the name that FCM gave the message, only for a 2xx that has one."""
    if answer.status // 100 == 2:  # noqa: PLR2004  the class of success
        return _taken(answer)
    details = _details(answer)
    code = _code(details)
    if code in _GIVEN_UP:
        return GiveUp(_GIVEN_UP[code], code)
    if code in _LATER:
        return _put_off(later(answer, now, _LATER[code]), code, details)
    if code == "INVALID_ARGUMENT":
        return GiveUp(_at_fault(details), code)
    if answer.status == 404:  # noqa: PLR2004  no project of this name: about our options, not about the message
        return RetryLater(None, Reason.NOT_ADMITTED, "404")
    return refusal(answer, now, {})


def _taken(answer: Answer) -> Accepted | Unknown:
    try:
        name = _TAKEN.decode(answer.body).name
    except _NO_JSON:
        name = ""
    return Accepted(name) if _NAME.fullmatch(name) else Unknown(Reason.GARBLED, str(answer.status))


def _details(answer: Answer) -> list[_Detail]:
    """What it says beside the status, nothing where the body has none."""
    try:
        return _REFUSED.decode(answer.body).error.details
    except _NO_JSON:
        return []


def _code(details: list[_Detail]) -> str:
    return next((detail.error_code for detail in details if detail.error_code), "")


def _put_off(asked: RetryLater, code: str, details: list[_Detail]) -> RetryLater:
    """That one device gets too many messages asks no patience of the others."""
    after = asked.after or (_TOO_MANY if code == "QUOTA_EXCEEDED" else None)
    quotas = [f"{each.subject} {each.description}".lower() for detail in details for each in detail.violations]
    alone = any("device" in quota for quota in quotas)
    return RetryLater(after, asked.reason, code, everybody=asked.everybody and not alone)


def _at_fault(details: list[_Detail]) -> Reason:
    fields = [violation.field for detail in details for violation in detail.field_violations]
    if not fields:
        return Reason.REJECTED
    return Reason.BAD_ADDRESS if "message.token" in fields else Reason.BAD_CONTENT
