"""The settings of every notifier that speaks HTTP."""

import re
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from notifiers.http.client import Http, Timeouts

MASK: Final = "*" * 10
"""The mask of a secret where settings are shown, as pydantic has it."""
_ACCOUNT: Final = re.compile(r"(?<=://)[^/@?#]+(?=@)")
_FILLED_IN: Final = re.compile(r"(?:\{\w+\}|%[A-Za-z])*")


def masked_url(url: str) -> str:
    """Return the address without what may be a secret.

    Its account, and in its query all but what is filled in later.
    """
    where, mark, query = _ACCOUNT.sub(MASK, url).partition("?")
    return where + mark + "&".join(map(_masked_item, query.split("&")))


def _masked_item(item: str) -> str:
    name, equals, value = item.partition("=") if "=" in item else ("", "", item)
    return name + equals + (value if _FILLED_IN.fullmatch(value) else MASK)


def readable(path: Path) -> Path:
    """Return a path whose file can be read. Raises ValueError."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    return path


ReadableFile = Annotated[Path, AfterValidator(readable)]


class HttpOptions(BaseModel):
    """Options of every provider kind that speaks HTTP; the waits are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    connect_timeout: float = Field(default=4, gt=0, le=3600, description="the longest wait for TCP and TLS")
    timeout: float = Field(default=8, gt=0, le=3600, description="the longest wait for a whole request")
    begin: float = Field(default=20, gt=0, le=3600, description="a batch begins no message once it is so old")
    lanes: int = Field(default=64, ge=1, le=1000, description="messages on their way at a time")
    ca_file: ReadableFile | None = Field(default=None, description="PEM of an authority of our own")

    @model_validator(mode="after")
    def _timeouts_in_order(self) -> Self:
        if self.connect_timeout >= self.timeout:
            raise ValueError("connect_timeout: it must be shorter than timeout, for it is a part of it")
        return self

    def http(self) -> Http:
        """Return a client with these options. Raises ValueError if `ca_file` holds no certificate."""
        authority = None if self.ca_file is None else self.ca_file.read_bytes()
        return Http(Timeouts(self.connect_timeout, self.timeout), authority=authority)
