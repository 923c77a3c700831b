"""The channels by which a person can be reached."""

from collections.abc import Container, Sequence

from domain.person import Person

ADDRESS_OF = {"push": "push", "sms": "phone", "email": "email"}
"""Channel -> the attribute of a person that holds the address."""
REFUSED = "refused"
"""The attribute of a person that holds the addresses which their providers refused for good."""


def reachable(person: Person, channels: Sequence[str], had: Container[str | None], *, always: bool) -> list[str]:
    """Those of the channels, in their order, that the person allowed, with an address, and that they had not yet.

    `always`: also where they allowed none of them.
    """
    allowed, refused = person.get("channels"), person.get(REFUSED) or ()
    found = [
        channel for channel in channels
        if (address := person.get(ADDRESS_OF[channel])) and address not in refused and channel not in had
    ]  # fmt: skip
    wished = [channel for channel in found if allowed is None or channel in allowed]
    return wished or (found if always else [])
