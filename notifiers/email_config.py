"""What an operator says about the mail server: whom to talk to, how safely, how long to wait."""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum

from notifiers.mailbox import mailbox


class EmailConfigError(ValueError):
    """Email cannot be sent with these settings: {problem}. Correct them and start again."""

    def __init__(self, problem: str) -> None:
        super().__init__((self.__doc__ or "").format(problem=problem))


class Security(StrEnum):
    """How the link is protected: never downgraded to less than this."""

    NONE = "none"
    STARTTLS = "starttls"  # RFC 3207, usually port 587
    TLS = "tls"  # RFC 8314, usually port 465


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest that each wait may take, in seconds.

    `connect` covers TCP, TLS, greeting and sign-in together; `envelope` MAIL, RCPT and DATA together; `final`
    the answer to the letter, where giving up leaves the outcome unknown (RFC 5321, section 4.5.3.2.6, asks for
    600). A batch begins no letter once it is `begin` old. Raises EmailConfigError if one of them is not positive.
    """

    connect: float = 10.0
    envelope: float = 15.0
    final: float = 60.0
    begin: float = 30.0

    def __post_init__(self) -> None:
        if min(self.connect, self.envelope, self.final, self.begin) <= 0:
            raise EmailConfigError("every limit must be longer than nothing")

    @property
    def send(self) -> float:
        """The longest that a whole `send` may take."""
        return self.begin + self.connect + self.envelope + self.final


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """The mail server (`host`, `port`), our address there and how to sign in.

    `hello` is our name in EHLO, else the sender's domain. `tls` carries an own authority or a client
    certificate, else the system's authorities count. Raises EmailConfigError for what could never work.
    """

    host: str
    port: int
    sender: str
    sender_name: str = ""
    reply_to: str | None = None
    security: Security = Security.STARTTLS
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str = field(default="", repr=False)
    hello: str | None = None
    connections: int = 4
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if mailbox(self.sender) is None or (self.reply_to is not None and mailbox(self.reply_to) is None):
            raise EmailConfigError("the sender or reply_to is no email address")
        if not self.sender_name.isprintable():
            raise EmailConfigError("the sender's name contains an unprintable character")
        if self.username is not None and self.security is Security.NONE:
            raise EmailConfigError("a password would cross the network in the clear; use starttls or tls")
        if self.connections < 1:
            raise EmailConfigError("at least one connection is needed")

    @property
    def name(self) -> str:
        """How we introduce ourselves (RFC 5321, section 4.1.1.1)."""
        return self.hello or self.return_path.rpartition("@")[2]

    @property
    def return_path(self) -> str:
        """The sender as SMTP takes it, where bounces go."""
        return mailbox(self.sender) or ""
