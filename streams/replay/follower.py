"""The follower: reads the log by position and brings the views that follow it up to date.

Which way each attempt went: by what channel and in what language, which the facts after it no longer say.

What each fact means for the views that follow the log: trail and statistics.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.facts.access_facts import ACCOUNTING_FACTS
from domain.facts.facts import (
    NUDGE_FACTS,
    NudgeAnswered,
    NudgeAttempted,
    NudgeDelivered,
    NudgeDone,
    NudgeFact,
    NudgeOpened,
    NudgePlanned,
    NudgeSent,
    NudgeUndone,
)
from domain.rules.built_in_triggers import DIGEST
from projections import nudges, positions, statistics, trail
from projections.statistics import Key
from projections.trail import Step
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.storage.database import Database, Priority

TELLING = (NudgeSent, NudgeDelivered, NudgeOpened, NudgeAnswered, NudgeDone)
"""What an attempt came to, where it went well: each is counted by the way of its attempt."""
Whose = tuple[UUID, str]
"""A delivery: its nudge and its recipient."""


class Ways:
    """The ways of attempts, as `sms.kk`; only `sms` where nobody knows the language."""

    def __init__(self, attempts: Iterable[Entry] = ()) -> None:
        self._of: dict[tuple[Whose, int], str] = {}
        self._last: dict[Whose, str] = {}
        for entry in attempts:
            self.of(entry.originator_id, entry.fact)  # type: ignore[arg-type]  # of streams of nudges

    def of(self, nudge: UUID, fact: NudgeFact) -> str:
        """The way of the attempt that a fact is about, or that it is; empty where it is about none."""
        if isinstance(fact, NudgeAttempted):
            whose = (nudge, fact.recipient)
            self._of[whose, fact.attempt] = self._last[whose] = _way(fact)
            return self._last[whose]
        if isinstance(fact, NudgeAnswered):
            return self._last.get((nudge, fact.recipient), "")
        return self._of.get(((nudge, fact.recipient), fact.attempt), "") if isinstance(fact, TELLING) else ""


def attempts_before(connection: Connection, log: Log, entries: Sequence[Entry]) -> list[Entry]:
    """The attempts before the entries of the nudges of which these tell what came of an attempt not among them."""
    found = log.streams(connection, _untold(entries), (NudgeAttempted.TOPIC,))
    return [each for each in found if each.position < entries[0].position]


def _untold(entries: Iterable[Entry]) -> set[UUID]:
    ways, found = Ways(), set()
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgeAttempted):
            ways.of(entry.originator_id, fact)
        elif isinstance(fact, TELLING) and not ways.of(entry.originator_id, fact):
            found.add(entry.originator_id)
    return found


def _way(fact: NudgeAttempted) -> str:
    """What goes with a digest costs no message of its own."""
    channel = DIGEST if fact.provider == DIGEST else fact.channel
    return f"{channel}.{fact.language}" if fact.language else channel


class Subject(Struct, frozen=True):
    """Whom and what a nudge is about: what facts after the first no longer say."""

    person: str
    trigger: str


class Page(Struct, frozen=True):
    """What a page of the log adds to the views that follow it."""

    steps: list[Step]
    counts: Counter[Key]


def unnamed(entries: Iterable[Entry]) -> set[UUID]:
    """The nudges whose subject must be looked up, because the page does not begin with their planning."""
    first: dict[UUID, Entry] = {}
    for entry in entries:
        if isinstance(entry.fact, NUDGE_FACTS):
            first.setdefault(entry.originator_id, entry)
    return {id_ for id_, entry in first.items() if not isinstance(entry.fact, NudgePlanned)}


def page_of(entries: Sequence[Entry], known: Mapping[UUID, Subject], before: Iterable[Entry] = ()) -> Page:
    """What the entries add; `known`: the subjects of the `unnamed` nudges; `before`: the `attempts_before` them."""
    page, subjects, ways = Page([], Counter()), dict[UUID, Subject | NudgePlanned](known), Ways(before)
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgePlanned):  # most of all facts, of which the fewest questions are asked
            subjects[entry.originator_id] = fact
            page.steps.append((fact.person, entry.position, fact.TOPIC))
            page.counts[_day(fact), fact.trigger, _NAMES[fact.TOPIC]] += 1
        elif isinstance(fact, LifeEvent):
            _add(page, sorted(fact.everybody), entry.position, fact.TOPIC, (fact.time.date(), "", fact.type))
        elif isinstance(fact, NUDGE_FACTS):
            about = subjects[entry.originator_id]
            recipient = getattr(fact, "recipient", None)
            whom = [about.person] if recipient in (None, about.person) else sorted((about.person, recipient))
            way = ways.of(entry.originator_id, fact)
            number = -1 if isinstance(fact, NudgeUndone) else 1
            _add(page, whom, entry.position, fact.TOPIC, (_day(fact), about.trigger, _what(fact, way)), number)
        elif isinstance(fact, ACCOUNTING_FACTS) and fact.person:
            page.steps.append((fact.person, entry.position, fact.TOPIC))
    return page


def _add(page: Page, persons: Iterable[str], position: int, topic: str, key: Key, number: int = 1) -> None:
    for person in persons:
        page.steps.append((person, position, topic))
    page.counts[key] += number


def _day(fact: NudgeFact) -> date:
    """When it was recorded; what people did counts on the day on which they did it."""
    at: datetime = fact.done_at if isinstance(fact, NudgeDone) else fact.at
    return at.date()


def _what(fact: NudgeFact, way: str) -> str:
    """The fact's name, with its way or reason where it has one: `sent.sms.kk`, `withheld.opted_out`."""
    name, detail = _NAMES[fact.TOPIC], way or getattr(fact, "reason", None)
    return f"{name}.{detail}" if detail else name


_NAMES = {each.TOPIC: each.TOPIC.removeprefix("nudge-").removesuffix("/1") for each in NUDGE_FACTS}
_NAMES[NudgeUndone.TOPIC] = _NAMES[NudgeDone.TOPIC]  # it takes one away


READER = "views"


class Follower:
    """Keeps trail and statistics; its position is committed with them, so nothing is counted twice."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def drain(self) -> int:
        """Follow to the end of the log; returns how many facts were new."""
        done = 0
        while (new := self._page()) is not None:
            done += new
        return done

    def catch_up(self, connection: Connection) -> int:
        """Follow to the end within a write transaction of the caller's; returns how many facts that were."""
        followed = 0
        while page := self._one_page(connection, positions.position_of(connection, READER)):
            followed += page
        return followed

    def _page(self) -> int | None:
        """One page further; None at the end, 0 where another follower was quicker."""
        with self._database.reading() as connection:
            after = positions.position_of(connection, READER)
            if after >= self._log.facts.last_position(connection):
                return None
        return self._database.write(lambda connection: self._one_page(connection, after), Priority.FOLLOWING)

    def _one_page(self, connection: Connection, after: int) -> int:
        entries = next(self._log.scan(after), None)
        if entries is None or positions.hold(connection, READER) != after:
            return 0
        found = nudges.by_id(connection, unnamed(entries))
        subjects = {id_: Subject(one.intent.person, one.intent.trigger) for id_, one in found.items()}
        page = page_of(entries, subjects, attempts_before(connection, self._log, entries))
        trail.add(connection, page.steps)
        statistics.add(connection, page.counts)
        positions.save(connection, READER, entries[-1].position)
        return len(entries)

    def behind(self) -> int:
        """How many positions the views are behind the log."""
        with self._database.reading() as connection:
            return self._log.facts.last_position(connection) - positions.position_of(connection, READER)
