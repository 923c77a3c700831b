"""The jobs and answers of a sealer, and their encoding on its socket."""

from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from notifiers.push.sealing import CURVE, drawn, sealed

LENGTH = 4
"""The octets before each frame, which say how long it is."""


class Job(NamedTuple):
    """A content to encrypt, with the browser's public key and secret."""

    content: bytes
    point: bytes
    auth: bytes

    def done(self) -> bytes | None:
        """Return the body of the request; None where the browser's key is none."""
        try:
            browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, self.point)
        except ValueError:
            return None
        return sealed(self.content, browser, self.point, self.auth, drawn())


_ENCODER = msgspec.msgpack.Encoder()
_JOBS = msgspec.msgpack.Decoder(list[Job])
_BODIES = msgspec.msgpack.Decoder(list[bytes | None])


def framed(content: list[Job] | list[bytes | None]) -> bytes:
    """Return the frame of jobs, or of the bodies that came of them."""
    encoded = _ENCODER.encode(content)
    return len(encoded).to_bytes(LENGTH) + encoded


def jobs_of(content: bytes) -> list[Job]:
    """Return the jobs in a frame."""
    return _JOBS.decode(content)


def bodies_of(content: bytes) -> list[bytes | None]:
    """Return the bodies in a frame."""
    return _BODIES.decode(content)
