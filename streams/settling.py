"""Before anything is sent: for each delivery whose turn has come, all that `settle` reads, and its decision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.delivery import State
from domain.events import LifeEvent
from domain.history import History
from domain.nudge import Nudge
from domain.person import Person
from domain.settle import Decision, Ledger, Reason, Settlement, Withhold, recipients, settle
from projections import nudges
from projections.nudges import Due
from streams import reading
from streams.library import Rules
from streams.log import Log


class Case(Struct, frozen=True):
    """One delivery to decide on.

    `about`: the person whom the nudge concerns; `cause`: the life event behind it; `history`: of that person.
    """

    settlement: Settlement
    about: Person
    cause: LifeEvent | None
    decision: Decision
    history: History

    @property
    def nudge(self) -> Nudge:
        """The nudge that is delivered."""
        return self.settlement.nudge

    @property
    def recipient(self) -> Person:
        """Who gets it."""
        return self.settlement.person


class Turn(Struct, frozen=True):
    """What a claim found: open attempts whose lease is over, cases to decide, and what moved on since the claim."""

    lost: list[tuple[Nudge, str]]
    cases: list[Case]
    moved_on: list[UUID]


def look(connection: Connection, log: Log, rules: Rules, claimed: Sequence[Due], now: datetime) -> Turn:
    """Read what the claimed deliveries need, and decide each."""
    found = nudges.by_id(connection, [row.nudge for row in claimed])
    lost, fresh, moved_on = [], [], []
    for row in claimed:
        nudge = found[row.nudge]
        if not _is_due(nudge, row.recipient, now):
            moved_on.append(row.nudge)
        elif nudge.to(row.recipient).state is State.ATTEMPTED:
            lost.append((nudge, row.recipient))
        else:
            fresh.append((nudge, row.recipient))
    return Turn(lost, list(Looking(connection, log, rules, now).cases(fresh)), moved_on)


def _is_due(nudge: Nudge, recipient: str, now: datetime) -> bool:
    """Whether its turn is still now: it may have been cancelled, moved or sent since it was claimed."""
    return any(one.recipient == recipient and one.due is not None and one.due <= now for one in nudge.deliveries)


class Looking:
    """Reads, for a set of deliveries at once, everything that deciding and writing them needs."""

    def __init__(
        self, connection: Connection, log: Log, rules: Rules, now: datetime, before: int | None = None
    ) -> None:
        self.connection, self.log, self.rules, self.now, self.before = connection, log, rules, now, before
        self.persons: dict[str, Person] = {}
        self.histories: dict[str, History] = {}

    def cases(self, rows: Sequence[tuple[Nudge, str]]) -> Iterator[Case]:
        """A case for each delivery; a minor's nudge that nobody looked at yet gives one for each guardian."""
        self._load({nudge.intent.person for nudge, _ in rows} | {recipient for _, recipient in rows})
        whom = [(nudge, self._recipients(nudge, recipient)) for nudge, recipient in rows]
        self._load({recipient for _, named in whom for recipient in named})
        ledgers = nudges.of_persons(self.connection, {nudge.intent.person for nudge, _ in rows})
        causes = self._causes(nudge for nudge, _ in rows)
        for nudge, named in whom:
            ledger = Ledger(tuple(ledgers[nudge.intent.person].values()))
            yield from self._decided(nudge, named, ledger, causes.get(nudge.intent.cause))

    def _load(self, pseudonyms: Iterable[str]) -> None:
        missing = set(pseudonyms).difference(self.persons)
        if missing:
            found = reading.histories(self.connection, self.log, missing, self.rules.rulebook, self.before)
            self.histories |= found
            self.persons |= reading.folded(found, self.rules.rulebook)

    def _recipients(self, nudge: Nudge, recipient: str) -> tuple[str, ...]:
        """Whoever was chosen before stays; the first look at a nudge chooses."""
        if recipient != nudge.intent.person or nudge.to(recipient).state is not State.PLANNED:
            return (recipient,)
        trigger = self.rules.rulebook.versions[nudge.intent.version].trigger
        return recipients(nudge, trigger, self.persons[recipient], self.rules.defaults, self.now)

    def _causes(self, found: Iterable[Nudge]) -> Mapping[UUID, LifeEvent]:
        entries = self.log.streams(self.connection, {nudge.intent.cause for nudge in found})
        return {entry.originator_id: entry.fact for entry in entries if isinstance(entry.fact, LifeEvent)}

    def _decided(self, nudge: Nudge, named: Sequence[str], ledger: Ledger, cause: LifeEvent | None) -> Iterator[Case]:
        about = self.persons[nudge.intent.person]
        trigger = self.rules.rulebook.versions[nudge.intent.version].trigger
        for recipient in named or (about.pseudonym,):
            settlement = Settlement(
                nudge, trigger, self.persons[recipient], ledger, self.rules.controls, self.rules.defaults
            )
            decision = settle(settlement, self.now) if named else Withhold(Reason.NO_GUARDIAN)
            yield Case(settlement, about, cause, decision, self.histories[about.pseudonym])
