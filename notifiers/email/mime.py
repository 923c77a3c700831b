"""Writes letters: RFC 5322 messages from byte templates, for `email.message` takes fifty times as long.

Both parts are base64 (RFC 2045), so no line of theirs can be a boundary, begin with a dot or be too long.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from notifiers.email.addresses import mailbox
from notifiers.email.config import SmtpOptions
from notifiers.email.verp import return_path
from notifiers.port.interface import Message, Reason
from notifiers.port.message_names import token

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ATOMS = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_LONGEST_ASCII = 60  # with its name, a header stays within the 78 characters of RFC 5322, section 2.1.1
_WORD_BYTES = 39  # an encoded word and its header's name stay within the 76 characters of RFC 2047, section 2
_LINE = 76

_PART = b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%b\r\n"
_BOTH = (
    b'Content-Type: multipart/alternative; boundary="=_habarshy"\r\n\r\n'
    b"--=_habarshy\r\n%b--=_habarshy\r\n%b--=_habarshy--\r\n"
)
_RELATED = (
    b'Content-Type: multipart/related; boundary="=_pictures"; type="text/html"\r\n\r\n'
    b"--=_pictures\r\n%b%b--=_pictures--\r\n"
)
"""The HTML with its pictures (RFC 2387)."""
_PICTURE = (
    b"--=_pictures\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <%b>\r\n"
    b"Content-Disposition: inline\r\n\r\n%b\r\n"
)


class UnsendableError(Exception):
    """Raised when no email can be written from a message."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(
            f"No email can be written from the message ({reason}): give it up, the next attempt would fail alike."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Letter:
    """An email ready for the wire: `reference` names it in bounces, which go to `return_path`.

    `content` has CRLF line ends and ends with one. No line of it begins with a dot, so none has to be doubled
    (RFC 5321, section 4.5.2).
    """

    recipient: str = field(repr=False)
    return_path: str
    reference: str
    content: bytes = field(repr=False)


class Letterhead:
    """The headers that all letters of one sender share."""

    def __init__(self, options: SmtpOptions) -> None:
        self._sender, self._bounces = options.sender, options.bounces
        self._domain = options.sender.rpartition("@")[2]
        lines = [
            b"From: %b<%b>" % (_display_name(options.sender_name), options.sender.encode()),
            b"MIME-Version: 1.0",
            b"Auto-Submitted: auto-generated",  # RFC 3834: no absence notice answers it
        ]
        if options.reply_to is not None:
            lines.append(b"Reply-To: " + options.reply_to.encode())
        self._opening = b"\r\n".join(lines)

    def write(self, message: Message, at: datetime) -> Letter:
        """Return the message as a letter dated `at`, its Message-ID the same at every attempt.

        Raises UnsendableError for a bad address, and for words that no header can carry.
        """
        recipient = mailbox(message.address)
        if recipient is None:
            raise UnsendableError(Reason.BAD_ADDRESS)
        reference = token(message.key)
        try:
            content = self._content(message, recipient, f"{reference}@{self._domain}", at)
        except UnicodeEncodeError:  # it quotes the words
            raise UnsendableError(Reason.BAD_CONTENT) from None
        path = self._sender if self._bounces is None else return_path(self._bounces, reference)
        return Letter(recipient, path, reference, content)

    def _content(self, message: Message, recipient: str, message_id: str, at: datetime) -> bytes:
        return b"%b\r\nTo: %b\r\nSubject: %b\r\nDate: %b\r\nMessage-ID: <%b>\r\nContent-Language: %b\r\n%b%b" % (
            self._opening,
            recipient.encode(),
            _unstructured(message.title),
            _date(at.replace(microsecond=0)),
            message_id.encode(),
            _matching(_LANGUAGE, message.language),
            _unsubscribe(message.unsubscribe_url) + _help(message.page_url) + _trace(message.traceparent),
            _body(message),
        )


@lru_cache(maxsize=4)  # thousands are written in a second
def _date(at: datetime) -> bytes:
    return format_datetime(at).encode()


def _display_name(name: str) -> bytes:
    """Return a phrase before the address, plain only if it is short words of letters and digits."""
    if len(name) <= _LONGEST_ASCII and _ATOMS.fullmatch(name):
        return name.encode() + b" "
    return _encoded_words(name) + b"\r\n " if name else b""


def _matching(pattern: re.Pattern[str], value: str) -> bytes:
    if not pattern.fullmatch(value):
        raise UnsendableError(Reason.BAD_CONTENT)
    return value.encode()


def _unstructured(value: str) -> bytes:
    """Return a header's free text (RFC 5322, section 3.2.5): as it is if it may be, else as encoded words."""
    if _CONTROLS.search(value):
        raise UnsendableError(Reason.BAD_CONTENT)
    plain = value.isascii() and len(value) <= _LONGEST_ASCII and "=?" not in value and value == value.strip()
    return value.encode() if plain else _encoded_words(value)


def _encoded_words(value: str) -> bytes:
    """Encoded words of RFC 2047, each on its own line and none splitting a character."""
    return b"\r\n ".join(b"=?utf-8?b?%b?=" % b2a_base64(piece, newline=False) for piece in _pieces(value.encode()))


def _pieces(raw: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(raw):
        end = min(start + _WORD_BYTES, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # noqa: PLR2004  10xxxxxx continues a character
            end -= 1
        yield raw[start:end]
        start = end


def _unsubscribe(url: str | None) -> bytes:
    """List-Unsubscribe of RFC 2369; with https also the one click of RFC 8058, which knows no other scheme."""
    if url is None:
        return b""
    line = b"List-Unsubscribe: <%b>\r\n" % _matching(_URL, url)
    one_click = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return line + one_click if url.startswith("https:") else line


def _help(url: str | None) -> bytes:
    """List-Help of RFC 2369: the page that says why the message came."""
    return b"" if url is None else b"List-Help: <%b>\r\n" % _matching(_URL, url)


def _trace(trace: str | None) -> bytes:
    """Return the trace (W3C) of the event behind it, under the name that it has elsewhere."""
    return b"" if trace is None else b"traceparent: %b\r\n" % _matching(_TRACE, trace)


def _body(message: Message) -> bytes:
    plain = _PART % (b"plain", _base64(_canonical(message.text)))
    if message.html is None:
        return plain
    html = _PART % (b"html", _base64(_canonical(message.html)))
    if message.pictures:
        html = _RELATED % (html, b"".join(_picture(name, png) for name, png in message.pictures.items()))
    return _BOTH % (plain, html)


@lru_cache(maxsize=64)  # each agency has one emblem
def _picture(name: str, png: bytes) -> bytes:
    return _PICTURE % (name.encode(), _base64(png))


def _canonical(text: str) -> bytes:
    """Make line ends CRLF (RFC 2045, section 6.8)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()


def _base64(content: bytes) -> bytes:
    """Lines of 76 characters."""
    encoded = b2a_base64(content, newline=False)
    return b"\r\n".join([encoded[start : start + _LINE] for start in range(0, len(encoded), _LINE)])
