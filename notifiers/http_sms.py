"""SMS over the HTTP interface of a gateway: one request a message, the gateway cuts it into parts."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from domain.sms import segments
from notifiers.http import Answer
from notifiers.http_refusals import refusal, refused
from notifiers.http_sms_options import Fields, HttpSmsOptions, filled
from notifiers.kinds import Kind, Tools
from notifiers.naming import numbered
from notifiers.phone import e164
from notifiers.port import Accepted, GiveUp, Message, Notifier, Outcome, Reason, RetryLater, Unknown

_FINAL: Final = {413: Reason.TOO_LARGE, 414: Reason.TOO_LARGE}
_ABOUT_US: Final = {402, 404, 405, 410, 415}  # no money, a wrong address or method: every message would fail alike
_PASSING: Final = {503}
_LONGEST_NAME: Final = 500
_SERVER_FAULT: Final = 500


class HttpSmsNotifier:
    """The SMS channel over HTTP. `clock` gives aware times.

    Addresses, texts and the password are parts of the request, and for Kannel of its URL: an outcome never has any of
    it. With `idempotency_header`, the gateway removes doubles.
    """

    channel = "sms"

    def __init__(self, options: HttpSmsOptions, clock: Callable[[], datetime]) -> None:
        self._options = options
        self.longest = options.limit
        self._clock = clock
        self._answer, self._refusals = re.compile(options.answer), options.refusals()
        self._http = options.http()
        self._lanes = options.ways()

    @property
    def removes_doubles(self) -> bool:
        """Whether the gateway is said to."""
        return self._options.idempotency_header is not None

    @property
    def reports(self) -> bool:
        """Whether the gateway is told where to report to."""
        return bool(self._options.report_url)

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (a telephone number is one kind)
        """Whatever is given for the SMS channel."""
        return True

    async def start(self) -> None:
        """A gateway reports by requests of its own."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch within `longest` seconds."""
        return await self._lanes.send(messages, self._deliver)

    async def aclose(self) -> None:
        """Close the connections; what is on its way is finished before."""
        await self._http.aclose()

    async def _deliver(self, message: Message) -> Outcome:
        digits = e164(message.address, self._options.region)
        if digits is None:
            return GiveUp(Reason.BAD_ADDRESS)
        if problem := self._unfit(message.text):
            return GiveUp(problem)
        reference = message.key if self.removes_doubles else numbered(message.key, message.attempt)
        method, url, headers, body = self._request(message, digits, reference)
        answer = await self._http.request(method, url, headers, body)
        return self._meaning(answer, reference) if isinstance(answer, Answer) else answer

    def _unfit(self, text: str) -> Reason | None:
        if len(text) > self._options.most_parts * 160:
            return Reason.TOO_LARGE
        try:
            text.encode()
        except UnicodeEncodeError:
            return Reason.BAD_CONTENT
        return Reason.TOO_LARGE if len(segments(text).parts) > self._options.most_parts else None

    def _request(
        self, message: Message, digits: str, reference: str
    ) -> tuple[str, str, dict[str, str], bytes | None]:
        options = self._options
        fields = self._fields(message, digits, reference)
        parameters = {name: value for name, made in options.parameters.items() if (value := filled(made, fields))}
        headers = {name: value.get_secret_value() for name, value in options.headers.items()}
        if options.idempotency_header is not None:
            headers[options.idempotency_header] = message.key
        if message.traceparent is not None:
            headers["traceparent"] = message.traceparent
        match options.sent_as:
            case "query":
                return options.method, f"{options.url}?{urlencode(parameters, quote_via=quote)}", headers, None
            case "form":
                headers["content-type"] = "application/x-www-form-urlencoded"
                return options.method, options.url, headers, urlencode(parameters).encode()
            case "json":
                headers["content-type"] = "application/json"
                return options.method, options.url, headers, json.dumps(parameters).encode()

    def _fields(self, message: Message, digits: str, reference: str) -> Fields:
        options = self._options
        fields = {
            "username": options.username,
            "password": options.password.get_secret_value(),
            "sender": options.sender,
            "to": f"+{digits}",
            "digits": digits,
            "text": message.text,
            "coding": options.gsm_coding if segments(message.text).encoding == "gsm7" else options.ucs2_coding,
            "charset": options.charset,
            "minutes": str(self._minutes(message)),
            "key": message.key,
            "reference": quote(reference, safe=""),
            "report_mask": str(options.report_mask) if options.report_url else "",
        }
        return fields | {"report_url": filled(options.report_url, fields | {"report_url": ""})}

    def _minutes(self, message: Message) -> int:
        """How long the gateway may try; at least a minute."""
        left = self._options.validity
        if message.expires is not None:
            left = min(left, message.expires - self._clock())
        return max(1, int(left.total_seconds() // 60))

    def _meaning(self, answer: Answer, reference: str) -> Outcome:
        code, said = str(answer.status), answer.body.decode("utf-8", "replace")
        # Before what is taken: a gateway may give an id to what it refuses, too.
        if reason := next((each for each, pattern in self._refusals.items() if pattern.search(said)), None):
            return refused(answer, self._clock(), reason)
        if answer.status in self._options.success:
            found = self._answer.search(said)
            return Accepted(_named(found) or reference) if found else Unknown(Reason.GARBLED, code)
        if answer.status in _ABOUT_US:
            return RetryLater(None, Reason.NOT_ADMITTED, code)
        if answer.status >= _SERVER_FAULT and answer.status not in _PASSING:
            return Unknown(Reason.GARBLED, code)  # it may have been passed on before the fault
        return refusal(answer, self._clock(), _FINAL)


def _named(found: re.Match[str]) -> str | None:
    """The gateway's name for the message; none that no report could repeat, or no database keep."""
    name = found.groupdict().get("id") or ""
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else None


def _make(options: HttpSmsOptions, tools: Tools) -> Notifier:
    return HttpSmsNotifier(options, tools.clock)


KIND = Kind("sms", HttpSmsOptions, _make)
