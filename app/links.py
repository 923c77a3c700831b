"""Signed links: what a message may point to without saying who reads it."""

import base64
import hmac
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.ids import keyed_hash, shortened
from domain.overrides import OVERRIDES
from streams.settling import Case

_MAC, _TIME = 16, 8
_BEGINNING, _DAY, _MARK = 5, 2, 8
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
Beginning = Callable[[int, int], Iterable[tuple[UUID, str]]]
"""The nudges whose ids begin with a number of so many bits, each with everybody whom it went to."""
PAGE_LASTS = timedelta(days=90)
"""How long the link in a message leads to its page; whoever signs in finds it there for ever."""


class BadLink(ValueError):
    """The link is damaged, too old, or was not made here; open the message again and use the link in it."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Links:
    """Makes and reads links of this platform."""

    def __init__(self, base_url: str, key: bytes) -> None:
        self._base_url, self._key = base_url.rstrip("/"), key

    def unsubscribe(self, case: Case) -> str | None:
        """The link that stops a nudge's category for its recipient, without login (RFC 8058); none for the law's."""
        if OVERRIDES[case.settlement.trigger.klass].opt_out:
            return None
        return f"{self._base_url}/stop/{self.token(case.nudge.intent.id, case.recipient.pseudonym)}"

    def token(self, nudge: UUID, recipient: str) -> str:
        """Names a nudge and its recipient, signed."""
        body = nudge.bytes + bytes.fromhex(recipient)
        return _written(body + self._mac(body))

    def read(self, token: str) -> tuple[UUID, str]:
        """The nudge and its recipient.

        Raises:
            BadLink: the token was not made with our key.
        """
        nudge, recipient, _ = self._signed(token, "link", exactly=0)
        return nudge, recipient

    def answer(self, nudge: UUID, recipient: str, code: str) -> str:
        """The link by which the recipient of a nudge answers it with a code, without login."""
        body = nudge.bytes + bytes.fromhex(recipient) + code.encode()
        return f"{self._base_url}/answer/{_written(body + self._mac(body, 'answer'))}"

    def read_answer(self, token: str) -> tuple[UUID, str, str]:
        """The nudge, its recipient, and the code of the answer.

        Raises:
            BadLink: the token was not made with our key.
        """
        nudge, recipient, code = self._signed(token, "answer")
        return nudge, recipient, code.decode()

    def seen(self, nudge: UUID, recipient: str, attempt: int) -> str:
        """The link by which a device tells that it shows a message, without login."""
        body = nudge.bytes + bytes.fromhex(recipient) + attempt.to_bytes(2)
        return f"{self._base_url}/seen/{_written(body + self._mac(body, 'seen'))}"

    def read_seen(self, token: str) -> tuple[UUID, str, int]:
        """The nudge, its recipient, and the attempt.

        Raises:
            BadLink: the token was not made with our key.
        """
        nudge, recipient, attempt = self._signed(token, "seen", exactly=2)
        return nudge, recipient, int.from_bytes(attempt)

    def page(self, nudge: UUID, recipient: str, until: datetime) -> str:
        """The link to a nudge's own page for its recipient, without login; it works to the end of that day (UTC)."""
        return f"{self._base_url}/m/{_written(self._page(nudge, recipient, (until - _FIRST).days))}"

    def _page(self, nudge: UUID, recipient: str, day: int) -> bytes:
        """The beginning of the id, the last day, and a mark over all: short, for an SMS pays for each character."""
        mark = self._mac(nudge.bytes + bytes.fromhex(recipient) + day.to_bytes(_DAY), "page")
        return shortened(nudge, 8 * _BEGINNING).to_bytes(_BEGINNING) + day.to_bytes(_DAY) + mark[:_MARK]

    def read_page(self, token: str, now: datetime, beginning: Beginning) -> tuple[UUID, str]:
        """The nudge and its recipient, of those whose nudge begins as the token does.

        Raises:
            BadLink: the token was not made with our key, or is too old.
        """
        raw = _read(token)
        day = int.from_bytes(raw[_BEGINNING : _BEGINNING + _DAY])
        if len(raw) != _BEGINNING + _DAY + _MARK or (now - _FIRST).days > day:
            raise BadLink
        for nudge, recipient in beginning(int.from_bytes(raw[:_BEGINNING]), 8 * _BEGINNING):
            if hmac.compare_digest(self._page(nudge, recipient, day), raw):
                return nudge, recipient
        raise BadLink

    def person(self, person: str, until: datetime) -> str:
        """A token with which an assistant reads for that person until then."""
        body = bytes.fromhex(person) + int(until.timestamp()).to_bytes(_TIME)
        return _written(body + self._mac(body, "person"))

    def read_person(self, token: str, now: datetime) -> str:
        """Whose token it is.

        Raises:
            BadLink: it was not made with our key, or is too old.
        """
        raw = _read(token)
        body, until = raw[:-_MAC], raw[_MAC:-_MAC]
        if len(until) != _TIME or not hmac.compare_digest(self._mac(body, "person"), raw[-_MAC:]):
            raise BadLink
        if now.timestamp() >= int.from_bytes(until):
            raise BadLink
        return body[:_MAC].hex()

    @property
    def check(self) -> str:
        """Where codes are checked, as people type it."""
        return f"{self._base_url.partition('://')[2]}/check"

    def secret(self, purpose: str) -> str:
        """A secret of its own for each purpose, the same in every process."""
        return keyed_hash(self._key, "secret", purpose).hex()

    def _signed(self, token: str, purpose: str, exactly: int | None = None) -> tuple[UUID, str, bytes]:
        """The nudge, its recipient, and what the link says besides, which is so long (None: anything but nothing)."""
        raw = _read(token)
        body, more = raw[:-_MAC], raw[2 * _MAC : -_MAC]
        fits = len(body) >= 2 * _MAC and (more if exactly is None else len(more) == exactly)
        if not fits or not hmac.compare_digest(self._mac(body, purpose), raw[-_MAC:]):
            raise BadLink
        return UUID(bytes=body[:_MAC]), body[_MAC : 2 * _MAC].hex(), more

    def _mac(self, body: bytes, purpose: str = "link") -> bytes:
        return keyed_hash(self._key, purpose, body.hex())


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise BadLink from None
