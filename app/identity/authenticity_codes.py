"""Codes by which anybody checks whether a message came from here: short, and of no use for anything else.

A code is the beginning of the nudge's id, under a veil, and of a keyed hash over it and its recipient, in Crockford's
base 32. So the nudge is found by its id, without a table of codes. The veil follows from the hash: ids of one
person's nudges begin alike, and their codes do not; those that went before there was one are known without it, too.
A made-up code is right once in fifteen million tries, and of a billion messages once in half a million, as then
thirty ids begin alike.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, select

from app.identity.links import PAGE_LASTS, Beginning, Links
from domain.core.ids import first_and_last_id, keyed_hash, shortened
from domain.core.translatable import Titles
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge
from domain.rules.event_types import NO_OFFICE
from projections import nudges
from projections.tables import nudges as table
from streams.delivery.send.message import ProofOf
from streams.queries.inbox import Inboxes
from streams.rules.context import WriteContext
from streams.rules.trigger_history import agency_titles
from templates.words.footer import Proof
from templates.words.rendering import PLATFORM

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_LOOK_ALIKE = str.maketrans("АВЕКМНОРСТУХІЅ", "ABEKMH0PCTYX1S")
"""Cyrillic letters of a keyboard that was not switched, and the Latin ones that they look like."""
_HALF, _BITS = 5, 25
_WRITTEN = re.compile(rf"(?<![0-9A-Z])(?=([0-9A-Z]{{{_HALF}}})\W{{0,3}}([0-9A-Z]{{{_HALF}}})(?![0-9A-Z]))")
_MARKED = re.compile(
    rf"(?:C0DE|K0Д)\W{{1,3}}[0-9A-Z]{{{_HALF}}}\W{{0,3}}[0-9A-Z]{{{_HALF}}}(?![0-9A-Z])"
    rf"|(?<![0-9A-Z])[0-9A-Z]{{{_HALF}}}\s?[-‐‑–—]\s?[0-9A-Z]{{{_HALF}}}(?![0-9A-Z])"
)
"""A code that is marked as one, by the word before it or the dash in it: two words of five letters are none."""
_MOST = 5
"""So many places of a text are looked up, the last ones: a code stands at the end of its message."""
_REST = 128 - _BITS


class AuthenticMessage(Struct, frozen=True):
    """A message that we sent: when first, by which channel, about what and by which office (none where discreet).

    `short`: what an SMS calls the office.
    """

    at: datetime
    channel: str
    title: Titles
    office: Titles
    short: Titles


class Codes:
    """Makes and checks authenticity codes."""

    def __init__(self, secret: str, context: WriteContext) -> None:
        self._key, self._context, self._inboxes = bytes.fromhex(secret), context, Inboxes(context)

    def of(self, nudge: UUID, recipient: str) -> str:
        """Return the code of a message, as people read it: XXXXX-XXXXX."""
        mark = self._mark(nudge, recipient)
        return f"{_text(shortened(nudge, _BITS) ^ self._veil(mark))}-{_text(mark)}"

    def _mark(self, nudge: UUID, recipient: str) -> int:
        return int.from_bytes(keyed_hash(self._key, "genuine", nudge.hex, recipient)) >> _REST

    def _veil(self, mark: int) -> int:
        return int.from_bytes(keyed_hash(self._key, "veil", str(mark))) >> _REST

    def check(self, code: str) -> AuthenticMessage | None:
        """Return the message that we sent with a code that stands in the text; None where none is ours."""
        return next(filter(None, map(self._found, codes_in(code))), None)

    def recipient(self, code: str) -> str | None:
        """Return the pseudonym of whom we sent a message with a code that stands in the text; None for nobody."""
        with self._context.database.reading() as connection:
            for letters in codes_in(code):
                for _, one in self._bearing(connection, letters):
                    if one.attempted_at is not None:
                        return one.recipient
        return None

    def _found(self, letters: str) -> AuthenticMessage | None:
        with self._context.database.reading() as connection:
            found = next(self._bearing(connection, letters), None)
            return None if found is None else self._genuine(connection, *found)

    def _bearing(self, connection: Connection, letters: str) -> Iterator[tuple[Nudge, Delivery]]:
        """Yield the nudge that bears a code, with whom it is to; two would be one in fifteen million."""
        number, mark = _number(letters[:_HALF]), _number(letters[_HALF:])
        for begin in (number ^ self._veil(mark), number):
            for nudge in beginning(connection, begin, _BITS):
                for one in nudge.deliveries:
                    if self._mark(nudge.intent.id, one.recipient) == mark:
                        yield nudge, one

    def sent(self, nudge: UUID, recipient: str) -> AuthenticMessage | None:
        """Return the message of that nudge that we sent to that recipient; None where nothing went."""
        with self._context.database.reading() as connection:
            for found in nudges.by_id(connection, [nudge]).values():
                return self._genuine(connection, found, found.to(recipient))
        return None

    def _genuine(self, connection: Connection, nudge: Nudge, one: Delivery) -> AuthenticMessage | None:
        at = one.sent_at or one.attempted_at
        if at is None:
            return None
        rules = self._context.library.rules()
        content = self._inboxes.content(connection, rules, nudge.intent.version)
        discreet, offices = bool(content.get("discreet")), agency_titles(rules)
        if discreet:
            return AuthenticMessage(at, one.channel or "", {}, {}, {})
        owner = str(content.get("owner") or PLATFORM)
        called = rules.catalogue.offices.get(owner, NO_OFFICE).short
        return AuthenticMessage(at, one.channel or "", content.get("title", {}), offices.get(owner, {}), called)


def codes_in(text: str) -> list[str]:
    """Return what may be codes in a text that somebody typed or pasted, without what stands between their letters."""
    letters = _latin(text)
    alone = "".join(filter(str.isalnum, letters))
    found = [alone] if len(alone) == 2 * _HALF else []
    found += ["".join(halves) for halves in _WRITTEN.findall(letters)]
    return [code for code in dict.fromkeys(found) if set(code) <= set(_LETTERS)][-_MOST:]


def is_code_marked(text: str) -> bool:
    """Return True where a longer text has a code that can be nothing else."""
    return _MARKED.search(_latin(text)) is not None


def _latin(text: str) -> str:
    return text.upper().translate(_LOOK_ALIKE).translate(_MEANT)


def proof_maker(links: Links, codes: Codes) -> ProofOf:
    """Return the function that makes a message's own proof: its link and its code."""

    def of(nudge: UUID, recipient: str, now: datetime) -> Proof:
        return Proof(links.page(nudge, recipient, now + PAGE_LASTS), codes.of(nudge, recipient), links.check)

    return of


def short_link_lookup(context: WriteContext) -> Beginning:
    """Return the lookup of a short link: it finds the nudges and recipients that the link may mean."""

    def found(number: int, bits: int) -> Iterator[tuple[UUID, str]]:
        with context.database.reading() as connection:
            for nudge in beginning(connection, number, bits):
                theirs = [*(one.recipient for one in nudge.deliveries), nudge.intent.person]
                yield from ((nudge.intent.id, each) for each in dict.fromkeys(theirs))

    return found


def beginning(connection: Connection, number: int, bits: int) -> Iterator[Nudge]:
    """Yield the nudges whose ids begin with these bits."""
    ids = connection.execute(
        select(table.c.nudge).where(table.c.nudge.between(*first_and_last_id(number, bits)))
    ).scalars()
    yield from nudges.by_id(connection, ids.all()).values()


def _text(number: int) -> str:
    return "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(_HALF)))


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 32 + _LETTERS.index(letter)
    return number
