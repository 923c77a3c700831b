"""The devices that a person registered for push messages, as the attribute `devices` keeps them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from domain.persons.person import Person

DEVICES: Final = "devices"
"""The attribute of a person that holds their devices: a list of texts, each a device as JSON."""
MOST: Final = 10
"""The most devices that a person may have."""


class Device(Struct, frozen=True):
    """A device of a person. `push`: the address of its push channel; `name`: as the person calls it.

    `added`: when the person first added it. A browser that is added again keeps that time.
    """

    id: str
    name: str
    added: datetime
    push: str


_DECODER = msgspec.json.Decoder(Device)
_ENCODER = msgspec.json.Encoder()


def written(device: Device) -> str:
    """Return the device as the attribute keeps it."""
    return _ENCODER.encode(device).decode()


def devices_of(person: Person) -> Iterator[Device]:
    """Yield the devices of a person, the first registered first; an entry that cannot be read is left out."""
    for text in person.get(DEVICES) or ():
        try:
            yield _DECODER.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            continue
