"""What an answer of FCM means to us: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode."""

import re
from datetime import datetime, timedelta

import msgspec

from notifiers.http import Answer, retry_after
from notifiers.http_refusals import refusal
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


class _Detail(msgspec.Struct, rename="camel"):
    error_code: str = ""
    field_violations: list[_Violation] = []


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
    code, _ = _said(answer)
    return answer.status == 401 and code not in _LATER  # noqa: PLR2004  unauthorized


def meaning(answer: Answer, now: datetime) -> Outcome:
    """The outcome: Accepted with the name that FCM gave the message, only for a 2xx that has one."""
    if answer.status // 100 == 2:  # noqa: PLR2004  the class of success
        return _taken(answer)
    code, fields = _said(answer)
    if code in _GIVEN_UP:
        return GiveUp(_GIVEN_UP[code], code)
    if code in _LATER:
        after = retry_after(answer, now) or (_TOO_MANY if code == "QUOTA_EXCEEDED" else None)
        return RetryLater(after, _LATER[code], code)
    if code == "INVALID_ARGUMENT":
        return GiveUp(_at_fault(fields), code)
    if answer.status == 404:  # noqa: PLR2004  no project of this name: about our options, not about the message
        return RetryLater(None, Reason.NOT_ADMITTED, "404")
    return refusal(answer, now, {})


def _taken(answer: Answer) -> Accepted | Unknown:
    try:
        name = _TAKEN.decode(answer.body).name
    except _NO_JSON:
        name = ""
    return Accepted(name) if _NAME.fullmatch(name) else Unknown(Reason.GARBLED, str(answer.status))


def _said(answer: Answer) -> tuple[str, list[str]]:
    """The error's code and the fields that it complains of, nothing where the body has none."""
    try:
        details = _REFUSED.decode(answer.body).error.details
    except _NO_JSON:
        return "", []
    code = next((detail.error_code for detail in details if detail.error_code), "")
    return code, [violation.field for detail in details for violation in detail.field_violations]


def _at_fault(fields: list[str]) -> Reason:
    if not fields:
        return Reason.REJECTED
    return Reason.BAD_ADDRESS if "message.token" in fields else Reason.BAD_CONTENT
