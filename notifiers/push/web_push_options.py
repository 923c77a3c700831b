"""The settings of Web Push: our key pair and contact, and the push services that may be called."""

from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, Field

from notifiers.http.options import HttpOptions, ReadableFile
from notifiers.push.sealing import CURVE
from notifiers.push.subscription import KNOWN_HOSTS, Hosts


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE.name:
        raise ValueError(
            "the file holds no P-256 private key in PEM without a passphrase; "
            "`openssl ecparam -name prime256v1 -genkey -noout -out FILE` makes one"
        )
    return key


def _holds_a_key(path: Path) -> Path:
    _key(path)
    return path


def _are_hosts(entries: tuple[str, ...]) -> tuple[str, ...]:
    Hosts(entries)
    return entries


class WebPushOptions(HttpOptions):
    """Options of the provider kind `web_push`."""

    key_file: Annotated[ReadableFile, AfterValidator(_holds_a_key)] = Field(description="PEM of our VAPID key pair")
    subject: str = Field(
        pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$",
        description="a mailto: or https: URL by which a push service reaches those who run this",
    )
    hosts: Annotated[tuple[str, ...], AfterValidator(_are_hosts)] = Field(
        default=KNOWN_HOSTS, min_length=1, description="the push services that may be called"
    )
    reports_display: bool = Field(default=False, description="our service worker reports what it displays")

    @property
    def limit(self) -> float:
        """Return the longest that a batch may take, in seconds: its last message may be sent twice, to be shorter."""
        return self.begin + 2 * self.timeout

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Return our private key. Raises ValueError if the file holds none any more."""
        return _key(self.key_file)
