"""Push to apps on Android and iOS: Firebase Cloud Messaging, HTTP v1.

What an answer of FCM means to us: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from notifiers.http.addresses import safe_base
from notifiers.http.client import Answer
from notifiers.http.notifier import HttpNotifier
from notifiers.http.options import HttpOptions, ReadableFile
from notifiers.http.refusals import later, refusal
from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater, Unknown
from notifiers.port.kinds import Kind
from notifiers.push.google_account import AccessTokens, service_account
from notifiers.push.messages import URGENT, buttons, collapse_key, fitted, seconds_to_live, trace

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
    """Return True if it is our access token that was refused, so that another may help."""
    return answer.status == 401 and _code(_details(answer)) not in _LATER  # noqa: PLR2004  unauthorized


def meaning(answer: Answer, now: datetime) -> Outcome:
    """Return the outcome: Accepted with the name that FCM gave the message, only for a 2xx that has one."""
    if answer.status // 100 == 2:  # noqa: PLR2004  the class of success
        return _taken(answer)
    details = _details(answer)
    code = _code(details)
    if code in _GIVEN_UP:
        return GiveUp(_GIVEN_UP[code], code)
    if code in _LATER:
        return _retry_later(later(answer, now, _LATER[code]), code, details)
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
    """Return the details of the body, none where it has no such content."""
    try:
        return _REFUSED.decode(answer.body).error.details
    except _NO_JSON:
        return []


def _code(details: list[_Detail]) -> str:
    return next((detail.error_code for detail in details if detail.error_code), "")


def _retry_later(asked: RetryLater, code: str, details: list[_Detail]) -> RetryLater:
    """Return the pause for one device only, if the quota that is exceeded is a device's."""
    after = asked.after or (_TOO_MANY if code == "QUOTA_EXCEEDED" else None)
    quotas = [f"{each.subject} {each.description}".lower() for detail in details for each in detail.violations]
    alone = any("device" in quota for quota in quotas)
    return RetryLater(after, asked.reason, code, everybody=asked.everybody and not alone)


def _at_fault(details: list[_Detail]) -> Reason:
    fields = [violation.field for detail in details for violation in detail.field_violations]
    if not fields:
        return Reason.REJECTED
    return Reason.BAD_ADDRESS if "message.token" in fields else Reason.BAD_CONTENT


_TOKEN = re.compile(r"[A-Za-z0-9_:-]{8,1024}")
_ROOM = 4096  # octets: FCM's limit for what reaches the device, so what surrounds it is well within


def _is_account(path: Path) -> Path:
    service_account(path)
    return path


class FcmOptions(HttpOptions):
    """Options of the provider kind `fcm`."""

    service_account_file: Annotated[ReadableFile, AfterValidator(_is_account)] = Field(
        description="JSON of the service account that sends"
    )
    project: str = Field(default="", pattern=r"^[a-z0-9-]*$", description="empty: the service account's own")
    base_url: Annotated[str, AfterValidator(safe_base)] = Field(
        default="https://fcm.googleapis.com", description="where FCM is reached"
    )
    shown_by: Literal["system", "app"] = Field(
        default="system", description="who shows it on Android; only an app of ours can show what it missed offline"
    )
    reports_display: bool = Field(default=False, description="our app reports what it displays")

    @model_validator(mode="after")
    def _works_together(self) -> Self:
        if self.reports_display and self.shown_by == "system":
            raise ValueError(
                "reports_display: Android tells the app nothing of what the system shows; set shown_by: app"
            )
        return self

    @property
    def limit(self) -> float:
        """Return the longest that a batch may take, in seconds: token and message may be refused once each."""
        return self.begin + 4 * self.timeout


class FcmNotifier(HttpNotifier):
    """The push channel to apps.

    A resend replaces what still waits at FCM and what the device shows. `clock` must give aware times. Raises
    ValueError for a service account or authority that is none.
    """

    channel = "push"
    removes_doubles = True

    def __init__(self, options: FcmOptions, clock: Callable[[], datetime]) -> None:
        super().__init__(options, options.limit)
        account = service_account(options.service_account_file)
        self.reports = options.reports_display
        self._clock = clock
        self._by_app = options.shown_by == "app"
        self._tokens = AccessTokens(account, self._http, clock)
        self._url = f"{options.base_url}/v1/projects/{options.project or account.project_id}/messages:send"

    def reaches(self, address: str) -> bool:
        """Return True for a registration token of FCM."""
        return _TOKEN.fullmatch(address) is not None

    async def _deliver(self, message: Message) -> Outcome:
        if not self.reaches(message.address):
            return GiveUp(Reason.BAD_ADDRESS)
        content = fitted(partial(self._written, message), message.text, _ROOM)
        if isinstance(content, GiveUp):
            return content
        answer = await self._post(message, content)
        if isinstance(answer, Answer) and about_the_token(answer):
            answer = await self._post(message, content)
        return meaning(answer, self._clock()) if isinstance(answer, Answer) else answer

    async def _post(self, message: Message, content: bytes) -> Answer | Outcome:
        token = await self._tokens.current()
        if isinstance(token, RetryLater):
            return token
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"} | trace(message)
        answer = await self._http.request("POST", self._url, headers, content)
        if isinstance(answer, Answer) and about_the_token(answer):
            self._tokens.forget(token)
        return answer

    def _written(self, message: Message, body: str) -> bytes:
        words = {"title": message.title, "body": body}
        data = {"nudge": str(message.nudge), "tag": message.key, "lang": message.language}
        if message.seen_url is not None:
            data["seen"] = message.seen_url
        if message.page_url is not None:
            data |= {"page": message.page_url, "code": message.code}
        if message.actions:
            data["actions"] = msgspec.json.encode(buttons(message)).decode()
        content: dict[str, Any] = {
            "token": message.address,
            "data": data | words if self._by_app else data,
            "android": self._android(message),
            "apns": self._apns(message, words),
        }
        if not self._by_app:
            content["notification"] = words
        return msgspec.json.encode({"message": content})

    def _android(self, message: Message) -> dict[str, Any]:
        how: dict[str, Any] = {
            "priority": "HIGH" if message.klass in URGENT else "NORMAL",
            "ttl": f"{seconds_to_live(message, self._clock())}s",
        }
        if not self._by_app:
            how |= {"collapse_key": collapse_key(message.key), "notification": {"tag": message.key}}
        return how

    def _apns(self, message: Message, words: dict[str, str]) -> dict[str, Any]:
        now = self._clock()
        headers = {
            "apns-collapse-id": collapse_key(message.key),
            "apns-priority": "10" if message.klass in URGENT else "5",
            "apns-expiration": str(int(now.timestamp()) + seconds_to_live(message, now)),
        }
        payload = {"payload": {"aps": {"alert": words, "mutable-content": 1}}} if self._by_app else {}
        return {"headers": headers, **payload}


KIND = Kind("push", FcmOptions, lambda options, tools: FcmNotifier(options, tools.clock))
