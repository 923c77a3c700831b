"""The settings of an SMS centre: its address, our account, the protection of the link, and the limits."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from notifiers.port.links import ClientTls, TlsContext

Ton = Annotated[int, Field(ge=0, le=7)]
Npi = Annotated[int, Field(ge=0, le=31)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Word = Annotated[str, Field(pattern=r"^[\x21-\x7e]*$", max_length=64)]


def _fits(secret: SecretStr) -> SecretStr:
    word = secret.get_secret_value()
    if not (word.isascii() and word.isprintable() and len(word) <= 64):  # noqa: PLR2004  many centres take more than 8
        raise ValueError("a password has at most 64 printable ASCII characters")
    return secret


class SmppLimits(BaseModel):
    """The longest that each wait may take, in seconds.

    `connect` covers TCP, TLS and bind together; `response` the answer to one PDU, where giving up on a submit_sm
    leaves its outcome unknown. A batch writes nothing once it is `begin` old. After `enquire` without a word from
    the centre we ask whether it is there. Links that fail are tried again after `rest`, then twice that, at most
    `longest_rest`. A longer incoming message of which nothing more comes for `incomplete` is kept as it is. What
    comes again within `again`, because our answer was lost or put it off, counts as the same message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connect: Seconds = 10.0
    response: Seconds = 20.0
    begin: Seconds = 20.0
    enquire: Seconds = 30.0
    rest: Seconds = 1.0
    longest_rest: Seconds = 60.0
    incomplete: Seconds = 600.0
    again: Seconds = 600.0

    @property
    def send(self) -> float:
        """Return the longest that a whole `send` may take."""
        return self.begin + self.response


class SmppOptions(BaseModel):
    """An SMS centre that speaks SMPP 3.4, and our account there.

    `sender` is the source address: letters make an alphanumeric name, digits a number or short code; `sender_ton`
    and `sender_npi` follow from it unless they are given (SMPP 3.4, 5.2.5 and 5.2.6). `region` is the country of
    numbers that are written without a code. `validity` is the longest that the centre may try; a message that
    expires earlier is tried until then. `receipt_ids: decimal` is for centres that name in decimal in a receipt
    what they named in hexadecimal before. `most_parts` limits what one message may cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 2775
    system_id: Annotated[Word, Field(min_length=1, max_length=15)]
    password: Annotated[SecretStr, AfterValidator(_fits)] = SecretStr("")
    system_type: Annotated[Word, Field(max_length=12)] = ""
    sender: Annotated[str, Field(pattern=r"^(\+?[0-9]{1,20}|[\x20-\x7e]{1,11})$")]
    sender_ton: Ton | None = None
    sender_npi: Npi | None = None
    receiver_ton: Ton = 1
    receiver_npi: Npi = 1
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    window: Annotated[int, Field(ge=1, le=1000)] = 64
    most_parts: Annotated[int, Field(ge=1, le=255)] = 10
    receipts: bool = True
    receipt_ids: Literal["same", "decimal"] = "same"
    validity: timedelta = timedelta(days=3)
    tls: bool = False
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    limits: SmppLimits = SmppLimits()

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for name in ("ca_file", "client_cert_file", "client_key_file"):
            if getattr(self, name) is not None and not self.tls:
                raise ValueError(f"{name} is of no use without tls: true")
        if self.client_key_file is not None and self.client_cert_file is None:
            raise ValueError("client_key_file needs client_cert_file")
        if self.validity <= timedelta():
            raise ValueError("validity must be longer than zero")
        return self

    @property
    def decimal(self) -> bool:
        """Return True if receipts have in decimal the ids that answers have in hexadecimal."""
        return self.receipt_ids == "decimal"

    @property
    def source(self) -> tuple[str, int, int]:
        """Return the source address with its type of number and numbering plan."""
        number = self.sender.removeprefix("+")
        guess = (5, 0)  # alphanumeric, unknown
        if number.isdigit():
            guess = (1, 1) if self.sender.startswith("+") else (0, 1)  # international, or a code of this network
        ton = guess[0] if self.sender_ton is None else self.sender_ton
        return number, ton, guess[1] if self.sender_npi is None else self.sender_npi

    def context(self) -> TlsContext:
        """Return the TLS of links. Raises ValueError for a file that cannot be used."""
        return ClientTls(self.ca_file, self.client_cert_file, self.client_key_file) if self.tls else lambda: None
