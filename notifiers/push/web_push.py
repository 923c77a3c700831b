"""Push to browsers: Web Push (RFC 8030), encrypted for the browser (RFC 8291), signed by us (RFC 8292)."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from notifiers.http.client import Answer, retry_after
from notifiers.http.notifier import HttpNotifier
from notifiers.http.refusals import refusal
from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater
from notifiers.port.kinds import Kind
from notifiers.push.messages import Button, buttons, collapse_key, fitted, seconds_to_live, trace
from notifiers.push.push_services import PushServices
from notifiers.push.sealing import LONGEST, new_one_time_values, sealed
from notifiers.push.subscription import Hosts, Subscription, is_subscription
from notifiers.push.vapid import Vapid
from notifiers.push.web_push_options import WebPushOptions

_URGENCY = {
    "emergency": "high",
    "legal": "high",
    "service": "high",
    "reminder": "normal",
    "offer": "low",
}  # RFC 8030, section 5.3
_TOO_LARGE = 413
_THROTTLED, _OF_WINDOWS = 406, ".notify.windows.com"  # Windows alone says so what 429 says elsewhere
_FINAL = {404: Reason.BAD_ADDRESS, 410: Reason.BAD_ADDRESS, _TOO_LARGE: Reason.TOO_LARGE}


class _Payload(msgspec.Struct):
    """The payload for the service worker: with the names of `showNotification`, so that it can pass them on.

    `timestamp`: milliseconds since 1970, when it was sent: it may have waited at the push service since.
    """

    title: str
    body: str
    lang: str
    tag: str
    nudge: str
    seen: str | None
    page: str | None
    code: str
    actions: list[Button]
    timestamp: int


_ENCODER = msgspec.json.Encoder()


class WebPushNotifier(HttpNotifier):
    """The push channel to browsers.

    A resend replaces what still waits at the push service (Topic) and what the browser shows (tag), so a double is
    never seen. `clock` must give aware times.
    """

    channel = "push"
    removes_doubles = True

    def __init__(self, options: WebPushOptions, clock: Callable[[], datetime]) -> None:
        super().__init__(options, options.limit)
        self.reports = options.reports_display
        self._clock = clock
        self._hosts, self._services = Hosts(options.hosts), PushServices()
        self._vapid = Vapid(options.key(), options.subject, clock)

    def reaches(self, address: str) -> bool:
        """Return True for a browser's PushSubscription as JSON."""
        return is_subscription(address)

    async def _deliver(self, message: Message) -> Outcome:
        """Hand it over; what the service finds too large is shortened and sent again."""
        subscription = self._hosts.subscription(message.address)
        if subscription is None:  # not of a listed host: our list may be wrong, which says nothing about the address
            return GiveUp(Reason.BAD_ADDRESS if self._hosts.lists(message.address) else Reason.NOT_LISTED)
        if later := self._services.patience(subscription.origin, self._clock()):
            return later
        key = message.key
        now = self._clock()
        content = _content(message, key, LONGEST, now)
        if isinstance(content, GiveUp):
            return content
        headers = self._headers(message, key, subscription)
        answer = await self._post(subscription, headers, content)
        if isinstance(answer, Answer) and answer.status == _TOO_LARGE:
            shorter = _content(message, key, len(content) // 2, now)
            if not isinstance(shorter, GiveUp):
                answer = await self._post(subscription, headers, shorter)
        if not isinstance(answer, Answer):
            return answer
        now, origin = self._clock(), subscription.origin
        return self._services.weighed(origin, meaning(answer, key, now, origin), now)

    def _headers(self, message: Message, key: str, to: Subscription) -> dict[str, str]:
        return {
            "authorization": self._vapid.header(to.origin),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(seconds_to_live(message, self._clock())),
            "urgency": _URGENCY[message.klass],
            "topic": collapse_key(key),
            **trace(message),
        }

    async def _post(self, to: Subscription, headers: dict[str, str], content: bytes) -> Answer | Outcome:
        try:
            body = sealed(content, to.key(), to.point, to.auth, new_one_time_values())
            return await self._http.request("POST", to.endpoint, headers, body, read=False)
        except ValueError:  # a key that is none, or a name that international domain names don't allow
            return GiveUp(Reason.BAD_ADDRESS)


def meaning(answer: Answer, reference: str, now: datetime, origin: str) -> Outcome:
    """Return the meaning of the answer of the push service at `origin` (RFC 8030, section 5).

    Only a 2xx has taken it.
    """
    if answer.status // 100 == 2:  # noqa: PLR2004  the class of success
        return Accepted(reference)
    if answer.status == _THROTTLED and origin.endswith(_OF_WINDOWS):
        after = retry_after(answer, now)
        return RetryLater(after, Reason.BUSY, str(_THROTTLED), everybody=after is not None)
    return refusal(answer, now, _FINAL)


def _content(message: Message, tag: str, room: int, now: datetime) -> bytes | GiveUp:
    nudge, links, sent_at = str(message.nudge), buttons(message), int(now.timestamp() * 1000)

    def write(body: str) -> bytes:
        head = (message.title, body, message.language, tag, nudge)
        return _ENCODER.encode(_Payload(*head, message.seen_url, message.page_url, message.code, links, sent_at))

    return fitted(write, message.text, room)


KIND = Kind("push", WebPushOptions, lambda options, tools: WebPushNotifier(options, tools.clock))
