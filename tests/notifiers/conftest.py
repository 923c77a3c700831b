import ssl
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.notifiers import peers
from tests.notifiers.authority import Authority
from tests.notifiers.hurrying import HurryingLoop
from tests.notifiers.peers import Scripted


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Where tests have time go by (`hurry`) their loop can; all others run on that of the product."""
    hurries = isinstance(item, pytest.Function) and hasattr(item.module, "hurry")
    return {"hurrying": HurryingLoop} if hurries else {"uvloop": uvloop.new_event_loop}


class Certificate:
    """A self-signed certificate for 127.0.0.1, good for so many days from 2020 on, and what both sides need."""

    def __init__(self, folder: Path, days: int = 36_500) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer.test")])
        start = datetime(2020, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._certificate = folder / "certificate.pem"
        self._key = folder / "key.pem"
        self._certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self._key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def server(self) -> ssl.SSLContext:
        """What the server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        return context

    @property
    def authority(self) -> Path:
        """The PEM file of who trusts this certificate and no other."""
        return self._certificate

    @property
    def key(self) -> Path:
        """The PEM file of its key."""
        return self._key


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One certificate for all tests, made in this run."""
    return Certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority of this test's own."""
    return Authority(tmp_path)


@pytest.fixture
def scripted() -> Scripted:
    """Mail servers that follow a script."""
    return peers.scripted
