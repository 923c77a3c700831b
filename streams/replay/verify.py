"""Verify: rebuild and compare every view, plan everybody again and compare; with a digest. Nothing is changed.

The digest compares two sites. It is a chain of SHA-256 over what does not depend on the order of arrival, the times
of recording, the processes or the kind of database. With the same key file, equal facts have equal digests.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from hashlib import sha256
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace
from sqlalchemy import Column, ColumnElement, Connection, select

from domain.core.ids import first_id_of_share
from domain.core.translatable import N_, Said
from domain.facts.facts import NudgeCancelled, NudgePlanned
from domain.nudges.diff import Change
from domain.nudges.later_completion import is_note
from domain.nudges.nudge import evolve
from domain.planning.plan import Intent, Plan, whole_plan
from domain.rules.rulebook import Rulebook
from projections import area_plans, history, nudges
from projections.bulk import driver_rows
from projections.tables import nudges as nudge_rows
from streams.log.decoding import LIFE, life_of
from streams.log.log import Log
from streams.log.recorder import FactRecorder
from streams.log.row_codes import genuine
from streams.planning import histories
from streams.planning.histories import EVERYBODY, Revisions
from streams.planning.person_plans import changes_of, leaving_undecided, planned_before_erasure
from streams.queues import jobs
from streams.queues.jobs import Save, Step
from streams.replay.rebuild import ViewRebuild
from streams.replay.rebuild_compare import ROWS, Rebuilt
from streams.rules.library import Library
from streams.storage.errors import SYSTEM_ERRORS
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows, stream_of

PAGE, PERSONS = 10_000, 500
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


_COUNTS = ("unlike", "waiting", "residents", "unplannable", "unnoted")


class VerifiedPersons(NamedTuple):
    """The result for some persons: all their intents, and counts.

    Counted are persons with other nudges than planned (`unlike`), waiting for a plan (`waiting`), living where an
    area event waits (`residents`), or without a possible plan (`unplannable`), nudges whose thing was done or whose
    event was corrected after they were sent, without a note in the log (`unnoted`), and by trigger the nudges
    that are not as planned (`triggers`).
    """

    intents: Sequence[Intent]
    unlike: int = 0
    waiting: int = 0
    residents: int = 0
    unplannable: int = 0
    unnoted: int = 0
    triggers: Mapping[str, "Differing"] = {}

    def joined(self, other: "VerifiedPersons") -> "VerifiedPersons":
        """Return the result joined with that of later persons."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        triggers = summed(self.triggers, other.triggers)
        return VerifiedPersons([*self.intents, *other.intents], **counts, triggers=triggers)


class Differing(Struct, frozen=True):
    """Nudges of a trigger that are not as planned: the plan asks for them, or no longer does, or they differ."""

    missing: int = 0
    extra: int = 0
    different: int = 0

    def __add__(self, other: "Differing") -> "Differing":
        return Differing(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


def summed(one: Mapping[str, Differing], other: Mapping[str, Differing]) -> dict[str, Differing]:
    """Return trigger -> the sum of both."""
    names = sorted({*one, *other})
    return {name: one.get(name, Differing()) + other.get(name, Differing()) for name in names}


class _PersonsAtOnce:
    """Some persons at one moment."""

    def __init__(self, connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook) -> None:
        self._rulebook, self._known = rulebook, histories.revisions_of(connection, log, persons, rulebook)
        self._nudges = nudges.of_persons(connection, persons)
        self._waiting = history.waiting_among(connection, persons)
        self._areas = area_plans.waiting_for(connection)
        self._left = planned_before_erasure(connection, log, self._nudges)  # plans leave these as they are

    def compared(self, now: datetime) -> VerifiedPersons:
        """Compare with what the persons' plans ask for.

        Left out are only the nudges of residents that a waiting area event may change.
        """
        plans = {person: self._plan(person, known) for person, known in self._known.items()}
        left_out = {person: self._left_out(person) for person in plans if person not in self._waiting}
        owed: dict[str, list[Change]] = {}
        unnoted: set[UUID] = set()
        for person, triggers_left_out in left_out.items():
            known = self._nudges[person]
            changes = [
                change
                for change in changes_of(plans[person], known, self._rulebook, now)
                if self._trigger(person, change) not in triggers_left_out
            ]
            notes = [change for change in changes if is_note(change, known.get(change.nudge))]
            unnoted.update(change.nudge for change in notes)
            owed[person] = [change for change in changes if change not in notes]
        intents = [intent for plan in plans.values() for intent in plan.intents]
        residents, unlike = (sum(map(bool, each.values())) for each in (left_out, owed))
        triggers = self._differing(owed)
        return VerifiedPersons(
            intents, unlike, len(self._waiting), residents, unnoted=len(unnoted), triggers=triggers
        )

    def _plan(self, person: str, known: Revisions) -> Plan:
        plan = whole_plan(known.history(person, self._rulebook.catalogue), self._rulebook)
        return leaving_undecided(plan, self._left)

    def _trigger(self, person: str, change: Change) -> str:
        return evolve(self._nudges[person].get(change.nudge), *change).intent.trigger

    def _differing(self, owed: Mapping[str, Sequence[Change]]) -> dict[str, Differing]:
        """Return the differences by trigger; a nudge with several changes is one difference."""
        found: dict[str, Differing] = {}
        for person, changes in owed.items():
            first = {change.nudge: change for change in reversed(changes)}
            for change in first.values():
                trigger = self._trigger(person, change)
                difference = _DIFFERENCES.get(type(change.fact), Differing(different=1))
                found[trigger] = found.get(trigger, Differing()) + difference
        return found

    def _left_out(self, person: str) -> set[str]:
        """Return the triggers that cannot be compared yet."""
        types = {
            event.type
            for event, _ in (self._known[person].areas if self._areas else ())
            if self._rulebook.names.stream(event.source, event.original) in self._areas
        }
        return {version.trigger.name for version in self._rulebook.versions_about(types)} if types else set()


_DIFFERENCES: Mapping[type, Differing] = {
    NudgePlanned: Differing(missing=1),
    NudgeCancelled: Differing(extra=1),
}
"""The fact that a plan asks for -> the difference; all others: the nudge differs."""


def compared(
    connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook, now: datetime
) -> VerifiedPersons:
    """Compare these persons; those who cannot be planned are found by halving."""
    try:
        return _PersonsAtOnce(connection, log, persons, rulebook).compared(now)
    except SYSTEM_ERRORS:
        raise
    except Exception:  # noqa: BLE001  (whatever a defect about one person's facts raises, as planning takes it)
        if len(persons) == 1:
            return VerifiedPersons((), unplannable=1)
    half = len(persons) // 2
    first, second = (compared(connection, log, part, rulebook, now) for part in (persons[:half], persons[half:]))
    return first.joined(second)


def continued_digest(digest: str, items: Sequence[bytes]) -> str:
    """Continue the digest by more items; paging does not change the result."""
    return reduce(lambda before, item: sha256(before + item).digest(), items, bytes.fromhex(digest)).hex()


class Range(NamedTuple):
    """A range to look at, after one key and up to another (None: no bound): `facts`, `nudges` or `intents`.

    Keys are ids of streams and nudges in hexadecimal digits, or pseudonyms. `now`: the time for which persons are
    planned.
    """

    what: str
    after: str
    upto: str | None
    now: datetime


class RangeFound(NamedTuple):
    """The content of a range. `read`: the rows or persons in it; `items`: what continues the digest, in order.

    `counts`: those of persons, without intents.
    """

    range: Range
    read: int
    items: list[bytes]
    counts: VerifiedPersons = VerifiedPersons(())


class Verified(Struct, frozen=True):
    """The result. `views`: view -> rows that differ; `unlike`: persons whose nudges differ from their plan.

    `persons`: so many were looked at; `triggers`: the nudges that are not as planned, by trigger.
    Not compared: persons who wait for a plan (`waiting`) or cannot be planned (`unplannable`), and the nudges of
    `residents` that waiting area events (`areas`) may change. `unnoted`: nudges whose thing was done or whose event
    was corrected after they were sent, without a note in the log; that is no difference, and a repair adds it.
    `facts`, `intents`, `nudges`: counts.
    """

    views: dict[str, int] = {}
    unlike: int = 0
    waiting: int = 0
    unplannable: int = 0
    areas: int = 0
    residents: int = 0
    unnoted: int = 0
    triggers: dict[str, Differing] = {}
    persons: int = 0
    facts: int = 0
    intents: int = 0
    nudges: int = 0
    digests: dict[str, str] = {}

    @property
    def equal(self) -> bool:
        """True if nothing differs from the log."""
        return not (any(self.views.values()) or self.unlike)

    @property
    def digest(self) -> str:
        """The digest of all digests."""
        return sha256("".join(value for _, value in sorted(self.digests.items())).encode()).hexdigest()

    @property
    def words(self) -> str:
        """The result as JSON, with the digest of all."""
        return msgspec.json.encode({**msgspec.to_builtins(self), "digest": self.digest}).decode()

    def joined(self, found: RangeFound) -> "Verified":
        """Return the result with one more range."""
        if not found.read:
            return self
        what, before = found.range.what, self
        if what == "intents":
            before = self.compared(found.counts, found.read)
        digests = {**self.digests, what: continued_digest(self.digests.get(what, ""), found.items)}
        return replace(before, **{what: getattr(self, what) + len(found.items)}, digests=digests)

    def compared(self, found: VerifiedPersons, persons: int) -> "Verified":
        """Return the result with what was found of more persons, `persons` by number; without a digest."""
        counts = {name: getattr(self, name) + getattr(found, name) for name in _COUNTS}
        counts |= {"persons": self.persons + persons, "intents": self.intents + len(found.intents)}
        return replace(self, **counts, triggers=summed(self.triggers, found.triggers))


TWICE = N_("facts, each counted twice")
"""The unit of progress: the log is read once for the views, and once for everything else."""


FOLLOWING = {"facts": "nudges", "nudges": "intents", "intents": "end"}
"""Part -> the next one."""


def _edges(part: str, of: int) -> list[str]:
    """Return the keys that divide what is looked at in so many ranges of about the same size."""
    if part == "intents":
        return [share.upto for share in EVERYBODY.shares(of) if share.upto is not None]
    return [first_id_of_share(number, of).hex for number in range(1, of)]


class VerificationProgress(Struct, frozen=True):
    """The progress of a verification: its part, and the last item done of it."""

    part: str = "views"
    after: str = ""
    done: int = 0
    found: Verified = Verified()


class Ranges:
    """Looks at ranges, in any process that has the database and the keys."""

    def __init__(self, log: Log, library: Library) -> None:
        self._log, self._library = log, library

    def look(self, range_: Range) -> RangeFound:
        """Look at one range."""
        return {"facts": self._facts, "nudges": self._nudges, "intents": self._intents}[range_.what](range_)

    def _facts(self, range_: Range) -> RangeFound:
        """Read life events in the order of their streams, which are hashes of source and id."""
        query = log_rows.where(log_table.c.topic == LIFE, *_within(log_table.c.originator_id, range_))
        with self._log.database.reading() as connection:
            rows = list(driver_rows(connection, query.order_by(log_table.c.originator_id)))
            known = [stream_of(row[1]).bytes + life_of(row).digest for row in genuine(connection, rows)]
        return RangeFound(range_, len(rows), known)

    def _nudges(self, range_: Range) -> RangeFound:
        """Read the states of nudges."""
        query = select(nudge_rows.c.nudge, nudge_rows.c.state).where(*_within(nudge_rows.c.nudge, range_))
        with self._log.database.reading() as connection:
            rows = connection.execute(query.order_by(nudge_rows.c.nudge)).all()
        return RangeFound(range_, len(rows), [id_.bytes + state.encode() for id_, state in rows])

    def _intents(self, range_: Range) -> RangeFound:
        """Plan persons, some at a time, and compare their nudges with their plans."""
        found, after, read, items = VerifiedPersons(()), range_.after, 0, list[bytes]()
        while True:
            with self._log.database.reading() as connection:
                rules = self._library.rules_of_log(connection)
                persons = history.persons_after(connection, after, PERSONS, range_.upto)
                if not persons:
                    return RangeFound(range_, read, items, found)
                some = compared(connection, self._log, persons, rules.rulebook, range_.now)
            items += [_encode(intent) for intent in some.intents]
            found, after, read = found.joined(some._replace(intents=())), persons[-1], read + len(persons)


def _within(column: Column[UUID], range_: Range) -> list[ColumnElement[bool]]:
    bounds = [column > UUID(range_.after)] if range_.after else []
    return bounds + ([column <= UUID(range_.upto)] if range_.upto else [])


class RangeExecutor(Protocol):
    """Looks at several ranges."""

    @property
    def at_once(self) -> int:
        """The number of ranges in a step."""

    def found(self, ranges: Sequence[Range]) -> Iterable[RangeFound]:
        """Return what the ranges hold, in any order."""

    def close(self) -> None:
        """End the processes that looked."""


class InThisProcess:
    """Looks at one range in a step."""

    def __init__(self, ranges: Ranges) -> None:
        self._ranges = ranges

    @property
    def at_once(self) -> int:
        """One."""
        return 1

    def found(self, ranges: Sequence[Range]) -> Iterable[RangeFound]:
        """Return what the ranges hold."""
        return map(self._ranges.look, ranges)

    def close(self) -> None:
        """Do nothing."""


class Verification:
    """The work of a verification job. `page`: about as many facts are in a range."""

    def __init__(self, rebuilding: ViewRebuild, log: Log, executor: RangeExecutor, page: int = PAGE) -> None:
        self._rebuilding, self._log, self._executor, self._page = rebuilding, log, executor, page

    def count(self, cursor: str) -> jobs.Plan:
        """Count the facts twice: once for the views, once for everything else."""
        plan = self._rebuilding.count(cursor)
        what = Said("rebuild and compare all views, plan everybody again")
        return replace(plan, what=what, count=2 * plan.count, unit=TWICE)

    def step(self, cursor: str, save: Save) -> Step:
        """Look at the next ranges."""
        at = msgspec.json.decode(cursor, type=VerificationProgress) if cursor else VerificationProgress()
        if at.part == "views":
            return self._view(at, save)
        with self._log.database.reading() as connection:
            last = FactRecorder.last_position(connection)
        return _job_step(self._further(at, max(1, -(-last // self._page))), last)

    def _view(self, at: VerificationProgress, save: Save) -> Step:
        """Do the rebuild's next step; its end is the beginning of the next part."""

        def onward(step: Step) -> Step:
            if not step.finished:
                further = _job_step(replace(at, after=step.cursor, done=step.done), step.of or step.done)
                return replace(further, of=step.of, unit=ROWS) if step.unit == ROWS else further
            views = dict(msgspec.json.decode(step.words, type=Rebuilt).differences)
            return replace(
                _job_step(VerificationProgress("facts", "", step.done, Verified(views=views)), step.done), unit=TWICE
            )

        return onward(self._rebuilding.step(at.after, lambda connection, step: save(connection, onward(step))))

    def _further(self, at: VerificationProgress, of: int) -> VerificationProgress:
        """Check the next of `of` ranges, and join their results in order."""
        edges = [edge for edge in _edges(at.part, of) if edge > at.after][: self._executor.at_once]
        ends = [*edges, None][: self._executor.at_once]
        now = self._log.clock()
        ranges = [Range(at.part, after, upto, now) for after, upto in zip([at.after, *edges], ends, strict=False)]
        found, done = at.found, at.done
        for each in sorted(self._executor.found(ranges), key=lambda each: each.range.after):
            found = found.joined(each)
            done += len(each.items) if at.part != "intents" else 0
        if (after := ends[-1]) is not None:
            return replace(at, after=after, done=done, found=found)
        if (part := FOLLOWING[at.part]) == "end":
            with self._log.database.reading() as connection:
                found = replace(found, areas=len(area_plans.waiting_for(connection)))
        return VerificationProgress(part, "", done, found)

    def rest(self) -> None:
        """Release what the rebuild holds, and end the other processes."""
        self._executor.close()
        self._rebuilding.rest()

    def abandon(self) -> None:
        """Drop the shadow."""
        self._rebuilding.abandon()


def _job_step(at: VerificationProgress, last: int) -> Step:
    finished = at.part == "end"
    words = at.found.words if finished else ""
    done = min(at.done, 2 * last) if not finished else 2 * last
    return Step(msgspec.json.encode(at).decode(), done, of=2 * last, finished=finished, words=words, unit=TWICE)
