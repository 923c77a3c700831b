"""SMS over the HTTP interface of a gateway: one request a message, the gateway cuts it into parts."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from domain.core.sms import segments
from notifiers.http.client import Answer
from notifiers.http.notifier import HttpNotifier
from notifiers.http.refusals import refusal, refused
from notifiers.port.interface import (
    Accepted,
    GiveUp,
    Inquiry,
    Message,
    Outcome,
    Reason,
    RetryLater,
    StatusAnswer,
    Unknown,
)
from notifiers.port.kinds import Kind
from notifiers.port.message_names import numbered
from notifiers.sms.http.options import HttpSmsOptions
from notifiers.sms.http.requests import Fields, Request, filled
from notifiers.sms.http.status_query import gateway_name
from notifiers.sms.phone import e164

_FINAL: Final = {413: Reason.TOO_LARGE, 414: Reason.TOO_LARGE}
_ABOUT_US: Final = {402, 404, 405, 410, 415}  # no money, a wrong address or method: every message would fail alike
_PASSING: Final = {503}
_SERVER_FAULT: Final = 500


class HttpSmsNotifier(HttpNotifier):
    """The SMS channel over HTTP. `clock` gives aware times.

    Addresses, texts and the password are parts of the request, and for Kannel of its URL: an outcome never has any of
    it. With `idempotency_header`, the gateway removes doubles.
    """

    channel = "sms"

    def __init__(self, options: HttpSmsOptions, clock: Callable[[], datetime]) -> None:
        super().__init__(options, options.limit)
        self._options = options
        self._clock = clock
        self._answer, self._refusals = re.compile(options.answer), options.refusals()

    @property
    def removes_doubles(self) -> bool:
        """Return True if the gateway is said to remove doubles."""
        return self._options.idempotency_header is not None

    @property
    def reports(self) -> bool:
        """Return True if the gateway is told where to report to."""
        return bool(self._options.report_url)

    @property
    def ask_after(self) -> timedelta | None:
        """Return the time after which the gateway may be asked for an outcome; None if it cannot be."""
        return None if self._options.query is None else self._options.query.ask_after

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (a telephone number is one kind)
        """Return True for any address of the SMS channel."""
        return True

    async def _deliver(self, message: Message) -> Outcome:
        digits = e164(message.address, self._options.region)
        if digits is None:
            return GiveUp(Reason.BAD_ADDRESS)
        if problem := self._unfit(message.text):
            return GiveUp(problem)
        reference = self._name(message)
        answer = await self._http.request(*self._request(message, digits, reference))
        return self._meaning(answer, reference) if isinstance(answer, Answer) else answer

    def _unfit(self, text: str) -> Reason | None:
        if len(text) > self._options.most_parts * 160:
            return Reason.TOO_LARGE
        try:
            text.encode()
        except UnicodeEncodeError:
            return Reason.BAD_CONTENT
        return Reason.TOO_LARGE if len(segments(text).parts) > self._options.most_parts else None

    async def ask(self, inquiry: Inquiry) -> StatusAnswer:
        """Ask the gateway for the outcome of an attempt; any trouble in asking leaves it unknown."""
        digits, query = e164(inquiry.address, self._options.region), self._options.query
        if query is None or digits is None:
            return Unknown(Reason.BAD_ADDRESS)
        name = self._name(inquiry)
        answer = await self._http.request(*query.request_for(self._known(inquiry, digits, name), self._headers()))
        return query.meaning_of(answer, name) if isinstance(answer, Answer) else Unknown(answer.reason)

    def _name(self, about: Message | Inquiry) -> str:
        return about.key if self.removes_doubles else numbered(about.key, about.attempt)

    def _headers(self) -> dict[str, str]:
        return {name: value.get_secret_value() for name, value in self._options.headers.items()}

    def _request(self, message: Message, digits: str, reference: str) -> Request:
        options, headers = self._options, self._headers()
        if options.idempotency_header is not None:
            headers[options.idempotency_header] = message.key
        if message.traceparent is not None:
            headers["traceparent"] = message.traceparent
        return options.request(options.url, options.parameters, self._fields(message, digits, reference), headers)

    def _known(self, about: Message | Inquiry, digits: str, reference: str) -> Fields:
        """Return the values from which parameters are made, for a message as for a later question about it."""
        options = self._options
        return {
            "username": options.username,
            "password": options.password.get_secret_value(),
            "sender": options.sender,
            "to": f"+{digits}",
            "digits": digits,
            "key": about.key,
            "reference": quote(reference, safe=""),
            "short": blake2b(reference.encode(), digest_size=16).hexdigest(),
        }

    def _fields(self, message: Message, digits: str, reference: str) -> Fields:
        options = self._options
        fields = {
            **self._known(message, digits, reference),
            "text": message.text,
            "coding": options.gsm_coding if segments(message.text).encoding == "gsm7" else options.ucs2_coding,
            "charset": options.charset,
            "minutes": str(self._minutes(message)),
            "report_mask": str(options.report_mask) if options.report_url else "",
        }
        return fields | {"report_url": filled(options.report_url, fields | {"report_url": ""})}

    def _minutes(self, message: Message) -> int:
        """Return the minutes for which the gateway may try; at least one."""
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
            return Accepted(gateway_name(found) or reference) if found else Unknown(Reason.GARBLED, code)
        if answer.status in _ABOUT_US:
            return RetryLater(None, Reason.NOT_ADMITTED, code)
        if answer.status >= _SERVER_FAULT and answer.status not in _PASSING:
            return Unknown(Reason.GARBLED, code)  # it may have been passed on before the fault
        return refusal(answer, self._clock(), _FINAL)


KIND = Kind("sms", HttpSmsOptions, lambda options, tools: HttpSmsNotifier(options, tools.clock))
