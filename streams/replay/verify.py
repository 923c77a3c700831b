"""Verify: rebuild and compare every view, plan everybody again and compare; with a digest. Nothing is changed.

The digest compares two sites. It is a chain of SHA-256 over what does not depend on the order of arrival, the times
of recording, the processes or the kind of database. With the same key file, equal facts have equal digests.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import reduce
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, select

from domain.facts.facts import NudgeDone
from domain.nudges.diff import Change, diff
from domain.nudges.later_completion import afterwards
from domain.nudges.nudge import Nudge, evolve
from domain.planning.plan import Intent, Plan, whole_plan
from domain.rules.rulebook import Rulebook
from projections import area_plans, history, nudges
from projections.bulk import driver_rows
from projections.tables import nudges as nudge_rows
from streams.log.decoding import LIFE, head_of
from streams.log.log import Log
from streams.log.recorder import FactRecorder
from streams.log.row_codes import genuine
from streams.planning import histories
from streams.planning.histories import Recorded
from streams.planning.person_plans import leaving_undecided, planned_before_erasure
from streams.queues import jobs
from streams.queues.jobs import Save, Step
from streams.replay.rebuild import ViewRebuild
from streams.replay.rebuild_compare import ROWS, Rebuilt
from streams.rules.library import Library
from streams.storage.errors import SYSTEM_ERRORS
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows, stream_of

PAGE, PERSONS = 20_000, 500
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class Compared(NamedTuple):
    """The result for some persons: all their intents, and counts.

    Counted are persons with other nudges than planned (`unlike`), waiting for a plan (`waiting`), living where an
    area event waits (`residents`), or without a possible plan (`unplannable`), and nudges whose thing was done after
    they were sent, without a note in the log (`unnoted`).
    """

    intents: Sequence[Intent]
    unlike: int = 0
    waiting: int = 0
    residents: int = 0
    unplannable: int = 0
    unnoted: int = 0

    def joined(self, other: "Compared") -> "Compared":
        """Return the result joined with that of later persons."""
        counts = [one + more for one, more in zip(self[1:], other[1:], strict=True)]
        return Compared([*self.intents, *other.intents], *counts)


class People(NamedTuple):
    """Some persons at one moment.

    `areas`: area events that wait to be planned; `left`: nudges planned before an erasure, which plans leave as they
    are.
    """

    known: Mapping[str, Recorded]
    nudges: Mapping[str, Mapping[UUID, Nudge]]
    waiting: AbstractSet[str]
    areas: AbstractSet[UUID]
    left: AbstractSet[UUID]

    def compared(self, rulebook: Rulebook, now: datetime) -> Compared:
        """Compare with what the persons' plans ask for.

        Left out are only the nudges of residents that a waiting area event may change.
        """
        plans = {
            person: leaving_undecided(whole_plan(known.history(person, rulebook.catalogue), rulebook), self.left)
            for person, known in self.known.items()
        }
        left_out = {person: self._left_out(person, rulebook) for person in plans if person not in self.waiting}
        owed = {
            person: self._owed(person, plans[person], rulebook, now, triggers)
            for person, triggers in left_out.items()
        }
        unlike = sum(any(not _is_note(change) for change in changes) for changes in owed.values())
        unnoted = {change.nudge for changes in owed.values() for change in changes if _is_note(change)}
        intents = [intent for plan in plans.values() for intent in plan.intents]
        residents = sum(map(bool, left_out.values()))
        return Compared(intents, unlike, len(self.waiting), residents, unnoted=len(unnoted))

    def _left_out(self, person: str, rulebook: Rulebook) -> set[str]:
        """Return the triggers that cannot be compared yet."""
        types = {
            event.type
            for event, _ in (self.known[person].areas if self.areas else ())
            if rulebook.names.stream(event.source, event.original) in self.areas
        }
        return {version.trigger.name for version in rulebook.about(types)} if types else set()

    def _owed(
        self, person: str, plan: Plan, rulebook: Rulebook, now: datetime, left_out: AbstractSet[str]
    ) -> list[Change]:
        """Return the changes that the plan asks for, except of the triggers left out."""
        known = self.nudges[person]
        changes = diff(plan, known, rulebook, now)
        changes += afterwards(plan, known, changes, now)
        return [
            change for change in changes if evolve(known.get(change.nudge), *change).intent.trigger not in left_out
        ]


def _is_note(change: Change) -> bool:
    """Return True if the change only notes that a thing was done after its nudge; older logs lack such notes."""
    return type(change.fact) is NudgeDone  # not NudgeUndone, which takes back what is wrong


def compared(connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook, now: datetime) -> Compared:
    """Compare these persons; those who cannot be planned are found by halving."""
    try:
        return people(connection, log, persons, rulebook).compared(rulebook, now)
    except SYSTEM_ERRORS:
        raise
    except Exception:  # noqa: BLE001  (whatever a defect about one person's facts raises, as planning takes it)
        if len(persons) == 1:
            return Compared((), unplannable=1)
    half = len(persons) // 2
    first, second = (compared(connection, log, part, rulebook, now) for part in (persons[:half], persons[half:]))
    return first.joined(second)


def people(connection: Connection, log: Log, persons: Sequence[str], rulebook: Rulebook) -> People:
    """Read these persons as they are now."""
    known = nudges.of_persons(connection, persons)
    return People(
        histories.recorded(connection, log, persons, rulebook),
        known,
        history.waiting_among(connection, persons),
        area_plans.waiting_for(connection),
        planned_before_erasure(connection, log, known),
    )


class Verified(Struct, frozen=True):
    """The result. `views`: view -> rows that differ; `unlike`: persons whose nudges differ from their plan.

    Not compared: persons who wait for a plan (`waiting`) or cannot be planned (`unplannable`), and the nudges of
    `residents` that waiting area events (`areas`) may change. `unnoted`: nudges whose thing was done after they were
    sent, without a note in the log; that is no difference, and a repair adds it. `facts`, `intents`, `nudges`:
    counts.
    """

    views: dict[str, int] = {}
    unlike: int = 0
    waiting: int = 0
    unplannable: int = 0
    areas: int = 0
    residents: int = 0
    unnoted: int = 0
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

    def longer(self, what: str, parts: list[bytes]) -> dict[str, str]:
        """Return the digests, with that of `what` continued by these parts."""
        return {**self.digests, what: chained(self.digests.get(what, ""), parts)}

    def with_people(self, found: Compared) -> "Verified":
        """Return the result with more persons."""
        return replace(
            self,
            intents=self.intents + len(found.intents),
            unlike=self.unlike + found.unlike,
            waiting=self.waiting + found.waiting,
            unplannable=self.unplannable + found.unplannable,
            residents=self.residents + found.residents,
            unnoted=self.unnoted + found.unnoted,
            digests=self.longer("intents", [_encode(intent) for intent in found.intents]),
        )


TWICE = "facts, each counted twice"
"""The unit of progress: the log is read once for the views, and once for everything else."""


class VerificationProgress(Struct, frozen=True):
    """The progress of a verification: its part, and the last item done of it."""

    part: str = "views"
    after: str = ""
    done: int = 0
    found: Verified = Verified()


def chained(digest: str, parts: list[bytes]) -> str:
    """Continue the digest by more parts; paging does not change the result."""
    return reduce(lambda before, part: sha256(before + part).digest(), parts, bytes.fromhex(digest)).hex()


class Verification:
    """The work of a verification job."""

    def __init__(self, rebuilding: ViewRebuild, log: Log, library: Library) -> None:
        self._rebuilding, self._log, self._library = rebuilding, log, library
        self._database = log.database

    def count(self, cursor: str) -> jobs.Plan:
        """Count the facts twice: once for the views, once for everything else."""
        plan = self._rebuilding.count(cursor)
        what = "rebuild and compare all views, plan everybody again"
        return replace(plan, what=what, count=2 * plan.count, unit=TWICE)

    def step(self, cursor: str, save: Save) -> Step:
        """Do the next page."""
        at = msgspec.json.decode(cursor, type=VerificationProgress) if cursor else VerificationProgress()
        if at.part == "views":
            return self._view(at, save)
        with self._database.reading() as connection:
            last = FactRecorder.last_position(connection)
        at = {"facts": self._some_facts, "nudges": self._some_nudges, "intents": self._some_intents}[at.part](at)
        return _job_step(at, last)

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

    def _some_facts(self, at: VerificationProgress) -> VerificationProgress:
        """Read a page of life events in the order of their streams, which are hashes of source and id."""
        query = log_rows.where(log_table.c.topic == LIFE).order_by(log_table.c.originator_id).limit(PAGE)
        if at.after:
            query = query.where(log_table.c.originator_id > UUID(at.after))
        with self._database.reading() as connection:
            there = list(driver_rows(connection, query))
            rows = [(stream_of(row[1]), head_of(row).digest) for row in genuine(connection, there)]
        if not there:
            return replace(at, part="nudges", after="")
        found = replace(
            at.found,
            facts=at.found.facts + len(rows),
            digests=at.found.longer("facts", [stream.bytes + digest for stream, digest in rows]),
        )
        return replace(at, after=stream_of(there[-1][1]).hex, done=at.done + len(rows), found=found)

    def _some_nudges(self, at: VerificationProgress) -> VerificationProgress:
        """Read a page of the states of nudges."""
        query = select(nudge_rows.c.nudge, nudge_rows.c.state).order_by(nudge_rows.c.nudge).limit(PAGE)
        if at.after:
            query = query.where(nudge_rows.c.nudge > UUID(at.after))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return replace(at, part="intents", after="")
        found = replace(
            at.found,
            nudges=at.found.nudges + len(rows),
            digests=at.found.longer("nudges", [id_.bytes + state.encode() for id_, state in rows]),
        )
        return replace(at, after=rows[-1][0].hex, done=at.done + len(rows), found=found)

    def _some_intents(self, at: VerificationProgress) -> VerificationProgress:
        """Plan a page of persons, and compare their nudges with their plans."""
        with self._database.reading() as connection:
            rules = self._library.rules_of_log(connection)
            persons = history.persons_after(connection, at.after, PERSONS)
            if not persons:
                return replace(at, part="end", found=replace(at.found, areas=area_plans.waiting(connection)))
            found = compared(connection, self._log, persons, rules.rulebook, self._log.clock())
        return replace(at, after=persons[-1], found=at.found.with_people(found))

    def rest(self) -> None:
        """Release what the rebuild holds."""
        self._rebuilding.rest()

    def abandon(self) -> None:
        """Drop the shadow."""
        self._rebuilding.abandon()


def _job_step(at: VerificationProgress, last: int) -> Step:
    finished = at.part == "end"
    words = at.found.words if finished else ""
    done = min(at.done, 2 * last) if not finished else 2 * last
    return Step(msgspec.json.encode(at).decode(), done, of=2 * last, finished=finished, words=words, unit=TWICE)
