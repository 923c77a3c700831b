"""The channels by which a person can be reached."""

from collections.abc import Container, Mapping, Sequence

from domain.persons.devices import devices_of
from domain.persons.person import Person

ADDRESS_OF = {"push": "push", "sms": "phone", "email": "email"}
"""Channel -> the attribute of a person that holds the address."""
REFUSED = "refused"
"""The attribute of a person that holds the addresses which their providers refused for good."""


PUSH = "push"


def addresses(person: Person, channel: str) -> Mapping[str, str]:
    """Return device -> address, of those that their provider did not refuse; "": the address of the contact data.

    Only push has several: one a device.
    """
    known = {each.id: each.push for each in devices_of(person)} if channel == PUSH else {}
    if contact := person.get(ADDRESS_OF[channel]):
        known[""] = str(contact)
    refused = person.get(REFUSED) or ()
    return {device: address for device, address in known.items() if address not in refused}


def is_wanted(person: Person, channel: str, category: str) -> bool:
    """Return True if the person allows the channel, and has not opted out of it for that category (`health/sms`)."""
    allowed = person.get("channels")
    return (allowed is None or channel in allowed) and f"{category}/{channel}" not in (person.get("opted_out") or ())


def reachable(
    person: Person, channels: Sequence[str], had: Container[str | None], category: str, *, always: bool
) -> list[str]:
    """Return the channels, in their order, that the person wants, that have an address, and that were not tried yet.

    `always`: also where they want none of them.
    """
    found = [channel for channel in channels if channel not in had and addresses(person, channel)]
    wished = [channel for channel in found if is_wanted(person, channel, category)]
    return wished or (found if always else [])
