"""The port: what every notifier takes and answers, whatever its channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.facts.receipts import ReceiptStatus
from domain.rules.triggers import Class
from notifiers.port import message_names


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a push message or a link of an email: `url` opens when it is chosen."""

    id: str
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A rendered message to one address: an attempt at a nudge.

    `recipient` names who gets it by the pseudonym, `device` which of their devices, where they registered some. Both
    are stable over attempts and never the address. `title` is the email's subject and the push's title; an SMS has
    none. `page_url`
    leads to the message's own page and `code` shows that it is genuine: `text` and `html` say both where they can.
    `pictures`: Content-ID -> PNG of what `html` shows.
    `traceparent` is the trace (W3C) of the event behind it. Neither `repr` nor `str` show whom it reaches or what it
    says.
    """

    nudge: UUID
    attempt: int
    channel: str
    recipient: str = field(repr=False)
    address: str = field(repr=False)
    language: str
    text: str = field(repr=False)
    title: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    unsubscribe_url: str | None = field(default=None, repr=False)
    actions: tuple[Action, ...] = field(default=(), repr=False)
    seen_url: str | None = field(default=None, repr=False)
    page_url: str | None = field(default=None, repr=False)
    code: str = field(default="", repr=False)
    traceparent: str | None = None
    owner: str = ""
    klass: Class = "service"
    expires: datetime | None = None
    device: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """Return the idempotency key: the same at every attempt, another for every recipient, channel and device.

        It goes to providers and into logs, so it is made from the pseudonym: a hash of a phone number could be
        searched through.
        """
        whose = f"{self.recipient} {self.device}" if self.device else self.recipient
        return message_names.key(self.nudge, self.channel, whose)


class Reason(StrEnum):
    """The reasons why a message has not gone, or perhaps not: our words, whatever the provider said."""

    BAD_ADDRESS = "bad_address"  # nobody can be reached there
    NOT_LISTED = "not_listed"  # the address leads to a host that our settings do not list
    BAD_CONTENT = "bad_content"  # the words cannot be carried, e.g. a line break in a title
    MAILBOX_FULL = "mailbox_full"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"  # the provider will not have this message
    UNDELIVERED = "undelivered"  # the provider took it, and could not bring it
    EXPIRED_THERE = "expired_there"  # the provider took it, and tried until it was too late
    SUPPRESSED = "suppressed"  # the provider keeps this address on a list of those who want nothing
    BUSY = "busy"  # the provider asks us to come again
    NOT_ADMITTED = "not_admitted"  # the provider refuses us, not the message: credentials, TLS, its policy
    UNREACHABLE = "unreachable"  # no connection
    LINK_LOST = "link_lost"
    TIMED_OUT = "timed_out"
    GARBLED = "garbled"  # the provider's answer made no sense
    NO_TIME = "no_time"  # the time of the batch was up before this message's turn
    CLOSED = "closed"  # this notifier was closed before
    NEVER_CAME = "never_came"  # no answer came, and the provider, asked afterwards, had never heard of it


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it. Receipts will carry `reference`.

    `parts`: what it calls the message's other parts, where it has several: of them only a failure says something.
    """

    reference: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The message has certainly not gone, and another attempt may succeed.

    Not before `after` if the provider said so.

    `detail` is the provider's code, never its words: they may quote the address. `everybody`: it said so of whatever
    we send, not of this message or its recipient.
    """

    after: timedelta | None
    reason: Reason
    detail: str = ""
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The message has not gone, and another attempt on this channel would fail alike."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The outcome is unknown: repeat only what may arrive twice. `parts`: those that have gone."""

    reason: Reason
    detail: str = ""
    parts: tuple[str, ...] = ()


Outcome = Accepted | RetryLater | GiveUp | Unknown


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's report about what it accepted as `reference`; `reason` of a failure."""

    reference: str
    status: ReceiptStatus
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A text from a citizen: an SMS from the number `sender`, which came in as `id`."""

    id: str
    sender: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """An attempt that a provider is asked about, as nobody knows its outcome; `address`: where it went then."""

    nudge: UUID
    attempt: int
    channel: str
    recipient: str = field(repr=False)
    address: str = field(repr=False)

    @property
    def key(self) -> str:
        """Return the message's key, see `Message.key`."""
        return message_names.key(self.nudge, self.channel, self.recipient)


@dataclass(frozen=True, slots=True)
class NeverCame:
    """The provider never heard of it and never will: it may be sent again, as what has certainly not gone."""


StatusAnswer = Accepted | Report | NeverCame | Unknown
"""A provider's answer to a question: accepted, its outcome, never came, or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The `number`th of the `total` parts of a longer SMS from `sender` to `receiver`; they share the `reference`.

    If nothing more comes for `patience`, what there is goes on as it is. For `again` after the message went on, the
    same piece is taken for the one that is in it: the provider never read that we have it.
    """

    sender: str = field(repr=False)
    receiver: str
    reference: int
    total: int
    number: int
    text: str = field(repr=False)
    patience: timedelta
    again: timedelta


class Inbound(Protocol):
    """Takes in what comes back from a provider; a method returns once it is committed, and may raise OSError.

    So only then is it acknowledged to the provider. The same may come in twice, and in any order.
    """

    async def reported(self, reports: Sequence[Report]) -> None:
        """Keep what was reported."""

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        """Keep that it has what was Unknown; `name`: ours (`notifiers.port.message_names`); `reports`: as the
        notifier does.
        """

    async def received(self, message: Incoming) -> None:
        """Keep what a person wrote."""

    async def received_piece(self, piece: Piece) -> None:
        """Keep a part of what a person wrote; with the last one the whole, to whichever process the others came."""


class Notifier(Protocol):
    """Sends batches of messages over one channel. `notifiers.port.contract` is its definition, as tests."""

    @property
    def channel(self) -> str:
        """Return the channel's name: push, sms or email."""

    @property
    def removes_doubles(self) -> bool:
        """Return True if the provider sends only once what comes twice with one `Message.key`."""

    @property
    def reports(self) -> bool:
        """Return True if the provider reports outcomes, so that its silence means something."""

    @property
    def longest(self) -> float:
        """Return the longest that a `send` may take, in seconds."""

    def reaches(self, address: str) -> bool:
        """Return True for an address that this notifier reaches: a channel may have several kinds."""

    async def start(self) -> None:
        """Begin to listen for what comes back, where the provider reports by the link that we send on."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch: one outcome a message, in the same order, within the limits given at construction.

        Never raises for what a provider does. Batches may run at the same time.
        """

    async def aclose(self) -> None:
        """Close the links. Later sends answer RetryLater; closing again does nothing."""


class Connecting(Protocol):
    """An additional method of a notifier that keeps links open to its provider."""

    async def ready(self) -> RetryLater | None:
        """Wait until a link is open, within the time of a `send`; return why there can be none now.

        Dispatch calls it before it commits attempts: what waits for a link has surely not left, whatever becomes of
        the process. Never raises for what a provider does.
        """


class Askable(Protocol):
    """Additional methods of a notifier whose provider can be asked for a message's outcome, by our name for it."""

    @property
    def ask_after(self) -> timedelta | None:
        """Return the time until the provider knows what it was given before; None: it cannot be asked."""

    async def ask(self, inquiry: Inquiry) -> StatusAnswer:
        """Return the outcome of an attempt, within the time of a `send`; never raises for what a provider does.

        NeverCame only where the provider said so: a provider that is away, busy or odd leaves it Unknown.
        """
