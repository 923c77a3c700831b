"""An authority of the tests' own, and what it certifies for 127.0.0.1."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

START = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2119, 1, 1, tzinfo=UTC)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as openssl writes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Leaf:
    """The files that a server shows."""

    key: Path
    certificate: Path


class Authority:
    """Signs certificates; `file` has its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority.test")])
        self.file = folder / "authority.pem"
        own = self._builder(self._name, self._key, END).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def leaf(self, *, until: datetime = END) -> Leaf:
        """A certificate for 127.0.0.1 that is good until then."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer.test")])
        address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        signed = (
            self._builder(name, key, until).add_extension(address, critical=False).sign(self._key, hashes.SHA256())
        )
        leaf = Leaf(self._folder / f"key-{until:%Y}.pem", self._folder / f"leaf-{until:%Y}.pem")
        leaf.key.write_bytes(pem(key))
        leaf.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        return leaf

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(until)
        )
