"""Devices: a person's devices for push messages become a life event of theirs whenever they change."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.persons.channels import REFUSED
from domain.persons.devices import DEVICES, MOST, Device, devices_of, written
from domain.persons.own_choices import event_of_person, time_after
from domain.persons.person import Person, person_as_of
from streams.delivery.inbound.own_limits import refuse_too_many
from streams.delivery.inbound.preferences import ROLE
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.rules.context import EventWriter
from streams.rules.in_force import Rules

SOURCE, TYPE = "/habarshy/device", "citizen.devices_changed"
Change = Callable[[Sequence[Device], datetime], Sequence[Device]]
"""Makes the new list of a person's devices from the present one, at that time."""


class TooManyDevices(ValueError):
    """Raised for one more device than a person may have."""


class NewDevice(Struct, frozen=True):
    """A device to register, see `Device`."""

    id: str
    name: str
    push: str


class DeviceStore(EventWriter):
    """Shows and changes the devices of persons. Devices whose address was refused count no more."""

    @property
    def is_known(self) -> bool:
        """Return whether the published packs have the event type; an older log gets it with the next publication."""
        return TYPE in self._library.rules().catalogue.types

    def of(self, pseudonym: str) -> list[Device]:
        """Return the person's devices, the first registered first."""
        rules = self._library.rules()
        with self._database.reading() as connection:
            known = histories.of_personal_types(connection, self._log, [pseudonym], rules.rulebook)[pseudonym]
        return _living(person_as_of(pseudonym, known.facts, rules.catalogue))

    def add(self, pseudonym: str, new: NewDevice, replaced: str = "") -> None:
        """Register a device, instead of any with the same address.

        The `replaced` one is the same device: it keeps its name and place, and gets the new id and address.

        Raises:
            TooManyDevices: the person has the most already.
        """

        def change(known: Sequence[Device], now: datetime) -> Sequence[Device]:
            kept = [each for each in known if each.id == replaced or each.push != new.push]
            if any(each.id == replaced for each in kept):
                return [replace(each, id=new.id, push=new.push) if each.id == replaced else each for each in kept]
            if len(kept) >= MOST:
                raise TooManyDevices(f"You have {MOST} devices already, which is the most; remove one first.")
            return [*kept, Device(new.id, new.name, now, new.push)]

        self._change(pseudonym, change)

    def rename(self, pseudonym: str, device: str, name: str) -> bool:
        """Give a device another name; return False if there is no device."""
        return self._replace(pseudonym, device, lambda each: replace(each, name=name))

    def renew(self, pseudonym: str, device: str, push: str) -> bool:
        """Store the new address of a device that its browser subscribed anew; return False if there is no device."""
        return self._replace(pseudonym, device, lambda each: replace(each, push=push))

    def remove(self, pseudonym: str, device: str) -> bool:
        """Remove a device; return False if there is none."""
        return self._change(pseudonym, lambda known, _: [each for each in known if each.id != device])

    def _replace(self, pseudonym: str, device: str, change: Callable[[Device], Device]) -> bool:
        self._change(pseudonym, lambda known, _: [change(each) if each.id == device else each for each in known])
        return any(each.id == device for each in self.of(pseudonym))

    def _change(self, pseudonym: str, change: Change) -> bool:
        rules = self._library.rules()
        return self._write(lambda connection: self._changed(connection, pseudonym, change, rules))

    def _changed(
        self, connection: Connection, pseudonym: str, change: Change, rules: Rules
    ) -> Mapping[str, PersonKey] | None:
        self._log.keys.hold(connection, [pseudonym])  # of two changes at once, neither is lost
        known = histories.of_personal_types(connection, self._log, [pseudonym], rules.rulebook)[pseudonym]
        before = _living(person_as_of(pseudonym, known.facts, rules.catalogue))
        time = time_after(known.facts, [DEVICES], rules.catalogue, self._clock())
        after = list(change(before, time))
        if after == before:
            return None
        refuse_too_many(connection, pseudonym, TYPE, self._clock())
        fields = {ROLE: {"devices": [written(each) for each in after]}}
        id_ = f"{pseudonym}.{time.isoformat()}"
        return self._append(
            connection, [event_of_person(self._names, SOURCE, id_, TYPE, ROLE, pseudonym, fields, time)]
        )


def _living(person: Person) -> list[Device]:
    refused = person.get(REFUSED) or ()
    return [each for each in devices_of(person) if each.push not in refused]
