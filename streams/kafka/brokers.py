"""The address of Kafka and how clients sign in: librdkafka (relay, topics, lag) and aiokafka (Faust)."""

import ssl
from typing import Any

from msgspec import Struct


class Brokers(Struct, frozen=True):
    """The brokers and our credentials. `address`: host:port, several with commas; no user name: no sign-in.

    `tls`: the connection is encrypted, and the brokers' certificate is checked against `ca_file`, or where that is
    empty against the machine's authorities.
    """

    address: str
    tls: bool = False
    ca_file: str = ""
    username: str = ""
    password: str = ""
    mechanism: str = "SCRAM-SHA-512"

    def __repr__(self) -> str:
        """Leave out the password."""
        return f"Brokers({self.address!r})"

    def client(self) -> dict[str, Any]:
        """Return the configuration of every client of librdkafka.

        It logs nothing, because librdkafka would write to stderr every few milliseconds while a broker is away. It
        reconnects within a second.
        """
        found: dict[str, Any] = {
            "bootstrap.servers": self.address,
            "client.id": "habarshy",
            "log_level": 0,
            "reconnect.backoff.ms": 500,
            "reconnect.backoff.max.ms": 1_000,
            "socket.connection.setup.timeout.ms": 10_000,
            "security.protocol": self._protocol,
        }
        if self.tls and self.ca_file:
            found["ssl.ca.location"] = self.ca_file
        if self.username:
            found |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password,
            }
        return found

    @property
    def _protocol(self) -> str:
        """Return Kafka's name of the security protocol."""
        return ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context that checks the brokers' certificate, or None without TLS."""
        return ssl.create_default_context(cafile=self.ca_file or None) if self.tls else None
