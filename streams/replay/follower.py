"""The follower reads the log by position and keeps the views `trail` and `statistics`.

Facts after an attempt do not repeat its channel and language, so the follower remembers them to count by both.
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
    NudgeCancelled,
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
from streams.log.log import PAGE, Log
from streams.log.mapper import Entry
from streams.replay import hourly
from streams.replay.hourly import ARRIVED, PRICED, Hour, hour_of
from streams.storage.database import Database, Priority

TELLING = (NudgeSent, NudgeDelivered, NudgeOpened, NudgeAnswered, NudgeDone)
"""The good outcomes of an attempt. Each is counted by the attempt's channel and language."""
DeliveryKey = tuple[UUID, str]
"""A delivery: its nudge and its recipient."""


class AttemptWays:
    """Attributes outcomes to channel and language of their attempts: `sms.kk`, or `sms` for an unknown language."""

    def __init__(self, attempts: Iterable[Entry] = ()) -> None:
        self.attempted: set[UUID] = set()
        self._of: dict[tuple[DeliveryKey, int], str] = {}
        self._last: dict[DeliveryKey, str] = {}
        for entry in attempts:
            self.of(entry.originator_id, entry.fact)  # type: ignore[arg-type]  # of streams of nudges

    def of(self, nudge: UUID, fact: NudgeFact) -> str:
        """Return the channel and language of the attempt that a fact is or is about; "" if it is about none."""
        if isinstance(fact, NudgeAttempted):
            whose = (nudge, fact.recipient)
            self.attempted.add(nudge)
            self._of[whose, fact.attempt] = self._last[whose] = _way(fact)
            return self._last[whose]
        if isinstance(fact, NudgeAnswered):
            return self._last.get((nudge, fact.recipient), "")
        return self._of.get(((nudge, fact.recipient), fact.attempt), "") if isinstance(fact, TELLING) else ""


def attempts_before(connection: Connection, log: Log, entries: Sequence[Entry]) -> list[Entry]:
    """Return the earlier attempts that the entries are about, although they are not among them themselves."""
    found = log.streams(connection, _untold(entries), (NudgeAttempted.TOPIC,))
    return [entry for entry in found if entry.position < entries[0].position]


def _untold(entries: Iterable[Entry]) -> set[UUID]:
    ways, found = AttemptWays(), set()
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgeAttempted):
            ways.of(entry.originator_id, fact)
        elif (isinstance(fact, TELLING) and not ways.of(entry.originator_id, fact)) or (
            isinstance(fact, NudgeCancelled) and entry.originator_id not in ways.attempted
        ):
            found.add(entry.originator_id)
    return found


def _way(fact: NudgeAttempted) -> str:
    """Return channel and language; members of a digest count under `digest`, as they cost no message of their own."""
    channel = DIGEST if fact.provider == DIGEST else fact.channel
    return f"{channel}.{fact.language}" if fact.language else channel


class Subject(Struct, frozen=True):
    """A nudge's person and trigger, which only its first fact has."""

    person: str
    trigger: str


class ViewAdditions(Struct, frozen=True):
    """The additions of a page of the log to trail (`steps`), statistics (`counts`) and hourly counts (`hours`)."""

    steps: list[Step]
    counts: Counter[Key]
    hours: Counter[Hour]


def unnamed(entries: Iterable[Entry]) -> set[UUID]:
    """Return the nudges whose subject must be looked up, because their planning is not in the page."""
    first: dict[UUID, Entry] = {}
    for entry in entries:
        if isinstance(entry.fact, NUDGE_FACTS):
            first.setdefault(entry.originator_id, entry)
    return {id_ for id_, entry in first.items() if not isinstance(entry.fact, NudgePlanned)}


def additions_of(
    entries: Sequence[Entry], known: Mapping[UUID, Subject], before: Iterable[Entry] = ()
) -> ViewAdditions:
    """Return the additions of the entries, given the subjects of the `unnamed` nudges and the `attempts_before`."""
    page, subjects, ways = (
        ViewAdditions([], Counter(), Counter()),
        dict[UUID, Subject | NudgePlanned](known),
        AttemptWays(before),
    )
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgePlanned):  # the most frequent fact, and the simplest
            subjects[entry.originator_id] = fact
            page.steps.append((fact.person, entry.position, fact.TOPIC))
            page.counts[_day(fact), fact.trigger, _NAMES[fact.TOPIC]] += 1
            page.hours[hour_of(fact.at), "", _NAMES[fact.TOPIC]] += 1
        elif isinstance(fact, LifeEvent):
            _add(page, sorted(fact.everybody), entry.position, fact.TOPIC, (fact.time.date(), "", fact.type))
            if entry.recorded is not None:
                page.hours[hour_of(entry.recorded), "", ARRIVED] += 1
        elif isinstance(fact, NUDGE_FACTS):
            about = subjects[entry.originator_id]
            recipient = getattr(fact, "recipient", None)
            whom = [about.person] if recipient in (None, about.person) else sorted((about.person, recipient))
            way = ways.of(entry.originator_id, fact)
            if isinstance(fact, NudgeCancelled) and entry.originator_id in ways.attempted:
                page.steps.extend((person, entry.position, fact.TOPIC) for person in whom)
                continue  # what was sent or failed counts as that
            number = -1 if isinstance(fact, NudgeUndone) else 1
            _add(page, whom, entry.position, fact.TOPIC, (_day(fact), about.trigger, _what(fact, way)), number)
            name, channel = _NAMES[fact.TOPIC], way.partition(".")[0]
            what = f"{name}.{channel}" if channel else name
            page.hours[hour_of(fact.at), about.trigger if what == PRICED else "", what] += number
        elif isinstance(fact, ACCOUNTING_FACTS) and fact.person:
            page.steps.append((fact.person, entry.position, fact.TOPIC))
    return page


def _add(page: ViewAdditions, persons: Iterable[str], position: int, topic: str, key: Key, number: int = 1) -> None:
    for person in persons:
        page.steps.append((person, position, topic))
    page.counts[key] += number


def _day(fact: NudgeFact) -> date:
    """Return the day on which the fact counts: of its recording, or (NudgeDone) on which the citizen did it."""
    at: datetime = fact.done_at if isinstance(fact, NudgeDone) else fact.at
    return at.date()


def _what(fact: NudgeFact, way: str) -> str:
    """Return the fact's name, with its channel and language or its reason: `sent.sms.kk`, `withheld.opted_out`."""
    name, detail = _NAMES[fact.TOPIC], way or getattr(fact, "reason", None)
    return f"{name}.{detail}" if detail else name


_NAMES = {kind.TOPIC: kind.TOPIC.removeprefix("nudge-").removesuffix("/1") for kind in NUDGE_FACTS}
_NAMES[NudgeUndone.TOPIC] = _NAMES[NudgeDone.TOPIC]  # counted as -1 of it


READER = positions.VIEWS


class Follower:
    """Keeps trail and statistics; its position is committed with them, so nothing is counted twice."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def drain(self) -> int:
        """Follow to the present end of the log; return the number of new facts.

        Facts that come in meanwhile wait for the next time, because a page costs the same for one fact as for many.
        """
        with self._database.reading() as connection:
            end = self._log.facts.last_position(connection)
        done = 0
        while (new := self._page(end)) is not None:
            done += new
        return done

    def catch_up(self, connection: Connection) -> int:
        """Follow to the end within the caller's write transaction; return the number of new facts."""
        followed = 0
        while page := self._one_page(connection, positions.position_of(connection, READER)):
            followed += page
        return followed

    def _page(self, end: int) -> int | None:
        """Follow one page; return its facts, 0 if another follower was quicker, None if that position is reached."""
        with self._database.reading() as connection:
            after = positions.position_of(connection, READER)
        if after >= end:
            return None
        return self._database.write(lambda connection: self._one_page(connection, after), Priority.FOLLOWING)

    def _one_page(self, connection: Connection, after: int) -> int:
        entries = self._log.page(connection, after, limit=PAGE, opened=False)
        if not entries or positions.hold(connection, READER) != after:
            return 0
        found = nudges.by_id(connection, unnamed(entries))
        subjects = {id_: Subject(one.intent.person, one.intent.trigger) for id_, one in found.items()}
        page = additions_of(entries, subjects, attempts_before(connection, self._log, entries))
        trail.add(connection, page.steps)
        statistics.add(connection, page.counts)
        hourly.add(connection, page.hours)
        positions.save(connection, READER, entries[-1].position)
        return len(entries)

    def behind(self) -> int:
        """Return the number of positions that the views are behind the log."""
        with self._database.reading() as connection:
            return self._log.facts.last_position(connection) - positions.position_of(connection, READER)
