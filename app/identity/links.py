"""Signed links: what a message may point to without saying who reads it."""

import base64
import hmac
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.core.ids import keyed_hash, shortened
from domain.core.translatable import Said
from domain.nudges.class_rules import CLASS_RULES
from streams.delivery.decide.case import Case

_MAC, _TIME = 16, 8
_BEGINNING, _NUMBER, _MARK = 5, 2, 8
"""Bytes in a link: of the beginning of the id, of a number, and of the mark."""
_BEGIN, _END = r"(?:^|\s)[(«<\"']?(?:https?://)?", r"/?(?=[.,;:!)»>\"']*(?:\s|$)|\?)"
"""What may stand around a link in a text."""
_FLAGS = re.IGNORECASE | re.ASCII
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
Beginning = Callable[[int, int], Iterable[tuple[UUID, str]]]
"""The nudges whose ids begin with a number of so many bits, each with everybody whom it went to."""
PAGE_LASTS = timedelta(days=90)
"""The life of the link in a message. Whoever signs in finds the page for ever."""
ASSISTANT_LASTS = timedelta(days=30)
"""The life of a citizen's token for an assistant."""

DEVICE_BYTES = 12
"""The length of a device's id, which is written in hexadecimal digits."""


class BadLink(ValueError):
    """Raised for a link or token that is damaged, too old, or not ours."""

    def __init__(self) -> None:
        super().__init__(
            Said("The link is damaged, too old, or was not made here; open the message again and use the link in it.")
        )


class OldLink(BadLink):
    """The link to a message's page was made here, for `recipient`, and its time is over."""

    def __init__(self, nudge: UUID, recipient: str) -> None:
        super().__init__()
        self.nudge, self.recipient = nudge, recipient


class Links:
    """Makes and reads links of this platform."""

    def __init__(self, base_url: str, key: bytes) -> None:
        self._base_url, self._key = base_url.rstrip("/"), key

    def unsubscribe(self, case: Case) -> str | None:
        """Return the link that stops a nudge's category for its recipient, without login (RFC 8058).

        None for the law's.
        """
        if CLASS_RULES[case.settlement.trigger.klass].ignores_opt_out:
            return None
        return f"{self._base_url}/stop/{self.token(case.nudge.intent.id, case.recipient.pseudonym)}"

    def token(self, nudge: UUID, recipient: str) -> str:
        """Names a nudge to who may stop such messages for its recipient; it works for ever (RFC 8058)."""
        return _written(self._short("stop", nudge, recipient))

    def read(self, token: str, beginning: Beginning) -> tuple[UUID, str]:
        """Return the nudge and its recipient, of those whose nudge begins as the token does.

        Raises:
            BadLink: the token was not made with our key.
        """
        nudge, recipient, more = self._read(token, ("link", "stop"), beginning)
        if more:
            raise BadLink
        return nudge, recipient

    def answer(self, nudge: UUID, recipient: str, code: str) -> str:
        """Return the link by which the recipient of a nudge answers it with a code, without login."""
        return f"{self._base_url}/answer/{_written(self._short('answer', nudge, recipient, code.encode()))}"

    def read_answer(self, token: str, beginning: Beginning) -> tuple[UUID, str, str]:
        """Return the nudge, its recipient, and the code of the answer. Raises as `read` does."""
        nudge, recipient, code = self._read(token, ("answer", "answer"), beginning)
        if not code:
            raise BadLink
        return nudge, recipient, code.decode()

    def seen(self, nudge: UUID, recipient: str, attempt: int) -> str:
        """Return the link by which a device tells that it shows a message, without login."""
        return f"{self._base_url}/seen/{_written(self._short('seen', nudge, recipient, attempt.to_bytes(_NUMBER)))}"

    def read_seen(self, token: str, beginning: Beginning) -> tuple[UUID, str, int]:
        """Return the nudge, its recipient, and the attempt. Raises as `read` does."""
        nudge, recipient, attempt = self._read(token, ("seen", "seen"), beginning)
        if len(attempt) != _NUMBER:
            raise BadLink
        return nudge, recipient, int.from_bytes(attempt)

    def page(self, nudge: UUID, recipient: str, until: datetime) -> str:
        """Return the link to a nudge's own page for its recipient, without login.

        It works to the end of that day (UTC).
        """
        day = (until - _FIRST).days.to_bytes(_NUMBER)
        return f"{self._base_url}/m/{_written(self._short('page', nudge, recipient, day))}"

    def read_page(self, token: str, now: datetime, beginning: Beginning) -> tuple[UUID, str]:
        """Return the nudge and its recipient.

        Raises:
            OldLink: the token is too old.
            BadLink: it was not made with our key.
        """
        nudge, recipient, day = self._found(_read(token), "page", beginning)
        if len(day) != _NUMBER:
            raise BadLink
        if (now - _FIRST).days > int.from_bytes(day):
            raise OldLink(nudge, recipient)
        return nudge, recipient

    def pasted(self, text: str) -> tuple[str, str] | None:
        """Return the kind (m, stop, answer, seen) and the token of the first link of a message in a pasted text."""
        found = re.search(rf"{_BEGIN}{self._address}/(m|stop|answer|seen)/([\w-]+)(?:/\w+)?{_END}", text, _FLAGS)
        return None if found is None else (found[1].lower(), found[2])

    def is_own(self, text: str) -> bool:
        """Return True if a pasted text is an address on our pages and nothing else."""
        return re.fullmatch(rf"\s*(?:https?://)?{self._address}(?:/[^\s@\\]*)?\s*", text, _FLAGS) is not None

    @property
    def _address(self) -> str:
        return re.escape(self._base_url.partition("://")[2])

    def read_pasted(self, kind: str, token: str, now: datetime, beginning: Beginning) -> tuple[UUID, str]:
        """Return the nudge and the recipient of a link that `pasted` found. Raises as the kind's own reader does."""
        match kind:
            case "m":
                return self.read_page(token, now, beginning)
            case "stop":
                return self.read(token, beginning)
            case "answer":
                return self.read_answer(token, beginning)[:2]
            case _:
                return self.read_seen(token, beginning)[:2]

    def _short(self, purpose: str, nudge: UUID, recipient: str, more: bytes = b"") -> bytes:
        """Return the beginning of the nudge's id under a veil, what the link says besides, and a mark over all.

        Short, for an SMS pays for each character. The veil follows from the mark: ids of one person's nudges begin
        alike (domain/core/ids.py), and their links must have nothing in common.
        """
        mark = self._mark(purpose, nudge, recipient, more)
        veiled = shortened(nudge, 8 * _BEGINNING) ^ self._veil(mark)
        return veiled.to_bytes(_BEGINNING) + more + mark

    def _mark(self, purpose: str, nudge: UUID, recipient: str, more: bytes) -> bytes:
        return self._mac(nudge.bytes + bytes.fromhex(recipient) + more, purpose)[:_MARK]

    def _veil(self, mark: bytes) -> int:
        return int.from_bytes(self._mac(mark, "veil")[:_BEGINNING])

    def _found(self, raw: bytes, purpose: str, beginning: Beginning) -> tuple[UUID, str, bytes]:
        number, more, mark = int.from_bytes(raw[:_BEGINNING]), raw[_BEGINNING:-_MARK], raw[-_MARK:]
        if len(raw) >= _BEGINNING + _MARK:
            clear = (number,) if purpose == "page" else ()  # as it was at first: to be read until these end
            for begin in (number ^ self._veil(mark), *clear):
                for nudge, recipient in beginning(begin, 8 * _BEGINNING):
                    if hmac.compare_digest(self._mark(purpose, nudge, recipient, more), mark):
                        return nudge, recipient, more
        raise BadLink

    def _read(self, token: str, purposes: tuple[str, str], beginning: Beginning) -> tuple[UUID, str, bytes]:
        """Return the nudge, its recipient, and what the link says besides.

        `purposes`: of a long link, of a short one.
        """
        raw, (long, short) = _read(token), purposes
        return self._long(raw, long) or self._found(raw, short, beginning)

    def _long(self, raw: bytes, purpose: str) -> tuple[UUID, str, bytes] | None:
        """Return the same of a link as messages had it at first, with the pseudonym in it.

        Their stop links must work for as long as somebody keeps the message, so this form is read for good; answers
        end by the message's own time (app/pages/answer.py), in whichever form.
        """
        body, more = raw[:-_MAC], raw[2 * _MAC : -_MAC]
        if len(body) < 2 * _MAC or not hmac.compare_digest(self._mac(body, purpose), raw[-_MAC:]):
            return None
        return UUID(bytes=body[:_MAC]), body[_MAC : 2 * _MAC].hex(), more

    def person(self, person: str, now: datetime) -> str:
        """Return a token with which an assistant reads for that person from now on, for a month."""
        body = bytes.fromhex(person) + int((now + ASSISTANT_LASTS).timestamp()).to_bytes(_TIME)
        return _written(body + self._mac(body, "person"))

    def read_person(self, token: str, now: datetime) -> tuple[str, datetime]:
        """Return the person of a token and the time at which it was made.

        The caller checks for an erasure since then.

        Raises:
            BadLink: it was not made with our key, or is too old.
        """
        raw = _read(token)
        body, until = raw[:-_MAC], raw[_MAC:-_MAC]
        if len(until) != _TIME or not hmac.compare_digest(self._mac(body, "person"), raw[-_MAC:]):
            raise BadLink
        if now.timestamp() >= int.from_bytes(until):
            raise BadLink
        return body[:_MAC].hex(), datetime.fromtimestamp(int.from_bytes(until), UTC) - ASSISTANT_LASTS

    def device(self, person: str, device: str) -> str:
        """Return the token by which a device of a person names itself; it works as long as the device is kept."""
        body = bytes.fromhex(person + device)
        return _written(body + self._mac(body, "device"))

    def read_device(self, token: str) -> tuple[str, str]:
        """Return the person and the device of a token. Raises BadLink where it was not made with our key."""
        raw = _read(token)
        body = raw[:-_MAC]
        if len(body) != _MAC + DEVICE_BYTES or not hmac.compare_digest(self._mac(body, "device"), raw[-_MAC:]):
            raise BadLink
        return body[:_MAC].hex(), body[_MAC:].hex()

    @property
    def check(self) -> str:
        """Return the address at which codes are checked, as people type it."""
        return f"{self._base_url.partition('://')[2]}/check"

    def secret(self, purpose: str) -> str:
        """Return a secret of its own for each purpose, the same in every process."""
        return keyed_hash(self._key, "secret", purpose).hex()

    def _mac(self, body: bytes, purpose: str) -> bytes:
        return keyed_hash(self._key, purpose, body.hex())


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise BadLink from None
