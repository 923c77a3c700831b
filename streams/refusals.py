"""Refused addresses: what a provider says will never be reached is not tried again until the contact changes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.channels import REFUSED
from domain.choices import times_of
from domain.events import Effective, LifeEvent
from domain.ids import Names
from domain.person import person_as_of
from notifiers.port import GiveUp, Outcome, Reason
from streams import reading
from streams.database import Database, Priority
from streams.keys import PersonKey
from streams.library import Library, Rules
from streams.log import Log

SOURCE, TYPE, ROLE = "/habarshy/refusal", "citizen.address_refused", "citizen"


class Refused(Struct, frozen=True):
    """An attempt whose address was refused for good."""

    nudge: UUID
    recipient: str
    attempt: int
    address: str


def refuses_address(outcome: Outcome) -> bool:
    """Whether nobody can ever be reached there."""
    return isinstance(outcome, GiveUp) and outcome.reason is Reason.BAD_ADDRESS


class Refusals:
    """Keeps refusals as life events of the recipient; `append` is Intake's."""

    def __init__(
        self, database: Database, log: Log, library: Library, names: Names,
        append: Callable[[Connection, Sequence[LifeEvent]], Mapping[str, PersonKey]], clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._database, self._log, self._library, self._names = database, log, library, names
        self._append, self._clock = append, clock

    def keep(self, refused: Sequence[Refused]) -> None:
        """Store them, each once."""
        rules = self._library.rules()
        made = self._database.write(lambda connection: self._kept(connection, refused, rules), Priority.DISPATCH)
        self._log.keys.remember(made)

    def _kept(self, connection: Connection, refused: Sequence[Refused], rules: Rules) -> Mapping[str, PersonKey]:
        persons = sorted({each.recipient for each in refused})
        self._log.keys.hold(connection, persons)  # two refusals at once must not forget each other
        known = reading.histories(connection, self._log, persons, rules.rulebook)
        events = [self._event(person, [each for each in refused if each.recipient == person], known[person].facts,
                              rules) for person in persons]  # fmt: skip
        return dict(self._append(connection, [event for event in events if event is not None]))

    def _event(
        self, person: str, refused: Sequence[Refused], theirs: Sequence[Effective], rules: Rules
    ) -> LifeEvent | None:
        before = person_as_of(person, theirs, rules.catalogue).get(REFUSED) or ()
        addresses = sorted({*before, *(each.address for each in refused)})
        if addresses == sorted(before):
            return None
        first = refused[0]
        id_ = f"{first.nudge}.{person}.{first.attempt}"
        moment = timedelta(microseconds=1)
        time = max([self._clock(), *(at + moment for at in times_of(theirs, REFUSED, rules.catalogue))])
        return LifeEvent(
            stream=self._names.stream(SOURCE, id_), source=SOURCE, id=id_, type=TYPE, time=time,
            persons={ROLE: (person,)}, fields={ROLE: {"addresses": addresses}},
            digest=self._names.digest(id_.encode()),
        )  # fmt: skip
