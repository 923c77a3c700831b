"""Push to apps on Android and iOS: Firebase Cloud Messaging, HTTP v1."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from notifiers.addresses import safe_base
from notifiers.fcm_answers import about_the_token, meaning
from notifiers.google_account import AccessTokens, service_account
from notifiers.http import Answer
from notifiers.http_options import HttpOptions, ReadableFile
from notifiers.kinds import Kind, Tools
from notifiers.port import GiveUp, Message, Outcome, Reason, RetryLater
from notifiers.push_words import URGENT, buttons, collapse_key, fitted, life, trace

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
        """The longest that a batch may take, in seconds: token and message may be refused once each."""
        return self.begin + 4 * self.timeout


class FcmNotifier:
    """The push channel to apps.

    A resend replaces what still waits at FCM and what the device shows. `clock` must give aware times. Raises
    ValueError for a service account or authority that is none.
    """

    channel = "push"
    removes_doubles = True

    def __init__(self, options: FcmOptions, clock: Callable[[], datetime]) -> None:
        account = service_account(options.service_account_file)
        self.reports = options.reports_display
        self.longest = options.limit
        self._clock = clock
        self._by_app = options.shown_by == "app"
        self._lanes = options.ways()
        self._http = options.http()
        self._tokens = AccessTokens(account, self._http, clock)
        self._url = f"{options.base_url}/v1/projects/{options.project or account.project_id}/messages:send"

    def reaches(self, address: str) -> bool:
        """A registration token of FCM."""
        return _TOKEN.fullmatch(address) is not None

    async def start(self) -> None:
        """FCM reports nothing by the link that we send on."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch within `options.limit` seconds, each message by a request of its own."""
        return await self._lanes.send(messages, self._deliver)

    async def aclose(self) -> None:
        """Close the connections; what is on its way is finished before."""
        await self._http.aclose()

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
            "ttl": f"{life(message, self._clock())}s",
        }
        if not self._by_app:
            how |= {"collapse_key": collapse_key(message.key), "notification": {"tag": message.key}}
        return how

    def _apns(self, message: Message, words: dict[str, str]) -> dict[str, Any]:
        now = self._clock()
        headers = {
            "apns-collapse-id": collapse_key(message.key),
            "apns-priority": "10" if message.klass in URGENT else "5",
            "apns-expiration": str(int(now.timestamp()) + life(message, now)),
        }
        payload = {"payload": {"aps": {"alert": words, "mutable-content": 1}}} if self._by_app else {}
        return {"headers": headers, **payload}


def _make(options: FcmOptions, tools: Tools) -> FcmNotifier:
    return FcmNotifier(options, tools.clock)


KIND = Kind("push", FcmOptions, _make)
