"""HTTP for the notifiers that speak it: every wait has a limit, nothing is followed, no answer is endless."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cryptography.x509 import load_pem_x509_certificates
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DecodeError, PyreqwestError, RequestTimeoutError
from pyreqwest.request import RequestBuilder

from notifiers.port.interface import Reason, RetryLater, Unknown

_LONGEST_BODY = 65_536
_LONGEST_DELAY = timedelta(days=1)  # no provider may put a message off for longer
_PING = timedelta(seconds=20)
_CONNECTING = "client error (Connect)"  # hyper-util's words for TCP and TLS
_UNTRUSTED = "invalid peer certificate"  # rustls' words


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a server; `body` has its first 65,536 bytes."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Return the value of the header with this lower-case name, nothing if it is absent or no text."""
        try:
            return self.headers.get(name, "")
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The longest waits of a request in seconds: for TCP and TLS, and for all of it, the answer included."""

    connect: float = 5.0
    whole: float = 15.0


class Http:
    """A client with its kept connections. It speaks HTTP/2 where TLS negotiates it, else HTTP/1.1.

    `authority` is a PEM file's content: what it holds is trusted beside the system's authorities. Raises
    ValueError if it is none. Proxies named in the environment are not used.
    """

    def __init__(self, timeouts: Timeouts, *, authority: bytes | None = None) -> None:
        self._client = _client(timeouts, authority)
        self._under_way = 0
        self._closed = False
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, read: bool = True
    ) -> Answer | RetryLater | Unknown:
        """Return the server's answer; without one RetryLater if the request was certainly not written, else Unknown.

        Redirects are answers like any other. Who does not `read` an answer is not given its body, which is less work.
        Raises ValueError for a URL or a header that is none.
        """
        if self._closed:
            return RetryLater(None, Reason.CLOSED)
        request = self._client.request(method, url).headers(headers)
        if body is not None:
            request = request.body_bytes(body)
        self._under_way += 1
        self._at_rest.clear()
        try:
            return await _answer(request, read=read)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._at_rest.set()

    async def aclose(self) -> None:
        """Close the connections; requests on their way are finished before, none is begun."""
        self._closed = True
        await self._at_rest.wait()
        await self._client.close()


async def _answer(request: RequestBuilder, *, read: bool) -> Answer | RetryLater | Unknown:
    """Streamed, for otherwise an endless body would be held in memory whole."""
    try:
        async with request.build_streamed() as response:
            content = await response.body_reader.read(_LONGEST_BODY) if read else None
            return Answer(response.status, response.headers, bytes(content or b""))
    except PyreqwestError as fault:
        return _unanswered(fault)


def retry_after(answer: Answer, now: datetime) -> timedelta | None:
    """Return the wait that the server asks for (RFC 9110, section 10.2.3), at most a day; None without one."""
    words = answer.header("retry-after").strip()
    if words.isascii() and words.isdigit():
        return min(timedelta(seconds=int(words[:9])), _LONGEST_DELAY)
    try:
        at = parsedate_to_datetime(words)
    except (ValueError, OverflowError):
        return None
    wait = at.replace(tzinfo=at.tzinfo or UTC) - now
    return max(timedelta(0), min(wait, _LONGEST_DELAY))


def _client(timeouts: Timeouts, authority: bytes | None) -> Client:
    builder = (
        ClientBuilder()
        .user_agent("habarshy")
        .http2(enable=True)
        .http2_keep_alive_interval(_PING)
        .http2_keep_alive_timeout(timedelta(seconds=timeouts.connect))
        .follow_redirects(enable=False)
        .referer(enable=False)
        .no_proxy()
        .gzip(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
        .connect_timeout(timedelta(seconds=timeouts.connect))
        .timeout(timedelta(seconds=timeouts.whole))
    )
    if authority is None:
        return builder.build()
    try:
        load_pem_x509_certificates(authority)  # without one the builder would trust nothing and say nothing
        return builder.add_root_certificate_pem(authority).build()
    except ValueError:
        raise ValueError("authority: the file holds no certificate in PEM") from None


def _unanswered(fault: PyreqwestError) -> RetryLater | Unknown:
    """Return the outcome of a failed request: of a ConnectError only the causes tell whether it was written."""
    details = getattr(fault, "details", None) or {}
    causes = [str(cause["message"]) for cause in details.get("causes") or ()]
    if _CONNECTING in causes:
        untrusted = any(cause.startswith(_UNTRUSTED) for cause in causes)
        return RetryLater(None, Reason.NOT_ADMITTED if untrusted else Reason.UNREACHABLE)
    if isinstance(fault, DecodeError):
        return Unknown(Reason.GARBLED)
    return Unknown(Reason.TIMED_OUT if isinstance(fault, RequestTimeoutError) else Reason.LINK_LOST)
