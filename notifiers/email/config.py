"""The settings of the mail server: its address, the protection of the link, and the limits."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from notifiers.email.addresses import mailbox
from notifiers.email.verp import ROOM
from notifiers.port.links import ClientTls, TlsContext


class Security(StrEnum):
    """The protection of the link, below which it never falls."""

    NONE = "none"
    STARTTLS = "starttls"  # RFC 3207, usually port 587
    TLS = "tls"  # RFC 8314, usually port 465


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest that each wait may take, in seconds.

    `connect` covers TCP, TLS, greeting and sign-in together; `envelope` MAIL, RCPT and DATA together; `final`
    the answer to the letter, where giving up leaves the outcome unknown (RFC 5321, section 4.5.3.2.6, asks for
    600). A batch begins no letter once it is `begin` old.
    """

    connect: float
    envelope: float
    final: float
    begin: float

    @property
    def send(self) -> float:
        """Return the longest that a whole `send` may take."""
        return self.begin + self.connect + self.envelope + self.final


def _served(address: str) -> str:
    wire = mailbox(address)
    if wire is None:
        raise ValueError("it is no email address")
    return wire


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("it contains an unprintable character")
    return name


def _with_room(address: str) -> str:
    if len(address.rpartition("@")[0]) > ROOM:
        raise ValueError(f"before the @ it may have {ROOM} characters at most, for a token is added")
    return address


Address = Annotated[str, AfterValidator(_served)]
BounceAddress = Annotated[Address, AfterValidator(_with_room)]


class SmtpOptions(BaseModel):
    """A mail server as a provider."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    host: str = Field(min_length=1, description="the mail server")
    port: int = Field(default=587, gt=0, lt=65536, description="its port")
    security: Security = Field(default=Security.STARTTLS, description="its protection: none, starttls or tls")
    username: str | None = Field(default=None, description="how to sign in there")
    password: SecretStr = Field(default=SecretStr(""), description="how to sign in there")
    sender: Address = Field(description="the address that mail comes from")
    sender_name: Annotated[str, AfterValidator(_printable)] = Field(default="", description="its name")
    reply_to: Address | None = Field(default=None, description="where answers go, if not to the sender")
    bounces: BounceAddress | None = Field(
        default=None, description="where bounces go, as local+TOKEN@domain; if not given, to the sender, unread"
    )
    hello: str | None = Field(default=None, description="our name in EHLO, if not the sender's domain")
    ca_file: Path | None = Field(default=None, description="PEM of the authority to trust, if not the system's")
    client_cert_file: Path | None = Field(default=None, description="PEM of the certificate that we show")
    client_key_file: Path | None = Field(default=None, description="PEM of its key, if not in the same file")
    connections: int = Field(default=4, ge=1, description="how many connections may be open")
    limit_seconds: float = Field(
        default=12.0,
        gt=0,
        le=3600,
        description="the longest wait for each step: to begin, connect, be admitted, be answered",
    )

    @model_validator(mode="after")
    def _possible_together(self) -> Self:
        if self.username is not None and self.security is Security.NONE:
            raise ValueError("a password would cross the network in the clear; use starttls or tls")
        if self.client_key_file is not None and self.client_cert_file is None:
            raise ValueError("client_key_file needs client_cert_file")
        return self

    @property
    def limits(self) -> Limits:
        """Return the limits in seconds: the same for each step."""
        limit = self.limit_seconds
        return Limits(connect=limit, envelope=limit, final=limit, begin=limit)

    @property
    def name(self) -> str:
        """Return the name by which we introduce ourselves (RFC 5321, section 4.1.1.1)."""
        return self.hello or self.sender.rpartition("@")[2]

    def tls(self) -> TlsContext:
        """Return the TLS of connections. Raises ValueError for a file that cannot be used."""
        if self.security is Security.NONE:
            return lambda: None
        return ClientTls(self.ca_file, self.client_cert_file, self.client_key_file)
